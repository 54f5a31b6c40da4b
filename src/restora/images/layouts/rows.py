"""The rows of a table in a file, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from restora.errors import DataError
from restora.images.files import open_file
from restora.images.layouts.parquet import read_parquet_rows
from restora.images.tree import suffix_of

PARQUET = ".parquet"
SUFFIXES = (".csv", PARQUET)

Cells = dict[str, str]


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether a file bears the name of a table."""
    return suffix_of(Path(path).name) in SUFFIXES


def read_rows(path: Path) -> list[tuple[str, Cells]]:
    """Each row of a table: where it stands (``line 3``, of a Parquet table ``row 3``), and its cells as text.

    Column names are in small letters; rows without a word are left out. A file that does not end as a Parquet table
    does is read as CSV, with ``,`` ``;`` or tabs.

    Raises DataError: not readable, not text in UTF-8, no rows, a row with more cells than columns, and as
    `read_parquet_rows`; MissingError for a Parquet table without pyarrow.
    """
    if suffix_of(path.name) == PARQUET:
        return [(f"row {number}", cells) for number, cells in read_parquet_rows(path)]
    return [(f"line {number}", cells) for number, cells in _read_csv_rows(path)]


def _read_csv_rows(path: Path) -> list[tuple[int, Cells]]:
    try:
        with io.TextIOWrapper(open_file(path), "utf-8-sig") as stream:
            text = stream.read()
    except OSError as error:
        raise DataError(f"The table {path} cannot be read ({error.strerror or error}); check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"The table {path} is not text in UTF-8; save it as CSV in UTF-8") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    try:
        reader.fieldnames = [name.strip().casefold() for name in reader.fieldnames or ()]
        rows = list(_clean(path, reader))
    except csv.Error as error:
        line = reader.line_num + 1
        raise DataError(f"The table {path} cannot be read near line {line} ({error}); check its quotes") from None
    if not rows:
        raise DataError(f"The table {path} holds no rows; its first line names the columns, the others a picture each")
    return rows


def _clean(path: Path, reader: csv.DictReader[str]) -> Iterable[tuple[int, Cells]]:
    for row in reader:
        if None in row:
            raise DataError(f"{path}, line {reader.line_num}: more cells than columns; quote cells that hold a comma")
        cells = {name: (value or "").strip() for name, value in row.items()}
        if any(cells.values()):
            yield reader.line_num, cells
