"""What drawing needs everywhere: coordinates, soft edges, smooth noise, and distances to shapes.

Coordinates: the picture spans -1..1 in x (right) and y (down); lengths are in the same unit. A distance is signed,
negative inside. Everything is float32 [H, W] and computed for all pixels at once; edges are softened over one pixel by
their exact distance, which gives the look of supersampling at the price of one sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """Coordinates of the pixels' centres, float32 [H, W] each, and the side of one pixel."""

    x: Field
    y: Field
    pixel: float

    @classmethod
    def square(cls, size: int) -> Grid:
        """Grid of a `size` x `size` picture."""
        line = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1).astype(np.float32)
        x, y = np.meshgrid(line, line)
        return cls(x, y, 2 / size)

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return int(self.x.shape[0])

    def turned(self, angle: float, centre: Point, scale: float = 1.0) -> Grid:
        """The same pixels in the coordinates of a thing that lies at `centre`, turned by `angle` radians."""
        cos, sin = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
        x, y = self.x - np.float32(centre[0]), self.y - np.float32(centre[1])
        return Grid(x * cos + y * sin, y * cos - x * sin, self.pixel / scale)


def inside(distance: Field, pixel: float) -> Field:
    """Share of each pixel that lies inside, 0..1, from the signed distance of its centre."""
    share: Field = np.clip(0.5 - distance / np.float32(pixel), 0, 1)
    return share


def ramp(value: Field, start: float, end: float) -> Field:
    """0 at `start`, 1 at `end` (which may be the smaller one), smooth between."""
    t: Field = np.clip((value - np.float32(start)) / np.float32(end - start), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: Field, above: Field | npt.NDArray[np.float32], share: Field) -> Field:
    """`above` laid over `below` by `share` [H, W]; works for [H, W] and, with a colour above, for [H, W, 3]."""
    weight = share[..., None] if below.ndim == 3 else share
    return below + (above - below) * weight


def clouds(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Smooth noise [size, size] with about `cells` bumps along a side; mean about 0, deviation about 0.6."""
    knots = rng.standard_normal((cells + 2, cells + 2), dtype=np.float32)
    step = size / cells
    large = Image.fromarray(knots).resize((round(size + 2 * step),) * 2, Image.Resampling.BICUBIC)
    start = round(step / 2)
    return np.asarray(large, dtype=np.float32)[start : start + size, start : start + size]


def grain(table: Field, u: Field, v: Field) -> Field:
    """`table` looked up at (u, v) in cells, repeated in both directions, bilinear."""
    rows, columns = table.shape
    fu, fv = np.floor(u), np.floor(v)
    tu, tv = u - fu, v - fv
    left, top = fu.astype(np.int32) % columns, fv.astype(np.int32) % rows
    right, below = (left + 1) % columns, (top + 1) % rows
    flat = table.ravel()
    upper = flat[top * columns + left] * (1 - tu) + flat[top * columns + right] * tu
    lower = flat[below * columns + left] * (1 - tu) + flat[below * columns + right] * tu
    value: Field = upper * (1 - tv) + lower * tv
    return value


def disc(grid: Grid, centre: Point, radius: float) -> Field:
    """Distance to a disc."""
    reach: Field = np.hypot(grid.x - np.float32(centre[0]), grid.y - np.float32(centre[1]))
    return reach - np.float32(radius)


def slab(grid: Grid, centre: Point, half: Point, rounding: float) -> Field:
    """Distance to a box with rounded corners; `half` are its half sides."""
    dx = np.abs(grid.x - np.float32(centre[0])) - np.float32(half[0] - rounding)
    dy = np.abs(grid.y - np.float32(centre[1])) - np.float32(half[1] - rounding)
    outer = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    distance: Field = outer + np.minimum(np.maximum(dx, dy), 0) - np.float32(rounding)
    return distance


def path(grid: Grid, points: Sequence[Point]) -> Field:
    """Distance (never negative) to the open line through `points`."""
    nearest = np.full_like(grid.x, np.float32(np.inf))
    for (ax, ay), (bx, by) in pairwise(points):
        dx, dy = np.float32(bx - ax), np.float32(by - ay)
        px, py = grid.x - np.float32(ax), grid.y - np.float32(ay)
        t = np.clip((px * dx + py * dy) / np.float32(max(float(dx * dx + dy * dy), 1e-12)), 0, 1)
        nearest = np.minimum(nearest, np.square(px - t * dx) + np.square(py - t * dy))
    distance: Field = np.sqrt(nearest)
    return distance


def blob(grid: Grid, centre: Point, radius: float, rng: np.random.Generator, ragged: float = 0.25) -> Field:
    """Distance, roughly, to a patch whose outline wanders by the share `ragged` of its radius."""
    dx, dy = grid.x - np.float32(centre[0]), grid.y - np.float32(centre[1])
    angle = np.arctan2(dy, dx)
    wander = np.zeros_like(angle)
    for waves in range(2, 7):
        wander += np.float32(rng.normal() / waves) * np.cos(waves * angle + np.float32(rng.uniform(0, 2 * np.pi)))
    stretch = np.float32(rng.uniform(0.7, 1.0))
    turn = rng.uniform(0, np.pi)
    along = dx * np.float32(np.cos(turn)) + dy * np.float32(np.sin(turn))
    across = dy * np.float32(np.cos(turn)) - dx * np.float32(np.sin(turn))
    reach = np.hypot(along, across / stretch)
    distance: Field = reach - np.float32(radius) * (1 + np.float32(ragged) * wander)
    return distance


def union(a: Field, b: Field, fillet: float) -> Field:
    """Distance to both shapes together, the inner corner filled with radius `fillet`."""
    h = np.maximum(np.float32(fillet) - np.abs(a - b), 0) / np.float32(fillet)
    both: Field = np.minimum(a, b) - h * h * np.float32(fillet / 4)
    return both
