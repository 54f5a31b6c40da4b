"""Verdict rows as CSV, JSON lines or Parquet, one a picture, written as they come.

CSV columns, which other programs rely on: name, verdict, p_value, score, doubt, regions (a count), error, and with
timings milliseconds as the last. Numbers have nine significant digits, which give back every float32 exactly. An empty
field says that there is none: a picture that could not be read has no score, a model without calibration no p-value.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Literal

from restora.errors import UsageError, need
from restora.verdicts.prediction import Prediction

Form = Literal["csv", "jsonl", "parquet"]

COLUMNS = ("name", "verdict", "p_value", "score", "doubt", "regions", "error")
PARQUET_GROUP = 4096  # rows kept before a row group is written


def write_rows(
    stream: BinaryIO,
    predictions: Iterable[Prediction],
    form: str = "csv",
    timings: bool = False,
    *,
    model: str | None = None,
) -> Counter[str]:
    """Write a row for every prediction, in their order, each as soon as it is there; returns the count of each verdict.

    stream  : open for bytes; text is UTF-8 with \\n as the end of a line
    form    : "csv", "jsonl" or "parquet" (needs the extra `tables`; MissingError without it)
    timings : add `milliseconds`; without it the same predictions give the same bytes
    model   : the model's fingerprint, which every JSON line and the Parquet file's metadata carry
    Raises UsageError for another form.
    """
    writers: dict[str, Callable[[BinaryIO, Iterable[Prediction], bool, str | None], None]] = {
        "csv": _write_csv,
        "jsonl": _write_jsonl,
        "parquet": _write_parquet,
    }
    if form not in writers:
        raise UsageError(f"Rows are written as csv, jsonl or parquet, not as {form!r}.")
    seen: Counter[str] = Counter()
    writers[form](stream, _counted(predictions, seen), timings, model)
    return seen


def _counted(predictions: Iterable[Prediction], seen: Counter[str]) -> Iterator[Prediction]:
    for prediction in predictions:
        seen[prediction.verdict] += 1
        yield prediction


def _number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.9g}")


def _text(value: str | None) -> str | None:
    """File names may hold bytes that are no text; these are written as \\udcXX rather than stopping the job."""
    return None if value is None else value.encode("utf-8", "backslashreplace").decode()


def _row(prediction: Prediction, timings: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": _text(prediction.name),
        "verdict": prediction.verdict,
        "p_value": _number(prediction.p_value),
        "score": _number(prediction.score),
        "doubt": _number(prediction.doubt),
        "regions": len(prediction.regions),
        "error": _text(prediction.error),
    }
    if timings:
        row["milliseconds"] = None if prediction.milliseconds is None else round(prediction.milliseconds, 3)
    return row


def _write_csv(stream: BinaryIO, predictions: Iterable[Prediction], timings: bool, model: str | None) -> None:
    stream.write(_csv_line([*COLUMNS, *(["milliseconds"] if timings else [])]))
    for prediction in predictions:
        stream.write(_csv_line(["" if value is None else value for value in _row(prediction, timings).values()]))
        stream.flush()  # whoever follows the rows sees each as it falls; nothing is lost when the job is stopped


def _csv_line(values: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode()


def _write_jsonl(stream: BinaryIO, predictions: Iterable[Prediction], timings: bool, model: str | None) -> None:
    for prediction in predictions:
        row = _row(prediction, timings)
        row["regions"] = [
            {"bbox": list(region.bbox), "area": region.area, "peak": _number(region.peak)}
            for region in prediction.regions
        ]
        row["reason"], row["model"] = prediction.reason, model
        if timings:
            row["milliseconds"] = row.pop("milliseconds")  # stays last
        stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        stream.flush()


def _write_parquet(stream: BinaryIO, predictions: Iterable[Prediction], timings: bool, model: str | None) -> None:
    arrow = need("pyarrow", "tables")
    parquet = need("pyarrow.parquet", "tables")
    kinds = {"name": "string", "verdict": "string", "regions": "int32", "error": "string"}
    columns = [*COLUMNS, *(["milliseconds"] if timings else [])]
    schema = arrow.schema(
        [(name, getattr(arrow, kinds.get(name, "float64"))()) for name in columns],
        metadata={"restora.model": model} if model is not None else None,
    )
    rows = (_row(prediction, timings) for prediction in predictions)
    with parquet.ParquetWriter(stream, schema) as writer:
        while group := list(islice(rows, PARQUET_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
