"""AITEX: long pictures of seven fabrics, without a published split."""

from __future__ import annotations

from dataclasses import replace

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.layouts.chosen import chosen_for_test
from restora.images.layouts.mvtec_form import Found, as_dataset, counted, defect_items, good_items
from restora.images.tree import Tree, stem

NAME = "aitex"
SKETCH = """\
ROOT/NODefect_images/2306881-210020u/0001_000_05.png   good; a folder a fabric
ROOT/Defect_images/0044_019_04.png                     number, code of the defect, code of the fabric
ROOT/Mask_images/0044_019_04_mask.png                  or _mask1, _mask2"""
NOTE = "No licence text is known to come with AITEX; ask its publisher for the terms."
SOURCE = (
    "AITEX Fabric Image Database (AFID). Silvestre-Blanes, Albero-Albero, Miralles, Pérez-Llorens, Moreno, A Public "
    "Fabric Database for Defect Detection Methods and Results, AUTEX Research Journal 2019. Published by AITEX."
)

_KINDS = {
    "002": "broken_end", "006": "broken_yarn", "010": "broken_pick", "016": "weft_curling", "019": "fuzzyball",
    "022": "cut_selvage", "023": "crease", "025": "warp_ball", "027": "knots", "029": "contamination", "030": "nep",
    "036": "weft_crack",
}  # fmt: skip
_SIZE = "Pictures are 4096 x 256 pixels, which the usual input size shows at a third; ask for more with --pixels."


def looks_like(tree: Tree) -> float:
    """1 with the folders NODefect_images and Defect_images, 0 without."""
    return float(tree.folder("NODefect_images") is not None and tree.folder("Defect_images") is not None)


def read(tree: Tree) -> Dataset:
    """All fabrics as one set; three tenths of each fabric's good pictures are tested with. Raises DataError."""
    defective = tree.folder("Defect_images")
    good = good_items(tree, tree.folder("NODefect_images"), "train").items
    if defective is None or not good:
        raise DataError(f"{tree.root} must hold NODefect_images/FABRIC/*.png and Defect_images/*.png as AITEX does")
    found = defect_items(tree, defective, tree.folder("Mask_images"), "defect")
    items = _split(good) + tuple(replace(item, kind=_kind(item.name)) for item in found.items)
    return as_dataset(tree, NAME, Found(items, found.stray, (*_notes(items), *found.notes)))


def _split(good: tuple[Item, ...]) -> tuple[Item, ...]:
    chosen: set[str] = set()
    for folder in {_folder(item.name) for item in good}:
        chosen |= chosen_for_test({item.name: item.name for item in good if _folder(item.name) == folder})
    return tuple(replace(item, split="test") if item.name in chosen else item for item in good)


def _notes(items: tuple[Item, ...]) -> list[str]:
    good = [item for item in items if item.label == 0]
    tested = sum(item.split == "test" for item in good)
    known = {_code(item.name, 2) for item in good}
    foreign = [item for item in items if _code(item.name, 2) not in known]
    fabrics = ", ".join(sorted({_code(item.name, 2) or "?" for item in foreign}))
    others = f"Of fabrics without good pictures to train on ({fabrics}): {counted(len(foreign), 'defective picture')}."
    return [
        f"AITEX has no published split: {tested} of {counted(len(good), 'good picture')}, three tenths of each fabric "
        "by the hash of their names, are tested with.",
        _SIZE,
        *([others] if foreign else []),
    ]


def _kind(name: str) -> str:
    code = _code(name, 1)
    return _KINDS.get(code, f"code_{code}" if code else "defect")


def _code(name: str, place: int) -> str:
    """The defect's code is part 1 of ``0044_019_04``, the fabric's part 2; empty where a name has no such part."""
    parts = stem(name).split("_")
    return parts[place] if len(parts) > place else ""


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
