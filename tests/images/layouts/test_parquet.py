"""A Parquet table gives the rows that its CSV twin gives, wherever a table is read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from restora.cli.run import run
from restora.errors import DataError, MissingError
from restora.images.layouts import read_dataset
from restora.images.layouts.parquet import read_parquet_rows
from restora.images.layouts.rows import read_rows
from restora.images.sources import expand_sources

COLUMNS = {
    "path": ["ok/1.png", "ok/2.png", "bad/1.png"],
    "label": ["good", "good", "defect"],
    "split": ["train", "test", None],
    "kind": [None, None, "scratch"],
    "mask": [None, None, ["m/1.png", "m/2.png"]],
    "group": [7, None, None],
}
TWIN = """\
path,label,split,kind,mask,group
ok/1.png,good,train,,,7
ok/2.png,good,test,,,
bad/1.png,defect,,scratch,m/1.png|m/2.png,
"""

needs_pyarrow = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)
    return path


@needs_pyarrow
def test_the_rows_of_a_csv_table(tmp_path):
    path = write(
        tmp_path / "parts.parquet",
        {
            " Path": ["a/1.png", "部件 2.png", "3.png"],
            "label": ["good", None, "defect "],
            "mask": [None, None, ["m 1.png", "m2.png"]],
        },
    )
    csv = tmp_path / "parts.csv"
    csv.write_text("path,label,mask\na/1.png,good,\n部件 2.png,,\n3.png,defect,m 1.png|m2.png\n", encoding="utf-8")
    assert [row for _, row in read_parquet_rows(path)] == [row for _, row in read_rows(csv)]
    assert [number for number, _ in read_parquet_rows(path)] == [1, 2, 3]


@needs_pyarrow
def test_numbers_and_truth_values_become_what_a_person_writes(tmp_path):
    columns = {
        "whole": [0, 1],
        "gaps": [1.0, float("nan")],
        "part": [0.5, None],
        "bad": [True, False],
    }
    rows = read_parquet_rows(write(tmp_path / "t.parquet", columns))
    assert [row for _, row in rows] == [
        {"whole": "0", "gaps": "1", "part": "0.5", "bad": "true"},
        {"whole": "1", "gaps": "", "part": "", "bad": "false"},
    ]


@needs_pyarrow
def test_empty_rows_are_left_and_the_others_keep_their_number(tmp_path):
    path = write(tmp_path / "t.parquet", {"path": [None, "a.png"], "label": ["", "good"]})
    assert read_parquet_rows(path) == [(2, {"path": "a.png", "label": "good"})]


@needs_pyarrow
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": [], "label": []}, "holds no rows"),
        ({"path": ["a"], "Path": ["b"]}, "two columns 'path'"),
        ({"path": [b"a"]}, "holds binary in the column 'path'"),
        ({"path": [{"x": "a"}]}, "in the column 'path'; its cells must be text"),
    ],
)
def test_a_table_that_is_wrong(columns, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_parquet_rows(write(tmp_path / "t.parquet", columns))


@needs_pyarrow
def test_no_table_at_all(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read .*check the path"):
        read_parquet_rows(tmp_path / "gone.parquet")
    for content in (b"", b"path,label\na.png,good\n", b"PAR1" + bytes(40) + b"PAR1"):
        (tmp_path / "t.parquet").write_bytes(content)
        with pytest.raises(DataError, match="no Parquet table or is damaged"):
            read_parquet_rows(tmp_path / "t.parquet")
    whole = write(tmp_path / "t.parquet", {"path": ["a.png"] * 1000}).read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:20] + bytes(20) + whole[40:])
    with pytest.raises(DataError, match="no Parquet table or is damaged"):
        read_parquet_rows(tmp_path / "t.parquet")


def test_without_pyarrow_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingError, match=r"restora\[tables\]"):
        read_parquet_rows(tmp_path / "t.parquet")


@needs_pyarrow
def test_the_index_that_pandas_keeps_of_a_part_of_a_table_is_no_column(tmp_path):
    path = write(tmp_path / "t.parquet", {"path": ["a.png"], "label": [0], "__index_level_0__": [41]})
    assert read_parquet_rows(path) == [(1, {"path": "a.png", "label": "0"})]


@needs_pyarrow
def test_the_same_data_set_as_the_csv_table(tmp_path):
    path = write(tmp_path / "parts.Parquet", COLUMNS)
    (tmp_path / "parts.csv").write_text(TWIN)
    data = read_dataset(path)
    assert (data.name, data.layout, data.items) == ("parts", "table", read_dataset(tmp_path / "parts.csv").items)
    assert data.items[2].masks == (str(tmp_path / "m/1.png"), str(tmp_path / "m/2.png"))
    found = [[vars(one) for one in expand_sources(table)] for table in (path, tmp_path / "parts.csv")]
    assert found[0] == found[1]


@needs_pyarrow
def test_paths_may_be_absolute(tmp_path):
    (tmp_path / "tables").mkdir()
    paths = [str(tmp_path / "ok/1.png"), "../ok/1.png"]
    path = write(tmp_path / "tables/t.parquet", {"path": paths, "label": ["ok", "ok"]})
    for sources in ([item.source for item in read_dataset(path).items], [one.locator for one in expand_sources(path)]):
        assert [Path(source).resolve() for source in sources] == [tmp_path / "ok/1.png"] * 2


@needs_pyarrow
def test_a_table_beside_its_pictures_is_read_when_it_is_asked_for(tmp_path):
    write(tmp_path / "parts.parquet", COLUMNS)
    (tmp_path / "notes.txt").write_text("x")
    assert len(read_dataset(tmp_path, "table").items) == 3
    (tmp_path / "parts.csv").write_text(TWIN)
    with pytest.raises(DataError, match=r"found was parts\.csv, parts\.parquet; name the table"):
        read_dataset(tmp_path, "table")


@needs_pyarrow
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": ["good"]}, r"t\.parquet lacks the column path; it must have the columns path, label"),
        ({"path": ["a.png"]}, "lacks the column label"),
        ({"path": ["a.png"], "label": ["ok"], "colour": [1]}, "unknown column 'colour'"),
        ({"path": ["a.png", "b.png"], "label": ["ok", "perhaps"]}, r"t\.parquet, row 2: the label 'perhaps'"),
        ({"path": ["a.png", None], "label": ["ok", "ok"]}, "row 2: the path is empty"),
        ({"path": ["a.png"], "label": ["ok"], "split": ["half"]}, "row 1: the split 'half'"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_status_2(columns, message, tmp_path, capsys):
    path = write(tmp_path / "t.parquet", columns)
    with pytest.raises(DataError, match=message):
        read_dataset(path)
    assert run(["data", "inspect", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@needs_pyarrow
def test_a_list_of_pictures_needs_paths_alone(tmp_path):
    path = write(tmp_path / "t.parquet", {"path": ["a.png", "b.png"], "shift": [1, 2]})
    assert [one.name for one in expand_sources(path)] == ["a.png", "b.png"]
    with pytest.raises(DataError, match="has no column 'path'"):
        expand_sources(write(tmp_path / "other.parquet", {"file": ["a.png"]}))
    with pytest.raises(DataError, match="row 2: the path is empty"):
        expand_sources(write(tmp_path / "other.parquet", {"path": ["a.png", None], "shift": [1, 2]}))


@needs_pyarrow
@pytest.mark.parametrize("verb", ["predict", "evaluate", "calibrate"])
def test_a_verb_takes_it_as_it_takes_the_csv_table(verb, tiny_model, tmp_path, capsys):
    from PIL import Image

    for number in range(9):
        Image.new("RGB", (64, 32), (60 + number, 60, 60)).save(tmp_path / f"{number}.png")
    names = [f"{number}.png" for number in range(9)]
    split = ["test"] if verb == "evaluate" else ["train"]
    columns = {"path": names, "label": ["good"] * 8 + ["defect"], "split": split * 8 + ["test"]}
    if verb == "calibrate":  # eight good pictures are the fewest
        columns["label"] = ["good"] * 9
    write(tmp_path / "t.parquet", columns)
    lines = [",".join(row) for row in (columns, *zip(*columns.values(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    told = []
    for table in ("t.csv", "t.parquet"):
        status = run([verb, str(tiny_model), str(tmp_path / table), "--json"])
        told.append((status, capsys.readouterr().out.replace('"name": "t"', "")))
    assert told[0] == told[1]
    assert told[0][0] == 0, told


@pytest.mark.parametrize("words", ["data inspect {table}", "evaluate {model} {table}", "predict {model} {table}"])
def test_without_pyarrow_a_verb_says_what_to_install(words, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    assert run(words.format(model=tiny_model, table=tmp_path / "t.parquet").split()) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "pip install 'restora[tables]'" in told.err.splitlines()[-1]
