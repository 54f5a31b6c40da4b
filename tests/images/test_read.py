from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from restora.errors import PictureError, SettingsError
from restora.images.read import read_mask, read_picture, read_size

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
Encode = Callable[..., bytes]


def pixels(source: object, **options: object) -> np.ndarray:
    return read_picture(source, **options).pixels


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_every_lossless_format_gives_the_pixels_back(form, options, encode: Encode, tmp_path: Path):
    data = encode(Image.fromarray(COLOURS), form, **options)
    path = tmp_path / f"picture.{form.lower()}"
    path.write_bytes(data)
    for source in (path, str(path), data, Image.open(io.BytesIO(data))):
        assert (pixels(source) == COLOURS).all()
        assert read_size(source) == (5, 7)


def test_jpeg_is_what_pillow_decodes(encode: Encode):
    data = encode(Image.fromarray(COLOURS), "JPEG")
    assert (pixels(data) == np.asarray(Image.open(io.BytesIO(data)))).all()


def test_name_and_source_say_where_it_came_from(tmp_path: Path, encode: Encode):
    path = tmp_path / "部件 1 Ü.PNG"
    path.write_bytes(encode(Image.fromarray(COLOURS), "PNG"))
    picture = read_picture(path)
    assert (picture.name, picture.source) == ("部件 1 Ü.PNG", str(path))
    assert read_picture(path, name="line/1.png").name == "line/1.png"
    assert read_picture(COLOURS).source == "<array>"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_the_content_counts_not_the_ending(suffix, tmp_path: Path, encode: Encode):
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(encode(Image.fromarray(COLOURS), "BMP"))
    assert (pixels(path) == COLOURS).all()


def test_grey_becomes_three_equal_channels(encode: Encode):
    grey = COLOURS[..., 0]
    assert (pixels(encode(Image.fromarray(grey), "PNG")) == np.stack([grey] * 3, axis=-1)).all()


def test_one_bit_becomes_black_and_white(encode: Encode):
    bits = np.array([[True, False], [False, True]])
    for form in ("PNG", "TIFF", "BMP"):
        assert pixels(encode(Image.fromarray(bits), form))[..., 0].tolist() == [[255, 0], [0, 255]]


def test_a_palette_is_looked_up(encode: Encode):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="L").convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert pixels(encode(image, "PNG")).tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_transparency_of_a_palette_lies_over_black(encode: Encode):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="L").convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert pixels(encode(image, "PNG", transparency=0)).tolist() == [[[0, 0, 0], [200, 100, 50]]]
    # 200, 100, 50 at 51 / 255 = one fifth
    assert pixels(encode(image, "PNG", transparency=bytes([255, 51]))).tolist() == [[[10, 20, 30], [40, 20, 10]]]


def test_alpha_lies_over_black(encode: Encode):
    seen = pixels(encode(Image.fromarray(np.array([[[200, 100, 50, 51]]], dtype=np.uint8)), "PNG"))
    assert seen.tolist() == [[[40, 20, 10]]]
    grey = Image.fromarray(np.array([[[200, 51]]], dtype=np.uint8), mode="LA")
    assert pixels(encode(grey, "PNG")).tolist() == [[[40, 40, 40]]]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_turned_into_rgb(form, encode: Encode):
    image = Image.fromarray(np.full((8, 8, 4), (0, 255, 255, 0), dtype=np.uint8), mode="CMYK")
    assert np.abs(pixels(encode(image, form)).astype(int) - (255, 0, 0)).max() <= 3


def test_one_pixel_is_a_picture(encode: Encode):
    for form in ("PNG", "JPEG", "BMP", "TIFF", "WEBP"):
        data = encode(Image.fromarray(np.full((1, 1, 3), 128, dtype=np.uint8)), form)
        assert pixels(data).shape == (1, 1, 3)
        assert np.abs(pixels(data).astype(int) - 128).max() <= 2


# 16 bit


def test_depth_says_what_white_is(png16):
    data = png16(np.array([[[0], [2048], [4095], [65535]]], dtype=np.uint16))
    # 2048 x 255 / 4095 = 127.5...; what exceeds the depth is white
    assert pixels(data, depth=12)[0, :, 0].tolist() == [0, 128, 255, 255]
    # 2048 x 255 / 65535 = 7.97, 4095 -> 15.93
    assert pixels(data)[0, :, 0].tolist() == [0, 8, 16, 255]


def test_a_darker_picture_stays_darker(png16):
    bright, dark = np.full((4, 4, 1), 4000, dtype=np.uint16), np.full((4, 4, 1), 400, dtype=np.uint16)
    assert pixels(png16(bright), depth=12).max() == 249  # 4000 x 255 / 4095 = 249.08
    assert pixels(png16(dark), depth=12).max() == 25  # not stretched to its own maximum


def test_eight_bit_pictures_ignore_the_depth(encode: Encode):
    assert (pixels(encode(Image.fromarray(COLOURS), "PNG"), depth=12) == COLOURS).all()


