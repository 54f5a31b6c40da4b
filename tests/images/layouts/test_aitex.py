"""AITEX in miniature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import aitex
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures

FABRICS = {"2306881-210020u": "05", "2311694-2040n7u": "00"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "AITEX"
    for folder, code in FABRICS.items():
        pictures(root, *(f"NODefect_images/{folder}/{n:04}_000_{code}.png" for n in range(10)), shape=(16, 256))
    names = ("0001_002_00", "0044_019_05", "0100_025_08", "0106_099_00")
    pictures(root, *(f"Defect_images/{name}.png" for name in names), shape=(16, 256))
    marks = {"0001_002_00_mask": 1, "0044_019_05_mask1": 2, "0044_019_05_mask2": 3, "0106_099_00_mask": 4}
    for name, row in marks.items():
        mask(root, f"Mask_images/{name}.png", slice(row, row + 1), shape=(16, 256))
    return root


def read(root: Path):
    return aitex.read(Tree.of(root))


def test_fabrics_defects_and_masks(root):
    data = read(root)
    assert (data.name, data.layout, data.stray_masks) == ("AITEX", "aitex", ())
    assert counts(data) == {
        "train": {"good": 14},
        "test": {"broken_end": 1, "code_099": 1, "fuzzyball": 1, "good": 6, "warp_ball": 1},
    }
    assert marked_rows(data, "Defect_images/0044_019_05.png", (16, 256)) == [2, 3]
    # published without a mask, and of a fabric that has no good pictures
    assert marked_rows(data, "Defect_images/0100_025_08.png", (16, 256)) is None
    assert inspect_dataset(data).missing_masks == ("Defect_images/0100_025_08.png",)
    split, size, foreign = data.notes
    assert split.startswith("AITEX has no published split: 6 of 20 good pictures")
    assert "4096 x 256" in size
    assert foreign == "Of fabrics without good pictures to train on (08): 1 defective picture."


def test_each_fabric_is_trained_and_tested_by_names_alone(root):
    data = read(root)
    tested = [item.name for item in data.good("test")]
    for folder in FABRICS:
        assert sum(name.startswith(f"NODefect_images/{folder}/") for name in tested) == 3
    (other := root.parent / "elsewhere").mkdir()
    shutil.copytree(root, other / "x")
    assert [item.name for item in read(other / "x").good("test")] == tested


def test_what_is_missing_is_named(root):
    assert aitex.looks_like(Tree.of(root)) == 1
    shutil.rmtree(root / "Mask_images")
    assert not read(root).has_masks
    shutil.rmtree(root / "NODefect_images")
    assert aitex.looks_like(Tree.of(root)) == 0
    with pytest.raises(DataError, match="must hold NODefect_images/FABRIC"):
        read(root)
