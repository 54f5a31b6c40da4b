from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, PictureError
from restora.images.dataset import Dataset, Item, pair_masks


def defect(name: str, *masks: str) -> Item:
    return Item(name, f"/there/{name}", "test", 1, "scratch", masks)


def write_mask(path: Path, rows: list[list[int]]) -> str:
    Image.fromarray(np.array(rows, dtype=np.uint8)).save(path)
    return str(path)


def test_pairing_is_by_name_not_by_position():
    pairing = pair_masks(["a.png", "b.png", "c.png"], ["c_mask.png", "a.bmp"])
    assert pairing.masks == (("a.bmp",), (), ("c_mask.png",))
    assert pairing.stray == ()


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("007.jpg", "007.png"),
        ("007.jpg", "007_mask.png"),
        ("007.jpg", "007_mask_2.png"),
        ("007.jpg", "007_mask12.png"),
        ("deep/er/007.jpg", "deep/er/007_MASK.PNG"),
        ("Teil 7.JPG", "teil 7_mask.png"),
        ("部件 7.jpg", "部件 7_mask.png"),
        ("a.b.c.jpg", "a.b.c_mask.png"),
        (unicodedata.normalize("NFC", "Prüf.jpg"), unicodedata.normalize("NFD", "Prüf_mask.png")),
    ],
)
def test_names_that_belong_together(picture, mask):
    assert pair_masks([picture], [mask]).masks == ((mask,),)


@pytest.mark.parametrize(
    ("picture", "mask"),
    [("007.jpg", "0070_mask.png"), ("7.jpg", "007.png"), ("x/7.jpg", "y/7.png"), ("7.jpg", "_mask.png")],
)
def test_names_that_do_not(picture, mask):
    pairing = pair_masks([picture], [mask])
    assert pairing.masks == ((),)
    assert pairing.stray == (mask,)


def test_the_very_name_goes_before_other_capitals():
    pairing = pair_masks(["Part.png", "part.png"], ["Part_mask.png", "part_mask.png"])
    assert pairing.masks == (("Part_mask.png",), ("part_mask.png",))


def test_a_picture_called_mask_keeps_its_own_mask():
    pairing = pair_masks(["a.png", "a_mask.png"], ["a_mask.png"])
    assert pairing.masks == ((), ("a_mask.png",))


def test_several_masks_are_one_union(tmp_path: Path):
    item = defect("a", write_mask(tmp_path / "1.png", [[255, 0, 0]]), write_mask(tmp_path / "2.png", [[0, 0, 1]]))
    mask = item.mask((1, 3))
    assert mask is not None
    assert mask.tolist() == [[True, False, True]]


def test_a_mask_of_another_size_names_both(tmp_path: Path):
    item = defect("a.png", write_mask(tmp_path / "a_mask.png", [[255, 0, 0]]))
    with pytest.raises(DataError, match=r"a\.png.*a_mask\.png is 1 x 3 pixels.*picture 2 x 3"):
        item.mask((2, 3))


def test_a_mask_that_cannot_be_read_says_so(tmp_path: Path):
    (tmp_path / "a_mask.png").touch()
    with pytest.raises(PictureError, match=r"a_mask\.png.*empty"):
        defect("a.png", str(tmp_path / "a_mask.png")).mask((2, 3))


def test_without_a_mask_a_good_picture_has_nothing_marked_and_a_defect_is_unknown():
    good = Item("a", "a", "test", 0, "good").mask((2, 3))
    assert good is not None
    assert good.shape == (2, 3)
    assert not good.any()
    assert defect("a").mask((2, 3)) is None
    assert Item("a", "a", "test", None, "unknown").mask((2, 3)) is None


def test_the_parts_of_a_data_set():
    items = (
        Item("1", "1", "train", 0, "good"),
        Item("2", "2", "test", 0, "good"),
        Item("3", "3", "test", 1, "scratch"),
        Item("4", "4", "test", 1, "crack", ("m",)),
        Item("5", "5", "test", None, "unknown"),
    )
    data = Dataset("d", "/d", "table", items)
    assert [item.name for item in data.good("train")] == ["1"]
    assert [item.name for item in data.good("test")] == ["2"]
    assert [item.name for item in data.test] == ["2", "3", "4", "5"]
    assert [item.name for item in data.defective] == ["3", "4"]
    assert data.kinds == ("crack", "scratch")
    assert data.has_masks
    assert not Dataset("d", "/d", "table", items[:3]).has_masks
