"""Records of cells that nothing was computed for."""

from __future__ import annotations

import hashlib

from restora.bench.cells import Cell
from restora.bench.folder import Record


def record_of(cell: Cell) -> Record:
    """Figures that depend on the cell alone."""
    draws = [byte / 255 for byte in hashlib.sha256(cell.label.encode()).digest()[:3]]
    return Record(
        cell=cell.name,
        method=cell.row.name,
        part=cell.row.part,
        change=cell.row.change,
        trunk=cell.trunk,
        size="64x64",
        category=cell.category,
        seed=cell.seed,
        image_auroc=draws[0],
        pixel_auroc=draws[1],
        aupro_30=draws[2],
        recipe=cell.recipe,
        steps=2,
        fit_seconds=1.5,
        look_seconds=0.5,
        threads=1,
        torch="2",
        restora="0",
    )
