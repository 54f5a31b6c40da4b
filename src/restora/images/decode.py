"""From the bytes of a picture file to its samples as they are stored: nothing scaled, nothing dropped.

Pillow's own front door (``Image.open``) warns about large pictures, tries dozens of formats, among them some that start
other programs, and reduces 16-bit colour to 8 bits. Here the format is told from the first bytes, the size is checked
from the header before anything is decoded, and 16-bit colour keeps its 16 bits.
"""

from __future__ import annotations

import io
import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile, _Tile

from restora.errors import PictureError

# 100 million pixels are 300 MB once decoded; a file of a few kilobytes can claim a thousand times that.
MAX_PIXELS = 100_000_000

FORMATS = "JPEG, PNG, BMP, TIFF, WebP"

_ORIENTATION_TAG = 0x0112
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FOREIGN = "B" if sys.byteorder == "little" else "L"
_OTHER_ORDER = {
    f"{colours};16{order}": f"{colours};16{other}"
    for colours in ("RGB", "RGBA")
    for order, other in (("B", "L"), ("L", "B"), ("N", _FOREIGN))
}
# catch_warnings changes the whole process, so only one thread at a time may be inside it
_QUIET = threading.Lock()


class _Reason(Exception):
    """Why a picture cannot be read and what to do, without its name."""


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose resolution is not looked up in its EXIF data: damaged, it would warn."""

    def _read_dpi_from_exif(self) -> None:
        pass


@contextmanager
def opened(stream: IO[bytes], name: str) -> Iterator[ImageFile]:
    """The picture in `stream` with its header read, its format known and its size allowed; errors as in `blamed`."""
    with blamed(name), _quiet_tiff(stream), _header(stream) as image:
        yield image


@contextmanager
def blamed(name: str) -> Iterator[None]:
    """Whatever a decoder raises inside the block comes out as a PictureError that names the picture.

    Damaged files make decoders raise nearly everything, and one bad picture must never end a job.
    """
    try:
        yield
    except PictureError:
        raise
    except _Reason as reason:
        raise PictureError(f"{name}: {reason}") from None
    except MemoryError:
        raise PictureError(f"{name}: there is too little memory to decode it; make the picture smaller") from None
    except Exception as error:
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise PictureError(
            f"{name}: the picture is damaged or incomplete ({why}); replace the file or take it out"
        ) from error


@contextmanager
def _quiet_tiff(stream: IO[bytes]) -> Iterator[None]:
    """Hold back what Pillow says about odd TIFF tags; the other formats are opened in ways that say nothing."""
    start = stream.read(4)
    stream.seek(0)
    if start not in _TIFF_STARTS:
        yield
        return
    with _QUIET, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _header(stream: IO[bytes]) -> ImageFile:
    start = stream.read(16)
    stream.seek(0)
    if not start:
        raise _Reason("the file is empty (0 bytes); replace it or take it out")
    image = _open_by_content(stream, start)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _Reason(
            f"the picture has {width} x {height} pixels, more than the {MAX_PIXELS:,} that are read; "
            "cut it into tiles or make it smaller"
        )
    return image


def _open_by_content(stream: IO[bytes], start: bytes) -> ImageFile:
    if start.startswith(b"\xff\xd8\xff"):
        return _Jpeg(stream)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(stream)
    if start.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile(stream)
    if start[:4] in _TIFF_STARTS:
        return TiffImagePlugin.TiffImageFile(stream)
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(stream)
    raise _Reason(f"the content is not a picture ({FORMATS} are read), whatever the file is called; take it out")


def stored_samples(image: Image.Image) -> NDArray[np.generic]:
    """The samples of a picture: bool, uint8, uint16, int32 or float32, [H, W] or [H, W, 3] or, with alpha, [H, W, 4].

    Palettes are looked up; a transparent colour becomes alpha; CMYK and YCbCr are turned into RGB by Pillow's plain
    formula, embedded colour profiles are not applied. Not yet rotated.
    """
    wide = _sixteen_bit_colour(image)
    if wide is not None:
        return wide
    mode = image.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        return np.asarray(image)
    if mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if mode in ("1", "L", "RGB", "RGBA"):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))


def _sixteen_bit_colour(image: Image.Image) -> NDArray[np.uint16] | None:
    """Both bytes of 16-bit colour, uint16 [H, W, 3 or 4]; None for every other picture.

    Pillow keeps one byte of each sample, and the byte order named in its tiles says which. So decoding with either
    order gives the upper and the lower bytes.
    """
    if not isinstance(image, (PngImagePlugin.PngImageFile, TiffImagePlugin.TiffImageFile)) or not image.tile:
        return None
    raw = _raw_mode(image.tile[0])
    if ";16" not in raw or raw.startswith("I;16"):
        return None
    if raw != "LA;16B" and raw not in _OTHER_ORDER:
        raise _Reason(f"16-bit colour stored as {raw} is not read; save the picture as 16-bit RGB or grey")
    stream = image.fp
    assert stream is not None, "a picture with tiles left to decode has its file open"
    stream.seek(0)
    data = stream.read()
    if raw == "LA;16B":  # four bytes a pixel: read as if they were four samples
        both = _decoded_as(type(image), data, "RGBA")
        return _joined(both[..., 0::2], both[..., 1::2])[..., [0, 0, 0, 1]]
    return _joined(_decoded_as(type(image), data, raw), _decoded_as(type(image), data, _OTHER_ORDER[raw]))


def _joined(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return upper.astype(np.uint16) * np.uint16(256) + lower


def _decoded_as(kind: type[ImageFile], data: bytes, raw: str) -> NDArray[np.uint8]:
    image = kind(io.BytesIO(data))
    image.tile = [
        tile._replace(args=raw if isinstance(tile.args, str) or tile.args is None else (raw, *tile.args[1:]))
        for tile in image.tile
    ]
    return np.asarray(image)


def _raw_mode(tile: _Tile) -> str:
    args = tile.args
    return args if isinstance(args, str) else str(args[0]) if args else ""


def orientation(image: ImageFile) -> int:
    """The EXIF rotation tag, 1 to 8, of a picture not yet decoded; 1 where there is none or it makes no sense."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1  # Pillow turns a TIFF by itself and has swapped its size already
    exif = image.info.get("exif", b"")
    if isinstance(image, PngImagePlugin.PngImageFile) and not exif and image.fp is not None:
        exif = _png_exif(image.fp)
    return _tag_in_exif(exif)


