from __future__ import annotations

import numpy as np
import pytest

from restora.errors import DataError, SettingsError
from restora.images.prepare import carry_map, check_size, choose_size, median_shape, parse_size, prepare

RNG = np.random.default_rng(0)


def test_a_picture_of_the_right_size_is_handed_through():
    pixels = RNG.integers(0, 256, (32, 64, 3)).astype(np.uint8)
    assert prepare(pixels, (32, 64)) is pixels


def test_halving_takes_in_every_pixel():
    # a single white pixel in 64 x 64: a resampler without antialiasing loses it or keeps it whole
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[21, 33] = 255
    small = prepare(pixels, (32, 32))
    assert small.shape == (32, 32, 3)
    assert 0 < small.max() < 200
    # triangle of width 2 around the new centre: weights 1/8 3/8 3/8 1/8, so the brightest is (3/8)^2 of 255
    assert small.max() == round(255 * (3 / 8) ** 2)


def test_one_colour_stays_that_colour():
    for shape in ((1, 1), (3, 500), (77, 31)):
        assert (prepare(np.full((*shape, 3), 93, dtype=np.uint8), (32, 64)) == 93).all()


def test_height_comes_first():
    pixels = np.zeros((64, 32, 3), dtype=np.uint8)
    pixels[32:] = 255  # the lower half is white
    small = prepare(pixels, (96, 32))
    assert small[:40].max() == 0
    assert small[-40:].min() == 255


# maps


def test_a_map_carried_by_hand():
    # centres of the four new pixels lie at -.25, .25, .75, 1.25 of the two old ones
    carried = carry_map(np.array([[0, 4]], dtype=np.float32), (1, 4))
    assert carried.tolist() == [[0, 1, 3, 4]]
    assert carried.dtype == np.float32
    assert carry_map(np.array([[0], [4]], dtype=np.float32), (4, 1))[:, 0].tolist() == [0, 1, 3, 4]


def test_a_carried_map_stays_within_its_values():
    map = RNG.normal(size=(9, 13)).astype(np.float32)
    for shape in ((36, 52), (100, 7), (9, 13), (1, 1)):
        carried = carry_map(map, shape)
        assert carried.shape == shape
        assert carried.min() >= map.min()
        assert carried.max() <= map.max()
    assert (carry_map(map, map.shape) == map).all()


def test_carrying_is_torch_interpolation_without_aligned_corners():
    torch = pytest.importorskip("torch")
    map = RNG.normal(size=(24, 17)).astype(np.float32)
    for shape in ((96, 68), (250, 333)):
        wanted = torch.nn.functional.interpolate(torch.from_numpy(map)[None, None], size=shape, mode="bilinear")
        assert np.abs(carry_map(map, shape) - wanted[0, 0].numpy()).max() < 1e-5


# sizes


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((384, 512), (288, 384)),  # 110,592 pixels exactly
        ((600, 800), (288, 384)),
        ((512, 512), (320, 320)),
        ((256, 256), (256, 256)),
        ((300, 300), (288, 288)),
        ((650, 256), (544, 192)),
        ((1, 1), (32, 32)),
        ((33, 5000), (32, 3456)),
    ],
)
def test_the_size_for_one_shape(shape, size):
    assert choose_size([shape]) == size


def test_the_size_obeys_its_rules_for_any_shape():
    for _ in range(200):
        shape = tuple(int(side) for side in RNG.integers(1, 4000, 2))
        pixels = int(RNG.integers(1024, 300_000))
        height, width = choose_size([shape], pixels)
        assert height % 32 == width % 32 == 0
        assert height * width <= pixels
        assert choose_size([shape[::-1]], pixels) == (width, height)


def test_the_median_decides():
    shapes = [(256, 256), (256, 256), (256, 256), (4000, 3000), (10, 10)]
    assert choose_size(shapes) == (256, 256)
    assert median_shape([(1, 9), (3, 1), (2, 5)]) == (2, 5)
    assert median_shape([(1, 9), (3, 1)]) == (1, 1)  # of two the lower, a size that exists


def test_sizes_that_cannot_be_chosen():
    with pytest.raises(DataError, match="no picture"):
        choose_size([])
    with pytest.raises(SettingsError, match="at least 1024"):
        choose_size([(5, 5)], 1023)


def test_sizes_as_they_are_written():
    assert parse_size("288x384") == (288, 384)
    assert parse_size(" 64 X 32 ") == (64, 32)


@pytest.mark.parametrize("text", ["", "288", "288x", "288x384x3", "-32x32", "3.2x32"])
def test_a_size_that_is_not_understood(text):
    with pytest.raises(SettingsError, match="HEIGHTxWIDTH"):
        parse_size(text)


@pytest.mark.parametrize(("size", "near"), [((300, 384), "288x384"), ((0, 32), "32x32"), ((31, 65), "32x64")])
def test_a_size_a_trunk_cannot_take_names_the_nearest(size, near):
    with pytest.raises(SettingsError, match=f"multiples of 32.*{near}"):
        check_size(size)
