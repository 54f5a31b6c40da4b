"""The layout of BTAD, the beanTech anomaly detection data set."""

from __future__ import annotations

from restora.images.dataset import Dataset
from restora.images.layouts.parts import likeness, read_good_and_bad, refuse_around
from restora.images.tree import Tree, last

NAME = "btad"
SKETCH = """\
ROOT/train/ok/*.bmp            (.png in product 02); ROOT is one of the products 01, 02, 03
ROOT/test/ok/*.bmp
ROOT/test/ko/0001.bmp
ROOT/ground_truth/ko/0001.png  (.bmp in product 03)"""
NOTE = "The readme that comes with it says CC BY-SA; others pass it on as CC BY-NC-SA 4.0: ask before commercial use."
SOURCE = (
    "beanTech Anomaly Detection (BTAD). P. Mishra, R. Verk, D. Fornasier, C. Piciarelli, G. L. Foresti, VT-ADL: A "
    "Vision Transformer Network for Image Anomaly Detection and Localization, ISIE 2021. Published by the AViReS "
    "laboratory of the University of Udine."
)


def looks_like(tree: Tree) -> float:
    """1 with train/ok and nothing but ok and ko to test; less with one of its folders, or with several products."""
    if _is_product(tree):
        test = tree.folder("test")
        kinds = {last(folder).casefold() for folder in tree.folders(test)} if test is not None else set()
        return 1.0 if tree.folder("train", "ok") is not None and kinds <= {"ok", "ko"} else 0.95
    return likeness(tree, _is_product)


def read(tree: Tree) -> Dataset:
    """train/ok, test/ok and test/ko of one product, masks by name. Raises DataError."""
    refuse_around(tree, _is_product, "products")
    return read_good_and_bad(tree, NAME, good="ok", bad="ko")


def _is_product(tree: Tree, *above: str) -> bool:
    return tree.folder(*above, "train", "ok") is not None or tree.folder(*above, "test", "ko") is not None
