"""A score map made visible on its picture, and written down for other programs."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from restora.errors import SettingsError

# Lightness grows evenly from violet to pale yellow, so the order of heat survives grey printing and colour blindness.
_COLOURS = np.array([(66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)], dtype=np.float32)
_STRONGEST = 0.6  # what is wrong must stay visible under the hottest place


class Boxed(Protocol):
    """Anything with a box (x0, y0, x1, y1) in pixels, x1 and y1 just behind it."""

    @property
    def bbox(self) -> tuple[int, int, int, int]:
        """The box."""


def heat_overlay(
    pixels: NDArray[np.uint8],
    map: NDArray[np.float32],
    low: float,
    high: float,
    regions: Iterable[Boxed] = (),
) -> NDArray[np.uint8]:
    """The picture with heat on it and a frame around every region.

    pixels    : uint8 [H, W, 3]
    map       : float32 [H, W]
    low, high : the map's value where heat begins and where it is full; the calibration's, never the picture's own, so
                that colours mean the same on every picture
    returns   : uint8 [H, W, 3], a new array
    """
    span = max(high - low, float(np.finfo(np.float32).tiny))
    heat = np.clip((map - low) / span, 0, 1).astype(np.float32)[..., np.newaxis]
    share = _STRONGEST * np.minimum(1, 2 * heat)  # clear below, so faint heat is seen but hides nothing
    blended = pixels + (_colour(heat[..., 0]) - pixels) * share
    shown: NDArray[np.uint8] = np.rint(blended).astype(np.uint8)
    for region in regions:
        _frame(shown, region.bbox)
    return shown


def _colour(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """heat [H, W] in 0..1 -> RGB [H, W, 3], by straight lines between the colours."""
    steps = np.linspace(0, 1, len(_COLOURS))
    bands = [np.interp(heat, steps, _COLOURS[:, band]) for band in range(3)]
    return np.stack(bands, axis=-1).astype(np.float32)


def _frame(shown: NDArray[np.uint8], box: tuple[int, int, int, int]) -> None:
    """A white frame with a black one around it, visible on any picture, outside the region where there is room."""
    height, width = shown.shape[:2]
    line = max(1, round(max(height, width) / 400))
    x0, y0, x1, y1 = box
    for grow, value in ((2 * line, 0), (line, 255)):
        top, bottom = max(0, y0 - grow), min(height, y1 + grow)
        left, right = max(0, x0 - grow), min(width, x1 + grow)
        shown[top : top + line, left:right] = value
        shown[bottom - line : bottom, left:right] = value
        shown[top:bottom, left : left + line] = value
        shown[top:bottom, right - line : right] = value


def write_map(path: str | os.PathLike[str], map: NDArray[np.float32], form: str) -> None:
    """Write a score map.

    map  : float32 [H, W]
    form : ``npy``, float32 as it is; or ``png``, 16 bit, each sample the bits of the IEEE half-precision number

    The bits of non-negative half-precision numbers, read as integers, are in the order of the numbers. So the PNG
    needs no scale, clips nothing below 65,504, ranks pixels across pictures as the map does (to 11 bits), and
    ``np.asarray(Image.open(path)).astype(np.uint16).view(np.float16)`` gives the scores back.

    Raises SettingsError for another form, or a map that ``png`` cannot hold.
    """
    path = Path(path)
    if form == "npy":
        stream = io.BytesIO()
        np.save(stream, map.astype(np.float32, copy=False))
        path.write_bytes(stream.getbuffer())  # written by numpy itself, a full disk would be an error without a number
        return
    if form != "png":
        raise SettingsError(f"The form of maps is {form!r}; choose npy or png")
    if not (map.min() >= 0 and map.max() <= np.finfo(np.float16).max):
        raise SettingsError(f"{path.name}: the map has values outside 0 to 65,504, which png cannot hold; choose npy")
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "scores as IEEE half-precision bits")
    bits = np.ascontiguousarray(map.astype(np.float16) + np.float16(0)).view(np.uint16)
    Image.fromarray(bits).save(path, format="PNG", pnginfo=notes)