def _png_exif(stream: IO[bytes]) -> bytes:
    """The eXIf chunk, which may also stand behind the samples, where Pillow finds it only after decoding."""
    back = stream.tell()
    stream.seek(8)
    exif = b""
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            exif = stream.read(length)
            break
        stream.seek(length + 4, io.SEEK_CUR)
    stream.seek(back)
    return exif


def _tag_in_exif(exif: bytes) -> int:
    body = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(body[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", body, 4)
        (count,) = struct.unpack_from(order + "H", body, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", body, entry)
            if tag == _ORIENTATION_TAG and kind == 3 and 1 <= value <= 8:
                return int(value)
    except struct.error:  # cut short: such a tag says nothing
        return 1
    return 1


def turned(samples: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """`samples` [H, W, ...] as they are meant to be seen; 5 to 8 swap height and width (EXIF 2.32, tag 274)."""
    if orientation in (2, 4, 5, 7):  # mirrored: undo the mirror first, what remains is a rotation
        samples = samples[:, ::-1]
    quarters = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    return np.rot90(samples, quarters)


def describe(image: Image.Image) -> str:
    """How the samples are stored, in words a person uses: ``grey``, ``RGB 16-bit``, ``palette``."""
    words = {
        "1": "1-bit", "L": "grey", "LA": "grey with alpha", "La": "grey with alpha", "P": "palette",
        "PA": "palette with alpha", "RGBA": "RGB with alpha", "RGBa": "RGB with alpha", "I": "grey 32-bit",
        "F": "grey float",
    }  # fmt: skip
    if image.mode.startswith("I;16"):
        return "grey 16-bit"
    tile = image.tile[0] if isinstance(image, ImageFile) and image.tile else None
    raw = _raw_mode(tile) if tile is not None else ""
    word = "grey with alpha" if raw.startswith("LA;") else words.get(image.mode, image.mode)
    return f"{word} 16-bit" if ";16" in raw else word
