"""A data set from folders named one by one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.dataset import Dataset
from restora.images.inspect import inspect_dataset
from restora.images.layouts import read_dataset
from restora.images.layouts.folders import Folders
from tests.images.layouts.miniature import counts, marked_rows, mask, pictures


def from_folders(*named: str | Path | None) -> Dataset:
    return read_dataset(Folders(*named))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "line 3"
    pictures(root, "ok/1.png", "ok/monday/1.png", "later/1.png", "broken/7.png", "broken/dent/7.png")
    mask(root, "marks/7.png", slice(0, 1))
    mask(root, "marks/dent/7_mask.png", slice(1, 2))
    return root


def test_every_folder_has_its_part(root):
    data = from_folders(root, "ok", "broken", "later", "marks")
    assert (data.name, data.layout, data.stray_masks, data.notes) == ("line 3", "folders", (), ())
    assert counts(data) == {"train": {"good": 2}, "test": {"broken": 1, "dent": 1, "good": 1}}
    assert [item.name for item in data.items] == [
        "ok/1.png", "ok/monday/1.png", "later/1.png", "broken/7.png", "broken/dent/7.png",
    ]  # fmt: skip
    assert marked_rows(data, "broken/7.png") == [0]
    assert marked_rows(data, "broken/dent/7.png") == [1]
    assert inspect_dataset(data).problems == ()


def test_only_good_pictures_are_needed(root):
    assert counts(from_folders(root, "ok")) == {"train": {"good": 2}, "test": {}}
    data = from_folders(root, "ok", "broken")
    assert not data.has_masks
    assert data.notes[0].startswith("There are no good pictures to test with")


def test_masks_that_fit_no_picture(root):
    (root / "broken/7.png").unlink()
    assert from_folders(root, "ok", "broken", None, "marks").stray_masks == (str(root / "marks/7.png"),)


def test_folders_elsewhere_are_named_by_what_they_are_for(root, tmp_path):
    (root / "later").rename(tmp_path / "ok")
    data = from_folders(root, "ok", tmp_path / "line 3/broken", tmp_path / "ok")
    assert [item.name for item in data.test] == ["normal-test/1.png", "broken/7.png", "broken/dent/7.png"]
    assert data.test[0].source == str(tmp_path / "ok/1.png")
    assert [item.name for item in from_folders(root / "ok", ".", "../broken").items] == [
        "1.png", "monday/1.png", "abnormal/7.png", "abnormal/dent/7.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("gone",), "There is no folder .*gone, named for normal"),
        (("ok/1.png",), "is a file, not a folder"),
        (("ok", "empty"), "empty holds no pictures"),
        (("ok", None, None, "marks"), "need defective pictures"),
        (("ok", "ok"), "ok is named for normal and for abnormal"),
        (("broken", "broken/dent"), "dent, named for abnormal, lies in .*broken, named for normal"),
        ((".", "broken"), "broken, named for abnormal, lies in"),
        (("ok", "broken", "broken/../ok"), "ok is named for normal and for normal-test"),
    ],
)
def test_folders_that_cannot_be_meant(root, folders, message):
    (root / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        from_folders(root, *folders)


def test_names_that_would_meet_are_refused(root, tmp_path):
    (root / "later").rename(tmp_path / "elsewhere")
    (root / "ok").rename(root / "normal-test")  # what is named from elsewhere would be called that too
    with pytest.raises(DataError, match=r"both be called normal-test/1\.png"):
        from_folders(root, "normal-test", None, tmp_path / "elsewhere")


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_folders_of_an_archive(root, tmp_path, form):
    shutil.make_archive(str(tmp_path / "sets"), form, tmp_path, root.name)
    plain = from_folders(root, "ok", "broken", "later", "marks")
    for packed in (f"sets.{form}", f"sets.{form}!line 3"):  # the only folder of an archive is its root
        data = from_folders(tmp_path / packed, "ok", "broken", "later", "marks")
        assert (data.name, data.layout) == ("line 3", "folders")
        assert [item.name for item in data.items] == [item.name for item in plain.items]
        assert marked_rows(data, "broken/dent/7.png") == [1]
    with pytest.raises(DataError, match=r"lies in .*broken, named for abnormal"):
        from_folders(tmp_path / f"sets.{form}", "broken/dent", "broken")
    with pytest.raises(DataError, match="holds no folder line 3/gone"):
        from_folders(tmp_path / f"sets.{form}", "gone")


def test_a_folder_may_be_an_archive(root, tmp_path):
    shutil.make_archive(str(root / "ok"), "zip", root / "ok")
    assert [item.name for item in from_folders(root, "ok.zip", "broken").train] == [
        "ok.zip/1.png",
        "ok.zip/monday/1.png",
    ]


def test_a_root_is_not_looked_through(root, monkeypatch):
    (root / "closed").mkdir()
    (root / "closed").chmod(0)
    try:
        assert len(from_folders(root, "ok").items) == 2
    finally:
        (root / "closed").chmod(0o755)
