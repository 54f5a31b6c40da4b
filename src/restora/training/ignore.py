"""`--ignore MASK`: places of the picture that count for nothing, as a constant of the graph."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.errors import DataError
from restora.images.read import read_mask, read_size
from restora.methods.residual import MAP_STRIDE
from restora.training.plan import Plan


@dataclass(frozen=True)
class IgnoreMask:
    """places : bool [h, w] on the map's grid; png : the mask in the pictures' shape, as stored in the model folder."""

    places: NDArray[np.bool_]
    png: bytes


def read_ignore(path: str, plan: Plan) -> IgnoreMask:
    """Read the mask and bring it to the map's grid; a cell is left out when any of it is.

    Raises DataError when its shape is not that of the fitting pictures, or when nothing is left to look at.
    """
    mask = read_mask(path)
    shape = read_size(plan.split.fitting[0].source)
    if mask.shape != shape:
        raise DataError(
            f"{path}: the mask is {mask.shape[0]}x{mask.shape[1]}, the pictures {shape[0]}x{shape[1]}; "
            "draw it at the pictures' own size"
        )
    grid = (plan.size[0] // MAP_STRIDE, plan.size[1] // MAP_STRIDE)
    rows = np.arange(grid[0] + 1) * shape[0] // grid[0]
    columns = np.arange(grid[1] + 1) * shape[1] // grid[1]
    places = np.array(
        [
            [mask[top : max(bottom, top + 1), left : max(right, left + 1)].any() for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]
    )
    if places.all():
        raise DataError(f"{path}: the mask leaves nothing to look at; white means ignore, black means look")
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG")
    return IgnoreMask(places, stream.getvalue())
