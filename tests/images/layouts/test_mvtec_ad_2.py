"""MVTec AD 2 in miniature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import mvtec_ad_2
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "can"
    pictures(root, *(f"train/good/{n:03}_regular.png" for n in range(3)), "validation/good/000_regular.png")
    lights = ("regular", "overexposed", "underexposed", "shift_1")
    pictures(root, *(f"test_public/good/000_{light}.png" for light in lights))
    pictures(root, *(f"test_public/bad/000_{light}.png" for light in lights[:2]), "test_public/bad/001_regular.png")
    mask(root, "test_public/ground_truth/bad/000_regular_mask.png", slice(0, 1))
    mask(root, "test_public/ground_truth/bad/000_overexposed_mask.png", slice(1, 2))
    mask(root, "test_public/ground_truth/bad/001_regular_mask.png", slice(2, 3))
    pictures(root, "test_private/000_regular.png", "test_private/001_regular.png", "test_private_mixed/000_mixed.png")
    return root


def read(root: Path):
    return mvtec_ad_2.read(Tree.of(root))


def test_the_public_part_is_tested_and_the_private_parts_are_counted(root):
    data = read(root)
    assert (data.name, data.layout, data.stray_masks) == ("can", "mvtec-ad-2", ())
    assert counts(data) == {"train": {"good": 4}, "test": {"bad": 3, "good": 4}}
    assert marked_rows(data, "test_public/bad/000_overexposed.png") == [1]
    assert [item.label for item in data.test] == [1, 1, 1, 0, 0, 0, 0]
    assert inspect_dataset(data).problems == ()
    validation, private, mixed = data.notes
    assert validation.startswith("Read as training pictures too: 1 picture of validation/good;")
    assert private.startswith("Left: 2 pictures of test_private, ")
    assert mixed.startswith("Left: 1 picture of test_private_mixed, ")


def test_one_object_under_several_lights_is_a_group(root):
    groups = {item.name: item.group for item in read(root).items}
    assert groups["test_public/bad/000_regular.png"] == groups["test_public/bad/000_overexposed.png"]
    assert groups["test_public/bad/000_regular.png"] != groups["test_public/good/000_regular.png"]
    assert groups["train/good/000_regular.png"] == "train/good/000"
    pictures(root, "train/good/plain.png")
    assert {item.name: item.group for item in read(root).items}["train/good/plain.png"] is None


def test_a_part_that_is_not_there(root):
    shutil.rmtree(root / "train")
    shutil.rmtree(root / "validation")
    shutil.rmtree(root / "test_private_mixed")
    data = read(root)
    assert counts(data)["train"] == {}
    assert len(data.notes) == 1
    shutil.rmtree(root / "test_public/good")
    shutil.rmtree(root / "test_public/bad")
    with pytest.raises(DataError, match="holds no pictures in train/good"):
        read(root)


def test_what_is_no_category(root):
    tree = Tree.of(root.parent)
    assert mvtec_ad_2.looks_like(Tree.of(root)) == 1
    assert mvtec_ad_2.looks_like(tree) == 0
    with pytest.raises(DataError, match="name a category"):
        mvtec_ad_2.read(tree)


def test_a_mask_of_no_picture_is_kept_in_mind(root):
    (root / "test_public/bad/001_regular.png").unlink()
    mask(root, "test_public/ground_truth/good/000_regular_mask.png", slice(1))
    strays = ("bad/001_regular_mask.png", "good/000_regular_mask.png")
    assert read(root).stray_masks == tuple(str(root / "test_public/ground_truth" / name) for name in strays)
