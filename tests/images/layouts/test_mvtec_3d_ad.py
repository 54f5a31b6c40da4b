"""MVTec 3D-AD in miniature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import mvtec_3d_ad
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tire"
    parts = {"train/good": 3, "validation/good": 1, "test/good": 2, "test/cut": 2, "test/combined": 1}
    for part, count in parts.items():
        pictures(root, *(f"{part}/rgb/{n:03}.png" for n in range(count)))
        for n in range(count):
            scan = root / f"{part}/xyz/{n:03}.tiff"
            scan.parent.mkdir(exist_ok=True)
            scan.write_bytes(b"II*\0 floating point, three channels")
            if part.startswith("test"):  # good pictures have masks too, with nothing marked
                mask(root, f"{part}/gt/{n:03}.png", slice(0, 0) if part.endswith("good") else slice(n, n + 1))
    (root / "calibration").mkdir()
    (root / "calibration/camera_parameters.json").write_text("{}")
    return root


def read(root: Path):
    return mvtec_3d_ad.read(Tree.of(root))


def test_pictures_and_masks_without_the_scans(root):
    data = read(root)
    assert (data.name, data.layout, data.stray_masks) == ("tire", "mvtec-3d-ad", ())
    assert counts(data) == {"train": {"good": 4}, "test": {"combined": 1, "cut": 2, "good": 2}}
    assert marked_rows(data, "test/cut/rgb/001.png") == [1]
    assert marked_rows(data, "test/good/rgb/001.png") == []
    assert all("xyz" not in item.source and not (item.label == 0 and item.masks) for item in data.items)
    assert inspect_dataset(data).problems == ()
    assert data.notes[1].startswith("Left: 9 files of 3D points (xyz)")


def test_only_rgb_folders_are_a_mark(root):
    assert mvtec_3d_ad.looks_like(Tree.of(root)) == 1
    assert mvtec_3d_ad.looks_like(Tree.of(root.parent)) == 0
    with pytest.raises(DataError, match="name a category"):
        mvtec_3d_ad.read(Tree.of(root.parent))
    shutil.rmtree(root / "train/good/rgb")
    assert mvtec_3d_ad.looks_like(Tree.of(root)) == 1
    with pytest.raises(DataError, match="no pictures in good/rgb"):
        read(root)
    shutil.rmtree(root / "train")
    assert counts(read(root))["train"] == {"good": 1}


def test_a_mask_of_no_picture_is_kept_in_mind(root):
    mask(root, "test/cut/gt/007.png", slice(1))
    assert read(root).stray_masks == (str(root / "test/cut/gt/007.png"),)
