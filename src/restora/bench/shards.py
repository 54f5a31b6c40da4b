"""A benchmark on several machines: which cells are whose, and their records brought together again; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restora.bench.cells import Cell
from restora.bench.folder import Record, RunFolder
from restora.errors import UsageError


def group_cells(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells that belong together, in their order: what is made of finished models stays with their cells."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        joined = [cell]
        for part in cell.parts:
            joined += (one for one in groups.get(part.name, ()) if one not in joined)
        groups |= dict.fromkeys((one.name for one in joined), joined)
    places = {cell.name: place for place, cell in enumerate(cells)}
    found = {id(group): group for group in (groups[cell.name] for cell in cells)}
    return [sorted(group, key=lambda cell: places[cell.name]) for group in found.values()]


def share_cells(cells: Sequence[Cell], part: int, parts: int) -> list[Cell]:
    """Every `parts`-th group of cells, beginning with that of number `part`, from 1."""
    return [cell for group in group_cells(cells)[part - 1 :: parts] for cell in group]


def find_elsewhere(cells: Sequence[Cell], folders: Sequence[Path]) -> dict[str, Record]:
    """The finished cells that lie in the folders of other runs, by name.

    Raises UsageError for a folder that has no finished cell at all, or a damaged one.
    """
    found: dict[str, Record] = {}
    for root in folders:
        other = RunFolder(root)
        if not any(root.glob("cells/*.json")):
            raise UsageError(f"{root} holds no finished cell; name the folder of a run, which --out of that run named.")
        found |= {cell.name: other.read(cell) for cell in cells if cell.name not in found and other.finished(cell)}
    return found


def take_cells(cells: Sequence[Cell], folder: RunFolder, found: dict[str, Record]) -> None:
    """Let those that were found elsewhere, in a folder or a table, be finished cells of this run."""
    for cell in cells:
        if cell.name in found and not folder.finished(cell):
            folder.finish(cell, found[cell.name])
