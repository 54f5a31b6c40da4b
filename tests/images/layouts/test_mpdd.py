"""MPDD in miniature, and MVTec AD's form that it shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import mpdd
from restora.images.layouts.mvtec_form import read_mvtec_form
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures

SHARED = Path(__file__).parents[4] / "shared/data/mpdd/metal_plate"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "metal_plate"
    pictures(root, *(f"train/good/{n:03}.png" for n in range(3)), "test/good/000.png")
    pictures(root, "test/scratches/000.png", "test/scratches/001.png", "test/total_rust/000.png")
    mask(root, "ground_truth/scratches/000_mask.png", slice(0, 1))
    mask(root, "ground_truth/scratches/001_mask.png", slice(1, 2))
    mask(root, "ground_truth/total_rust/000_mask.png", slice(0, 6))
    return root


def test_a_category(root):
    data = mpdd.read(Tree.of(root))
    assert (data.name, data.layout, data.stray_masks) == ("metal_plate", "mpdd", ())
    assert counts(data) == {"train": {"good": 3}, "test": {"good": 1, "scratches": 2, "total_rust": 1}}
    assert marked_rows(data, "test/scratches/001.png") == [1]
    assert inspect_dataset(data).problems == ()
    assert data.notes == ("MPDD lies as MVTec AD does and is read in the same way.",)


def test_a_name_and_a_kind_together_are_the_mark(root):
    assert mpdd.looks_like(Tree.of(root)) == 1
    other = root.rename(root.parent / "tubes")
    assert mpdd.looks_like(Tree.of(other)) == 0
    pictures(other, "test/anomalous/000.png")
    assert mpdd.looks_like(Tree.of(other)) == 1
    bolt = other.rename(root.parent / "bolt")
    assert mpdd.looks_like(Tree.of(bolt)) == 0
    assert mpdd.read(Tree.of(bolt)).notes[1].startswith("bolt is no category of MPDD")


def test_a_mask_folder_one_level_too_deep_is_told(root):
    for n in range(2):
        deep = root / f"ground_truth/scratches/masks/{n:03}_mask.png"
        deep.parent.mkdir(exist_ok=True)
        (root / f"ground_truth/scratches/{n:03}_mask.png").rename(deep)
    data = mpdd.read(Tree.of(root))
    assert marked_rows(data, "test/scratches/000.png") is None
    assert len(data.stray_masks) == 2
    assert data.notes[1].startswith("No mask of the 2 in ground_truth/scratches bears the name of a picture")


def test_the_form_alone(root):
    picture = "test/scratches/000.png"
    (root / "ground_truth/scratches").rename(root / "ground_truth/SCRATCHES")
    mask(root, "ground_truth/dent/000_mask.png", slice(1))
    data = read_mvtec_form(Tree.of(root), "mvtec-ad")
    assert (data.layout, data.notes) == ("mvtec-ad", ())
    assert marked_rows(data, picture) == [0]
    assert data.stray_masks == (str(root / "ground_truth/dent/000_mask.png"),)
    with pytest.raises(DataError, match="holds no pictures in train/good or test"):
        read_mvtec_form(Tree.of(root.parent), "mvtec-ad")
    for path in (root / "train/good").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"train holds no pictures in good/"):
        read_mvtec_form(Tree.of(root), "mvtec-ad")
    (root / "train/good").rmdir()
    assert counts(read_mvtec_form(Tree.of(root), "mvtec-ad"))["train"] == {}
    pictures(root, "train/bad/000.png")
    with pytest.raises(DataError, match=r"train holds no pictures in good/"):
        read_mvtec_form(Tree.of(root), "mvtec-ad")


def test_the_real_pictures():
    if not SHARED.is_dir():
        pytest.skip("the real pictures are not here")
    data = mpdd.read(Tree.of(SHARED))
    assert counts(data) == {"train": {"good": 54}, "test": {"defective": 71, "good": 26}}
    assert all(len(item.masks) == 1 for item in data.defective)
