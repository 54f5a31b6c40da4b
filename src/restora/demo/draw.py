"""Draws one picture of a product, good or with one defect and its exact mask."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from restora.demo.board import BOARD
from restora.demo.canvas import Grid
from restora.demo.cap import CAP
from restora.demo.fabric import FABRIC
from restora.demo.faults import Spot
from restora.demo.light import Light, Surface, photograph, shade
from restora.demo.part import LOOSE_PART, PART
from restora.demo.product import Product
from restora.errors import UsageError

PRODUCTS: dict[str, Product[Any]] = {product.name: product for product in (PART, FABRIC, BOARD, CAP, LOOSE_PART)}
SHOWN: tuple[str, ...] = tuple(name for name, product in PRODUCTS.items() if not product.research)  # in `restora demo`

BOUND = 8  # grey levels of 255: what differs by more from the good twin is the defect
SMALLEST = 1 / 6000  # share of the picture; a defect that changes less is drawn again, elsewhere
HARD = 0.25  # a defect of less strength is a hard one, which a person finds after a look
CLEAR = 0.4  # one of this strength or more is seen at a glance: it changes PLAIN of the picture by PLAINLY at least
PLAIN, PLAINLY = 1 / 700, 32
TRIES = 40


@dataclass(frozen=True)
class Drawn:
    """A picture, uint8 [H, W, 3], where it is defective, bool [H, W], and how plainly, 0..1 (0 for "good")."""

    pixels: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    strength: float = 0.0


def draw(product: str, kind: str, rng_seed: int, size: int = 256, *, strength: float | None = None) -> Drawn:
    """One picture of `product`; `kind` is "good" or one of `PRODUCTS[product].kinds`.

    `strength` runs from 0 to 1, in size and contrast: under .25 a person finds the defect after a look, from .4 on at a
    glance; None takes any of them by the seed. One too weak to change a pixel at this size is drawn a little stronger.
    The same seed, kind and strength give the same picture; with another numpy, Pillow or processor to a grey level or
    so, since sines and roots may round otherwise. A defective picture is that of its good twin (same seed, "good") but
    for the defect, noise included; its mask is exactly where the two differ by more than 8 grey levels in any channel.
    Raises UsageError for an unknown product or kind, a size under 32, or a strength outside 0..1.
    """
    made = _find(product, kind, size, strength)
    streams = np.random.SeedSequence([zlib.crc32(product.encode()), rng_seed]).spawn(4)
    grid = Grid.square(size)
    plan = made.plan(np.random.default_rng(streams[0]))
    light = made.light(np.random.default_rng(streams[1]))
    scene = _Scene(made, grid, plan, made.paint(plan, grid), light, streams[2])
    if kind == "good":
        return Drawn(scene.picture(scene.surface), np.zeros((size, size), dtype=np.bool_))
    rng = np.random.default_rng([zlib.crc32(kind.encode()), *streams[3].generate_state(2).tolist()])
    rolled = float(rng.random())  # rolled in any case: a strength that is said moves no defect elsewhere
    return _plainest(scene, kind, rolled if strength is None else strength, rng)


@dataclass(frozen=True)
class _Scene:
    """One good piece under its lamp, and the seed of the camera's noise."""

    made: Product[Any]
    grid: Grid
    plan: Any
    surface: Surface
    light: Light
    noise: np.random.SeedSequence

    def picture(self, surface: Surface) -> npt.NDArray[np.uint8]:
        """The photograph of a surface; the same noise every time."""
        return photograph(shade(surface, self.light, self.grid), self.light, np.random.default_rng(self.noise))

    def spoil(self, kind: str, strength: float, rng: np.random.Generator) -> Surface:
        """The piece's surface with one defect."""
        if kind in self.made.makes:
            return self.made.paint(self.made.makes[kind](self.plan, strength, rng), self.grid)
        spot = Spot(*self.made.place(self.surface, self.grid, rng), strength)
        return self.made.faults[kind](self.surface, self.grid, spot, rng)


def _plainest(scene: _Scene, kind: str, strength: float, rng: np.random.Generator) -> Drawn:
    """The first try that shows as much as its strength asks for, else the one that shows most."""
    good = scene.picture(scene.surface).astype(np.int16)
    best, most = None, 0.0
    for attempt in range(1, TRIES + 1):
        pixels = scene.picture(scene.spoil(kind, strength, rng))
        change = np.abs(pixels.astype(np.int16) - good).max(axis=2)
        seen = _seen(change, strength)
        if seen > most:
            best, most = Drawn(pixels, change > BOUND, strength), seen
        if most >= 1:
            break
        if best is None and attempt % 5 == 0:
            strength = min(1.0, strength + 0.05)
    if best is None:
        raise RuntimeError(f"{scene.made.name}/{kind} stayed invisible in {TRIES} tries")
    return best


def _seen(change: npt.NDArray[np.int16], strength: float) -> float:
    """How much of what its strength asks for shows, 1 or more where that is enough; `change` in grey levels."""
    small = float((change > BOUND).mean()) / SMALLEST
    if strength < CLEAR:
        return small
    return min(
        small, float((change > PLAINLY).mean()) / PLAIN + 1e-3 * small
    )  # where nothing is plain, the largest is best


def _find(product: str, kind: str, size: int, strength: float | None) -> Product[Any]:
    if product not in PRODUCTS:
        raise UsageError(f"There is no drawn product {product!r}; there are: {', '.join(PRODUCTS)}.")
    made = PRODUCTS[product]
    if kind != "good" and kind not in made.kinds:
        raise UsageError(f"{product} has no defect {kind!r}; it has: good, {', '.join(made.kinds)}.")
    if size < 32:
        raise UsageError(f"A drawn picture of {size} pixels would show nothing; ask for 32 or more.")
    if strength is not None and not 0 <= strength <= 1:
        raise UsageError(f"The strength of a defect runs from 0 to 1, not {strength}.")
    return made
