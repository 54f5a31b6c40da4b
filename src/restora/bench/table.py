"""The tables of a benchmark: figures alone, what they took, and their means for people; no torch.

`results.csv` holds neither times nor paths, so the same figures give the same bytes; `runs.csv` beside it has the rest.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev

from restora.bench.figures import FIGURE_NAMES, read_lines
from restora.bench.folder import Record
from restora.bench.plan import BenchmarkSettings
from restora.errors import UsageError
from restora.features.settings import PREFERRED
from restora.images.files import write_whole

FIGURES = tuple(FIGURE_NAMES)
COLUMNS = ("method", "trunk", "size", "category", "seed", *FIGURES)
ABLATION_COLUMNS = ("part", "change", "category", "seed", *FIGURES)
RUN_COLUMNS = (
    *(
        "cell",
        "size",
        "method",
        "trunk",
        "category",
        "seed",
        "recipe",
        "steps",
        "fit_seconds",
        "look_seconds",
        "megabytes",
    ),
    *("threads", "torch", "restora", "anomalib", "cut", "own_image_auroc"),
    *("weights_sha256", "fingerprint", "settings", "processor", "cores", "python", "onnxruntime"),
)
DIGITS = (*FIGURES, "own_image_auroc")


def order(plan: BenchmarkSettings, rows: Iterable[str]) -> Callable[[Record], tuple[int, bool, str, int, int]]:
    """The key that sorts records: row, trunk (the usual one first), category as in the file, seed."""
    names, categories = list(rows), list(plan.categories)

    def place(record: Record) -> tuple[int, bool, str, int, int]:
        usual = record.trunk != PREFERRED
        return names.index(record.method), usual, record.trunk, categories.index(record.category), record.seed

    return place


def write_tables(table: Path, records: Sequence[Record], columns: Sequence[str] = COLUMNS) -> Path:
    """Write the figures to `table`, and beside it what they took: `runs.csv`, or `NAME-runs.csv` for another NAME than
    results. Returns that second path.
    """
    runs = _beside(table)
    for path, names in ((table, columns), (runs, RUN_COLUMNS)):
        write_whole(path, to_csv(records, names))
    return runs


def read_tables(table: Path) -> list[Record]:
    """What `write_tables` wrote, figures to four digits. Raises UsageError where it is not there, or was changed."""
    runs = _beside(table)
    try:
        lines = [read_lines(path) for path in (table, runs)]
        return [
            Record.model_validate({name: value or None for name, value in {**figures, **run}.items()})
            for figures, run in zip(*lines, strict=True)
        ]
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be read ({error.strerror}), so no cell can be taken from it."
        ) from None
    except (ValueError, csv.Error, TypeError):
        raise UsageError(
            f"{table} and {_beside(table)} are not what a benchmark wrote; put them back as they were."
        ) from None


def _beside(table: Path) -> Path:
    return table.with_name("runs.csv" if table.stem == "results" else f"{table.stem}-runs.csv")


def to_csv(records: Iterable[Record], columns: Sequence[str]) -> str:
    """CSV with a header; figures have four digits, what is undefined is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(record, column) for column in columns] for record in records)
    return stream.getvalue()


def _cell(record: Record, column: str) -> str:
    value = getattr(record, column)
    if value is None:
        return ""
    return f"{value:.4f}" if column in DIGITS else str(value)


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that there are, None of nothing."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def overall(records: Sequence[Record], categories: Sequence[str], figure: str) -> tuple[float | None, float | None]:
    """Mean of a figure over categories, and the deviation over seeds of that mean.

    The mean is that of the categories' means over their seeds; None while a category has no cell at all. A figure that
    a category has not (no masks) is left out of the mean. The deviation is over the seeds that every category has; None
    with fewer than two.
    """
    records = [record for record in records if record.category in categories]
    of = {name: [record for record in records if record.category == name] for name in categories}
    if not categories or not all(of.values()):
        return None, None
    whole = mean(mean(getattr(record, figure) for record in mine) for mine in of.values())
    seeds = sorted(set.intersection(*({record.seed for record in mine} for mine in of.values())))
    by_seed = [
        mean(getattr(record, figure) for mine in of.values() for record in mine if record.seed == seed)
        for seed in seeds
    ]
    there = [value for value in by_seed if value is not None]
    return whole, stdev(there) if len(there) > 1 else None


def grid(records: Sequence[Record], plan: BenchmarkSettings, title: Callable[[Record], str]) -> list[list[str]]:
    """Image AUROC / pixel AUROC / AUPRO@0.3 by row and category, means over the seeds: the heads, then the lines.

    records : sorted; title : the row that a record belongs to
    Develop categories come before those for the report; then the means of the named ones.
    """
    groups = [("develop", plan.develop), ("report", plan.report)]
    grouped = {name for _, names in groups for name in names}
    groups.append(("", tuple(name for name in plan.categories if name not in grouped)))
    there = {record.category for record in records}
    shown = [(group, name) for group, names in groups for name in names if name in there]
    heads = ["row", *(f"{name} ({group})" if group else name for group, name in shown)]
    if plan.mean:
        heads += [f"mean of {', '.join(plan.mean)}", "its deviation over seeds", "mean AUPRO@0.3"]
    lines = [heads]
    for row in dict.fromkeys(map(title, records)):
        mine = [record for record in records if title(record) == row]
        cells = [row, *(_shown([record for record in mine if record.category == name]) for _, name in shown)]
        if plan.mean:
            image, spread = overall(mine, plan.mean, "image_auroc")
            cells += [_digits(image), _digits(spread), _digits(overall(mine, plan.mean, "aupro_30")[0])]
        lines.append(cells)
    return lines


def _shown(records: Sequence[Record]) -> str:
    means = [mean(getattr(record, figure) for record in records) for figure in FIGURES]
    return " / ".join(_digits(value) for value in means if value is not None) or "-"


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
