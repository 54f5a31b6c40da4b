"""A scratch that goes through the surface's skin and shows what lies below, whatever the colour above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restora.demo.canvas import Grid, blend, inside, path, ramp
from restora.demo.faults import Fault, Spot, curve
from restora.demo.light import Surface


def scrape(tone: tuple[float, float, float]) -> Fault:
    """A fault that draws a groove of this colour, fainter towards its ends."""

    def scratch(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
        length = float(rng.uniform(0.20, 0.30)) + 0.40 * spot.strength
        distance = path(grid, curve(spot, length, 0.3, rng))
        width = 0.008 + 0.028 * spot.strength
        mark = inside(distance - np.float32(max(width, grid.pixel) / 2), grid.pixel) * surface.body
        fade = ramp(np.hypot(grid.x - np.float32(spot.x), grid.y - np.float32(spot.y)), length / 2, length / 3)
        share = mark * np.maximum(fade, np.float32(0.35)) * np.float32(min(0.95, 0.40 + 0.7 * spot.strength))
        return replace(
            surface,
            colour=blend(surface.colour, np.array(tone, dtype=np.float32), share),
            height=surface.height - np.float32(0.003 * spot.strength) * mark,
            gloss=surface.gloss * (1 - share),
        )

    return scratch
