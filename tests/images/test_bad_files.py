"""Files that are damaged, huge or no pictures at all: one sentence each, never another error, never a warning."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import PictureError
from restora.images.read import read_mask, read_picture, read_size
from restora.images.split import content_digest

Encode = Callable[..., bytes]
FORMS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
NOISE = np.random.default_rng(1).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def one_sentence(error: pytest.ExceptionInfo[PictureError], name: str) -> None:
    text = str(error.value)
    assert text.startswith(f"{name}: ")
    assert "\n" not in text
    assert ";" in text or "folder" in text  # what is wrong; what to do


def test_an_empty_file(tmp_path: Path):
    path = tmp_path / "empty.png"
    path.touch()
    for read in (read_picture, read_size, read_mask):
        with pytest.raises(PictureError, match="empty") as error:
            read(path)
        one_sentence(error, "empty.png")


@pytest.mark.parametrize(
    "content", [b"x", b"hello, I am text\n" * 20, b"GIF89a" + b"\0" * 40, b"%!PS-Adobe", b"\0" * 100]
)
def test_what_is_no_picture(content, tmp_path: Path):
    path = tmp_path / "text.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match="not a picture") as error:
        read_picture(path)
    one_sentence(error, "text.png")


def test_paths_that_lead_nowhere(tmp_path: Path):
    with pytest.raises(PictureError, match="no such file"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="folder"):
        read_picture(tmp_path)
    with pytest.raises(PictureError, match="cannot be opened"):
        read_picture("a\0b.png")


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_cut_anywhere(form, encode: Encode):
    data = encode(Image.fromarray(NOISE), form)
    for length in range(1, len(data) - 16, max(1, len(data) // 60)):
        with pytest.raises(PictureError) as error:
            read_picture(data[:length], name="cut")
        one_sentence(error, "cut")


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_with_wrong_bytes_gives_pixels_or_a_sentence_and_no_warning(form, encode: Encode):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    data = encode(Image.fromarray(NOISE), form, **({} if form == "BMP" else {"exif": exif}))
    rng = np.random.default_rng(2)
    refused = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(200):
            spoiled = bytearray(data)
            for at in rng.integers(0, min(len(data), 200), 3):  # the header is where damage hurts most
                spoiled[at] = rng.integers(0, 256)
            with contextlib.suppress(PictureError):
                assert read_picture(bytes(spoiled), name="spoiled").pixels.dtype == np.uint8
                continue
            refused.append(bytes(spoiled))
    assert not said
    assert len(refused) > 10


def bomb_png() -> bytes:
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    row = zlib.compress(b"\0" * 1000)
    chunks = [(b"IHDR", head), (b"IDAT", row), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb_bmp() -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def bomb_jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, "JPEG")
    data = stream.getvalue()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 30_000, 30_000) + data[at + 4 :]


def bomb_tiff() -> bytes:
    tags = {256: 30_000, 257: 30_000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 30_000, 279: 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4


@pytest.mark.parametrize("bomb", [bomb_png, bomb_bmp, bomb_jpeg, bomb_tiff])
def test_a_bomb_is_refused_from_its_header(bomb):
    start = time.perf_counter()
    for read in (read_picture, read_size):
        with pytest.raises(PictureError, match="30000 x 30000 pixels") as error:
            read(bomb())
        one_sentence(error, "<bytes>")
    assert time.perf_counter() - start < 1  # decoding 900 million pixels takes many seconds


def test_a_large_picture_below_the_limit_is_read_without_a_warning(encode: Encode):
    # Pillow warns from 89 million pixels on
    data = encode(Image.new("1", (9_500, 10_000)), "PNG")
    assert read_size(data) == (10_000, 9_500)


def test_odd_tags_of_a_tiff_say_nothing_and_leave_no_trace(encode: Encode):
    data = bytearray(encode(Image.fromarray(NOISE), "TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, *_ = struct.unpack_from("<HHII", data, entry)
        if tag == 284:  # more values than a tag like this may have: Pillow warns about it
            struct.pack_into("<HHII", data, entry, tag, 3, 2, 0x00010001)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        Image.open(io.BytesIO(data))
    assert said, "the picture no longer makes Pillow warn; spoil it in another way"
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda _: read_picture(bytes(data)), range(64)))
    assert all((picture.pixels == NOISE).all() for picture in pictures)
    assert warnings.filters == before


def test_cmyk_with_sixteen_bits_is_refused_rather_than_halved(tiff16):
    with pytest.raises(PictureError, match="CMYK;16"):
        read_picture(tiff16(np.zeros((2, 2, 4), dtype=np.uint16), photometric=5))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")  # nobody writes to it: opening it would wait for ever
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        for read in (read_picture, read_size, read_mask, content_digest):
            with pytest.raises(PictureError, match="pipe or a device"):
                read(path)


@pytest.mark.parametrize("shape", [(), (5,), (0, 4), (2, 3, 5)])
def test_an_array_that_is_no_mask(shape):
    with pytest.raises(PictureError, match="shape"):
        read_mask(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", ["M8[s]", "U2", "c8", "V4"])
def test_samples_that_are_no_mask(dtype):
    with pytest.raises(PictureError, match="no mask"):
        read_mask(np.zeros((2, 3), dtype))
