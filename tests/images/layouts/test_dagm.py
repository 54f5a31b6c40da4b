"""A miniature of DAGM 2007: two textures, defective pictures in both parts, Labels.txt with its first odd line."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import dagm

LABELS = "1\r\n1\t0\t0001.PNG\t0\t0\r\n2\t1\t0002.PNG\t1\t0002_label.PNG\r\n3\t0\t0003.PNG\t0\t0\r\n"


@pytest.fixture
def textures(draw, text):
    for texture in ("Class1", "Class10"):
        for part in ("Train", "Test"):
            draw(*(f"{texture}/{part}/{number:04}.PNG" for number in (1, 2, 3)))
            draw(f"{texture}/{part}/Label/0002_label.PNG", marked=255)
            text(f"{texture}/{part}/Label/Labels.txt", LABELS)


@pytest.mark.usefixtures("textures")
def test_a_texture_is_a_data_set_and_its_defective_training_pictures_are_counted(at, row):
    assert dagm.looks_like(at("Class1")) == 1
    data = dagm.read(at("Class1"))
    assert (data.name, data.layout, data.stray_masks) == ("Class1", "dagm", ())
    assert [row(item) for item in data.items] == [
        ("Train/0001.PNG", "train", 0, "good", []),
        ("Train/0003.PNG", "train", 0, "good", []),
        ("Test/0001.PNG", "test", 0, "good", []),
        ("Test/0003.PNG", "test", 0, "good", []),
        ("Test/0002.PNG", "test", 1, "defect", ["0002_label.PNG"]),
    ]
    assert data.items[-1].mask((6, 8)).sum() == 1
    assert inspect_dataset(data).counts == {"train": {"good": 2}, "test": {"good": 2, "defect": 1}}
    assert data.notes == ("1 picture is left out of Train as defective.",)


@pytest.mark.usefixtures("textures")
def test_the_root_of_all_textures_is_refused_and_names_one(at):
    assert 0 < dagm.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"2 textures \(Class1, Class10\).*restora train .*Class1"):
        dagm.read(at())


@pytest.mark.usefixtures("textures")
def test_masks_and_list_that_disagree_make_a_picture_defective(at, draw, tmp_path):
    (tmp_path / "Class1/Train/Label/0002_label.PNG").unlink()
    draw("Class1/Test/Label/0003_label.PNG", "Class1/Test/Label/0009_label.PNG", marked=255)
    data = dagm.read(at("Class1"))
    assert [(item.name, item.label, len(item.masks)) for item in data.items] == [
        ("Train/0001.PNG", 0, 0),
        ("Train/0003.PNG", 0, 0),
        ("Test/0001.PNG", 0, 0),
        ("Test/0002.PNG", 1, 1),
        ("Test/0003.PNG", 1, 1),
    ]
    assert data.notes[-1] == (
        "2 pictures are taken as defective by the mask or by Labels.txt alone (Train/0002.PNG, Test/0003.PNG)."
    )
    assert [Path(mask).name for mask in data.stray_masks] == ["0009_label.PNG"]


@pytest.mark.usefixtures("textures")
def test_without_the_list_the_masks_say_it(at, tmp_path):
    for part in ("Train", "Test"):
        (tmp_path / f"Class10/{part}/Label/Labels.txt").unlink()
    data = dagm.read(at("Class10"))
    assert (len(data.train), [item.label for item in data.test]) == (2, [0, 0, 1])
    assert len(data.notes) == 1


def test_other_folders(at, draw, text):
    draw("train/good/1.png", "test/good/1.png")
    assert dagm.looks_like(at()) == 0
    text("Train/Label/Labels.txt", LABELS)
    with pytest.raises(DataError, match="no good pictures in Train, and none in Test"):
        dagm.read(at())
