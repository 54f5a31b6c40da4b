"""Runs the cells of a benchmark: those that are finished stay, one that fails leaves the rest, others may help."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from restora.bench.ablations import ablation_rows, list_ablations
from restora.bench.cells import Cell, list_cells
from restora.bench.folder import Record, RunFolder
from restora.bench.forms import to_markdown, write_forms
from restora.bench.jobs import Job, run_jobs
from restora.bench.measure import Measure
from restora.bench.plan import BenchmarkSettings
from restora.bench.rows import ROWS
from restora.bench.table import ABLATION_COLUMNS, COLUMNS, grid, order, read_tables, write_tables
from restora.errors import CancelledError, RestoraError

# Between two looks at cells that other processes hold.
WAIT = 2.0


def run_cells(
    cells: Sequence[Cell],
    folder: RunFolder,
    measure: Callable[[Cell], Record],
    say: Callable[[str], None],
    *,
    after: Callable[[], None] = lambda: None,
    wait: float = WAIT,
    shared: bool = False,
) -> dict[str, str]:
    """Compute every cell that is not finished; returns the sentence of each that failed, by label.

    cells   : in the order to run them, parts of joined ones before them
    measure : computes one
    say     : takes sentences for people
    after   : called when a cell has been finished
    wait    : seconds between two looks at cells that other processes hold; this returns when all are finished or have
              failed here
    shared  : whether what failed in another process, as the folder says, has failed for this one too
    """
    failed: dict[str, str] = {}

    def failure(cell: Cell) -> str | None:
        return failed.get(cell.label) or (folder.failure(cell) if shared else None)

    waiting = False
    left = [cell for cell in cells if not folder.finished(cell)]
    if not shared:  # else whoever started the processes says it once
        say(f"{len(cells)} cells, {len(cells) - len(left)} of them finished before.")
    while left:
        later = []
        for cell in left:
            found = _compute(cell, folder, measure, say, failure)
            if found is None:
                later.append(cell)
            elif isinstance(found, str):
                failed[cell.label] = found
            else:
                say(f"{cell.label}: {_told(found)}")
                after()
        if len(later) == len(left):
            if not (waiting or shared):
                say(f"{len(later)} cells are left, which other processes hold; waiting for them.")
            waiting = True
            time.sleep(wait)
        left = later
    return failed


def _compute(
    cell: Cell,
    folder: RunFolder,
    measure: Callable[[Cell], Record],
    say: Callable[[str], None],
    failure: Callable[[Cell], str | None],
) -> Record | str | None:
    """The record of a cell that is finished now, why it failed, or None where it has to wait for another process."""
    if broken := [part.label for part in cell.parts if failure(part)]:
        return failure(cell) or _fail(cell, f"It is made of {broken[0]}, which failed; see there.", folder, say)
    if not all(folder.finished(part) for part in cell.parts):
        return None
    with folder.hold(cell) as ours:
        if not ours:
            return None
        if folder.finished(cell):  # by another process, since this one has looked
            return folder.read(cell)
        if (sentence := failure(cell)) is not None:  # likewise
            return sentence
        say(f"{cell.label} begins.")
        found = _measure(cell, measure)
        if isinstance(found, str):  # kept before others may take the cell
            return _fail(cell, found, folder, say)
        folder.finish(cell, found)
        return found


def _fail(cell: Cell, sentence: str, folder: RunFolder, say: Callable[[str], None]) -> str:
    folder.fail(cell, sentence)
    say(f"{cell.label} failed: {sentence}")
    return sentence


def _measure(cell: Cell, measure: Callable[[Cell], Record]) -> Record | str:
    """The cell's record, or why there is none. A fault of ours is no reason to leave the rest undone either."""
    try:
        return measure(cell)
    except CancelledError:
        raise
    except RestoraError as error:
        return " ".join(str(error).split())
    except Exception as error:
        return f"This is a fault of Restora ({type(error).__name__}: {' '.join(str(error).split())}); please report it."


def _told(record: Record) -> str:
    figures = (record.image_auroc, record.pixel_auroc, record.aupro_30)
    shown = " / ".join("-" if value is None else f"{value:.4f}" for value in figures)
    fit = "" if record.fit_seconds is None else f", fitted in {record.fit_seconds:.0f} s"
    return f"{shown}{fit}, looked at in {record.look_seconds:.0f} s."


