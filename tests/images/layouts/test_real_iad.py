"""Real-IAD in miniature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import real_iad
from restora.images.tree import Tree
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures


def entry(path: str, kind: str = "OK", marked: str | None = None) -> dict[str, str | None]:
    return {"category": "toy", "anomaly_class": kind, "image_path": path, "mask_path": marked}


def good(sample: int, side: int) -> str:
    return f"OK/S{sample:04}/toy_{sample:04}_OK_C{side}_20231001.jpg"


def bad(side: int, ending: str = "jpg") -> str:
    return f"NG/QS/S0001/toy_0001_NG_QS_C{side}_20231002.{ending}"


@pytest.fixture
def content() -> dict:
    return {
        "meta": {"prefix": "toy/", "normal_class": "OK", "pre_transform": True},
        "train": [entry(good(sample, side)) for sample in (1, 2) for side in (1, 2)],
        "test": [
            entry(good(3, 1)),
            entry(bad(1), "QS", bad(1, "png")),
            entry(bad(2)),  # the defect is on the other side
        ],
    }


@pytest.fixture
def root(tmp_path: Path, content: dict) -> Path:
    category = tmp_path / "Real-IAD/realiad_256/toy"
    for listed in (*content["train"], *content["test"]):
        pictures(category, listed["image_path"].replace(".jpg", ".png"))
        (category / listed["image_path"].replace(".jpg", ".png")).rename(category / listed["image_path"])
    mask(category, bad(1, "png"), slice(2, 4))
    write(tmp_path / "Real-IAD", content)
    return tmp_path / "Real-IAD"


def write(root: Path, content: object, folder: str = "realiad_jsons") -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "toy.json").write_text(content if isinstance(content, str) else json.dumps(content))


def read(path: Path):
    return real_iad.read(Tree.of(path))


@pytest.mark.parametrize(
    ("place", "before"), [("realiad_256/toy", ""), ("realiad_256", "toy/"), ("", "realiad_256/toy/")]
)
def test_the_list_says_what_each_picture_is(root, place, before):
    tree = Tree.of(root / place)
    assert real_iad.looks_like(tree) == 1
    data = real_iad.read(tree)
    assert (data.name, data.layout) == ("toy", "real-iad")
    assert counts(data) == {"train": {"good": 4}, "test": {"QS": 1, "good": 2}}
    assert marked_rows(data, before + bad(1)) == [2, 3]
    assert inspect_dataset(data).unreadable == ()
    assert data.notes == (
        "Good by the list: 1 picture of defective samples, whose defect does not show from that side.",
    )


def test_sides_of_a_sample_are_a_group(root):
    groups = {item.name: item.group for item in read(root / "realiad_256/toy").items}
    assert groups[good(1, 1)] == groups[good(1, 2)] == "OK/S0001"
    assert groups[bad(1)] == groups[bad(2)] == "NG/QS/S0001"


def test_lists_one_folder_deeper_and_paths_with_the_category_before_them(root, content):
    shutil.rmtree(root / "realiad_jsons")
    for listed in (*content["train"], *content["test"]):
        listed["image_path"] = "toy/" + listed["image_path"]
    write(root, content, "realiad_jsons/realiad_jsons")
    assert counts(read(root / "realiad_256/toy"))["train"] == {"good": 4}
    assert counts(read(root))["train"] == {"good": 4}


def test_what_is_otherwise_is_noted(root, content):
    content["train"].append(entry(bad(1), "QS", bad(1, "png")))
    content["test"] = [entry(good(9, 1))]
    write(root, content)
    data = read(root / "realiad_256/toy")
    assert data.train[-1].label == 1
    assert data.notes == (
        "Left out of training: 1 defective picture of the training list.",
        "Not in the folder: 1 listed picture; each will be a row with an error.",
        "Left: 2 pictures that the list does not name.",
    )
    assert inspect_dataset(data).unreadable[0][0] == good(9, 1)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"train": 3}', '{"train": [3]}', '{"test": [{"image_path": "OK/S0001/a.jpg"}]}']
)
def test_a_list_that_is_none(root, text):
    write(root, text)
    with pytest.raises(DataError, match="no list of Real-IAD"):
        read(root / "realiad_256/toy")


@pytest.mark.parametrize("path", ["../../secret.jpg", "/etc/a.jpg", "C:/a.jpg", "..\\a.jpg", ""])
def test_a_path_that_leads_out_is_refused(root, content, path):
    content["test"].append(entry(path))
    write(root, content)
    with pytest.raises(DataError, match="leads out of its category"):
        read(root / "realiad_256/toy")


def test_what_is_missing_is_named(root):
    shutil.copytree(root / "realiad_256", root / "realiad_512")
    with pytest.raises(DataError, match=r"holds 2 categories \(realiad_256/toy, realiad_512/toy\).*restora train"):
        read(root)
    shutil.rmtree(root / "realiad_512")
    write(root, {"train": [entry(good(7, 1))]})
    with pytest.raises(DataError, match=r"No picture listed in realiad_jsons/toy\.json"):
        read(root / "realiad_256/toy")
    shutil.rmtree(root / "realiad_jsons")
    with pytest.raises(DataError, match=r"realiad_jsons/toy\.json, which says what each picture is, is not beside"):
        read(root / "realiad_256/toy")
    shutil.rmtree(root / "realiad_256")
    pictures(root, "a.png")
    assert real_iad.looks_like(Tree.of(root)) == 0
    with pytest.raises(DataError, match="holds no category of Real-IAD"):
        read(root)
