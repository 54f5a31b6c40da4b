from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, PictureError
from restora.images.saturation import Enough, Saturation

STATED = Saturation((Enough(255, 5, relative=False), Enough(254, 0.7, relative=True)), "table.json")


def save(path: Path, samples: np.ndarray) -> str:
    Image.fromarray(samples.astype(np.uint8)).save(path)
    return str(path)


@pytest.mark.parametrize(("share", "enough"), [(0.7, 7), (0.79, 7), (1.0, 10), (2.0, 10), (0.01, 1), (0.0, 1)])
def test_of_ten_pixels_a_share(share, enough):
    assert Enough(1, share, relative=True).of(10) == enough


@pytest.mark.parametrize(("count", "enough"), [(4.0, 4), (4.9, 4), (10.0, 10), (99.0, 10), (0.0, 1)])
def test_of_ten_pixels_a_number(count, enough):
    assert Enough(1, count, relative=False).of(10) == enough


def test_the_value_of_the_pixels_says_which_kind_it_is(tmp_path):
    for value, enough in ((255, 5), (254, 4)):
        samples = np.zeros((3, 4))
        samples[:2, :3] = value
        marked, found = STATED.read(save(tmp_path / "m.png", samples), "m.png")
        assert (marked == (samples > 0)).all()
        assert found == enough


def test_a_mask_saved_in_colour_counts_its_pixels_once(tmp_path):
    samples = np.zeros((3, 4, 4))
    samples[0], samples[..., 3] = 254, 255
    marked, enough = STATED.read(save(tmp_path / "m.png", samples), "m.png")
    assert (marked.sum(), enough) == (4, 2)


def test_a_mask_that_covers_everything_and_one_that_marks_nothing(tmp_path):
    marked, enough = STATED.read(save(tmp_path / "m.png", np.full((3, 4), 255)), "m.png")
    assert (marked.all(), enough) == (True, 5)
    marked, enough = STATED.read(save(tmp_path / "m.png", np.zeros((3, 4))), "m.png")
    assert (marked.any(), enough) == (False, 0)


@pytest.mark.parametrize(
    ("values", "words"),
    [([7], "the value 7"), ([255, 254], r"2 values \(254, 255\)"), ([1, 2, 3, 4], r"4 values \(1, 2, 3, \.\.\.\)")],
)
def test_a_value_of_which_nothing_is_stated_is_refused(tmp_path, values, words):
    source = save(tmp_path / "m.png", np.array([[0, *values]]))
    with pytest.raises(DataError, match=rf"m\.png marks with {words}, but .* table\.json knows"):
        STATED.read(source, "m.png")


def test_a_damaged_mask_is_named(tmp_path):
    (tmp_path / "m.png").write_bytes(b"x")
    with pytest.raises(PictureError, match=r"m\.png"):
        STATED.read(str(tmp_path / "m.png"), "m.png")
