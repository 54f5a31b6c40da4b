"""The cells of a benchmark: one row on one trunk, category and seed, each with its settings and its name; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from restora.bench.checks import nearest
from restora.bench.plan import BenchmarkSettings, Category, Grid
from restora.bench.rows import ROWS, Row
from restora.bundle import hash_settings
from restora.errors import SettingsError, UsageError
from restora.methods.table import parts
from restora.training.settings import RunSettings, change_settings, recipe, run_preset

IDENTITY_DIGITS = 8


@dataclass(frozen=True)
class Cell:
    """One model to make and to look at.

    settings : of its training, with the trunk's weights
    recipe   : hash of all settings but the seed, of what is no training those that it takes; one value a row and trunk
               means one recipe for all categories
    parts    : the cells whose finished models a joined or refitted one is made of
    """

    row: Row
    trunk: str
    category: str
    seed: int
    source: Category
    settings: RunSettings
    recipe: str
    parts: tuple[Cell, ...] = ()

    @property
    def name(self) -> str:
        """Of its files. Its end changes with the recipe and the pictures, so that what was made by other ones is never
        taken for it.
        """
        identity = hash_settings({"recipe": self.recipe, "source": self.source.facts()})[:IDENTITY_DIGITS]
        return f"{self.label.replace(' ', '-').replace('/', '-')}-{identity}"

    @property
    def label(self) -> str:
        """Row, trunk, category and seed for people."""
        return f"{self.row.name} {self.trunk} {self.category} {self.seed}"


def list_cells(plan: BenchmarkSettings) -> list[Cell]:
    """The cells of all grids in the order in which they are run, each once, the parts of a joined model before it.

    Raises SettingsError where there is no grid, or settings do not go together.
    """
    if not plan.grid:
        raise SettingsError("There is no [[grid]] in the file, so there is nothing to run; add one.")
    return once(cell for grid in plan.grid for cell in _of_grid(plan, grid))


def _of_grid(plan: BenchmarkSettings, grid: Grid) -> Iterator[Cell]:
    for seed, category, trunk, name in product(grid.seeds, grid.categories, grid.trunks, grid.methods):
        yield make_cell(plan, ROWS[name], trunk, category, seed)


def make_cell(plan: BenchmarkSettings, row: Row, trunk: str, category: str, seed: int) -> Cell:
    """One cell with everything that decides it. Raises SettingsError where settings do not go together."""
    changes = {
        **plan.settings,
        **row.changes,
        "seed": seed,
        "trunk.name": trunk,
        "trunk.weights": plan.weights.get(trunk),
    }
    settings = change_settings(run_preset(row.method, plan.preset), changes)
    bases = [ROWS[name] for name in parts(row.method)] if row.kind == "joined" else [row.base] if row.base else []
    made_of = tuple(make_cell(plan, base, trunk, category, seed) for base in bases)
    decides = _what_decides(plan, row, settings)
    return Cell(row, trunk, category, seed, plan.categories[category], settings, hash_settings(decides)[:12], made_of)


def _what_decides(plan: BenchmarkSettings, row: Row, settings: RunSettings) -> dict[str, Any]:
    """What a row's figures depend on, but for pictures and seed: a yardstick does not run anew for another training."""
    record = {**recipe(settings), "row": row.name}
    if row.kind in ("trained", "joined", "refitted"):
        return record
    kept = {key: record[key] for key in ("row", "input", "trunk")}
    return {**kept, "minutes": plan.anomalib.minutes} if row.kind == "anomalib" else kept


def once(cells: Iterable[Cell]) -> list[Cell]:
    """Each cell once, its parts before it."""
    found: dict[str, Cell] = {}
    for cell in cells:
        for one in (*cell.parts, cell):
            found.setdefault(one.name, one)
    return list(found.values())


def choose_cells(
    cells: Sequence[Cell],
    *,
    methods: Sequence[str] = (),
    categories: Sequence[str] = (),
    seeds: Sequence[int] = (),
) -> list[Cell]:
    """Those that were asked for (all where nothing was), with the parts of joined models.

    Raises UsageError for a name that no cell has, with the nearest.
    """
    _check_known(methods, {cell.row.name for cell in cells}, "row")
    _check_known(categories, {cell.category for cell in cells}, "category")
    _check_known([str(seed) for seed in seeds], {str(cell.seed) for cell in cells}, "seed")
    return once(
        cell
        for cell in cells
        if (not methods or cell.row.name in methods)
        and (not categories or cell.category in categories)
        and (not seeds or cell.seed in seeds)
    )


def _check_known(names: Sequence[str], known: Iterable[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"There is no {what} {name!r} in this benchmark{nearest(name, sorted(known))}.")
