from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError
from restora.images.layouts import LAYOUTS, Layout, read_dataset


def picture(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(path)
    return path


def names(path: Path, layout: str | None = None) -> list[str]:
    return [item.name for item in read_dataset(path, layout).items]


# MVTec AD


def test_a_category(category: Path):
    data = read_dataset(category)
    assert (data.layout, data.name) == ("mvtec-ad", "bolt")
    assert [(item.name, item.split, item.label, item.kind) for item in data.items] == [
        ("train/good/000.png", "train", 0, "good"),
        ("train/good/001.png", "train", 0, "good"),
        ("train/good/002.png", "train", 0, "good"),
        ("test/good/000.png", "test", 0, "good"),
        ("test/good/001.png", "test", 0, "good"),
        ("test/scratch/000.png", "test", 1, "scratch"),
        ("test/scratch/001.png", "test", 1, "scratch"),
    ]
    assert [item.mask((6, 8)).argmax() for item in data.defective] == [0, 8]
    assert data.stray_masks == ()
    assert all(Path(item.source).is_file() for item in data.items)


def test_masks_may_bear_the_very_name_of_the_picture(category: Path):
    truth = category / "ground_truth/scratch"
    (truth / "000_mask.png").rename(truth / "000.png")
    assert [len(item.masks) for item in read_dataset(category).defective] == [1, 1]


def test_folders_may_be_written_in_capitals(category: Path):
    (category / "train/good").rename(category / "train/Good")
    (category / "train").rename(category / "Train")
    (category / "ground_truth/scratch").rename(category / "ground_truth/SCRATCH")
    (category / "ground_truth").rename(category / "Ground_Truth")
    data = read_dataset(category)
    assert len(data.good("train")) == 3
    assert all(item.masks for item in data.defective)


def test_masks_without_a_picture_are_kept_in_mind(category: Path):
    extra = [category / "ground_truth" / name for name in ("scratch/009_mask.png", "dent/000_mask.png")]
    for path in extra:
        picture(path)
    assert sorted(read_dataset(category).stray_masks) == sorted(map(str, extra))


def test_a_test_part_alone_can_be_read_to_evaluate(category: Path):
    shutil.rmtree(category / "train")
    data = read_dataset(category)
    assert data.layout == "mvtec-ad"
    assert len(data.test) == 4
    assert data.good("train") == ()


def test_a_training_part_alone(category: Path):
    shutil.rmtree(category / "test")
    shutil.rmtree(category / "ground_truth")
    assert len(read_dataset(category).items) == 3


def test_no_good_pictures(category: Path):
    for path in (category / "train/good").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no pictures in good/"):
        read_dataset(category)


# a plain folder


def test_a_plain_folder_is_good_pictures_sorted_by_name(tmp_path: Path):
    for name in ("b/2.PNG", "b/10.png", "a 1.jpg", "ä.bmp", "部件.tif", "a/deep/er/x.webp"):
        picture(tmp_path / name)
    for name in ("notes.txt", ".hidden.png", "._b.png", ".git/x.png", "__MACOSX/y.png", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    data = read_dataset(tmp_path)
    assert data.layout == "folder"
    assert names(tmp_path) == ["a 1.jpg", "a/deep/er/x.webp", "b/10.png", "b/2.PNG", "ä.bmp", "部件.tif"]
    assert all(item.split == "train" and item.label == 0 for item in data.items)


def test_names_that_differ_in_case_alone_are_two_pictures(tmp_path: Path):
    picture(tmp_path / "A.png")
    picture(tmp_path / "a.png")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell them apart")
    assert names(tmp_path) == ["A.png", "a.png"]


def test_a_link_that_leads_back_up_ends(tmp_path: Path):
    picture(tmp_path / "a/1.png")
    (tmp_path / "a/up").symlink_to(tmp_path)
    assert names(tmp_path) == ["a/1.png"]


def test_a_name_that_is_no_unicode_can_be_printed(tmp_path: Path):
    try:
        os.rename(picture(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/\xff.png")
    except OSError:
        pytest.skip("this file system holds Unicode names only")
    (item,) = read_dataset(tmp_path).items
    assert item.name.encode("utf-8")
    assert Path(item.source).is_file()


@pytest.mark.parametrize("content", [None, "notes.txt", "empty/"])
def test_a_folder_without_pictures(tmp_path: Path, content):
    if content == "empty/":
        (tmp_path / "empty").mkdir()
    elif content:
        (tmp_path / content).write_text("x")
    with pytest.raises(DataError, match="holds no pictures"):
        read_dataset(tmp_path)


def test_many_categories_are_named_with_the_command_meant(category: Path):
    root = category.parent
    shutil.copytree(category, root / "screw")
    with pytest.raises(DataError, match=r"2 categories \(bolt, screw\).*restora train .*bolt"):
        read_dataset(root)


@pytest.mark.parametrize(("good", "bad"), [("good", "bad"), ("OK", "NG"), ("good", "scratch"), ("normal", "abnormal")])
def test_good_beside_bad_is_refused_with_the_command_meant(tmp_path: Path, good, bad):
    picture(tmp_path / good / "1.png")
    picture(tmp_path / bad / "1.png")
    with pytest.raises(DataError, match=rf"{good}/ and {bad}/.*restora train .*{good}.*restora evaluate"):
        read_dataset(tmp_path)


def test_bad_pictures_alone_are_refused(tmp_path: Path):
    picture(tmp_path / "1.png")
    picture(tmp_path / "defect/2.png")
    with pytest.raises(DataError, match=r"defect/.*good pictures alone"):
        read_dataset(tmp_path)


def test_a_folder_that_only_holds_good_is_fine(tmp_path: Path):
    picture(tmp_path / "good/1.png")
    assert names(tmp_path) == ["good/1.png"]


def test_a_folder_nobody_may_read_is_refused_even_for_root(tmp_path: Path):
    picture(tmp_path / "closed/1.png")
    for path in (tmp_path / "closed", tmp_path):  # the folder itself, then one inside it
        (tmp_path / "closed").chmod(0o000)
        try:
            with pytest.raises(DataError, match=r"closed may not be read.*permissions"):
                read_dataset(path)
        finally:
            (tmp_path / "closed").chmod(0o755)


# a table


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_a_table(tmp_path: Path):
    picture(tmp_path / "m.png", 255)
    path = table(
        tmp_path / "parts.csv",
        "path,label,split,kind,mask,group\n"
        "a/1.png,good,,,,part 1\n"
        '"a, b/2.png",0,test,,,\n'
        "3.png,defect,,scratch,m.png|m.png,part 3\n"
        "4.png,1,train,,,\n"
        "5.png,,,,,\n",
    )
    data = read_dataset(path)
    assert (data.name, data.layout, data.root) == ("parts", "table", str(tmp_path))
    assert [(item.name, item.split, item.label, item.kind, item.group) for item in data.items] == [
        ("a/1.png", "train", 0, "good", "part 1"),
        ("a, b/2.png", "test", 0, "good", None),
        ("3.png", "test", 1, "scratch", "part 3"),
        ("4.png", "train", 1, "defect", None),
        ("5.png", "test", None, "unknown", None),
    ]
    assert data.items[0].source == str(tmp_path / "a/1.png")
    assert data.items[2].mask((4, 4)).all()


@pytest.mark.parametrize(
    "text", ["path;label\n1.png;good\n", "Path\tLabel\r\n1.png\tGOOD\r\n", "path,label\n1.png,good\n\n,\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_tables_as_different_programs_write_them(text, encoding, tmp_path: Path):
    (item,) = read_dataset(table(tmp_path / "t.csv", text, encoding)).items
    assert (item.name, item.label) == ("1.png", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("path,label\n", "no rows"),
        ("file,label\n1.png,good\n", "lacks the column path"),
        ("path\n1.png\n", "lacks the column label"),
        ("path,label,colour\n1.png,good,red\n", "unknown column 'colour'"),
        ("path,label\n1.png,good\n2.png,perhaps\n", "line 3: the label 'perhaps'"),
        ("path,label,split\n1.png,good,validation\n", "line 2: the split 'validation'"),
        ("path,label\n,good\n", "line 2: the path is empty"),
        ("path,label\n1.png,good,too much\n", "line 2: more cells than columns"),
        (f"path,{'y' * 140_000}\n1.png,good\n", "near line 1 .*field"),
        (f"path,label\n1.png,good\n{'y' * 140_000},good\n", "near line 3 .*field"),
    ],
)
def test_a_table_that_is_wrong_names_the_place(text, message, tmp_path: Path):
    with pytest.raises(DataError, match=message):
        read_dataset(table(tmp_path / "t.csv", text))


def test_a_table_that_is_no_text(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(b"path,label\n\xff\xfe,good\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_dataset(tmp_path / "t.csv")


# the choice


def test_a_layout_can_be_named(category: Path):
    assert len(names(category, "folder")) == 9
    with pytest.raises(DataError, match="nearest is mvtec-ad"):
        read_dataset(category, "mvtec")


def test_nothing_there(tmp_path: Path):
    with pytest.raises(DataError, match="no folder"):
        read_dataset(tmp_path / "missing")
    with pytest.raises(DataError, match="neither a folder"):
        read_dataset(picture(tmp_path / "1.png"))
    with pytest.raises(DataError, match="not a folder"):
        read_dataset(picture(tmp_path / "1.png"), "mvtec-ad")


def test_every_layout_explains_itself():
    for name, layout in LAYOUTS.items():
        assert layout.name == name
        assert layout.sketch.strip()
        assert layout.note.strip()


def test_every_layout_names_where_it_was_published():
    assert "CVPR 2019" in LAYOUTS["mvtec-ad"].source
    assert all(layout.source.strip().endswith(".") for layout in LAYOUTS.values())


def test_two_layouts_that_fit_equally_well_are_named(category: Path, monkeypatch):
    twin = Layout("twin", lambda tree: 0.9, LAYOUTS["mvtec-ad"].read, "", "", "")
    monkeypatch.setitem(LAYOUTS, "twin", twin)
    with pytest.raises(DataError, match=r"mvtec-ad and twin alike.*--layout mvtec-ad or --layout twin"):
        read_dataset(category)
    assert len(read_dataset(category, "mvtec-ad").items) == 7


def test_a_layout_asked_for_by_name_says_what_it_expected(tmp_path: Path):
    picture(tmp_path / "some/1.png")
    with pytest.raises(DataError, match="no pictures in train/good or test"):
        read_dataset(tmp_path, "mvtec-ad")
    with pytest.raises(DataError, match=r"one CSV or Parquet table.*found was none"):
        read_dataset(picture(tmp_path / "other/2.png").parent.parent, "table")


def test_a_table_beside_its_pictures_is_read_when_it_is_asked_for(tmp_path: Path):
    picture(tmp_path / "a/1.png")
    table(tmp_path / "parts.csv", "path,label\na/1.png,good\n")
    assert read_dataset(tmp_path).layout == "folder"
    assert read_dataset(tmp_path, "table").items == read_dataset(tmp_path / "parts.csv").items


def test_a_link_to_itself_is_no_folder(tmp_path: Path):
    picture(tmp_path / "a/1.png")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert names(tmp_path) == ["a/1.png"]
