"""The ways a data set can lie on a disk: one file each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from restora.errors import DataError
from restora.images.dataset import Dataset
from restora.images.files import check_folder
from restora.images.layouts import folder, mvtec_ad, table


@dataclass(frozen=True)
class Layout:
    """looks_like : 0..1, how much a path looks like this layout; read : path -> Dataset; sketch : what lies where."""

    name: str
    looks_like: Callable[[Path], float]
    read: Callable[[Path], Dataset]
    sketch: str
    note: str


LAYOUTS: dict[str, Layout] = {
    module.NAME: Layout(module.NAME, module.looks_like, module.read, module.SKETCH, module.NOTE)
    for module in (mvtec_ad, folder, table)
}


def read_dataset(path: str | Path, layout: str | None = None) -> Dataset:
    """The data set at `path`, in the layout named or else the one it looks like most. Raises DataError."""
    path = Path(path)
    if layout is not None and layout not in LAYOUTS:
        near = get_close_matches(layout, LAYOUTS, n=1, cutoff=0)
        raise DataError(f"There is no layout '{layout}'; the nearest is {near[0]}, all are {', '.join(LAYOUTS)}")
    if layout in (mvtec_ad.NAME, folder.NAME) or not path.is_file():
        check_folder(path)
    if layout is not None:
        return LAYOUTS[layout].read(path)
    likeness = {name: candidate.looks_like(path) for name, candidate in LAYOUTS.items()}
    best = max(likeness, key=lambda name: likeness[name])
    if likeness[best] == 0:
        raise DataError(f"{path} is neither a folder of pictures nor a CSV table; see `restora data layouts`")
    return LAYOUTS[best].read(path)
