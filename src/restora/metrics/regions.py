"""Connected parts of a mask, and of a map above a threshold; corners connect (8-connected), as in MVTec AD's PRO.

A hairline drawn diagonally is one scratch, not forty specks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restora.errors import UsageError

EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Part:
    """One connected part of a map above a threshold.

    bbox : (x0, y0, x1, y1) in pixels, x1 and y1 just behind the part
    area : number of its pixels
    peak : largest value of the map in it
    """

    bbox: tuple[int, int, int, int]
    area: int
    peak: float


def label_regions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected parts of a mask.

    mask    : (H, W) bool
    returns : (H, W) int32, 0 is background and 1..R are the parts; and R
    raises  : UsageError when the mask is not two-dimensional
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 2:
        raise UsageError(f"A mask must be of shape (H, W), but this one is {mask.shape}.")
    labels = np.zeros(mask.shape, dtype=np.int32)
    window = _window(mask)
    if window is None:
        return labels, 0
    # loaded on first use: a quarter of a second that a cold start with good pictures alone does not need
    from scipy import ndimage

    # most masks fill a corner of their picture only, and labelling costs by the pixel
    count = ndimage.label(mask[window], structure=EIGHT, output=labels[window])
    return labels, int(count)


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The smallest window of `mask` that holds all that is marked."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def regions_above(map: NDArray[np.floating], threshold: float) -> tuple[Part, ...]:
    """8-connected parts where the map is above `threshold` (not at it), the strongest first.

    map     : (H, W) float
    returns : parts by falling peak, then by place (top to bottom, left to right)
    raises  : UsageError when the map is not two-dimensional
    """
    labels, count = label_regions(np.asarray(map) > threshold)
    if count == 0:
        return ()
    from scipy import ndimage

    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    peaks = ndimage.maximum(map, labels, index=np.arange(1, count + 1))
    parts = [
        Part((columns.start, rows.start, columns.stop, rows.stop), int(area), float(peak))
        for (rows, columns), area, peak in zip(ndimage.find_objects(labels), areas, peaks, strict=True)
    ]
    return tuple(sorted(parts, key=lambda part: (-part.peak, part.bbox[1], part.bbox[0])))
