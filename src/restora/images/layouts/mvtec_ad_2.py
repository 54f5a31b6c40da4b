"""MVTec AD 2: one public test part, and two whose truth only the publisher knows."""

from __future__ import annotations

import re
from dataclasses import replace

from restora.errors import DataError
from restora.images.dataset import Dataset
from restora.images.layouts.mvtec_form import (
    Found,
    as_dataset,
    counted,
    kind_items,
    masks_of_no_kind,
    required_good,
    validation_good,
)
from restora.images.tree import Tree, last, stem

NAME = "mvtec-ad-2"
SKETCH = """\
ROOT/train/good/000_regular.png
ROOT/validation/good/000_regular.png
ROOT/test_public/{good,bad}/000_regular.png      (or _overexposed, _underexposed, _shift_1 ...)
ROOT/test_public/ground_truth/bad/000_regular_mask.png
ROOT/test_private/*.png, ROOT/test_private_mixed/*.png   truth not published: left"""
NOTE = "MVTec AD 2 is CC BY-NC-SA 4.0: no commercial use."
SOURCE = (
    "MVTec Anomaly Detection 2 (MVTec AD 2). Heckler-Kram, Neudeck, Scheler, König, Steger, The MVTec AD 2 Dataset: "
    "Advanced Scenarios for Unsupervised Anomaly Detection, arXiv 2503.21622, 2025. Published by MVTec, with a server "
    "that evaluates the private parts."
)

_PRIVATE = ("test_private", "test_private_mixed")


def looks_like(tree: Tree) -> float:
    """1 with a public or private test part, 0 without."""
    return float(any(tree.folder(part) is not None for part in ("test_public", *_PRIVATE)))


def read(tree: Tree) -> Dataset:
    """train/good and validation/good to train on, test_public/ with its masks. Raises DataError.

    Pictures of one object under several lights share a group. The private parts are counted and left: without truth
    they give no figure, and `restora predict` takes their folders.
    """
    if looks_like(tree) == 0:
        raise DataError(f"{tree.root} holds no test_public; name a category of MVTec AD 2")
    found = Found()
    if tree.folder("train") is not None:
        found += required_good(tree, "train")
    found += validation_good(tree, tree.folder("validation", "good")) + _public(tree)
    if not found.items:
        raise DataError(f"{tree.root} holds no pictures in train/good, validation/good or test_public/good and bad")
    found += Found(notes=tuple(_left(tree)))
    return as_dataset(tree, NAME, replace(found, items=tuple(replace(i, group=_object(i.name)) for i in found.items)))


def _public(tree: Tree) -> Found:
    public = tree.folder("test_public")
    if public is None:
        return Found()
    found, truth = Found(), tree.folder("test_public", "ground_truth")
    for folder in tree.folders(public):
        if folder != truth:
            found += kind_items(tree, folder, tree.folder("test_public", "ground_truth", last(folder)))
    return found + masks_of_no_kind(tree, truth, public)


def _left(tree: Tree) -> list[str]:
    parts = [(part, len(tree.pictures(folder))) for part in _PRIVATE if (folder := tree.folder(part)) is not None]
    return [
        f"Left: {counted(count)} of {part}, whose truth is not published; `restora predict` takes that folder."
        for part, count in parts
        if count
    ]


def _object(name: str) -> str | None:
    """``train/good/000`` for ``train/good/000_regular.png`` and the same object under other lights."""
    number = re.match(r"\d+(?=_)", stem(name))
    return f"{name.rpartition('/')[0]}/{number[0]}" if number else None
