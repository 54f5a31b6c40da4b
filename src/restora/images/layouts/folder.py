"""A plain folder of good pictures; and the folders that look like one but were meant for something else."""

from __future__ import annotations

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.files import printable
from restora.images.layouts import mvtec_ad
from restora.images.tree import Tree, last

NAME = "folder"
SKETCH = """\
ROOT/*.png              good pictures only
ROOT/ANY/FOLDER/*.png   also in folders below, as deep as wanted"""
NOTE = "Your own pictures, your own terms."
SOURCE = "No published data set: the form of whoever has good pictures and nothing else."

_GOOD = frozenset({"good", "ok", "normal"})
_BAD = frozenset({"bad", "defect", "defects", "defective", "ng", "nok", "anomaly", "anomalous", "abnormal", "broken"})


def looks_like(tree: Tree) -> float:
    """Little for any folder: what no other layout claims is read as this one."""
    return 0.1


def read(tree: Tree) -> Dataset:
    """Every picture of the tree is a good one to train on. Raises DataError, also where that cannot be meant."""
    if mvtec_ad.looks_like(tree) == 0:  # asked for by name, a category may be read as a plain folder after all
        _refuse_what_was_not_meant(tree)
    pictures = tree.pictures()
    if not pictures:
        raise DataError(f"The folder {tree.root} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    items = tuple(Item(printable(name), tree.locator(name), "train", 0, "good") for name in pictures)
    return Dataset(tree.name, str(tree.root), NAME, items)


def _refuse_what_was_not_meant(tree: Tree) -> None:
    folders = tree.folders()
    good = [folder for folder in folders if folder.casefold() in _GOOD]
    others = [folder for folder in folders if folder not in good and (good or folder.casefold() in _BAD)]
    mixed = next((folder for folder in others if tree.pictures(folder)), None)
    if mixed is not None:
        meant = good[0] if good else "good"
        raise DataError(
            f"{tree.root} holds {last(meant)}/ and {mixed}/, but training looks at good pictures alone: use "
            f"`restora train {tree.locator(meant)}`, and for `restora evaluate MODEL {tree.root}` name the folders "
            f"with --normal-test and --abnormal {mixed}"
        )
