"""Rows of a Parquet table as those of a CSV table: text in every cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from restora.errors import DataError, need
from restora.images.files import open_file

# What pandas calls an index that it stores as a column and that has no name.
_INDEX = "__index_level_"


def read_parquet_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Number, from 1, and cells of each row of a Parquet table, column names in small letters; empty rows left out.

    A number, a truth value or a time becomes the text that a person would write for it, a list its parts with ``|``
    between them, a missing value nothing: ``1.0``, as a column of whole numbers with gaps is stored, becomes ``1``. The
    index that pandas stores beside the columns of a part of a table is left out.

    Raises MissingError without pyarrow, DataError: not readable, no Parquet, no rows, two columns of one name, a column
    of bytes or of records.
    """
    arrow, parquet = need("pyarrow", "tables"), need("pyarrow.parquet", "tables")
    try:
        stream = open_file(path)
    except OSError as error:
        raise DataError(f"The table {path} cannot be read ({error.strerror or error}); check the path") from None
    with stream:
        try:
            file = parquet.ParquetFile(stream)
            names = _names(path, file.schema_arrow, arrow)
            rows = [(number, cells) for number, cells in enumerate(_rows(file, names), 1) if any(cells.values())]
        except (arrow.ArrowException, OSError) as error:  # pyarrow tells of damage by either
            why = " ".join(str(error).split()).rstrip(".")
            raise DataError(f"{path} is no Parquet table or is damaged ({why}); write it anew") from None
    if not rows:
        raise DataError(f"The table {path} holds no rows; each must name a picture")
    return rows


def _names(path: Path, schema: Any, arrow: ModuleType) -> list[str]:
    names = [str(name).strip().casefold() for name in schema.names]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path} has two columns '{twice}'; leave one")
    types = arrow.types
    for name, kind in zip(names, schema.types, strict=True):
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_struct(kind) or types.is_map(kind):
            raise DataError(
                f"{path} holds {kind} in the column '{name}'; its cells must be text, numbers or lists of text"
            )
    return names


def _rows(file: Any, names: list[str]) -> Iterator[dict[str, str]]:
    for batch in file.iter_batches():
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            named = zip(names, values, strict=True)
            yield {name: _text(value) for name, value in named if not name.startswith(_INDEX)}


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
        return "|".join(_text(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
