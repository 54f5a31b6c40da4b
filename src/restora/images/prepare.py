"""The one way a picture is brought to a model's size, and a map back to a picture's; training and looking share it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.errors import DataError, SettingsError

#: How `prepare` resizes, as the manifest names it for other programs.
RESIZE = "pillow-bilinear-antialias"

#: Height and width of a model are multiples of this: the trunks halve the picture five times.
MULTIPLE = 32

#: 288 x 384; measured as the size beyond which small defects gain little and time grows.
DEFAULT_PIXELS = 110_592


def prepare(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture at exactly `size`; shapes of another aspect are squashed.

    pixels  : uint8 [H, W, 3]
    size    : (h, w)
    returns : uint8 [h, w, 3]; `pixels` itself where it has that size already

    Pillow's bilinear filter, its support widened when shrinking (antialiased), half-pixel centres, 8 bits between
    the two passes. Other resamplers move scores by more than the parity allows, so no other is used anywhere.
    """
    height, width = size
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def carry_map(map: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A map of the graph, carried to the pixels of the picture.

    map     : float32 [h, w]
    shape   : (H, W) of the picture
    returns : float32 [H, W], bilinear with half-pixel centres, edges held; every value lies within those of `map`
    """
    rows = _weights(map.shape[0], shape[0])
    columns = _weights(map.shape[1], shape[1])
    low, high, share = columns
    wide = map[:, low] + (map[:, high] - map[:, low]) * share
    low, high, share = rows
    carried = wide[low] + (wide[high] - wide[low]) * share[:, np.newaxis]
    return carried.astype(np.float32, copy=False)


def _weights(count: int, wanted: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Lower neighbour, upper neighbour and share of the upper one, for each of `wanted` pixel centres."""
    at = np.clip((np.arange(wanted) + 0.5) * (count / wanted) - 0.5, 0, count - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, count - 1), (at - low).astype(np.float32)


def choose_size(shapes: Sequence[tuple[int, int]], pixels: int = DEFAULT_PIXELS) -> tuple[int, int]:
    """The input size for pictures of these (height, width) shapes: their median shape, at most `pixels` large.

    Among all multiples of 32 within `pixels`, the height and width nearest (as ratios) to the median shape, shrunk
    to `pixels` where it is larger: 384 x 512 gives 288 x 384, 256 x 256 stays. Raises DataError without shapes,
    SettingsError where `pixels` is too few.
    """
    if pixels < MULTIPLE * MULTIPLE:
        raise SettingsError(f"--pixels is {pixels}; it must be at least {MULTIPLE * MULTIPLE}")
    height, width = median_shape(shapes)
    shrink = min(1.0, math.sqrt(pixels / (height * width)))

    def distance(size: tuple[int, int]) -> float:
        return math.log(size[0] / (height * shrink)) ** 2 + math.log(size[1] / (width * shrink)) ** 2

    steps = range(MULTIPLE, pixels // MULTIPLE + 1, MULTIPLE)
    return min(((h, w) for h in steps for w in range(MULTIPLE, pixels // h + 1, MULTIPLE)), key=distance)


def median_shape(shapes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The median height and the median width, each for itself (of two the lower). Raises DataError without shapes."""
    if not shapes:
        raise DataError("There is no picture to take the input size from; check the folder of good pictures")
    height, width = (sorted(sides)[(len(shapes) - 1) // 2] for sides in zip(*shapes, strict=True))
    return height, width


def parse_size(text: str) -> tuple[int, int]:
    """``"288x384"`` -> (288, 384), height first. Raises SettingsError."""
    found = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", text)
    if found is None:
        raise SettingsError(f"The size '{text}' is not understood; write HEIGHTxWIDTH, for example 288x384")
    return check_size((int(found[1]), int(found[2])))


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """`size` itself if both sides are positive multiples of 32. Raises SettingsError naming the nearest size."""
    if any(side < MULTIPLE or side % MULTIPLE for side in size):
        near = "x".join(str(max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)) for side in size)
        raise SettingsError(
            f"The size {size[0]}x{size[1]} cannot be used: height and width must be multiples of {MULTIPLE}; "
            f"the nearest is {near}"
        )
    return size
