from __future__ import annotations

import csv
import importlib.util
import io
import json
import sys

import numpy as np
import pytest

from restora.errors import MissingError, UsageError
from restora.report.rows import write_rows
from restora.verdicts.prediction import Prediction, Region

FOUND = Prediction(
    "a/1.png", "defect", 1 / 65, 3.5, 0.25, (Region((1, 2, 5, 8), 20, 3.5), Region((9, 9, 10, 10), 1, 2.0))
)
FINE = Prediction("a/2.png", "ok", 0.5, 1.25, 0.125, milliseconds=12.3456)
BROKEN = Prediction.failed("b,c.png", 'b,c.png: "cut off", after 12 bytes')


def text(predictions, form="csv", timings=False, **more):
    stream = io.BytesIO()
    write_rows(stream, predictions, form, timings, **more)
    return stream.getvalue().decode()


def test_csv_is_exactly_this():
    assert text([FOUND, FINE, BROKEN]) == (
        "name,verdict,p_value,score,doubt,regions,error\n"
        "a/1.png,defect,0.0153846154,3.5,0.25,2,\n"
        "a/2.png,ok,0.5,1.25,0.125,0,\n"
        '"b,c.png",error,,,,0,"b,c.png: ""cut off"", after 12 bytes"\n'
    )


def test_milliseconds_come_last_and_only_when_asked_for():
    lines = text([FINE, BROKEN], timings=True).splitlines()
    assert lines[0].endswith(",error,milliseconds")
    assert lines[1] == "a/2.png,ok,0.5,1.25,0.125,0,,12.346"
    assert lines[2].endswith(",")
    assert list(json.loads(text([FINE], "jsonl", timings=True)))[-1] == "milliseconds"


def test_json_lines_carry_places_and_the_model():
    first, second = map(json.loads, text([FOUND, BROKEN], "jsonl", model="f00").splitlines())
    assert first["regions"][0] == {"bbox": [1, 2, 5, 8], "area": 20, "peak": 3.5}
    assert first["model"] == second["model"] == "f00"
    assert second["score"] is None
    assert "milliseconds" not in first


def test_every_float32_comes_back():
    scores = np.random.default_rng(0).lognormal(0, 20, 500).astype(np.float32)
    predictions = [Prediction("x", "ok", 0.5, float(score), 0.0) for score in scores]
    rows = list(csv.DictReader(io.StringIO(text(predictions))))
    assert np.array_equal(np.array([row["score"] for row in rows], dtype=np.float32), scores)


def test_a_name_that_is_no_text_does_not_stop_the_job():
    odd = Prediction(b"caf\xe9.png".decode("utf-8", "surrogateescape"), "ok", 0.5, 1.0, 0.0)
    assert "caf\\udce9.png,ok" in text([odd])
    assert json.loads(text([odd], "jsonl"))["name"] == "caf\\udce9.png"


def test_rows_are_written_as_they_come():
    stream, seen = io.BytesIO(), []

    def slowly():
        for prediction in (FOUND, FINE):
            seen.append(stream.getvalue().count(b"\n"))
            yield prediction

    assert write_rows(stream, slowly()) == {"defect": 1, "ok": 1}
    assert seen == [1, 2]


def test_parquet_holds_the_same_rows(monkeypatch):
    if importlib.util.find_spec("pyarrow") is None:
        with pytest.raises(MissingError, match=r"restora\[tables\]"):
            text([FOUND], "parquet")
        return
    from pyarrow import parquet

    stream = io.BytesIO()
    write_rows(stream, [FOUND, BROKEN], "parquet", True, model="f00")
    table = parquet.read_table(io.BytesIO(stream.getvalue()))
    assert table.column_names == ["name", "verdict", "p_value", "score", "doubt", "regions", "error", "milliseconds"]
    assert table.to_pylist()[0]["regions"] == 2
    assert table.to_pylist()[1]["score"] is None
    assert table.schema.metadata[b"restora.model"] == b"f00"


def test_parquet_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingError, match=r"restora\[tables\]"):
        text([FOUND], "parquet")


def test_an_unknown_form_is_refused():
    with pytest.raises(UsageError, match="csv, jsonl or parquet"):
        text([FOUND], "xlsx")
