"""A miniature of BTAD: product 01 with .bmp pictures and .png masks, 02 with .png, 03 with .bmp."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import btad


@pytest.fixture
def products(draw):
    for product, picture, mask in (("01", "bmp", "png"), ("02", "png", "png"), ("03", "bmp", "bmp")):
        draw(f"{product}/train/ok/0000.{picture}", f"{product}/train/ok/0001.{picture}")
        draw(f"{product}/test/ok/0000.{picture}", f"{product}/test/ko/0001.{picture}")
        draw(f"{product}/ground_truth/ko/0001.{mask}", marked=255)


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize(
    ("product", "picture", "mask"), [("01", "bmp", "png"), ("02", "png", "png"), ("03",) + ("bmp",) * 2]
)
def test_every_product_is_a_data_set(at, row, product, picture, mask):
    tree = at(product)
    assert btad.looks_like(tree) == 1
    data = btad.read(tree)
    assert (data.name, data.layout, data.stray_masks, data.notes) == (product, "btad", (), ())
    assert [row(item) for item in data.items] == [
        (f"train/ok/0000.{picture}", "train", 0, "good", []),
        (f"train/ok/0001.{picture}", "train", 0, "good", []),
        (f"test/ok/0000.{picture}", "test", 0, "good", []),
        (f"test/ko/0001.{picture}", "test", 1, "ko", [f"0001.{mask}"]),
    ]
    assert data.items[3].mask((6, 8)).sum() == 1
    found = inspect_dataset(data)
    assert found.counts == {"train": {"good": 2}, "test": {"good": 1, "ko": 1}}
    assert (found.bad_masks, found.missing_masks) == ((), ())
    assert all(Path(item.source).is_file() for item in data.items)


@pytest.mark.usefixtures("products")
def test_the_root_of_all_products_is_refused_and_names_one(at):
    assert 0 < btad.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"3 products \(01, 02, 03\).*restora train .*01"):
        btad.read(at())


def test_a_folder_around_one_product_is_refused_too(at, draw):
    draw("03/train/ok/1.bmp")
    with pytest.raises(DataError, match=r"holds it in 03; name that folder, .*restora train .*03"):
        btad.read(at())


def test_a_part_alone_and_masks_of_no_picture(at, draw):
    draw("test/ok/1.bmp", "test/ko/2.bmp")
    draw("ground_truth/ko/2.png", "ground_truth/ko/9.png", marked=255)
    data = btad.read(at())
    assert [item.label for item in data.items] == [0, 1]
    assert [Path(mask).name for mask in data.stray_masks] == ["9.png"]
    assert 0 < btad.looks_like(at()) < 1


def test_masks_that_bear_other_names_or_lie_too_deep_are_told(at, draw):
    draw("train/ok/1.bmp", "test/ko/2.bmp")
    draw("ground_truth/ko/ko/2.png", "ground_truth/nok/2.png", marked=255)
    data = btad.read(at())
    assert data.defective[0].masks == ()
    assert [mask.rpartition("ground_truth/")[2] for mask in data.stray_masks] == ["ko/ko/2.png", "nok/2.png"]
    assert data.notes[0].startswith("No mask of the 1 in ground_truth/ko bears the name of a picture in test/ko;")


def test_masks_of_defects_that_are_not_there_fit_no_picture(at, draw):
    draw("train/ok/1.bmp")
    draw("ground_truth/ko/2.png", marked=255)
    assert [Path(mask).name for mask in btad.read(at()).stray_masks] == ["2.png"]


def test_a_defect_without_a_mask_has_none(at, draw):
    draw("train/ok/1.bmp", "test/ko/2.bmp")
    assert btad.read(at()).defective[0].mask((6, 8)) is None


@pytest.mark.parametrize(("extra", "place"), [("test/ng/1.bmp", "test"), ("train/ko/1.bmp", "train")])
def test_a_mixed_tree_is_refused_with_what_was_expected(at, draw, extra, place):
    draw("train/ok/1.bmp", "test/ok/1.bmp", "test/ko/2.bmp", extra)
    with pytest.raises(DataError, match=rf"holds pictures in {extra[:-6]}, but this layout has ok.* alone in {place};"):
        btad.read(at())


def test_empty_and_foreign_folders(at, draw, text):
    text("train/ok/notes.txt", "none")
    with pytest.raises(DataError, match="no pictures in train/ok, test/ok or test/ko"):
        btad.read(at())
    draw("other/train/good/1.png")
    assert btad.looks_like(at("other")) == 0
