"""Defects that can befall any surface; those of one product's make (a missing hole) are with the product.

Each takes the surface, the grid, the `Spot` where it happens and a generator, and returns the spoiled surface.
`Spot.strength` runs from 0 (hard to see) to 1 (plain).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, inside, path, ramp
from restora.demo.light import Surface


@dataclass(frozen=True)
class Spot:
    """Where a fault happens and how plain it is, 0 (hard to see) to 1."""

    x: float
    y: float
    strength: float

    @property
    def centre(self) -> Point:
        """The place as a point."""
        return self.x, self.y


Fault = Callable[[Surface, Grid, Spot, np.random.Generator], Surface]


def _between(low: float, high: float, strength: float) -> float:
    return low + (high - low) * strength


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def curve(spot: Spot, length: float, bend: float, rng: np.random.Generator, steps: int = 9) -> list[Point]:
    """Points of a gently bent line of about `length` through the spot."""
    heading = rng.uniform(0, 2 * np.pi)
    turn = rng.normal(0, bend)
    points: list[Point] = []
    for t in np.linspace(-0.5, 0.5, steps):
        along, across = length * t, length * turn * (t * t - 0.08)
        points.append(
            (
                spot.x + along * float(np.cos(heading)) - across * float(np.sin(heading)),
                spot.y + along * float(np.sin(heading)) + across * float(np.cos(heading)),
            )
        )
    return points


def _line(distance: Field, width: float, pixel: float) -> Field:
    # under one pixel a line does not get thinner but fainter
    share = min(1.0, width / pixel)
    return inside(distance - np.float32(max(width, pixel) / 2), pixel) * np.float32(share)


def scratch(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A thin bright or dark line with a groove, fading at its ends."""
    points = curve(spot, rng.uniform(0.2, 0.6), 0.35, rng)
    distance = path(grid, points)
    width = _between(0.005, 0.016, spot.strength) * float(rng.uniform(0.8, 1.3))
    reach = np.hypot(grid.x - np.float32(spot.x), grid.y - np.float32(spot.y))
    half = float(np.hypot(points[0][0] - spot.x, points[0][1] - spot.y))
    fade = ramp(reach, half, half * 0.5)
    mark = _line(distance, width, grid.pixel) * fade * surface.body
    change = _sign(rng) * _between(0.10, 0.4, spot.strength)
    return replace(
        surface,
        colour=np.clip(surface.colour + np.float32(change) * mark[..., None], 0.02, 1),
        height=surface.height - np.float32(_between(0.001, 0.004, spot.strength)) * mark,
    )


def crack(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A jagged dark line that forks."""
    heading = rng.uniform(0, 2 * np.pi)
    step = rng.uniform(0.02, 0.045)
    x, y = spot.centre
    trunk = [(x, y)]
    for _ in range(int(rng.integers(7, 13))):
        heading += rng.normal(0, 0.5)
        x, y = x + step * float(np.cos(heading)), y + step * float(np.sin(heading))
        trunk.append((x, y))
    fork = [trunk[len(trunk) // 2]]
    heading += _sign(rng) * 0.9
    for _ in range(4):
        heading += rng.normal(0, 0.4)
        fork.append((fork[-1][0] + step * float(np.cos(heading)), fork[-1][1] + step * float(np.sin(heading))))
    width = _between(0.005, 0.013, spot.strength)
    mark: Field = np.maximum(
        _line(path(grid, trunk), width, grid.pixel), _line(path(grid, fork), width * 0.7, grid.pixel)
    )
    mark = mark * surface.body
    dark = surface.colour * np.float32(_between(0.65, 0.2, spot.strength))
    return replace(
        surface,
        colour=blend(surface.colour, dark, mark),
        height=surface.height - np.float32(0.004) * mark,
        gloss=surface.gloss * (1 - mark),
    )


def dent(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A knock: the surface itself is pressed in or pushed out, its colour unchanged."""
    radius = rng.uniform(0.035, 0.09)
    away = np.square(grid.x - np.float32(spot.x)) + np.square(grid.y - np.float32(spot.y))
    depth = radius * _between(0.18, 0.7, spot.strength) * _sign(rng)
    pressed: Field = np.float32(depth) * np.exp(-away / np.float32(radius**2))
    return replace(surface, height=surface.height - pressed)


def stain(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """Something soaked in or smeared on: darker, uneven, with a soft edge and a darker rim."""
    radius = rng.uniform(0.06, 0.2)
    distance = blob(grid, spot.centre, radius, rng)
    soft = rng.uniform(0.02, 0.06)
    uneven = np.clip(0.85 + 0.35 * clouds(rng, grid.size, 14), 0.3, 1.2)
    rim = np.exp(-np.square((distance + np.float32(soft)) / np.float32(soft)))
    share = np.clip(ramp(distance, soft, -soft) * uneven + 0.35 * rim, 0, 1) * surface.body
    strength = _between(0.16, 0.62, spot.strength)
    tone = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0)], dtype=np.float32) * (1 - strength)
    return replace(
        surface,
        colour=blend(surface.colour, surface.colour * tone.astype(np.float32), share),
        gloss=surface.gloss * (1 - 0.5 * share),
    )


def colour(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A spot of foreign colour (paint, rust, ink), with splashes."""
    paint = np.array(
        [(0.55, 0.25, 0.10), (0.65, 0.12, 0.10), (0.10, 0.22, 0.55), (0.12, 0.42, 0.18), (0.85, 0.80, 0.25)],
        dtype=np.float32,
    )[int(rng.integers(5))]
    radius = rng.uniform(0.025, 0.09)
    share = inside(blob(grid, spot.centre, radius, rng, 0.35), grid.pixel * 2)
    for _ in range(int(rng.integers(0, 5))):
        turn, far = rng.uniform(0, 2 * np.pi), radius * rng.uniform(1.3, 2.5)
        centre = (spot.x + far * float(np.cos(turn)), spot.y + far * float(np.sin(turn)))
        share = np.maximum(share, inside(blob(grid, centre, radius * rng.uniform(0.1, 0.3), rng), grid.pixel))
    share = share * surface.body * np.float32(_between(0.3, 0.95, spot.strength))
    return replace(surface, colour=blend(surface.colour, paint, share), gloss=surface.gloss * (1 - share))


def hair(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A foreign fibre lying on top, with its own shadow."""
    points = curve(spot, rng.uniform(0.25, 0.7), 1.1, rng, steps=13)
    width = _between(0.006, 0.013, spot.strength)
    dark = rng.random() < 0.6
    tone = np.float32(rng.uniform(0.03, 0.12) if dark else rng.uniform(0.85, 0.97))
    mark = _line(path(grid, points), width, grid.pixel) * np.float32(_between(0.45, 1.0, spot.strength))
    shadow = inside(path(grid, [(x + 0.012, y + 0.012) for x, y in points]) - np.float32(width), grid.pixel * 3)
    shaded = surface.colour * (1 - np.float32(0.25) * shadow)[..., None]
    return replace(surface, colour=blend(shaded, np.full(3, tone), mark), gloss=surface.gloss * (1 - mark))
