"""A Parquet table gives the rows that its CSV twin gives."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from restora.errors import DataError, MissingError
from restora.images.layouts.parquet import read_parquet_rows
from restora.images.layouts.table import read_rows

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
