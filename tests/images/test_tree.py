"""A tree tells what lies in a folder as the folder does."""

from __future__ import annotations

import os

import pytest

from restora.errors import DataError
from restora.images.tree import Tree, below, last, stem, suffix_of


@pytest.fixture
def tree(tmp_path) -> Tree:
    for name in ("a.csv", "Train/ok/b.PNG", "Train/ok/deep/er/c.jpg", "Train/notes.txt", "train/x.png", ".git/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xef\xbb\xbfpath\n" if name == "a.csv" else b"")
    (tmp_path / "empty").mkdir()
    os.symlink(tmp_path, tmp_path / "Train" / "up")
    return Tree.of(tmp_path)


def test_every_visible_file_has_a_name_and_links_lead_nowhere_twice(tree):
    assert tree.names == ("Train/notes.txt", "Train/ok/b.PNG", "Train/ok/deep/er/c.jpg", "a.csv", "train/x.png")
    assert tree.folders() == ["Train", "train"]
    assert tree.folders("Train/ok") == ["Train/ok/deep"]
    assert tree.files("Train") == ["Train/notes.txt"]
    assert tree.files("Train/ok/deep") == []
    assert tree.files("nowhere") == tree.folders("nowhere") == []
    assert tree.files("Train", deep=True) == ["Train/notes.txt", "Train/ok/b.PNG", "Train/ok/deep/er/c.jpg"]
    assert tree.pictures("Train") == ["Train/ok/b.PNG", "Train/ok/deep/er/c.jpg"]
    assert tree.pictures("Train/ok", deep=False) == ["Train/ok/b.PNG"]
    assert tree.files(deep=True) == list(tree.names)


def test_links_in_a_circle_end(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    os.symlink(tmp_path / "b", tmp_path / "a" / "to-b")
    os.symlink(tmp_path / "a", tmp_path / "b" / "to-a")
    assert Tree.of(tmp_path).names == ("a/to-b/x.png", "a/x.png", "b/to-a/x.png", "b/x.png")


def test_folders_and_files_are_found_whatever_their_capitals(tree):
    assert tree.folder("train") == "train"
    assert tree.folder("TRAIN") == "Train"
    assert tree.folder("Train", "OK", "deep") == "Train/ok/deep"
    assert tree.folder("Train", "ng") is None
    assert tree.file("Train", "OK", "B.png") == "Train/ok/b.PNG"
    assert tree.file("A.CSV") == "a.csv"
    assert tree.file("empty", "a.csv") is None


def test_a_file_is_found_where_its_locator_says(tree, tmp_path):
    assert tree.locator("a.csv") == str(tmp_path / "a.csv")
    assert tree.read_text("a.csv") == "path\n"
    assert tree.name == tmp_path.name
    assert Tree.of(tmp_path / "Train").beside("a.csv") == "path\n"
    assert Tree.of(tmp_path / "Train").beside("train", "gone.csv") is None
    (tmp_path / "Train/notes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not text in UTF-8"):
        tree.read_text("Train/notes.txt")
    with pytest.raises(DataError, match="cannot be read"):
        tree.read_text("gone.csv")


def test_parts_of_a_name():
    assert below("Train/ok/b.PNG", "Train") == "ok/b.PNG"
    assert below("a.png", "") == "a.png"
    assert (last("x/y.tar.gz"), stem("x/y.tar.gz"), suffix_of("x/y.TAR.GZ")) == ("y.tar.gz", "y.tar", ".gz")
    assert (stem("x/noending"), suffix_of("x/noending"), suffix_of("x/.hidden")) == ("noending", "", "")


def test_a_folder_of_a_tree_is_a_tree(tree):
    (tree.root / "Train" / "up").unlink()
    inner = tree.inside("Train")
    assert inner == Tree.of(tree.root / "Train")
    assert inner.names == ("notes.txt", "ok/b.PNG", "ok/deep/er/c.jpg")


def test_folders_that_hold_nothing_are_known_apart(tree):
    (tree.root / "Train" / "nothing" / "at" / "all").mkdir(parents=True)
    assert Tree.of(tree.root).empty == ("Train/nothing", "Train/nothing/at", "Train/nothing/at/all", "empty")
    assert tree.was_emptied("EMPTY")
    assert not tree.was_emptied("Train")
