"""Colour tables of the maps in a report, uint8 [256, 3 or 4], lowest value first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from restora.images.overlay import heat_overlay

# dark to light, so that a value's rank survives grey printing
UNSURE = np.array([(13, 17, 42), (33, 62, 110), (46, 125, 140), (120, 190, 140), (246, 243, 190)], dtype=np.float64)


def heat_table() -> npt.NDArray[np.uint8]:
    """The overlay's colours as [256, 4], found by laying its whole range over black and over white."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    black, white = (
        heat_overlay(np.full((1, 256, 3), value, dtype=np.uint8), ramp, 0.0, 1.0)[0].astype(np.float64)
        for value in (0, 255)
    )
    cover = 1 - (white - black).mean(axis=1, keepdims=True) / 255
    return np.round(np.hstack([black / np.maximum(cover, 1 / 255), cover * 255]).clip(0, 255)).astype(np.uint8)


def unsure_table() -> npt.NDArray[np.uint8]:
    """Colours of perception and of the two uncertainties, [256, 3]."""
    at, places = np.linspace(0, 1, 256), np.linspace(0, 1, len(UNSURE))
    return np.stack([np.interp(at, places, UNSURE[:, band]) for band in range(3)], axis=1).round().astype(np.uint8)
