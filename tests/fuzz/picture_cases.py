"""Pictures of every kind that encoders make, and every way of harming their bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

Rng = np.random.Generator
SUFFIXES = (".png", ".jpg", ".JPEG", ".tif", ".bmp", ".webp", ".gif", ".txt", "")


def noise(rng: Rng, mode: str, largest: int = 70) -> Image.Image:
    """A picture of random samples and size in any of Pillow's modes; seldom a long thin one."""
    height, width = (int(side) for side in rng.integers(1, largest, 2))
    if rng.random() < 0.05:
        height, width = 1, int(rng.integers(1, 3000))
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray(rng.integers(0, 65536, (height, width)).astype(kind))
    colours = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    return colours.convert("RGB").convert(mode) if mode not in ("PA", "La") else colours.convert("L").convert(mode)


def _encoder(form: str, modes: tuple[str, ...], **choices: list[Any]) -> Callable[[Rng], bytes]:
    def encode(rng: Rng) -> bytes:
        image = noise(rng, str(rng.choice(modes)))
        options = {name: values[rng.integers(len(values))] for name, values in choices.items()}
        stream = io.BytesIO()
        image.save(stream, form, **{name: value for name, value in options.items() if value is not None})
        return stream.getvalue()

    return encode


def _exif(rng: Rng) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(0, 12))
    exif[0x010E] = "a picture"
    stream = io.BytesIO()
    form = str(rng.choice(["JPEG", "PNG", "WEBP", "TIFF"]))
    noise(rng, "RGB").save(stream, form, exif=exif)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_by_hand(rng: Rng) -> bytes:
    """A PNG with checksums that are right and nearly anything in its header: sizes of zero and of billions."""
    sizes = [0, 1, 2, 7, 64, 300, 9_999, 30_000, 2**31 - 1, 2**32 - 1]
    width, height = (sizes[place] for place in rng.integers(0, len(sizes), 2))
    if 4_000_000 < width * height <= 100_000_000:  # allowed, and no more than slow
        width = 2
    depth, colour = int(rng.choice([1, 2, 4, 8, 16, 3, 255])), int(rng.choice([0, 2, 3, 4, 6, 1, 9]))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(rng.integers(0, 3)))
    body = chunk(b"IDAT", zlib.compress(rng.bytes(int(rng.integers(0, 5000)))))
    extra = [b"", chunk(b"PLTE", rng.bytes(int(rng.integers(0, 800)))), chunk(b"tRNS", rng.bytes(6))]
    extra += [
        chunk(b"eXIf", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10**6))),
    ]
    more = extra[rng.integers(len(extra))]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + body + chunk(b"IEND", b"")


