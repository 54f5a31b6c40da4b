"""Draws one picture of a product, good or with one defect and its exact mask."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from restora.demo.canvas import Field, Grid
from restora.demo.fabric import FABRIC
from restora.demo.faults import Spot
from restora.demo.light import photograph, shade
from restora.demo.part import PART
from restora.demo.product import Product
from restora.errors import UsageError

PRODUCTS: dict[str, Product[Any]] = {product.name: product for product in (PART, FABRIC)}

BOUND = 8  # grey levels of 255: what differs by more from the good twin is the defect
SMALLEST = 1 / 6000  # share of the picture; a defect that changes less is drawn again, elsewhere
TRIES = 40


@dataclass(frozen=True)
class Drawn:
    """A picture, uint8 [H, W, 3], and where it is defective, bool [H, W] (all False for "good")."""

    pixels: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]


def draw(product: str, kind: str, rng_seed: int, size: int = 256) -> Drawn:
    """One picture of `product`; `kind` is "good" or one of `PRODUCTS[product].kinds`.

    The same seed and kind give the same picture; with another numpy, Pillow or processor to a grey level or so, since
    sines and roots may round otherwise. A defective picture is that of its good twin (same seed, "good") but for the
    defect, noise included; its mask is exactly where the two differ by more than 8 grey levels in any channel.
    Raises UsageError for an unknown product or kind, or a size under 32.
    """
    made = _find(product, kind, size)
    streams = np.random.SeedSequence([zlib.crc32(product.encode()), rng_seed]).spawn(4)
    grid = Grid.square(size)
    plan = made.plan(np.random.default_rng(streams[0]))
    light = made.light(np.random.default_rng(streams[1]))

    def picture(radiance: Field) -> npt.NDArray[np.uint8]:
        return photograph(radiance, light, np.random.default_rng(streams[2]))

    surface = made.paint(plan, grid)
    good = picture(shade(surface, light, grid))
    if kind == "good":
        return Drawn(good, np.zeros((size, size), dtype=np.bool_))
    rng = np.random.default_rng([zlib.crc32(kind.encode()), *streams[3].generate_state(2).tolist()])
    for _ in range(TRIES):
        strength = float(rng.random())
        if kind in made.makes:
            spoiled = made.paint(made.makes[kind](plan, strength, rng), grid)
        else:
            spoiled = made.faults[kind](surface, grid, Spot(*made.place(surface, grid, rng), strength), rng)
        pixels = picture(shade(spoiled, light, grid))
        mask = np.abs(pixels.astype(np.int16) - good.astype(np.int16)).max(axis=2) > BOUND
        if mask.sum() >= size * size * SMALLEST:
            return Drawn(pixels, mask)
    raise RuntimeError(f"{product}/{kind} with seed {rng_seed} stayed invisible in {TRIES} tries")


def _find(product: str, kind: str, size: int) -> Product[Any]:
    if product not in PRODUCTS:
        raise UsageError(f"There is no drawn product {product!r}; there are: {', '.join(PRODUCTS)}.")
    made = PRODUCTS[product]
    if kind != "good" and kind not in made.kinds:
        raise UsageError(f"{product} has no defect {kind!r}; it has: good, {', '.join(made.kinds)}.")
    if size < 32:
        raise UsageError(f"A drawn picture of {size} pixels would show nothing; ask for 32 or more.")
    return made
