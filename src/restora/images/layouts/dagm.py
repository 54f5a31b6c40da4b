"""The layout of DAGM 2007: ten drawn textures, a rough ellipse around every defect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Split
from restora.images.layouts.parts import items_of, likeness, masks_by_ending, pictures_are, refuse_around
from restora.images.tree import Tree, last, stem

NAME = "dagm"
SKETCH = """\
ROOT/Train/0576.PNG                (ROOT is one of the textures, Class1 to Class10)
ROOT/Train/Label/Labels.txt        (number, 1 for defective, picture, 1, mask; tabs between)
ROOT/Train/Label/0576_label.PNG    (defective pictures only)
ROOT/Test/0001.PNG
ROOT/Test/Label/..."""
NOTE = (
    "CC BY 4.0. Its masks are rough ellipses around the defects: figures of pixels and regions say little. Defective "
    "pictures of Train are left out: training looks at good ones alone."
)
SOURCE = (
    "DAGM 2007 competition data set. M. Wieler, T. Hahn, F. A. Hamprecht, Weakly Supervised Learning for Industrial "
    "Optical Inspection, DAGM symposium 2007. Published on Zenodo."
)


@dataclass(frozen=True)
class _Part:
    """strays : masks of no picture; unsure : pictures of which mask and Labels.txt say different things."""

    good: list[Item]
    bad: list[Item]
    strays: list[str]
    unsure: list[str]


def looks_like(tree: Tree) -> float:
    """1 with Train/Label or Test/Label that holds Labels.txt or NNNN_label files; less for several textures."""
    return likeness(tree, _is_class)


def read(tree: Tree) -> Dataset:
    """Good pictures of Train and all of Test; defective is what has a mask or is listed so. Raises DataError."""
    refuse_around(tree, _is_class, "textures")
    train, test = _part(tree, "Train", "train"), _part(tree, "Test", "test")
    items = (*train.good, *test.good, *test.bad)
    if not items:
        raise DataError(
            f"{tree.root} holds no good pictures in Train, and none in Test; name the folder of one texture"
        )
    strays = tuple(tree.locator(mask) for part in (train, test) for mask in part.strays)
    return Dataset(tree.name, str(tree.root), NAME, items, strays, tuple(_notes(train, test)))


def _is_class(tree: Tree, *above: str) -> bool:
    for part in ("Train", "Test"):
        labels = tree.folder(*above, part, "Label")
        if labels is not None and any(_is_label(name) for name in tree.files(labels)):
            return True
    return False


def _is_label(name: str) -> bool:
    return last(name).casefold() == "labels.txt" or stem(name).casefold().endswith("_label")


def _part(tree: Tree, part: str, split: Split) -> _Part:
    folder, labels = tree.folder(part), tree.folder(part, "Label")
    names = tree.pictures(folder, deep=False) if folder is not None else []
    masks = masks_by_ending(tree.pictures(labels, deep=False) if labels is not None else [], "_label")
    marked = {name: (masks[stem(name).casefold()],) for name in names if stem(name).casefold() in masks}
    listed = _listed(tree, part)
    called = {name for name in names if listed.get(last(name).casefold(), False)}
    own = {mask for pair in marked.values() for mask in pair}
    return _Part(
        good=items_of(tree, [name for name in names if name not in called | marked.keys()], split, "good"),
        bad=items_of(tree, [name for name in names if name in called | marked.keys()], split, "defect", marked),
        strays=[mask for mask in masks.values() if mask not in own],
        unsure=[name for name in names if listed and (name in marked) != (name in called)],
    )


def _notes(train: _Part, test: _Part) -> list[str]:
    notes = [f"{pictures_are(len(train.bad))} left out of Train as defective."] if train.bad else []
    unsure = [*train.unsure, *test.unsure]
    if unsure:
        names = ", ".join(unsure[:3]) + (", ..." if len(unsure) > 3 else "")
        notes.append(f"{pictures_are(len(unsure))} taken as defective by the mask or by Labels.txt alone ({names}).")
    return notes


def _listed(tree: Tree, part: str) -> dict[str, bool]:
    """Whether Labels.txt calls a picture defective, by its name; its first line is a single number."""
    table = tree.file(part, "Label", "Labels.txt")
    lines: Sequence[str] = tree.read_text(table).splitlines() if table is not None else ()
    cells = [[cell.strip() for cell in line.split("\t")] for line in lines]
    return {cell[2].casefold(): cell[1] == "1" for cell in cells if len(cell) >= 3 and cell[1] in ("0", "1")}
