"""The pictures that `restora-tiny` is taught with: a folder of everyday ones; products, clutter and textures drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from restora.demo import PRODUCTS, draw
from restora.images.read import read_picture
from restora.images.sources import expand_sources
from restora.training.textures import draw_texture

Pixels = NDArray[np.uint8]
SIDES = (192, 256, 320)


@dataclass(frozen=True)
class Pool:
    """Pictures, uint8 [3, H, W] each, by where they are from, and how often each group is drawn from."""

    groups: dict[str, list[Tensor]]
    shares: dict[str, float]

    def pick(self, rng: np.random.Generator) -> Tensor:
        """One picture: a group by its share, then any of the group."""
        names = list(self.groups)
        weights = np.array([self.shares[name] for name in names])
        group = self.groups[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
        return group[int(rng.integers(len(group)))]

    def counts(self) -> dict[str, int]:
        """Pictures a group."""
        return {name: len(group) for name, group in self.groups.items()}


def make_pool(folder: Path, rng: np.random.Generator, drawn: int, clutter: int, textures: int) -> Pool:
    """Read the folder's pictures and draw the others; the numbers are how many of each."""
    groups = {
        "folder": [_tensor(read_picture(source.locator).pixels) for source in expand_sources([folder])],
        "drawn": [_tensor(pixels) for pixels in _products(drawn, rng)],
        "clutter": [_tensor(draw_clutter(256, rng)) for _ in range(clutter)],
        "textures": [_tensor(draw_texture((256, 256), rng)) for _ in range(textures)],
    }
    shares = {"folder": 0.55, "drawn": 0.2, "clutter": 0.15, "textures": 0.1}
    return Pool({name: group for name, group in groups.items() if group}, shares)


def draw_clutter(side: int, rng: np.random.Generator) -> Pixels:
    """Shapes of many sizes one over another, [side, side, 3]: the "dead leaves" picture, edges and corners everywhere.

    Sizes fall off with the power -3, as the sizes of things in photographs do (Lee, Mumford and Huang, IJCV 2001);
    every shape has a colour, a brightness that runs across it and its own grain.
    """
    picture = np.empty((side, side, 3), np.float32)
    picture[:] = rng.uniform(0, 255, 3)
    line = np.linspace(-1, 1, side, dtype=np.float32)
    base, spread = rng.uniform(40, 215, 3), rng.uniform(15, 90)
    for _ in range(int(rng.integers(40, 160))):
        radius = min(side * 0.5, 3 / np.sqrt(rng.uniform(3.0 / side, 1) ** 2))
        mask = np.asarray(_shape(side, radius, rng)) > 0
        tone = base + rng.normal(0, spread, 3)
        angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 40)
        run = slope * (np.cos(angle) * line[None, :] + np.sin(angle) * line[:, None])
        grain = rng.normal(0, rng.uniform(0, 10), (side, side)) if rng.random() < 0.4 else 0.0
        picture[mask] = (tone + (run + grain)[..., None])[mask]
    clutter: Pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return clutter


def _shape(side: int, radius: float, rng: np.random.Generator) -> Image.Image:
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    x, y = rng.uniform(0, side, 2)
    kind = rng.integers(4)
    if kind == 0:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    elif kind == 1:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        reach = radius * rng.uniform(0.5, 1.2, angles.size)
        pen.polygon([(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, reach, strict=True)], fill=255)
    elif kind == 2:
        angle, half = rng.uniform(0, np.pi), 2 * radius
        ends = (x - half * np.cos(angle), y - half * np.sin(angle), x + half * np.cos(angle), y + half * np.sin(angle))
        pen.line(ends, fill=255, width=max(1, int(rng.uniform(0.05, 0.5) * radius)))
    else:
        pen.arc(
            (x - radius, y - radius, x + radius, y + radius),
            rng.uniform(0, 360),
            rng.uniform(360, 720),
            fill=255,
            width=max(1, int(rng.uniform(0.05, 0.4) * radius)),
        )
    return mask


def _products(count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    """Products in turn, half of them with a defect."""
    for number in range(count):
        product = list(PRODUCTS)[number % len(PRODUCTS)]
        kinds = PRODUCTS[product].kinds
        kind = "good" if rng.random() < 0.5 else kinds[int(rng.integers(len(kinds)))]
        yield draw(product, kind, int(rng.integers(2**31)), SIDES[int(rng.integers(len(SIDES)))]).pixels


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
