"""The training log: one CSV row a logged step, the same bytes for the same run."""

from __future__ import annotations

import csv
from pathlib import Path


class Log:
    """Appends rows of figures to a CSV file; columns are those of the first row. No times, so a rerun gives
    the same.
    """

    def __init__(self, path: Path, resume_at: int = 0) -> None:
        """Open the log; rows of step `resume_at` and later are dropped, since they will be written again."""
        self.path = path
        kept: list[dict[str, str]] = []
        if resume_at and path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                kept = [row for row in csv.DictReader(stream) if int(row["step"]) < resume_at]
        path.unlink(missing_ok=True)
        for row in kept:
            self._append(row)

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Add one row."""
        self._append({"step": str(step), **{name: f"{value:.7g}" for name, value in figures.items()}})

    def _append(self, row: dict[str, str]) -> None:
        fresh = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(row), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)
