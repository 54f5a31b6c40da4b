"""The ways a data set can lie on a disk: one file each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from restora.errors import DataError
from restora.images.archives import is_member, split_locator
from restora.images.dataset import Dataset
from restora.images.layouts import (
    aitex,
    btad,
    dagm,
    folder,
    folders,
    kolektor_sdd,
    kolektor_sdd2,
    magnetic_tile,
    mpdd,
    mvtec_3d_ad,
    mvtec_ad,
    mvtec_ad_2,
    mvtec_loco,
    oct2017,
    real_iad,
    table,
    visa,
    visa_one_class,
)
from restora.images.layouts.folders import Folders
from restora.images.layouts.parts import name_one
from restora.images.layouts.rows import is_table
from restora.images.tree import Tree

#: So much like a layout that is not the plain folder must a folder be to count as a data set of its own.
LIKELY = 0.5


@dataclass(frozen=True)
class Layout:
    """One way to lie on a disk.

    looks_like : 0..1, how much a tree looks like this layout; never opens a picture
    read       : tree -> Dataset; raises DataError
    sketch     : what lies where; note : under which terms; source : which data set it is, by whom, where published
    """

    name: str
    looks_like: Callable[[Tree], float]
    read: Callable[[Tree], Dataset]
    sketch: str
    note: str
    source: str


LAYOUTS: dict[str, Layout] = {
    module.NAME: Layout(module.NAME, module.looks_like, module.read, module.SKETCH, module.NOTE, module.SOURCE)
    for module in (
        folder,
        folders,
        table,
        mvtec_ad,
        mvtec_ad_2,
        mvtec_loco,
        mvtec_3d_ad,
        btad,
        oct2017,
        visa,
        visa_one_class,
        kolektor_sdd,
        kolektor_sdd2,
        dagm,
        mpdd,
        aitex,
        magnetic_tile,
        real_iad,
    )
}


def is_data_set(path: str | Path | Folders) -> bool:
    """Whether this is what `read_dataset` takes: the path of a folder, on the disk or in an archive, or of a table; or
    folders named one by one.
    """
    if isinstance(path, Folders):
        return True
    if Path(path).is_dir() or is_table(path):
        return True
    return split_locator(path) is not None and not is_member(path)


def read_dataset(path: str | Path | Folders, layout: str | None = None) -> Dataset:
    """The data set at `path`, in the layout named or else the one it looks like most; or that of folders.

    Raises DataError: nothing there, an unknown layout, two layouts that fit equally well, what the layout says.
    """
    if isinstance(path, Folders):
        if layout not in (None, folders.NAME):
            raise DataError(
                f"The folders of {path} are named one by one, so no layout {layout} is looked for; leave it out"
            )
        return path.read()
    path = Path(path)
    if layout is not None and layout not in LAYOUTS:
        near = get_close_matches(layout, LAYOUTS, n=1, cutoff=0)
        raise DataError(f"There is no layout '{layout}'; the nearest is {near[0]}, all are {', '.join(LAYOUTS)}")
    tree = _open(path, layout)
    if layout is None:
        layout = _most_alike(tree)
    if layout == folder.NAME:
        _refuse_categories(tree)
    return LAYOUTS[layout].read(tree)


def _open(path: Path, layout: str | None) -> Tree:
    """What lies at a path; a table stands alone, whatever lies beside it."""
    is_file = path.is_file() if split_locator(path) is None else is_member(path)
    if not is_file:
        return Tree.of(path)
    if layout is None and not is_table(path):
        raise DataError(
            f"{path} is neither a folder of pictures, nor an archive of them, nor a CSV or Parquet table; "
            "see `restora data layouts`"
        )
    if layout not in (None, table.NAME):
        raise DataError(f"{path} is a file, not a folder; name the folder that holds the pictures")
    return Tree.alone(path)


def _most_alike(tree: Tree) -> str:
    likeness = {name: layout.looks_like(tree) for name, layout in LAYOUTS.items()}
    most = max(likeness.values())
    best = [name for name, value in likeness.items() if value == most]
    if len(best) > 1:
        options = " or ".join(f"--layout {name}" for name in best)
        raise DataError(f"{tree.root} looks like {' and '.join(best)} alike; say which is meant with {options}")
    return best[0]


def _refuse_categories(tree: Tree) -> None:
    """A plain folder whose folders are data sets is not meant as one. Raises DataError that names them."""
    if _likeness(tree) >= LIKELY:  # asked for by name, a category may be read as a plain folder after all
        return
    categories = [name for name in tree.folders() if _likeness(tree.inside(name)) >= LIKELY]
    if categories:
        raise name_one(tree, categories, "categories")


def _likeness(tree: Tree) -> float:
    """How much a tree looks like a published form."""
    return max(layout.looks_like(tree) for layout in LAYOUTS.values() if layout.name not in (folder.NAME, table.NAME))
