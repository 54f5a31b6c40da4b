"""A miniature of VisA sorted for one-class use: masks are .png, pictures .JPG."""

from __future__ import annotations

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import visa_one_class


@pytest.fixture
def sorted_sets(draw):
    for category in ("candle", "pcb1"):
        draw(f"{category}/train/good/0836.JPG", f"{category}/test/good/0002.JPG", f"{category}/test/bad/000.JPG")
        draw(f"{category}/ground_truth/bad/000.png", marked=255)


@pytest.mark.usefixtures("sorted_sets")
def test_a_category(at, row):
    assert visa_one_class.looks_like(at("candle")) == 1
    data = visa_one_class.read(at("candle"))
    assert (data.name, data.layout, data.stray_masks) == ("candle", "visa-one-class", ())
    assert [row(item) for item in data.items] == [
        ("train/good/0836.JPG", "train", 0, "good", []),
        ("test/good/0002.JPG", "test", 0, "good", []),
        ("test/bad/000.JPG", "test", 1, "bad", ["000.png"]),
    ]
    assert inspect_dataset(data).counts == {"train": {"good": 1}, "test": {"good": 1, "bad": 1}}


@pytest.mark.usefixtures("sorted_sets")
def test_the_root_of_all_is_refused_and_names_one(at):
    assert 0 < visa_one_class.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"2 categories \(candle, pcb1\).*restora train .*candle"):
        visa_one_class.read(at())


@pytest.mark.usefixtures("sorted_sets")
def test_other_peoples_good_and_bad_pictures_are_left_to_mvtec_ad(at, tmp_path, draw):
    (tmp_path / "candle").rename(tmp_path / "bolt")
    assert visa_one_class.looks_like(at("bolt")) == 0
    assert len(visa_one_class.read(at("bolt")).items) == 3  # asked for by name it is read
    draw("bolt/test/scratch/1.png")
    with pytest.raises(DataError, match=r"test/scratch, but this layout has good and bad alone in test"):
        visa_one_class.read(at("bolt"))