def by_hand(samples: np.ndarray, depth: int) -> np.ndarray:
    top = 2**depth - 1
    return np.floor(np.minimum(samples, top) / top * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("depth", [12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_all_sixteen_bits_of_a_png_count(channels, depth, png16):
    samples = RNG.integers(0, 2**depth, (9, 5, channels)).astype(np.uint16)
    assert (pixels(png16(samples), depth=depth) == by_hand(samples, depth)).all()
    opened = Image.open(io.BytesIO(png16(samples)))
    assert (pixels(opened, depth=depth) == by_hand(samples, depth)).all()


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_all_sixteen_bits_of_a_tiff_count(channels, order, deflate, tiff16, tmp_path: Path):
    samples = RNG.integers(0, 4096, (9, 5, channels)).astype(np.uint16)
    data = tiff16(samples, order, deflate, photometric=1 if channels == 1 else 2)
    (tmp_path / "a.tif").write_bytes(data)
    for source in (data, tmp_path / "a.tif"):
        assert (pixels(source, depth=12) == by_hand(samples, 12)).all()


def test_sixteen_bit_alpha_lies_over_black(png16):
    # alpha 13107 / 65535 = one fifth
    assert pixels(png16(np.array([[[51400, 25700, 12850, 13107]]], dtype=np.uint16))).tolist() == [[[40, 20, 10]]]
    assert pixels(png16(np.array([[[51400, 13107]]], dtype=np.uint16))).tolist() == [[[40, 40, 40]]]


@pytest.mark.parametrize("depth", [0, 7, 17, -1])
def test_a_depth_that_makes_no_sense_is_refused(depth):
    with pytest.raises(SettingsError, match="8 to 16"):
        read_picture(COLOURS, depth=depth)


# rotation tags


def with_tag(image: Image.Image, form: str, tag: object) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = tag
    image.save(stream, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    return stream.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_rotation_tags_are_applied(tag, form):
    data = with_tag(Image.fromarray(COLOURS), form, tag)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert wanted.shape[:2] == ((7, 5) if tag >= 5 else (5, 7))
    for make in (lambda: data, lambda: Image.open(io.BytesIO(data))):
        assert (pixels(make()) == wanted).all()
        assert read_size(make()) == wanted.shape[:2]


def test_a_quarter_turn_by_hand(encode: Encode):
    # tag 6: the camera was turned; the picture has to be turned clockwise, so its left column becomes the top row
    row = np.array([[10], [20], [30]], dtype=np.uint8)
    assert pixels(with_tag(Image.fromarray(row), "PNG", 6))[..., 0].tolist() == [[30, 20, 10]]


def test_a_tag_behind_the_samples_counts(write_png, png16):
    body = with_tag(Image.fromarray(COLOURS), "PNG", 6)
    chunks, at = [], 8
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        chunks.append((body[at + 4 : at + 8], body[at + 8 : at + 8 + length]))
        at += 12 + length
    late = [chunk for chunk in chunks if chunk[0] not in (b"eXIf", b"IEND")]
    late += [chunk for chunk in chunks if chunk[0] == b"eXIf"] + [(b"IEND", b"")]
    assert len(late) == len(chunks)
    assert read_size(write_png(late)) == (7, 5)
    assert (pixels(write_png(late)) == np.rot90(COLOURS, -1)).all()


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_tag_that_makes_no_sense_is_ignored(tag):
    data = with_tag(Image.fromarray(COLOURS), "PNG", tag)
    assert (pixels(data) == COLOURS).all()
    assert (pixels(Image.open(io.BytesIO(data))) == COLOURS).all()


@pytest.mark.parametrize(
    "exif", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff\x12\x01", b"nonsense"]
)
def test_broken_rotation_tags_are_ignored(exif, write_png, encode: Encode):
    body = encode(Image.fromarray(COLOURS), "PNG")
    chunk = write_png([(b"eXIf", exif)])[8:]
    assert (pixels(body[:33] + chunk + body[33:]) == COLOURS).all()


# arrays


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1), (4, 3, 3), (4, 3, 4)])
def test_arrays_of_every_shape(shape):
    seen = pixels(np.full(shape, 255, dtype=np.uint8))
    assert seen.shape == (4, 3, 3)
    assert seen.dtype == np.uint8
    assert (seen == 255).all()


def test_arrays_of_every_type():
    assert pixels(np.array([[True, False]]))[0, :, 0].tolist() == [255, 0]
    assert pixels(np.array([[0.0, 0.5, 1.0]]))[0, :, 0].tolist() == [0, 128, 255]
    assert pixels(np.array([[0.2]], dtype=np.float32))[0, 0, 0] == 51
    assert pixels(np.array([[0.2]], dtype=np.float16))[0, 0, 0] == 51
    assert pixels(np.array([[4095]], dtype=np.uint16), depth=12)[0, 0, 0] == 255


def test_a_picture_never_shares_memory_with_the_array():
    # a camera writes its next picture into the same buffer
    buffer = COLOURS.copy()
    picture = read_picture(buffer)
    buffer[:] = 0
    assert (picture.pixels == COLOURS).all()
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5, 7), np.uint8), r"shape \[3, 5, 7\]"),
        (np.zeros(5, np.uint8), "shape"),
        (np.zeros((0, 5), np.uint8), "no pixels"),
        (np.full((2, 2), np.nan), "0..1"),
        (np.full((2, 2), 255.0), "0..1"),
        (np.full((2, 2), -0.1), "0..1"),
        (np.full((2, 2), 70000), "16 bits"),
        (np.full((2, 2), -1), "16 bits"),
        (np.array([["a"]]), "type"),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(PictureError, match=message):
        read_picture(array)


# masks


def test_a_mask_is_everything_above_zero(encode: Encode, png16):
    wanted = np.array([[False, True, True]])
    assert (read_mask(encode(Image.fromarray(np.array([[0, 1, 255]], dtype=np.uint8)), "PNG")) == wanted).all()
    assert (read_mask(encode(Image.fromarray(wanted), "PNG")) == wanted).all()
    assert (read_mask(png16(np.array([[[0], [1], [65535]]], dtype=np.uint16))) == wanted).all()
    colours = np.array([[[0, 0, 0, 255], [0, 0, 1, 255], [9, 0, 0, 255]]], dtype=np.uint8)
    assert (read_mask(encode(Image.fromarray(colours), "PNG")) == wanted).all()
    assert read_mask(wanted).dtype == np.bool_
