"""A miniature of KolektorSDD2, with the pair of copies that the published archive holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import kolektor_sdd2


@pytest.fixture
def surfaces(draw):
    draw("train/10000.png", "train/10000_GT.png", "train/10301.png", "train/10302.png", "train/10302_GT.png")
    draw("train/10301_GT.png", marked=255)
    draw("train/10301 (copy).png", "train/10301_GT (copy).png")
    draw("test/20000.png", "test/20001.png", "test/20001_GT.png")
    draw("test/20000_GT.png", marked=255)


@pytest.mark.usefixtures("surfaces")
def test_the_mask_says_what_is_defective(at, row):
    assert kolektor_sdd2.looks_like(at()) == 1
    data = kolektor_sdd2.read(at())
    assert [row(item) for item in data.items] == [
        ("train/10000.png", "train", 0, "good", []),
        ("train/10302.png", "train", 0, "good", []),
        ("test/20001.png", "test", 0, "good", []),
        ("test/20000.png", "test", 1, "defect", ["20000_GT.png"]),
    ]
    assert data.items[-1].mask((6, 8)).sum() == 1
    assert data.items[-2].mask((6, 8)).sum() == 0
    assert inspect_dataset(data).counts == {"train": {"good": 2}, "test": {"good": 1, "defect": 1}}
    assert data.stray_masks == ()
    assert data.notes == (
        "1 picture is left out of train as defective.",
        "2 pictures are left out, their names are not NNNNN.png or NNNNN_GT.png (the archive holds such copies).",
    )


@pytest.mark.usefixtures("surfaces")
def test_masks_that_lack_are_broken_or_have_no_picture(at, tmp_path, draw):
    (tmp_path / "train/10000_GT.png").unlink()
    (tmp_path / "test/20001_GT.png").write_bytes(b"no picture")
    draw("test/20009_GT.png", marked=1)
    data = kolektor_sdd2.read(at())
    assert [item.name for item in data.train] == ["train/10302.png"]
    assert [(item.label, item.kind, len(item.masks)) for item in data.test] == [(None, "unknown", 1), (1, "defect", 1)]
    assert "2 pictures are of unknown label, without a mask that can be read." in data.notes
    assert [Path(mask).name for mask in data.stray_masks] == ["20009_GT.png"]


def test_a_folder_around_the_set_is_refused_and_names_it(at, draw):
    draw("KSDD/train/1.png", "KSDD/train/1_GT.png")
    assert 0 < kolektor_sdd2.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"holds it in KSDD; name that folder, .*restora train .*KSDD"):
        kolektor_sdd2.read(at())


def test_other_folders(at, draw):
    draw("train/1.png", "test/good/1_GT.png")
    assert kolektor_sdd2.looks_like(at()) == 0
    with pytest.raises(DataError, match=r"no good pictures NNNNN.png with NNNNN_GT.png in train, and none in test"):
        kolektor_sdd2.read(at())
