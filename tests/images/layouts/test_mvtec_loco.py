"""MVTec LOCO AD in miniature."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import mvtec_loco
from restora.images.tree import Tree
from tests.images.layouts.miniature import SHAPE, counts, marked_rows, mask, pictures

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
    assert saturated.startswith("sPRO is the figure of the MVTec LOCO AD paper")


def test_only_its_own_folders_are_a_mark(root):
    assert mvtec_loco.looks_like(Tree.of(root)) == 1
    for kind in ("logical_anomalies", "structural_anomalies"):
        shutil.rmtree(root / "test" / kind)
    tree = Tree.of(root)
    assert mvtec_loco.looks_like(tree) == 0
    with pytest.raises(DataError, match="neither test/logical_anomalies"):
        mvtec_loco.read(tree)


def asked(data, name: str) -> list[tuple[list[int], int]] | None:
    """Of each region of a picture its rows, and how many of its pixels are enough."""
    (item,) = [item for item in data.items if item.name == name]
    found = item.regions(SHAPE)
    return (
        None if found is None else [(np.flatnonzero(marked.any(axis=1)).tolist(), enough) for marked, enough in found]
    )


def test_saturation_of_every_mask(root):
    # rows are 8 pixels: 12 of 16 are enough, all of 8 where fewer are marked, and three tenths of 8 rounded down
    data = read(root)
    assert asked(data, "test/logical_anomalies/000.png") == [([0, 1], 12), ([4], 2)]
    assert asked(data, "test/logical_anomalies/001.png") == [([3], 8)]
    assert asked(data, "test/structural_anomalies/000.png") == [([5], 2)]
    assert asked(data, "test/good/000.png") is None


def test_what_is_stated_is_read_once_and_travels_with_the_pictures(root):
    data = read(root)
    (root / "defects_config.json").unlink()
    assert asked(pickle.loads(pickle.dumps(data)), "test/logical_anomalies/001.png") == [([3], 8)]
    assert pickle.loads(pickle.dumps(data)) == data
    assert len({item.saturation for item in data.defective}) == 1
    assert read(root) != data


def test_in_an_archive_too(root, tmp_path):
    archive = Path(shutil.make_archive(str(tmp_path / "sets"), "zip", root.parent, root.name))
    data = mvtec_loco.read(Tree.of(archive))
    assert asked(data, "test/logical_anomalies/000.png") == [([0, 1], 12), ([4], 2)]


def test_without_its_table_nothing_is_stated(root):
    (root / "defects_config.json").unlink()
    data = read(root)
    assert asked(data, "test/logical_anomalies/000.png") is None
    assert marked_rows(data, "test/logical_anomalies/000.png") == [0, 1, 4]
    assert data.notes[-1].startswith("There is no defects_config.json, so sPRO")
    assert inspect_dataset(data).problems == ()


def test_a_mask_that_the_table_does_not_know_is_told_before_anything_is_trained(root):
    mask(root, "ground_truth/logical_anomalies/001/000.png", slice(3, 4), value=7)
    data = read(root)
    with pytest.raises(DataError, match=r"000\.png marks with the value 7, but.*defects_config.json knows"):
        asked(data, "test/logical_anomalies/001.png")
    ((name, said),) = inspect_dataset(data).bad_masks
    assert name == "test/logical_anomalies/001.png"
    assert "the value 7" in said
    mixed = np.full(SHAPE, 255, dtype=np.uint8)
    mixed[:3] = 254
    Image.fromarray(mixed).save(root / "ground_truth/logical_anomalies/001/000.png")
    with pytest.raises(DataError, match=r"marks with 2 values \(254, 255\)"):
        asked(data, "test/logical_anomalies/001.png")


def test_a_mask_that_marks_nothing_is_no_region(root):
    mask(root, "ground_truth/logical_anomalies/000/001.png", slice(0))
    assert asked(read(root), "test/logical_anomalies/000.png") == [([0, 1], 12)]


def test_a_mask_of_another_size_is_no_region_of_the_picture(root):
    mask(root, "ground_truth/logical_anomalies/001/000.png", slice(3, 4), shape=(5, 8))
    with pytest.raises(DataError, match="is 5 x 8 pixels"):
        asked(read(root), "test/logical_anomalies/001.png")


@pytest.mark.parametrize("change", [{"saturation_threshold": value} for value in (0, 0.001, 1.0)])
def test_of_a_share_at_least_one_pixel_is_enough_and_at_most_all(root, change):
    (root / "defects_config.json").write_text(json.dumps([CONFIG[0], CONFIG[1] | change]))
    expected = 8 if change["saturation_threshold"] == 1 else 1
    assert asked(read(root), "test/structural_anomalies/000.png") == [([5], expected)]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "3",
        '{"pixel_value": 1}',
        '[{"pixel_value": 1}]',
        '[{"pixel_value": 1, "saturation_threshold": NaN, "relative_saturation": true}]',
        '[{"pixel_value": 1, "saturation_threshold": -1, "relative_saturation": false}]',
        '[{"pixel_value": 1e999, "saturation_threshold": 1, "relative_saturation": false}]',
    ],
)
def test_a_table_that_is_not_as_published_is_refused(root, text):
    (root / "defects_config.json").write_text(text)
    with pytest.raises(DataError, match="not a JSON list of defects"):
        read(root)


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
