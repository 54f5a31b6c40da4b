"""The same table in further forms beside `results.csv`: Markdown and LaTeX for people, Parquet for programs; no torch.

They hold no times, paths or dates either: the same figures give the same text.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from restora.bench.figures import FIGURE_NAMES
from restora.bench.folder import Record
from restora.errors import need
from restora.images.files import write_whole

# A table for people: its heads, then its lines, all as long as they.
Grid = Sequence[Sequence[str]]

_TEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def write_forms(table: Path, grid: Grid, records: Sequence[Record], columns: Sequence[str]) -> list[Path]:
    """Write NAME.md, NAME.tex and, where pyarrow is there, NAME.parquet beside NAME.csv; returns what was written.

    grid    : the table for people, as `table.grid` gives it
    records : those of NAME.csv, columns its columns
    """
    written = []
    for suffix, form in ((".md", to_markdown), (".tex", to_latex)):
        written.append(table.with_name(f"{table.stem}{suffix}"))
        write_whole(written[-1], form(grid) + "\n")
    if importlib.util.find_spec("pyarrow") is not None:
        written.append(table.with_name(f"{table.stem}.parquet"))
        write_parquet(written[-1], records, columns)
    return written


def to_markdown(grid: Grid) -> str:
    """The table in Markdown, without an end of line at its end."""
    heads, *lines = grid
    return "\n".join(
        [
            "| " + " | ".join(heads) + " |",
            "|---" * len(heads) + "|",
            *("| " + " | ".join(line) + " |" for line in lines),
        ]
    )


def to_latex(grid: Grid) -> str:
    """The table as a LaTeX `tabular` with the rules of booktabs, ready for \\input."""
    heads, *lines = [" & ".join(map(_tex, line)) + r" \\" for line in grid]
    columns = "l" + "r" * (len(grid[0]) - 1)
    body = ["\\toprule", heads, "\\midrule", *lines, "\\bottomrule"]
    return "\n".join(["% needs \\usepackage{booktabs}", f"\\begin{{tabular}}{{{columns}}}", *body, "\\end{tabular}"])


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)


def write_parquet(target: Path, records: Sequence[Record], columns: Sequence[str]) -> None:
    """The records' columns as Parquet, figures with the four digits of the CSV. Raises MissingError without pyarrow."""
    arrow, parquet = need("pyarrow", "tables"), need("pyarrow.parquet", "tables")
    kinds = {"seed": "int64", **dict.fromkeys(FIGURE_NAMES, "float64")}
    schema = arrow.schema([(name, getattr(arrow, kinds.get(name, "string"))()) for name in columns])
    rows = [{name: _value(getattr(record, name)) for name in columns} for record in records]
    # under its name only when it is whole, as the other forms
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        unfinished = Path(folder) / target.name
        parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), unfinished)
        os.replace(unfinished, target)


def _value(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
