"""The figures of a table alone, whoever made it: `results.csv` or `ablations.csv`, by row, trunk, category and seed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from restora.errors import UsageError
from restora.images.files import open_file

# Column -> what people call it.
FIGURE_NAMES = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "aupro_30": "AUPRO@0.3"}
TABLES = ("results.csv", "ablations.csv")


class Place(NamedTuple):
    """Which cell: row (of an ablation `part: change`), trunk (empty in an ablation), category and seed."""

    row: str
    trunk: str
    category: str
    seed: int


@dataclass(frozen=True)
class Figures:
    """A cell's figures by column, 0..1, None where undefined; size of its pictures (HEIGHTxWIDTH), empty if untold."""

    figures: Mapping[str, float | None]
    size: str


Cells = dict[Place, Figures]


def read_lines(table: Path) -> list[dict[str, str]]:
    """The lines of a CSV file by column. Raises OSError (also for a pipe or a device), ValueError or csv.Error."""
    with io.TextIOWrapper(open_file(table), "utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_cells(path: Path) -> Cells:
    """The cells of a table, or of the one in a run's folder, in its order.

    Raises UsageError where there is none, or a line is no cell, or a cell is there twice.
    """
    table = (
        next((path / name for name in TABLES if (path / name).exists()), path / TABLES[0]) if path.is_dir() else path
    )
    try:
        lines = read_lines(table)
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "no table"
        raise UsageError(f"{table} cannot be read ({reason}); name a run's folder or its results.csv.") from None
    cells: Cells = {}
    for number, line in enumerate(lines, start=2):
        try:
            place, found = _cell(line)
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                f"{table}, line {number}, is no cell of a benchmark; name a run's folder or its results.csv."
            ) from None
        if place in cells:
            raise UsageError(f"{table}, line {number}: {' '.join(map(str, place))} is there twice; remove one.")
        cells[place] = found
    return cells


def _cell(line: Mapping[str, str]) -> tuple[Place, Figures]:
    row = line["method"] if "method" in line else f"{line['part']}: {line['change']}"
    place = Place(row, line.get("trunk") or "", line["category"], int(line["seed"]))
    values = {name: float(line[name]) if line[name] else None for name in FIGURE_NAMES}
    if not all(value is None or isfinite(value) for value in values.values()):
        raise ValueError("a figure is no number")
    return place, Figures(values, line.get("size") or "")
