"""From a surface to a photograph: relief and gloss under one lamp, lens, sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restora.demo.canvas import Field, Grid


@dataclass(frozen=True)
class Surface:
    """What lies before the camera.

    colour : float32 [H, W, 3], 0..1, share of light sent back
    height : float32 [H, W], in the grid's unit
    gloss  : float32 [H, W], 0..1, strength of the highlight
    body   : float32 [H, W], 0..1, where the product is (the rest is background)
    """

    colour: Field
    height: Field
    gloss: Field
    body: Field


@dataclass(frozen=True)
class Light:
    """A lamp and a camera as they were for one picture.

    towards : direction to the lamp (x, y, z), z towards the camera
    even    : light that comes from everywhere, 0..1
    direct  : light that comes from the lamp
    slope   : how the light changes across the picture (x, y)
    tint    : colour of the light, three numbers about 1
    noise   : deviation of the sensor's noise, in grey levels of 255
    """

    towards: tuple[float, float, float]
    even: float
    direct: float
    slope: tuple[float, float]
    tint: tuple[float, float, float]
    noise: float

    @classmethod
    def vary(cls, rng: np.random.Generator, *, height: float = 1.1, even: float = 0.45) -> Light:
        """The lamp of one line: always about the same place, never quite the same light."""

        def near(middle: float, deviation: float) -> float:  # no freak among the good: two deviations at most
            return middle + deviation * float(np.clip(rng.normal(), -2, 2))

        angle = np.radians(near(-125, 4))
        warm = near(0, 0.005)
        return cls(
            towards=(float(np.cos(angle)), float(np.sin(angle)), near(height, 0.045)),
            even=even,
            direct=0.75 * near(1, 0.03),
            slope=(near(0.03, 0.015), near(0.03, 0.015)),
            tint=(1 + warm, 1.0, 1 - warm),
            noise=float(rng.uniform(1.4, 2.4)),
        )


def _slopes(height: Field, pixel: float) -> tuple[Field, Field]:
    edged = np.pad(height, 1, mode="reflect", reflect_type="odd")  # goes on as steep as it comes to the edge
    scale = np.float32(0.5 / pixel)
    return (edged[1:-1, 2:] - edged[1:-1, :-2]) * scale, (edged[2:, 1:-1] - edged[:-2, 1:-1]) * scale


def shade(surface: Surface, light: Light, grid: Grid) -> Field:
    """Light that reaches the camera, float32 [H, W, 3], about 0..1."""
    hx, hy = _slopes(surface.height, grid.pixel)
    up = 1 / np.sqrt(hx * hx + hy * hy + 1)
    lamp = np.array(light.towards, dtype=np.float32)
    lamp /= np.linalg.norm(lamp)
    middle = lamp + np.array([0, 0, 1], dtype=np.float32)
    middle /= np.linalg.norm(middle)
    facing = np.maximum((lamp[2] - hx * lamp[0] - hy * lamp[1]) * up, 0)
    mirror = np.maximum((middle[2] - hx * middle[0] - hy * middle[1]) * up, 0)
    for _ in range(4):  # to the power of 16: a broad, machined gloss
        mirror = mirror * mirror
    fall = 1 + np.float32(light.slope[0]) * grid.x + np.float32(light.slope[1]) * grid.y
    fall = fall - np.float32(0.06) * (grid.x * grid.x + grid.y * grid.y)
    matt = (np.float32(light.even) + np.float32(light.direct) * facing) * fall
    shine = np.float32(light.direct) * surface.gloss * mirror * fall
    radiance: Field = (surface.colour * matt[..., None] + shine[..., None]) * np.array(light.tint, dtype=np.float32)
    return radiance


def photograph(radiance: Field, light: Light, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The picture, uint8 [H, W, 3]: slight blur of the lens, noise that grows with the light, rounding."""
    edged = np.pad(radiance, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = edged[:-2] * np.float32(0.2) + edged[1:-1] * np.float32(0.6) + edged[2:] * np.float32(0.2)
    soft = rows[:, :-2] * np.float32(0.2) + rows[:, 1:-1] * np.float32(0.6) + rows[:, 2:] * np.float32(0.2)
    soft = np.clip(soft, 0, 1)
    noise = rng.standard_normal(soft.shape, dtype=np.float32) * np.float32(light.noise)
    noise *= np.float32(0.5) + np.sqrt(soft) * np.float32(0.7)
    pixels: npt.NDArray[np.uint8] = np.clip(soft * 255 + noise + np.float32(0.5), 0, 255).astype(np.uint8)
    return pixels
