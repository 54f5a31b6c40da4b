"""Pictures made byte by byte, where Pillow itself cannot write what has to be read."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PngChunks = list[tuple[bytes, bytes]]


def png_of(chunks: PngChunks) -> bytes:
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def write_png() -> Callable[[PngChunks], bytes]:
    return png_of


@pytest.fixture
def png16() -> Callable[[np.ndarray], bytes]:
    """uint16 [H, W, 1 to 4] -> a 16-bit PNG (grey, grey with alpha, RGB, RGBA)."""

    def write(samples: np.ndarray) -> bytes:
        height, width, channels = samples.shape
        colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
        head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
        return png_of([(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])

    return write


@pytest.fixture
def tiff16() -> Callable[..., bytes]:
    """uint16 [H, W, C] -> a TIFF of one strip, with ``<`` or ``>`` as its byte order, deflated or not."""

    def write(samples: np.ndarray, order: str = "<", deflate: bool = False, photometric: int = 2) -> bytes:
        height, width, channels = samples.shape
        strip = samples.astype(order + "u2").tobytes()
        strip = zlib.compress(strip) if deflate else strip
        bits = struct.pack(order + f"{max(channels, 2)}H", *[16] * max(channels, 2))
        where_bits = 8
        where_strip = where_bits + len(bits)
        where_tags = where_strip + len(strip)
        tags = {
            256: width, 257: height, 259: 8 if deflate else 1, 262: photometric, 273: where_strip, 277: channels,
            278: height, 279: len(strip),
        }  # fmt: skip
        entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags.items()]
        depth = bits if channels <= 2 else struct.pack(order + "I", where_bits)  # up to four bytes stand in the entry
        entries.insert(2, struct.pack(order + "HHI", 258, 3, channels) + depth)
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", where_tags)
        return head + bits + strip + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)

    return write


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """A Pillow image -> the bytes of a file."""

    def write(image: Image.Image, form: str, **options: object) -> bytes:
        stream = io.BytesIO()
        image.save(stream, form, **options)
        return stream.getvalue()

    return write


@pytest.fixture
def category(tmp_path: Path) -> Path:
    """A small MVTec AD category: 3 to train, 2 good and 2 scratched to test, one mask a scratched picture."""
    root = tmp_path / "bolt"
    for place, count in {"train/good": 3, "test/good": 2, "test/scratch": 2}.items():
        (root / place).mkdir(parents=True)
        for index in range(count):
            grey = np.full((6, 8), 40 * index + 10 * len(place), dtype=np.uint8)
            grey[0, 0] = index
            Image.fromarray(grey).save(root / place / f"{index:03}.png")
    (root / "ground_truth/scratch").mkdir(parents=True)
    for index in range(2):
        mask = np.zeros((6, 8), dtype=np.uint8)
        mask[index, :3] = 255
        Image.fromarray(mask).save(root / f"ground_truth/scratch/{index:03}_mask.png")
    return root
