"""A miniature of VisA as published: two categories, the table beside them, masks that hold numbers of classes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from restora.errors import DataError
from restora.images.inspect import inspect_dataset
from restora.images.layouts import visa

SPLIT = """object,split,label,image,mask\r
candle,train,normal,candle/Data/Images/Normal/0836.JPG,\r
candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\r
candle,train,normal,candle/Data/Images/Normal/0001.JPG,\r
candle,test,normal,candle/Data/Images/Normal/0002.JPG,\r
candle,test,anomaly,candle/Data/Images/Anomaly/001.JPG,candle/Data/Masks/Anomaly/001.png\r
pcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\r
"""
KINDS = """image,label,mask
candle/Data/Images/Normal/0836.JPG,normal,
candle/Data/Images/Anomaly/000.JPG,"chunk of wax missing,other",candle/Data/Masks/Anomaly/000.png
"""


@pytest.fixture
def published(draw, text):
    draw(*(f"candle/Data/Images/Normal/{name}.JPG" for name in ("0836", "0001", "0002")))
    draw("candle/Data/Images/Anomaly/000.JPG", "candle/Data/Images/Anomaly/001.JPG", "pcb1/Data/Images/Normal/0000.JPG")
    draw("candle/Data/Masks/Anomaly/000.png", marked=3)
    draw("candle/Data/Masks/Anomaly/001.png", marked=1)
    text("candle/image_anno.csv", KINDS)
    text("split_csv/1cls.csv", SPLIT)


@pytest.mark.usefixtures("published")
def test_the_table_beside_a_category_says_which_part_a_picture_is_of(at, row):
    tree = at("candle")
    assert visa.looks_like(tree) == 1
    data = visa.read(tree)
    assert (data.name, data.layout, data.notes, data.stray_masks) == ("candle", "visa", (), ())
    assert [row(item) for item in data.items] == [
        ("Data/Images/Normal/0001.JPG", "train", 0, "good", []),
        ("Data/Images/Normal/0836.JPG", "train", 0, "good", []),
        ("Data/Images/Normal/0002.JPG", "test", 0, "good", []),
        ("Data/Images/Anomaly/000.JPG", "test", 1, "chunk of wax missing,other", ["000.png"]),
        ("Data/Images/Anomaly/001.JPG", "test", 1, "anomaly", ["001.png"]),
    ]
    assert [int(item.mask((6, 8)).sum()) for item in data.defective] == [1, 1]
    counts = inspect_dataset(data).counts
    assert counts == {"train": {"good": 2}, "test": {"good": 1, "chunk of wax missing,other": 1, "anomaly": 1}}
    assert all(Path(item.source).is_file() for item in data.items)


@pytest.mark.usefixtures("published")
def test_the_root_of_all_is_refused_and_names_one(at, tmp_path, row):
    assert 0 < visa.looks_like(at()) < 0.8
    with pytest.raises(DataError, match=r"2 categories \(candle, pcb1\).*restora train .*candle"):
        visa.read(at())
    shutil.rmtree(tmp_path / "pcb1")  # with one category the table lies below
    data = visa.read(at())
    assert (data.name, len(data.items)) == ("candle", 5)
    assert row(data.items[0])[0] == "candle/Data/Images/Normal/0001.JPG"


@pytest.mark.usefixtures("published")
def test_what_is_listed_and_lacks_and_what_lies_there_unlisted_is_counted(at, draw, tmp_path):
    (tmp_path / "candle/Data/Images/Normal/0002.JPG").unlink()
    draw("candle/Data/Images/Normal/7777.JPG", "candle/Data/Images/Normal/7778.JPG", "candle/Data/Masks/Anomaly/9.png")
    with (tmp_path / "split_csv/1cls.csv").open("a") as table:
        table.write("candle,train,anomaly,candle/Data/Images/Anomaly/002.JPG,\n")
    draw("candle/Data/Images/Anomaly/002.JPG")
    data = visa.read(at("candle"))
    assert len(data.items) == 4
    assert data.notes == (
        "1 picture is listed in split_csv/1cls.csv, but not there.",
        "2 pictures are left out, not listed in split_csv/1cls.csv.",
        "1 picture is left out of train as defective.",
    )
    assert [Path(mask).name for mask in data.stray_masks] == ["9.png"]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, r"no split_csv/1cls.csv beside .*candle; copy it"),
        ("", "must have the columns object,split,label,image,mask"),
        (
            f"object,split,label,image,mask\n{'y' * 140_000},train,normal,a.JPG,\n",
            "1cls.csv cannot be read .*copy it anew",
        ),
        ("object,set,label,image,mask\ncandle,train,normal,a.JPG,\n", "must have the columns"),
        ("object,split,label,image,mask\npcb1,train,normal,pcb1/a.JPG,\n", r"no category candle.*\(pcb1\)"),
        ("object,split,label,image,mask\ncandle,val,normal,candle/a.JPG,\n", "line 2: split 'val' and label 'normal'"),
        ("object,split,label,image,mask\ncandle,train,normal,candle/a.JPG,\n", "None of the pictures"),
    ],
)
def test_a_table_that_lacks_or_is_wrong(at, text, tmp_path, table, message):
    (tmp_path / "split_csv/1cls.csv").unlink()
    if table is not None:
        text("split_csv/1cls.csv", table)
    with pytest.raises(DataError, match=message):
        visa.read(at("candle"))


def test_no_category_at_all(at, draw):
    draw("train/good/1.png")
    assert visa.looks_like(at()) == 0
    with pytest.raises(DataError, match="no Data/Images/Normal; name the folder of one VisA category"):
        visa.read(at())
