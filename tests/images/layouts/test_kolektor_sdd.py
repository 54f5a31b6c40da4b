"""A miniature of KolektorSDD: a mask beside every picture, empty on good surfaces; items on both sides of the cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.groups import shared_groups, shared_pictures
from restora.images.inspect import inspect_dataset
from restora.images.layouts import kolektor_sdd
from restora.images.split import split_good


@pytest.fixture
def commutators(draw):
    """Eight surfaces each of four items; Part5 of kos01, Part2 of kos50 are defective."""
    for number, item in enumerate(("kos01", "kos33", "kos34", "kos50")):
        for part in range(8):
            draw(f"{item}/Part{part}.jpg", value=60 * number + 7 * part)
            broken = (item, part) in {("kos01", 5), ("kos50", 2)}
            draw(f"{item}/Part{part}_label.bmp", marked=255 if broken else None)


@pytest.mark.usefixtures("commutators")
def test_the_mask_says_what_is_defective_and_the_item_which_part(at, row):
    assert kolektor_sdd.looks_like(at()) == 1
    data = kolektor_sdd.read(at())
    assert data.stray_masks == ()
    assert (len(data.good("train")), len(data.good("test")), len(data.train)) == (15, 15, 15)
    assert [row(item) for item in data.defective] == [
        ("kos01/Part5.jpg", "test", 1, "defect", ["Part5_label.bmp"]),
        ("kos50/Part2.jpg", "test", 1, "defect", ["Part2_label.bmp"]),
    ]
    assert [int(item.mask((6, 8)).sum()) for item in data.defective] == [1, 1]
    assert inspect_dataset(data).counts == {"train": {"good": 15}, "test": {"good": 15, "defect": 2}}
    assert {item.group for item in data.train} == {"kos01", "kos33"}
    assert {item.group for item in data.good("test")} == {"kos34", "kos50"}


@pytest.mark.usefixtures("commutators")
def test_the_split_is_told_and_defects_on_fitted_items_can_be_left_out(at):
    data = kolektor_sdd.read(at())
    assert data.notes == (
        "The set has no split of its own: good surfaces of kos01 to kos33 are fitted, all others tested.",
        "1 picture is of defects on commutators whose good surfaces are fitted: give figures with and without them.",
    )
    assert shared_groups(data.items) == {"kos01"}
    assert [item.name for item in data.defective if item.name not in shared_pictures(data)] == ["kos50/Part2.jpg"]


@pytest.mark.usefixtures("commutators")
def test_a_commutator_is_never_on_both_sides_of_our_own_split(at):
    split = split_good(kolektor_sdd.read(at()).train)
    assert {item.group for item in split.fitting} & {item.group for item in split.calibration} == set()


@pytest.mark.usefixtures("commutators")
def test_pictures_whose_mask_lacks_or_is_broken_are_not_fitted(at, tmp_path):
    (tmp_path / "kos01/Part0_label.bmp").unlink()
    (tmp_path / "kos34/Part0_label.bmp").write_bytes(b"BM no picture")
    (tmp_path / "kos50/Part7.jpg").unlink()
    data = kolektor_sdd.read(at())
    assert "kos01/Part0.jpg" not in {item.name for item in data.items}
    (unknown,) = (item for item in data.items if item.label is None)
    assert (unknown.name, unknown.split, [Path(mask).name for mask in unknown.masks]) == (
        "kos34/Part0.jpg",
        "test",
        ["Part0_label.bmp"],
    )
    assert "2 pictures are of unknown label" in data.notes[-1]
    assert "(kos01/Part0.jpg, kos34/Part0.jpg)" in data.notes[-1]
    assert [Path(mask).name for mask in data.stray_masks] == ["Part7_label.bmp"]


def test_a_folder_around_the_set_is_refused_and_names_it(at, draw):
    draw("KSDD/kos01/Part0.jpg", "KSDD/kos01/Part0_label.bmp")
    assert 0 < kolektor_sdd.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"holds it in KSDD; name that folder, .*restora train .*KSDD"):
        kolektor_sdd.read(at())


def test_other_folders(at, draw):
    draw("part/Part0.jpg", "part/Part0_label.bmp", "kosovo/1.jpg")
    assert kolektor_sdd.looks_like(at()) == 0
    with pytest.raises(DataError, match="no pictures in folders kos01 to kos50"):
        kolektor_sdd.read(at())
