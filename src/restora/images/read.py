"""One picture, from a file, bytes, an array or a Pillow image, to 8-bit RGB: the one way in.

16-bit samples are scaled by the depth that was declared, never by what a picture happens to hold: a darker picture
stays darker. Alpha is laid over black. Rotation tags are applied.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from restora.errors import PictureError, SettingsError
from restora.images import decode
from restora.images.files import open_file

PictureSource = str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image


@dataclass(frozen=True)
class Picture:
    """A picture ready to be looked at.

    name   : path below its source, ``/`` between folders
    pixels : uint8 [H, W, 3], RGB, upright
    source : where it came from, for people: a path, or ``<array>``, ``<bytes>``, ``<image>``
    """

    name: str
    pixels: NDArray[np.uint8]
    source: str


def read_picture(source: PictureSource, *, name: str | None = None, depth: int | None = None) -> Picture:
    """Read one picture.

    source : a path, the bytes of a file, a Pillow image, or an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (RGB
             order, alpha last) of uint8, uint16, bool, or float in 0..1
    depth  : how many bits of 16-bit samples are used (8 to 16, default 16); ``2**depth - 1`` becomes 255, larger
             values too. 8-bit pictures do not need it and are left as they are.

    Raises PictureError with one sentence that names the picture.
    """
    depth = check_depth(depth)
    where = _where(source)
    name = name if name is not None else _name(source)
    pixels = to_rgb(read_samples(source, name), depth=depth, name=name)
    return Picture(name, pixels, where)


def read_size(source: PictureSource) -> tuple[int, int]:
    """(height, width) of a picture as it will be read; of a file only the header is looked at. Raises PictureError."""
    if isinstance(source, np.ndarray):
        return _checked_shape(source, _name(source))[:2]
    if isinstance(source, Image.Image):
        with decode.blamed(_name(source)):
            source.load()
            width, height = source.size
            turn = _turn_of_image(source)
    else:
        with opened(source, _name(source)) as image:
            width, height = image.size
            turn = decode.orientation(image)
    return (width, height) if turn >= 5 else (height, width)


def read_mask(source: PictureSource) -> NDArray[np.bool_]:
    """A mask, bool [H, W]: everything above 0 is marked, whatever the depth; alpha is not looked at.

    Raises PictureError.
    """
    name = _name(source)
    return marked_in(read_samples(source, name), name)


def marked_in(samples: NDArray[Any], name: str) -> NDArray[np.bool_]:
    """What the stored samples of a mask mark, bool [H, W]; see read_mask. Raises PictureError."""
    _checked_shape(samples, name)
    if samples.dtype.kind not in "biuf":
        raise PictureError(f"{name}: samples of type {samples.dtype} are no mask; give uint8 or bool")
    if samples.ndim == 2:
        return np.ascontiguousarray(samples > 0)
    return np.ascontiguousarray((samples[..., :3] > 0).any(axis=-1))


def check_depth(depth: int | None) -> int:
    """The depth to use: 16 for None, else `depth`, which must be 8 to 16. Raises SettingsError."""
    if depth is None:
        return 16
    if not 8 <= depth <= 16:
        raise SettingsError(f"The depth is {depth}; it is the number of bits a 16-bit sample uses, 8 to 16")
    return depth


def to_rgb(samples: NDArray[Any], *, depth: int, name: str) -> NDArray[np.uint8]:
    """Stored samples -> uint8 [H, W, 3], a copy; see read_picture. Raises PictureError."""
    height, width, channels = _checked_shape(samples, name)
    levels = _to_bytes(samples, depth, name).reshape(height, width, channels)
    if channels == 4:
        alpha = levels[..., 3:].astype(np.uint16)
        levels = ((levels[..., :3] * alpha + 127) // 255).astype(np.uint8)
    if channels == 1:
        return levels.repeat(3, axis=2)  # four times faster than spreading one channel over three by assignment
    return np.array(levels, order="C")


def _to_bytes(samples: NDArray[Any], depth: int, name: str) -> NDArray[np.uint8]:
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype.kind == "f":
        if not (samples.min() >= 0 and samples.max() <= 1):  # written so that NaN is refused too
            raise PictureError(f"{name}: floating-point samples must lie in 0..1, these do not; scale them first")
        scaled: NDArray[np.uint8] = np.rint(samples * 255).astype(np.uint8)
        return scaled
    if samples.dtype.kind not in "iu":
        raise PictureError(f"{name}: samples of type {samples.dtype} are not read; give uint8, uint16, bool or float")
    if samples.min() < 0 or samples.max() > 65535:
        raise PictureError(f"{name}: the samples go beyond 16 bits (0..65535); save the picture with 8 or 16 bits")
    top = 2**depth - 1
    table = np.rint(np.minimum(np.arange(65536), top) * (255 / top)).astype(np.uint8)
    levels: NDArray[np.uint8] = table[samples]
    return levels


def _checked_shape(samples: NDArray[Any], name: str) -> tuple[int, int, int]:
    channels = samples.shape[2] if samples.ndim == 3 else 1
    if samples.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise PictureError(
            f"{name}: an array of shape {list(samples.shape)} is no picture; "
            "give [height, width] or [height, width, 1, 3 or 4]"
        )
    if samples.size == 0:
        raise PictureError(f"{name}: the picture has no pixels (shape {list(samples.shape)}); take it out")
    if samples.shape[0] * samples.shape[1] > decode.MAX_PIXELS:
        raise PictureError(f"{name}: more than {decode.MAX_PIXELS:,} pixels are not read; cut the picture into tiles")
    return samples.shape[0], samples.shape[1], channels


def read_samples(source: PictureSource, name: str) -> NDArray[Any]:
    """The samples as they are stored, upright but not scaled; see `decode.stored_samples`. Raises PictureError."""
    if isinstance(source, np.ndarray):
        return source
    if isinstance(source, Image.Image):
        return _samples_of_image(source, name)
    with opened(source, name) as image:
        turn = decode.orientation(image)
        return decode.turned(decode.stored_samples(image), turn)


def _samples_of_image(image: Image.Image, name: str) -> NDArray[Any]:
    with decode.blamed(name):
        samples = decode.stored_samples(image)
        image.load()  # the tag counts once it is decoded: Pillow takes it away where it has turned the picture itself
        return decode.turned(samples, _turn_of_image(image))


def _turn_of_image(image: Image.Image) -> int:
    turn = image.getexif().get(0x0112, 1)
    return turn if turn in range(1, 9) else 1


@contextmanager
def opened(source: str | os.PathLike[str] | bytes, name: str) -> Iterator[ImageFile]:
    """A picture file with its header read and nothing decoded yet. Raises PictureError, also for the block inside."""
    if isinstance(source, bytes):
        with decode.opened(io.BytesIO(source), name) as image:
            yield image
        return
    try:
        stream = open_file(source)  # closed below; only the opening may be blamed on the path
    except OSError as error:
        raise PictureError(f"{name}: {_why_not_opened(error)}") from None
    with stream, decode.opened(stream, name) as image:
        yield image


def _why_not_opened(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; check the path"
    if isinstance(error, PermissionError):
        return "the file may not be read; change its permissions"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not a picture"
    return f"the file cannot be opened ({error.strerror or error}); check the path and the disk"


def _name(source: PictureSource) -> str:
    if isinstance(source, (str, os.PathLike)):
        return Path(source).name or str(source)
    return _where(source)


def _where(source: PictureSource) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if isinstance(source, bytes):
        return "<bytes>"
    return "<array>" if isinstance(source, np.ndarray) else "<image>"
