"""Defects that can befall any surface; those of one product's make (a missing hole) are with the product.

Each takes the surface, the grid, the `Spot` where it happens and a generator, and returns the spoiled surface.
`Spot.strength` runs from 0 to 1 in size and contrast: under .25 found after a look, from .4 on seen at a glance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, inside, path, ramp
from restora.demo.light import Surface


@dataclass(frozen=True)
class Spot:
    """Where a fault happens and how plain it is, from 0 (hard to see) to 1."""

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
    points = curve(spot, _between(0.25, 0.8, spot.strength) * float(rng.uniform(0.8, 1.2)), 0.35, rng)
    distance = path(grid, points)
    width = _between(0.007, 0.032, spot.strength) * float(rng.uniform(0.9, 1.2))
    reach = np.hypot(grid.x - np.float32(spot.x), grid.y - np.float32(spot.y))
    half = float(np.hypot(points[0][0] - spot.x, points[0][1] - spot.y))
    fade = ramp(reach, half, half * 0.6)
    mark = _line(distance, width, grid.pixel) * fade * surface.body
    change = _sign(rng) * _between(0.12, 0.52, spot.strength)
    return replace(
        surface,
        colour=np.clip(surface.colour + np.float32(change) * mark[..., None], 0.02, 1),
        height=surface.height - np.float32(_between(0.001, 0.005, spot.strength)) * mark,
    )


def _jagged(start: Point, heading: float, step: float, steps: int, rng: np.random.Generator) -> list[Point]:
    """Points of a line from `start` that changes its direction at every step."""
    points = [start]
    for _ in range(steps):
        heading += float(rng.normal(0, 0.45))
        x, y = points[-1]
        points.append((x + step * float(np.cos(heading)), y + step * float(np.sin(heading))))
    return points


def crack(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A jagged dark line that forks, running both ways from the spot."""
    heading = float(rng.uniform(0, 2 * np.pi))
    step = _between(0.022, 0.055, spot.strength)
    there = _jagged(spot.centre, heading, step, 6, rng)
    back = _jagged(spot.centre, heading + np.pi, step, int(rng.integers(3, 6)), rng)
    fork = _jagged(there[int(rng.integers(2, 4))], heading + _sign(rng) * 0.9, step, 4, rng)
    width = _between(0.007, 0.036, spot.strength)
    mark: Field = np.maximum(
        _line(path(grid, [*reversed(back), *there[1:]]), width, grid.pixel),
        _line(path(grid, fork), width * 0.7, grid.pixel),
    )
    mark = mark * surface.body
    dark = surface.colour * np.float32(_between(0.6, 0.1, min(1.0, 1.5 * spot.strength)))
    return replace(
        surface,
        colour=blend(surface.colour, dark, mark),
        height=surface.height - np.float32(0.004) * mark,
        gloss=surface.gloss * (1 - mark),
    )


def dent(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A knock: the surface itself is pressed in or pushed out, its colour unchanged."""
    radius = _between(0.04, 0.14, spot.strength) * float(rng.uniform(0.85, 1.15))
    away = np.square(grid.x - np.float32(spot.x)) + np.square(grid.y - np.float32(spot.y))
    depth = radius * _between(0.14, 1.2, spot.strength) * _sign(rng)
    pressed: Field = np.float32(depth) * np.exp(-away / np.float32(radius**2)) * surface.body
    return replace(surface, height=surface.height - pressed)


def stain(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """Something soaked in or smeared on: darker, uneven, with a soft edge and a darker rim."""
    radius = _between(0.075, 0.19, spot.strength) * float(rng.uniform(0.85, 1.2))
    distance = blob(grid, spot.centre, radius, rng)
    soft = rng.uniform(0.15, 0.35) * radius
    uneven = np.clip(0.85 + 0.35 * clouds(rng, grid.size, 14), 0.3, 1.2)
    rim = np.exp(-np.square((distance + np.float32(soft)) / np.float32(soft)))
    share = np.clip(ramp(distance, soft, -soft) * uneven + 0.35 * rim, 0, 1) * surface.body
    strength = _between(0.22, 0.68, min(1.0, 1.3 * spot.strength))
    tone = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0)], dtype=np.float32) * (1 - strength)
    return replace(
        surface,
        colour=blend(surface.colour, surface.colour * tone.astype(np.float32), share),
        gloss=surface.gloss * (1 - 0.7 * share),
    )


def colour(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A spot of foreign colour (paint, rust, ink), with splashes."""
    paint = np.array(
        [(0.50, 0.20, 0.07), (0.65, 0.10, 0.08), (0.08, 0.18, 0.55), (0.08, 0.40, 0.15), (0.85, 0.70, 0.10)],
        dtype=np.float32,
    )[int(rng.integers(5))]
    radius = _between(0.026, 0.13, spot.strength) * float(rng.uniform(0.85, 1.2))
    share = inside(blob(grid, spot.centre, radius, rng, 0.35), grid.pixel * 2)
    for _ in range(int(rng.integers(0, 5))):
        turn, far = rng.uniform(0, 2 * np.pi), radius * rng.uniform(1.3, 2.5)
        centre = (spot.x + far * float(np.cos(turn)), spot.y + far * float(np.sin(turn)))
        share = np.maximum(share, inside(blob(grid, centre, radius * rng.uniform(0.1, 0.3), rng), grid.pixel))
    share = share * surface.body * np.float32(_between(0.25, 0.95, min(1.0, 1.5 * spot.strength)))
    return replace(surface, colour=blend(surface.colour, paint, share), gloss=surface.gloss * (1 - share))


def hair(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A foreign fibre lying on top, with its own shadow."""
    points = curve(spot, _between(0.25, 0.9, spot.strength) * float(rng.uniform(0.85, 1.15)), 1.1, rng, steps=13)
    width = _between(0.007, 0.024, spot.strength)
    dark = rng.random() < 0.6
    tone = np.float32(rng.uniform(0.02, 0.08) if dark else rng.uniform(0.9, 0.98))
    mark = _line(path(grid, points), width, grid.pixel) * np.float32(_between(0.5, 1.0, min(1.0, 2 * spot.strength)))
    shadow = inside(path(grid, [(x + 0.012, y + 0.012) for x, y in points]) - np.float32(width), grid.pixel * 3)
    shaded = surface.colour * (1 - np.float32(0.3) * shadow)[..., None]
    return replace(surface, colour=blend(shaded, np.full(3, tone), mark), gloss=surface.gloss * (1 - mark))
