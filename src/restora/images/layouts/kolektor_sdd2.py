"""The layout of KolektorSDD2: a train and a test part, a mask beside every picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Split
from restora.images.layouts.parts import item_by_mask, likeness, masks_by_ending, pictures_are, refuse_around
from restora.images.tree import Tree, stem

NAME = "kolektor-sdd2"
SKETCH = """\
ROOT/train/10000.png
ROOT/train/10000_GT.png   (marks nothing on a good surface)
ROOT/test/20000.png
ROOT/test/20000_GT.png"""
NOTE = (
    "CC BY-NC-SA 4.0: no commercial use. Defective pictures of train are left out: training looks at good ones alone."
)
SOURCE = (
    "Kolektor Surface-Defect Dataset 2 (KolektorSDD2). J. Božič, D. Tabernik, D. Skočaj, Mixed Supervision for "
    "Surface-Defect Detection: From Weakly to Fully Supervised Learning, Computers in Industry 129, 2021. Published by "
    "the ViCoS laboratory of the University of Ljubljana."
)

# The published archive holds a pair of copies, "10301 (copy).png" and "10301_GT (copy).png"; a name must be a number.
_NAME = re.compile(r"\d+(_GT)?", re.IGNORECASE)


def looks_like(tree: Tree) -> float:
    """1 with a numbered picture and its _GT in train or test; less for a folder around those."""
    return likeness(tree, _is_set)


def read(tree: Tree) -> Dataset:
    """Label by whether the mask marks anything (every mask is opened). Raises DataError."""
    refuse_around(tree, _is_set, "copies of KolektorSDD2")
    train, test = _items(tree, "train"), _items(tree, "test")
    fitted = [item for item in train if item.label == 0]
    items = fitted + sorted(test, key=lambda item: item.label == 1)
    if not items:
        raise DataError(f"{tree.root} holds no good pictures NNNNN.png with NNNNN_GT.png in train, and none in test")
    strays = [tree.locator(mask) for part in ("train", "test") for mask in _strays(_numbered(tree, part))]
    return Dataset(tree.name, str(tree.root), NAME, tuple(items), tuple(strays), tuple(_notes(tree, train, test)))


def _is_set(tree: Tree, *above: str) -> bool:
    return any(_masks(_numbered(tree, *above, part)) for part in ("train", "test"))


def _numbered(tree: Tree, *path: str) -> list[str]:
    folder = tree.folder(*path)
    names = tree.pictures(folder, deep=False) if folder is not None else []
    return [name for name in names if _NAME.fullmatch(stem(name))]


def _masks(names: Sequence[str]) -> dict[str, str]:
    return masks_by_ending(names, "_GT")


def _strays(names: Sequence[str]) -> list[str]:
    own = {stem(name) for name in names}
    return [mask for picture, mask in _masks(names).items() if picture not in own]


def _items(tree: Tree, part: Split) -> list[Item]:
    names = _numbered(tree, part)
    masks = _masks(names)
    return [item_by_mask(tree, name, part, masks.get(stem(name))) for name in names if stem(name).isdigit()]


def _notes(tree: Tree, train: Sequence[Item], test: Sequence[Item]) -> list[str]:
    folders = [folder for part in ("train", "test") if (folder := tree.folder(part)) is not None]
    odd = [name for folder in folders for name in tree.pictures(folder) if not _NAME.fullmatch(stem(name))]
    counted = (
        ([item for item in train if item.label == 1], "left out of train as defective."),
        (
            [item for item in (*train, *test) if item.label is None],
            "of unknown label, without a mask that can be read.",
        ),
        (odd, "left out, their names are not NNNNN.png or NNNNN_GT.png (the archive holds such copies)."),
    )
    return [f"{pictures_are(len(found))} {what}" for found, what in counted if found]
