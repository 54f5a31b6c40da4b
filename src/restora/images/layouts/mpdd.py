"""MPDD: MVTec AD's form, known by the names of its categories and of their defects."""

from __future__ import annotations

from restora.images.dataset import Dataset
from restora.images.layouts.mvtec_form import read_mvtec_form
from restora.images.tree import Tree

NAME = "mpdd"
SKETCH = """\
CATEGORY/train/good/*.png              CATEGORY is bracket_black, bracket_brown, bracket_white,
CATEGORY/test/good/*.png               connector, metal_plate or tubes
CATEGORY/test/KIND/007.png
CATEGORY/ground_truth/KIND/007_mask.png"""
NOTE = "MPDD is CC BY-NC-SA 4.0: no commercial use."
SOURCE = (
    "Metal Parts Defect Detection (MPDD). Jezek, Jonak, Burget, Dvorak, Skotak, Deep learning-based defect detection "
    "of metal parts: evaluating current methods in complex conditions, ICUMT 2021. Published by the authors on GitHub."
)

_KINDS = {
    "bracket_black": {"hole", "scratches"},
    "bracket_brown": {"bend_and_parts_mismatch", "parts_mismatch"},
    "bracket_white": {"defective_painting", "scratches"},
    "connector": {"parts_mismatch"},
    "metal_plate": {"major_rust", "scratches", "total_rust"},
    "tubes": {"anomalous"},
}
_SAME_FORM = "MPDD lies as MVTec AD does and is read in the same way."


def looks_like(tree: Tree) -> float:
    """1 for a category's name over one of its own kinds of defect, 0 otherwise: anybody may have a folder ``tubes``."""
    kinds = _KINDS.get(tree.name.casefold(), set())
    return float(any(tree.folder("test", kind) is not None for kind in kinds))


def read(tree: Tree) -> Dataset:
    """Read in MVTec AD's form. Raises DataError."""
    known = tree.name.casefold() in _KINDS
    odd = f"{tree.name} is no category of MPDD ({', '.join(_KINDS)}); it was read as one all the same."
    return read_mvtec_form(tree, NAME, (_SAME_FORM,) if known else (_SAME_FORM, odd))
