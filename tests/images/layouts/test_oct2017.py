"""A miniature of OCT-2017 with patients in both parts, a val part, and both editions by their counts."""

from __future__ import annotations

import pytest

from restora.errors import DataError
from restora.images.groups import shared_groups, shared_pictures
from restora.images.inspect import inspect_dataset
from restora.images.layouts import oct2017
from restora.images.split import split_good
from restora.images.tree import Tree


@pytest.fixture
def scans(draw):
    for patient in range(5):
        for number in range(4):
            draw(f"train/NORMAL/NORMAL-10{patient}-{number}.jpeg", value=40 * patient + 5 * number)
    draw("train/CNV/CNV-201-1.jpeg", "train/CNV/CNV-201-2.jpeg", "train/DME/DME-202-1.jpeg")
    draw("test/NORMAL/NORMAL-100-9.jpeg", "test/NORMAL/NORMAL-301-1.jpeg", "test/CNV/CNV-104-1.jpeg")
    draw("test/DME/DME-202-7.jpeg", "test/DRUSEN/DRUSEN-302-1.jpeg")
    draw("val/NORMAL/NORMAL-401-1.jpeg", "val/DRUSEN/DRUSEN-402-1.jpeg")


@pytest.mark.usefixtures("scans")
def test_normal_scans_are_fitted_and_the_others_counted(at, row):
    assert oct2017.looks_like(at()) == 1
    data = oct2017.read(at())
    assert len(data.train) == len(data.good("train")) == 20
    assert [row(item)[:4] for item in data.test] == [
        ("test/NORMAL/NORMAL-100-9.jpeg", "test", 0, "good"),
        ("test/NORMAL/NORMAL-301-1.jpeg", "test", 0, "good"),
        ("test/CNV/CNV-104-1.jpeg", "test", 1, "CNV"),
        ("test/DME/DME-202-7.jpeg", "test", 1, "DME"),
        ("test/DRUSEN/DRUSEN-302-1.jpeg", "test", 1, "DRUSEN"),
    ]
    assert not data.has_masks
    assert inspect_dataset(data).counts == {
        "train": {"good": 20},
        "test": {"good": 2, "CNV": 1, "DME": 1, "DRUSEN": 1},
    }
    assert data.notes[:2] == (
        "3 pictures are left out of train (2 CNV, 1 DME): NORMAL alone is fitted.",
        "2 pictures are left out in val: the test part is used as it was published.",
    )
    assert data.notes[2].startswith("The test part has 2 NORMAL, 1 CNV, 1 DME, 1 DRUSEN: neither")


@pytest.mark.usefixtures("scans")
def test_a_patient_never_stands_on_both_sides_of_our_own_split(at):
    data = oct2017.read(at())
    split = split_good(data.train)
    assert split.calibration
    assert not {item.group for item in split.fitting} & {item.group for item in split.calibration}


@pytest.mark.usefixtures("scans")
def test_patients_of_both_published_parts_are_counted_and_can_be_left_out(at):
    data = oct2017.read(at())
    # 100 and 104 are fitted and tested; 202 is only in a training class that is left out
    assert shared_groups(data.items) == {"100", "104"}
    assert data.notes[-1] == (
        "2 patients have pictures both in train/NORMAL and in test (2 of 5 test pictures): "
        "give figures with and without them."
    )
    shared = shared_pictures(data)
    assert set(shared.values()) == {"100", "104"}
    assert [item.group for item in data.test if item.name not in shared] == ["301", "202", "302"]


def test_names_that_do_not_tell_the_patient_are_counted(at, draw):
    draw(
        "train/NORMAL/scan 1.jpeg", "train/CNV/CNV-1-1.jpeg", "test/NORMAL/normal-7-1.JPEG", "test/CNV/CNV-8-1 (2).jpeg"
    )
    data = oct2017.read(at())
    assert [item.group for item in data.items] == [None, "7", None]
    assert data.notes[-1].startswith("2 pictures are not called class-patient-number")
    assert shared_groups(data.items) == frozenset()


def listed(root, train: int, test: int, val: int) -> Tree:
    """A tree of names alone: layouts never open a picture of OCT-2017."""
    names = [f"train/NORMAL/NORMAL-{n}-1.jpeg" for n in range(train)]
    for part, count in (("test", test), ("val", val)):
        names += [f"{part}/{name}/{name}-{part}{n}-1.jpeg" for name in oct2017.CLASSES for n in range(count)]
    return Tree(root, tuple(sorted(names)))


@pytest.mark.parametrize(
    ("train", "test", "val", "edition"),
    [
        (26_315, 242, 8, "242 pictures a class: the copy that is passed on with a val part"),
        (26_315, 250, 0, "250 pictures a class: version 2"),
        (51_140, 250, 0, "250 pictures a class: version 3"),
        (10, 250, 0, "250 pictures a class: version 2 or 3"),
    ],
)
def test_the_editions_are_told_apart(tmp_path, train, test, val, edition):
    data = oct2017.read(listed(tmp_path, train, test, val))
    assert (len(data.train), len(data.test)) == (train, 4 * test)
    assert edition in " ".join(data.notes)
    assert ("32 pictures are left out in val" in " ".join(data.notes)) == (val == 8)


@pytest.mark.usefixtures("scans")
def test_a_folder_around_the_set_is_refused_and_a_blank_at_the_end_of_its_name_is_no_harm(at, tmp_path):
    inner = tmp_path / "OCT2017 "
    inner.mkdir()
    for part in ("train", "test", "val"):
        (tmp_path / part).rename(inner / part)
    assert 0 < oct2017.looks_like(at()) < 0.8
    with pytest.raises(DataError, match="holds it in OCT2017 ; name that folder"):
        oct2017.read(at())
    data = oct2017.read(at("OCT2017 "))
    assert (data.name, len(data.train)) == ("OCT2017", 20)


def test_other_classes_belong_to_another_set(at, draw):
    draw("train/NORMAL/NORMAL-1-1.jpeg", "train/CNV/CNV-2-1.jpeg", "train/AMD/amd_1.jpeg")
    assert oct2017.looks_like(at()) == 0
    with pytest.raises(
        DataError, match="train/AMD, but this layout has NORMAL and CNV and DME and DRUSEN alone in train"
    ):
        oct2017.read(at())


@pytest.mark.parametrize(
    ("name", "message"),
    [("train/CNV/CNV-1-1.jpeg", "no pictures in train/NORMAL or test"), ("notes.txt", "train/NORMAL or test")],
)
def test_nothing_to_fit_and_nothing_to_test(at, draw, text, name, message):
    text(name, "")
    with pytest.raises(DataError, match=message):
        oct2017.read(at())
    draw("train/DME/DME-1-1.jpeg", "test/NORMAL/NORMAL-1-1.jpeg")
    with pytest.raises(DataError, match="no pictures in train/NORMAL; training needs"):
        oct2017.read(at())


def test_a_test_part_alone_can_be_read_to_evaluate(at, draw):
    draw("test/NORMAL/NORMAL-1-1.jpeg", "test/CNV/CNV-1-1.jpeg")
    assert oct2017.looks_like(at()) == 1
    assert [item.label for item in oct2017.read(at()).items] == [0, 1]
