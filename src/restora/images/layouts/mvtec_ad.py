"""The layout of MVTec AD, which most industrial data sets follow."""

from __future__ import annotations

from restora.images.dataset import Dataset
from restora.images.layouts.mvtec_form import read_mvtec_form
from restora.images.tree import Tree

NAME = "mvtec-ad"
SKETCH = """\
ROOT/train/good/*.png
ROOT/test/good/*.png
ROOT/test/KIND/007.png
ROOT/ground_truth/KIND/007_mask.png   (or 007.png)"""
NOTE = "MVTec AD itself, and most sets in its form, are CC BY-NC-SA 4.0: no commercial use; ask each set's own terms."
SOURCE = (
    "MVTec Anomaly Detection Dataset. P. Bergmann, M. Fauser, D. Sattlegger, C. Steger, MVTec AD: A Comprehensive "
    "Real-World Dataset for Unsupervised Anomaly Detection, CVPR 2019. Published by MVTec Software GmbH."
)


def looks_like(tree: Tree) -> float:
    """0.9 with train/good and folders in test, less with one of them, 0 with neither."""
    trains = tree.folder("train", "good") is not None or tree.was_emptied("train", "good")
    test = tree.folder("test")
    tests = test is not None and bool(tree.folders(test))
    return {(True, True): 0.9, (True, False): 0.85, (False, True): 0.8, (False, False): 0.0}[trains, tests]


def read(tree: Tree) -> Dataset:
    """Good pictures of train/, all of test/, masks of ground_truth/ by name. Raises DataError."""
    return read_mvtec_form(tree, NAME)
