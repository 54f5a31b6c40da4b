"""MVTec LOCO AD in miniature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import mvtec_loco
from restora.images.layouts.mvtec_loco import Saturation, saturation
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures

CONFIG = [
    {"defect_name": "missing_pin", "pixel_value": 255, "saturation_threshold": 12, "relative_saturation": False},
    {"defect_name": "extra_pin", "pixel_value": 254, "saturation_threshold": 0.3, "relative_saturation": True},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "pushpins"
    pictures(root, *(f"train/good/{n:03}.png" for n in range(4)), *(f"validation/good/{n:03}.png" for n in range(2)))
    pictures(root, "test/good/000.png", "test/logical_anomalies/000.png", "test/logical_anomalies/001.png")
    pictures(root, "test/structural_anomalies/000.png")
    mask(root, "ground_truth/logical_anomalies/000/000.png", slice(0, 2), value=255)
    mask(root, "ground_truth/logical_anomalies/000/001.png", slice(4, 5), value=254)
    mask(root, "ground_truth/logical_anomalies/001/000.png", slice(3, 4), value=255)
    mask(root, "ground_truth/structural_anomalies/000/000.png", slice(5, 6), value=254)
    (root / "defects_config.json").write_text(json.dumps(CONFIG))
    for name in ("license.txt", "readme.txt"):
        (root / name).write_text("x")
    return root


def read(root: Path):
    return mvtec_loco.read(Tree.of(root))


def test_every_mask_of_a_picture_counts(root):
    data = read(root)
    assert (data.name, data.layout, data.stray_masks) == ("pushpins", "mvtec-loco", ())
    assert counts(data) == {
        "train": {"good": 6},
        "test": {"good": 1, "logical_anomalies": 2, "structural_anomalies": 1},
    }
    assert marked_rows(data, "test/logical_anomalies/000.png") == [0, 1, 4]
    assert marked_rows(data, "test/logical_anomalies/001.png") == [3]
    assert marked_rows(data, "test/structural_anomalies/000.png") == [5]
    assert inspect_dataset(data).problems == ()
    validation, saturated = data.notes
    assert validation.startswith("Read as training pictures too: 2 pictures of validation/good;")
    assert "sPRO" in saturated


def test_only_its_own_folders_are_a_mark(root):
    assert mvtec_loco.looks_like(Tree.of(root)) == 1
    for kind in ("logical_anomalies", "structural_anomalies"):
        shutil.rmtree(root / "test" / kind)
    tree = Tree.of(root)
    assert mvtec_loco.looks_like(tree) == 0
    with pytest.raises(DataError, match="neither test/logical_anomalies"):
        mvtec_loco.read(tree)


def test_saturation_of_every_mask(root):
    data = read(root)
    found = saturation(Tree.of(root))
    # rows are 8 pixels: 12 of 16 are enough, all of 8 where fewer are marked, and three tenths of 8 rounded down
    (pin,) = [item for item in data.items if item.name == "test/logical_anomalies/000.png"]
    assert [found[source] for source in pin.masks] == [
        Saturation("missing_pin", 16, 12),
        Saturation("extra_pin", 8, 2),
    ]
    assert found[str(root / "ground_truth/logical_anomalies/001/000.png")] == Saturation("missing_pin", 8, 8)
    assert len(found) == 4


def test_saturation_needs_the_published_table(root):
    mask(root, "ground_truth/logical_anomalies/001/000.png", slice(3, 4), value=7)
    with pytest.raises(DataError, match=r"marks 1 values \(7\).*defects_config.json knows"):
        saturation(Tree.of(root))
    mask(root, "ground_truth/logical_anomalies/001/000.png", slice(3, 4), value=0)
    with pytest.raises(DataError, match=r"marks 0 values \(nothing\)"):
        saturation(Tree.of(root))
    for text in ("{", "[1]", '[{"pixel_value": 1}]', "3"):
        (root / "defects_config.json").write_text(text)
        with pytest.raises(DataError, match="not a JSON list of defects"):
            saturation(Tree.of(root))
    (root / "defects_config.json").unlink()
    with pytest.raises(DataError, match=r"holds no defects_config\.json"):
        saturation(Tree.of(root))


def test_masks_that_fit_no_picture_are_told(root):
    (root / "ground_truth/structural_anomalies/000").rename(root / "ground_truth/structural_anomalies/x")
    mask(root, "ground_truth/broken/000/000.png", slice(1))
    data = read(root)
    assert marked_rows(data, "test/structural_anomalies/000.png") is None
    assert data.stray_masks == tuple(
        str(root / "ground_truth" / name) for name in ("structural_anomalies/x/000.png", "broken/000/000.png")
    )
    assert any(note.startswith("No mask of the 1 in ground_truth/structural_anomalies") for note in data.notes)


def test_train_without_good_pictures(root):
    shutil.rmtree(root / "train/good")
    pictures(root, "train/bad/000.png")
    with pytest.raises(DataError, match=r"train holds no pictures in good/"):
        read(root)