def _sixteen_bit_png(rng: Rng) -> bytes:
    height, width = (int(side) for side in rng.integers(1, 40, 2))
    colour, channels = ((2, 3), (6, 4), (4, 2), (0, 1))[rng.integers(4)]
    samples = rng.integers(0, 65536, (height, width * channels)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


ENCODERS: dict[str, Callable[[Rng], bytes]] = {
    "png": _encoder("PNG", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), bits=[None, 1, 2, 4]),
    "jpeg": _encoder("JPEG", ("L", "RGB", "CMYK", "YCbCr"), quality=[5, 90], progressive=[False, True]),
    "tiff": _encoder(
        "TIFF",
        ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
        compression=[None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_lzma"],
    ),
    "bmp": _encoder("BMP", ("1", "L", "P", "RGB", "RGBA")),
    "gif": _encoder("GIF", ("L", "P", "RGB")),
    "webp": _encoder("WEBP", ("RGB", "RGBA", "L"), lossless=[False, True]),
    "exif": _exif,
    "png-header": _png_by_hand,
    "png-16": _sixteen_bit_png,
    "nothing": lambda rng: b"",
    "noise": lambda rng: rng.bytes(int(rng.integers(1, 500))),
    "magic": lambda rng: bytes(rng.choice(MAGIC)) + rng.bytes(int(rng.integers(0, 300))),
}
MAGIC = [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"RIFF\x40\0\0\0WEBPVP8X"]


def harmed(content: bytes, harm: str, rng: Rng) -> bytes:
    """The bytes with one kind of damage, whose place and size `rng` draws."""
    return content if len(content) < 8 else HARMS[harm](content, rng)


def _span(content: bytes, rng: Rng) -> tuple[int, int]:
    first, last = sorted(int(place) for place in rng.integers(0, len(content), 2))
    return first, last


def _flipped(content: bytes, rng: Rng, reach: int) -> bytes:
    data = bytearray(content)
    for place in rng.integers(0, min(reach, len(data)), int(rng.integers(1, 12))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _number(content: bytes, rng: Rng) -> bytes:
    """A length, a size or an offset gone wild."""
    value = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000][rng.integers(9)]
    place = int(rng.integers(0, min(len(content) - 4, 200)))
    return content[:place] + struct.pack("<I" if rng.random() < 0.5 else ">I", value) + content[place + 4 :]


def _spliced(content: bytes, rng: Rng) -> bytes:
    first, last = _span(content, rng)
    other = ENCODERS[str(rng.choice(["png", "jpeg", "tiff", "bmp", "webp"]))](rng)
    return content[:last] + other[min(first, len(other)) :]


def _rearranged(content: bytes, rng: Rng, how: str) -> bytes:
    first, last = _span(content, rng)
    if how == "double":
        return content[:last] + content[first:]
    if how == "zeros":
        return content[:first] + bytes(last - first) + content[last:]
    if how == "swap ends":
        return content[last:] + content[:last]
    return content[:first] + rng.bytes(int(rng.integers(1, 40))) + content[first:]


HARMS: dict[str, Callable[[bytes, Rng], bytes]] = {
    "none": lambda content, rng: content,
    "cut": lambda content, rng: content[: _span(content, rng)[1]],
    "flip": lambda content, rng: _flipped(content, rng, len(content)),
    "flip head": lambda content, rng: _flipped(content, rng, 80),
    "number": _number,
    "splice": _spliced,
    "append": lambda content, rng: content + rng.bytes(int(rng.integers(1, 4000))),
    "double": lambda content, rng: _rearranged(content, rng, "double"),
    "zeros": lambda content, rng: _rearranged(content, rng, "zeros"),
    "swap ends": lambda content, rng: _rearranged(content, rng, "swap ends"),
    "insert": lambda content, rng: _rearranged(content, rng, "insert"),
}


def picture_bytes(encoder: str, harms: tuple[str, ...], number: int) -> bytes:
    """The file that a case stands for."""
    rng = np.random.default_rng(number)
    content = ENCODERS[encoder](rng)
    for harm in harms:
        content = harmed(content, harm, rng)
    return content


numbers = st.integers(0, 2**48)
files = st.tuples(
    st.sampled_from(sorted(ENCODERS)),
    st.lists(st.sampled_from(tuple(HARMS)), max_size=2).map(tuple),
    numbers,
)

DTYPES = ("bool", "u1", "<u2", ">u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", ">f4", "f8", "g", "c8", "O", "S3", "U2",
          "M8[s]", "V4")  # fmt: skip
SHAPES = ((), (0,), (5,), (0, 4), (4, 0), (1, 1), (9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 3), (9, 7, 4), (9, 7, 5),
          (3, 9, 7), (1, 9, 7, 3), (2, 9, 7, 3), (0, 9, 7, 3), (1, 1, 1, 1, 1), (1, 5000), (40, 60, 3))  # fmt: skip
CONTENTS = ("small", "byte", "wide", "negative", "nan", "inf", "unit", "huge")
arrays = st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES), st.sampled_from(CONTENTS), numbers)


def array_of(dtype: str, shape: tuple[int, ...], content: str, number: int) -> np.ndarray:
    """An array of any type, shape and content, laid out in any way."""
    rng = np.random.default_rng(number)
    top = {"small": 2, "byte": 256, "wide": 65536, "negative": 200, "huge": 2**40}.get(content, 1)
    values = rng.random(shape) * top - (100 if content == "negative" else 0)
    if content in ("nan", "inf") and values.size:
        values = np.where(rng.random(shape) < 0.3, np.nan if content == "nan" else np.inf, values)
    with np.errstate(all="ignore"):
        array = np.asarray(_as(np.asarray(values), dtype))
    if array.ndim >= 2:
        layout = rng.integers(4)
        array = (array, array[::-1, ::-1], np.asfortranarray(array), np.repeat(array, 2, axis=0)[::2])[layout]
    if array.ndim:
        array.flags.writeable = bool(rng.integers(2))
    return array


def _as(values: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "V4":
        return np.zeros(values.shape, dtype=[("a", "i2"), ("b", "i2")])
    if np.dtype(dtype).kind in "iuM":
        values = np.nan_to_num(values, posinf=0).astype(np.int64)
    return values.astype(dtype)


MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16",
         "I;16B", "F")  # fmt: skip
images = st.tuples(st.sampled_from(MODES), st.sampled_from([(0, 0), (0, 3), (1, 1), (31, 17)]), numbers)


def image_of(mode: str, size: tuple[int, int], number: int) -> Image.Image:
    """A Pillow image of any mode, also of no pixels, with a rotation tag that may make no sense."""
    image = Image.new(mode, size)
    image.getexif()[0x0112] = number % 11
    return image
