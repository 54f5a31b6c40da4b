"""The layout of VisA once it has been sorted for one-class use."""

from __future__ import annotations

from restora.images.dataset import Dataset
from restora.images.layouts import visa
from restora.images.layouts.parts import likeness, read_good_and_bad, refuse_around
from restora.images.tree import Tree, last

NAME = "visa-one-class"
SKETCH = """\
ROOT/train/good/0836.JPG       (ROOT is one of the categories, such as candle)
ROOT/test/good/0000.JPG
ROOT/test/bad/000.JPG
ROOT/ground_truth/bad/000.png"""
NOTE = visa.NOTE
SOURCE = visa.SOURCE

_THINGS = frozenset({"candle", "capsules", "cashew", "chewinggum", "fryum", "macaroni1", "macaroni2", "pipe_fryum"})
CATEGORIES = _THINGS | {"pcb1", "pcb2", "pcb3", "pcb4"}


def looks_like(tree: Tree) -> float:
    """1 for a category of VisA by name with train/good, test/bad and no other kind; less for several.

    Anybody's good and bad pictures may lie like this: under another name they are left to the layout of MVTec AD.
    """
    return likeness(tree, _is_published)


def read(tree: Tree) -> Dataset:
    """train/good, test/good and test/bad of one category, masks by name. Raises DataError."""
    refuse_around(tree, _is_published, "categories")
    return read_good_and_bad(tree, NAME, good="good", bad="bad")


def _is_published(tree: Tree, *above: str) -> bool:
    return (above[-1] if above else tree.name).casefold() in CATEGORIES and _is_category(tree, *above)


def _is_category(tree: Tree, *above: str) -> bool:
    test = tree.folder(*above, "test")
    kinds = {last(folder).casefold() for folder in tree.folders(test)} if test is not None else set()
    return tree.folder(*above, "train", "good") is not None and "bad" in kinds and kinds <= {"good", "bad"}
