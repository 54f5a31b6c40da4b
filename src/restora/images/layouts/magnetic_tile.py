"""Magnetic tile defects: a folder a kind, picture and mask side by side, without a published split."""

from __future__ import annotations

import re
from dataclasses import replace

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.files import printable
from restora.images.layouts.chosen import chosen_for_test
from restora.images.layouts.mvtec_form import Found, as_dataset, counted, paired_items
from restora.images.tree import Tree, last, stem, suffix_of

NAME = "magnetic-tile"
SKETCH = """\
ROOT/MT_Free/Imgs/exp1_num_1.jpg       good; the empty mask beside it (.png) is not needed
ROOT/MT_KIND/Imgs/exp1_num_2.jpg       KIND is Blowhole, Break, Crack, Fray or Uneven
ROOT/MT_KIND/Imgs/exp1_num_2.png       its mask"""
NOTE = "No licence text is known to come with the magnetic tile set; its authors welcome use and ask to be cited."
SOURCE = (
    "Magnetic tile defect data set. Huang, Qiu, Yuan, Surface defect saliency of magnetic tile, The Visual Computer "
    "2020. Published by the authors on GitHub."
)

_DEFECTS = ("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
_PICTURES = (".jpg", ".jpeg")


def looks_like(tree: Tree) -> float:
    """1 with MT_Free and a folder of defects beside it, 0 without."""
    return float(tree.folder("MT_Free") is not None and any(tree.folder(kind) is not None for kind in _DEFECTS))


def read(tree: Tree) -> Dataset:
    """Three tenths of MT_Free are tested with, the rest is trained on. Raises DataError.

    Pictures of one kind whose names bear the same number share a group: they may show one tile.
    """
    free = tree.folder("MT_Free")
    good = _good(tree, free) if free is not None else ()
    if not good:
        raise DataError(f"{tree.root} holds no good pictures in MT_Free/Imgs/*.jpg; name the folder that holds MT_Free")
    found, tested = Found(good), sum(item.split == "test" for item in good)
    found += Found(
        notes=(
            f"The magnetic tile set has no published split: {tested} of {counted(len(good), 'good picture')}, about "
            "three tenths by the hash of their names, are tested with.",
        )
    )
    for kind in _DEFECTS:
        folder = tree.folder(kind)
        found += _defective(tree, folder) if folder is not None else Found()
    return as_dataset(tree, NAME, found)


def _good(tree: Tree, folder: str) -> tuple[Item, ...]:
    names = [name for name in tree.pictures(folder) if suffix_of(name) in _PICTURES]
    chosen = chosen_for_test({name: _group(name) for name in names})
    return tuple(
        Item(printable(name), tree.locator(name), "test" if name in chosen else "train", 0, "good", (), _group(name))
        for name in names
    )


def _defective(tree: Tree, folder: str) -> Found:
    files = {name: name for name in tree.pictures(folder)}
    shown = {name: name for name in files if suffix_of(name) in _PICTURES}
    masks = {name: name for name in files if name not in shown}
    found = paired_items(tree, shown, masks, last(folder).casefold().removeprefix("mt_"))
    return replace(found, items=tuple(replace(item, group=_group(item.name)) for item in found.items))


def _group(name: str) -> str:
    """``MT_Free/num_4727`` for exp1_num_4727 of that folder and for exp2_num_4727; else the name without its ending."""
    number = re.search(r"_num_(\d+)$", stem(name))
    return f"{name.partition('/')[0]}/num_{number[1]}" if number else name.rpartition(".")[0]
