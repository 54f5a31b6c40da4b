"""The magnetic tile set in miniature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import magnetic_tile
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures

DEFECTS = ("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")


def tile(root: Path, name: str, rows: slice) -> None:
    """A picture (.jpg) and its mask (.png) of the same name."""
    pictures(root, f"{name}.png")
    Image.open(root / f"{name}.png").save(root / f"{name}.jpg")
    mask(root, f"{name}.png", rows)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "Magnetic-tile-defect-datasets"
    for n in range(20):
        tile(root, f"MT_Free/Imgs/exp{1 + n % 2}_num_{1000 + n // 2}", slice(0, 0))
    for row, kind in enumerate(DEFECTS):
        tile(root, f"{kind}/Imgs/exp1_num_{row}", slice(row, row + 1))
    (root / "README.md").write_text("x")
    return root


def read(root: Path):
    return magnetic_tile.read(Tree.of(root))


def test_pictures_and_masks_lie_side_by_side(root):
    data = read(root)
    assert (data.name, data.layout, data.stray_masks) == ("Magnetic-tile-defect-datasets", "magnetic-tile", ())
    defects = {kind.removeprefix("MT_").casefold(): 1 for kind in DEFECTS}
    assert counts(data) == {"train": {"good": 14}, "test": {"good": 6, **defects}}
    assert marked_rows(data, "MT_Crack/Imgs/exp1_num_2.jpg") == [2]
    assert all(item.name.endswith(".jpg") for item in data.items)
    assert inspect_dataset(data).unreadable == ()
    assert data.notes[0].startswith("The magnetic tile set has no published split: 6 of 20 good pictures")


def test_pictures_of_one_number_are_never_parted(root):
    data = read(root)
    trained, tested = ({item.group for item in data.good(split)} for split in ("train", "test"))
    assert len(trained) == 7
    assert len(tested) == 3
    assert not trained & tested


def test_a_mask_alone_and_a_picture_alone(root):
    (root / "MT_Fray/Imgs/exp1_num_3.jpg").unlink()
    (root / "MT_Break/Imgs/exp1_num_1.png").unlink()
    data = read(root)
    assert data.stray_masks == (str(root / "MT_Fray/Imgs/exp1_num_3.png"),)
    assert marked_rows(data, "MT_Break/Imgs/exp1_num_1.jpg") is None
    assert inspect_dataset(data).missing_masks == ("MT_Break/Imgs/exp1_num_1.jpg",)


def test_what_is_missing_is_named(root):
    assert magnetic_tile.looks_like(Tree.of(root)) == 1
    assert magnetic_tile.looks_like(Tree.of(root.parent)) == 0
    shutil.rmtree(root / "MT_Free")
    assert magnetic_tile.looks_like(Tree.of(root)) == 0
    with pytest.raises(DataError, match="holds no good pictures in MT_Free"):
        read(root)