@dataclass(frozen=True)
class Benchmark:
    """A benchmark in the folder of a run: its cells, and the tables of those that are finished.

    ablations : its cells are those of the ablations, instead of those of the grids
    named     : where the table is to lie, in the folder unless stated
    """

    plan: BenchmarkSettings
    folder: RunFolder
    ablations: bool = False
    named: Path | None = None

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells in running order. Raises SettingsError where the file names none."""
        return list_ablations(self.plan) if self.ablations else list_cells(self.plan)

    @property
    def table(self) -> Path:
        """The table of the figures."""
        return self.named or self.folder.root / ("ablations.csv" if self.ablations else "results.csv")

    def in_table(self) -> dict[str, Record]:
        """The table's cells that are this benchmark's, by name. Raises UsageError where there is no such table."""
        names = {cell.name for cell in self.cells}
        return {record.cell: record for record in read_tables(self.table) if record.cell in names}

    def go(
        self, cells: Sequence[Cell], *, root: Path | None, device: str, say: Callable[[str], None], jobs: int = 1
    ) -> dict[str, str]:
        """Compute what is not finished of `cells`, keeping the tables up to date; the sentences of those that failed.

        root : the data root; device : of trainings, cpu or cuda; jobs : processes, each cell with the plan's threads

        Raises UsageError, before anything is written, where something that a cell needs was not named.
        """
        self.measure(root, device, say).check(cell for cell in cells if not self.folder.finished(cell))
        if others := self.folder.others(self.cells):
            say(f"{others} finished cells in {self.folder.root} are of other settings, and in no table.")
        if jobs == 1:
            failed = run_cells(cells, self.folder, self.measure(root, device, say), say, after=self.write)
        else:
            names = tuple(cell.name for cell in cells)
            job = Job(
                plan=self.plan,
                folder=self.folder.root.absolute(),
                cells=names,
                ablations=self.ablations,
                root=None if root is None else root.absolute(),
                device=device,
            )
            failed = run_jobs(job, cells, jobs, say, after=self.write)
        self.write()
        self.write_forms()
        return failed

    def work(self, cells: Sequence[Cell], root: Path | None, device: str, say: Callable[[str], None]) -> None:
        """Compute cells as one of several processes; the tables are another's, who has checked what there is to do."""
        run_cells(cells, self.folder, self.measure(root, device, say), say, shared=True)

    def measure(self, root: Path | None, device: str, say: Callable[[str], None]) -> Measure:
        """What computes this benchmark's cells; arguments as in `go`."""
        # models of ablations are many, and nobody asks for them again
        return Measure(self.plan, self.folder, root, say, device, keep_models=not self.ablations)

    def records(self) -> list[Record]:
        """The finished cells in the order of the table."""
        found = [self.folder.read(cell) for cell in self.cells if self.folder.finished(cell)]
        rows = [row.name for row in ablation_rows()] if self.ablations else list(ROWS)
        return sorted(found, key=order(self.plan, rows))

    @property
    def columns(self) -> Sequence[str]:
        """Those of the table."""
        return ABLATION_COLUMNS if self.ablations else COLUMNS

    def state(self) -> str:
        """How far it is, in words."""
        done = sum(map(self.folder.finished, self.cells))
        failed = sum(self.folder.failure(cell) is not None for cell in self.cells)
        return f"{done} of {len(self.cells)} cells finished" + (f", {failed} failed" if failed else "")

    def write(self) -> None:
        """Write the tables of the finished cells."""
        write_tables(self.table, self.records(), self.columns)

    def write_forms(self) -> None:
        """Write the table in its other forms beside it."""
        write_forms(self.table, self.grid(), self.records(), self.columns)

    def grid(self) -> list[list[str]]:
        """The finished cells for people: heads, then lines."""
        return grid(self.records(), self.plan, self.title)

    def title(self, record: Record) -> str:
        """What the row of a record is called in tables for people."""
        return f"{record.part}: {record.change}" if self.ablations else f"{record.method}, {record.trunk}"

    def markdown(self) -> str:
        """The finished cells as a Markdown table."""
        return to_markdown(self.grid())
