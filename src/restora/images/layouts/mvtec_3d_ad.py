"""MVTec 3D-AD: its colour pictures, without the scans that lie beside them."""

from __future__ import annotations

from restora.errors import DataError
from restora.images.dataset import Dataset
from restora.images.files import printable
from restora.images.layouts.mvtec_form import Found, as_dataset, counted, defect_items, good_items, validation_good
from restora.images.tree import Tree, last

NAME = "mvtec-3d-ad"
SKETCH = """\
ROOT/train/good/rgb/000.png
ROOT/validation/good/rgb/000.png
ROOT/test/{good,KIND}/rgb/000.png
ROOT/test/KIND/gt/000.png          masks; empty ones of good pictures are not needed
ROOT/.../xyz/000.tiff              3D points: left"""
NOTE = "MVTec 3D-AD is CC BY-NC-SA 4.0: no commercial use."
SOURCE = (
    "MVTec 3D Anomaly Detection (MVTec 3D-AD). Bergmann, Jin, Sattlegger, Steger, The MVTec 3D-AD Dataset for "
    "Unsupervised 3D Anomaly Detection and Localization, VISAPP 2022. Published by MVTec."
)


def looks_like(tree: Tree) -> float:
    """1 with pictures in ``rgb`` of train/good or of a kind of the test part, 0 without."""
    return float(tree.folder("train", "good", "rgb") is not None or bool(_tested(tree)))


def read(tree: Tree) -> Dataset:
    """The pictures of train and validation to train on, those of test/ with the masks in gt/. Raises DataError."""
    train = tree.folder("train")
    found = good_items(tree, tree.folder("train", "good", "rgb"), "train")
    if train is not None and not found.items:
        raise DataError(f"{tree.locator(train)} holds no pictures in good/rgb; training needs good pictures there")
    found += validation_good(tree, tree.folder("validation", "good", "rgb"))
    for kind in _tested(tree):
        found += _kind(tree, kind)
    if not found.items:
        raise DataError(f"{tree.root} holds no pictures in train/good/rgb or test/KIND/rgb; name a category")
    scans = sum("/xyz/" in name.casefold() for name in tree.names)
    if scans:
        files = counted(scans, "file")
        found += Found(notes=(f"Left: {files} of 3D points (xyz); only the colour pictures are looked at.",))
    return as_dataset(tree, NAME, found)


def _tested(tree: Tree) -> list[str]:
    test = tree.folder("test")
    kinds = tree.folders(test) if test is not None else []
    return [kind for kind in kinds if tree.folder(*kind.split("/"), "rgb") is not None]


def _kind(tree: Tree, kind: str) -> Found:
    rgb, truth = tree.folder(*kind.split("/"), "rgb"), tree.folder(*kind.split("/"), "gt")
    if last(kind).casefold() == "good":
        return good_items(tree, rgb, "test")
    return defect_items(tree, rgb or kind, truth, printable(last(kind)))
