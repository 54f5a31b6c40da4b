from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from restora.errors import DataError, PictureError
from restora.images.dataset import Item
from restora.images.split import content_digest, fingerprint, split_good


def items_of(folder: Path, contents: list[str], groups: list[str | None] | None = None, prefix: str = "") -> list[Item]:
    items = []
    for index, content in enumerate(contents):
        path = folder / f"{prefix}{index:04}.png"
        path.write_text(content)
        group = groups[index] if groups else None
        items.append(Item(path.name, str(path), "train", 0, "good", group=group))
    return items


def contents(items: tuple[Item, ...]) -> set[str]:
    return {Path(item.source).read_text() for item in items}


@pytest.mark.parametrize(
    ("count", "kept"),
    [(1, 0), (7, 0), (8, 4), (9, 4), (30, 15), (40, 20), (60, 20), (100, 20), (101, 20), (320, 64), (6000, 1000)],
)
def test_how_many_are_kept_back(count, kept, tmp_path: Path):
    split = split_good(items_of(tmp_path, [f"picture {index}" for index in range(count)]))
    assert len(split.calibration) == kept
    assert len(split.fitting) == count - kept
    assert len(split.digests) == count


def test_content_decides_neither_order_nor_name(tmp_path: Path):
    items = items_of(tmp_path, [f"picture {index}" for index in range(50)])
    wanted = contents(split_good(items).calibration)
    assert contents(split_good(items[::-1]).calibration) == wanted
    renamed = items_of(tmp_path, [f"picture {index}" for index in range(49, -1, -1)], prefix="other-")
    assert contents(split_good(renamed).calibration) == wanted


def test_order_is_kept_within_the_parts(tmp_path: Path):
    items = items_of(tmp_path, [f"picture {index}" for index in range(50)])
    split = split_good(items)
    for part in (split.fitting, split.calibration):
        assert list(part) == sorted(part, key=lambda item: item.name)
    assert {*split.fitting, *split.calibration} == set(items)


def test_equal_content_stays_on_one_side(tmp_path: Path):
    items = items_of(tmp_path, [f"picture {index // 3}" for index in range(90)])
    split = split_good(items)
    assert contents(split.fitting).isdisjoint(contents(split.calibration))
    assert 20 <= len(split.calibration) <= 45


def test_a_group_stays_on_one_side(tmp_path: Path):
    items = items_of(
        tmp_path, [f"picture {index}" for index in range(100)], [f"part {index % 25}" for index in range(100)]
    )
    split = split_good(items)
    assert {item.group for item in split.fitting}.isdisjoint({item.group for item in split.calibration})
    assert len(split.calibration) == 20


def test_groups_are_joined_by_equal_pictures(tmp_path: Path):
    # a and b share a picture, b and c another: the three are one
    texts = ["x", "x", "y", "y", *[f"picture {index}" for index in range(16)]]
    groups = ["a", "b", "b", "c", *[None] * 16]
    split = split_good(items_of(tmp_path, texts, groups))
    sides = [any(item.group in ("a", "b", "c") for item in part) for part in (split.fitting, split.calibration)]
    assert sorted(sides) == [False, True]


def test_a_set_larger_than_half_is_never_kept_back(tmp_path: Path):
    # 30 of one part, 10 others: at most 20 may be kept, so the part is fitted and the others are kept
    items = items_of(tmp_path, [f"picture {index}" for index in range(40)], ["one"] * 30 + [None] * 10)
    split = split_good(items)
    assert [item.group for item in split.calibration] == [None] * 10
    alone = split_good(items[:30])
    assert alone.calibration == ()
    assert len(alone.fitting) == 30


def test_digests_are_those_of_the_files(tmp_path: Path):
    items = items_of(tmp_path, ["a", "b"])
    assert split_good(items).digests == {
        "0000.png": hashlib.sha256(b"a").hexdigest(),
        "0001.png": hashlib.sha256(b"b").hexdigest(),
    }


def test_an_array_counts_with_its_shape_and_type():
    grey = np.zeros((2, 3), dtype=np.uint8)
    different = {content_digest(array) for array in (grey, grey.T, grey.astype(np.uint16), grey + 1)}
    assert len(different) == 4
    assert content_digest(grey) == content_digest(np.zeros((3, 2), dtype=np.uint8).T)
    assert content_digest(b"a") == hashlib.sha256(b"a").hexdigest()


def test_the_fingerprint_knows_contents_alone():
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"x": "2", "y": "1"})
    assert fingerprint({"a": "1", "b": "2"}) != fingerprint({"a": "1", "b": "1"})
    assert fingerprint({"a": "1"}) != fingerprint({"a": "1", "b": "1"})


def test_nothing_to_split():
    with pytest.raises(DataError, match="no good pictures"):
        split_good([])


def test_a_file_that_went_away(tmp_path: Path):
    with pytest.raises(PictureError, match=r"gone\.png.*check the path"):
        split_good([Item("gone.png", str(tmp_path / "gone.png"), "train", 0, "good")])
