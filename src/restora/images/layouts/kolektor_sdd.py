"""The layout of KolektorSDD: eight surfaces of each of fifty commutators, a mask beside every picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.groups import shared_groups
from restora.images.layouts.parts import item_by_mask, likeness, masks_by_ending, pictures_are, refuse_around
from restora.images.tree import Tree, last, stem

NAME = "kolektor-sdd"
SKETCH = """\
ROOT/kos01/Part0.jpg          (kos01 to kos50, a folder a commutator)
ROOT/kos01/Part0_label.bmp    (marks nothing on a good surface)"""
NOTE = (
    "CC BY-NC-SA 4.0: no commercial use. It has no split for training on good pictures alone: here the good surfaces "
    "of kos01 to kos33 are fitted, those of kos34 to kos50 and every defective surface tested."
)
SOURCE = (
    "Kolektor Surface-Defect Dataset (KolektorSDD). D. Tabernik, S. Šela, J. Skvarč, D. Skočaj, Segmentation-Based "
    "Deep-Learning Approach for Surface-Defect Detection, Journal of Intelligent Manufacturing 31, 2020. Published by "
    "the ViCoS laboratory of the University of Ljubljana."
)

#: Good surfaces of items up to this number are fitted, of later ones tested: an item's good ones never part.
LAST_FITTED = 33

_ITEM = re.compile(r"kos(\d+)", re.IGNORECASE)


def looks_like(tree: Tree) -> float:
    """1 with a folder kosNN that holds a PartN_label file; less for a folder around those."""
    return likeness(tree, _is_set)


def read(tree: Tree) -> Dataset:
    """Label by whether the mask marks anything (every mask is opened), group the commutator. Raises DataError."""
    refuse_around(tree, _is_set, "copies of KolektorSDD")
    folders = _items(tree)
    found = [item for folder in folders for item in _surfaces(tree, folder)]
    if not found:
        raise DataError(f"{tree.root} holds no pictures in folders kos01 to kos50; name the folder that holds those")
    items = [item for item in found if item.label is not None or item.split == "test"]
    items.sort(key=lambda item: (item.split == "test", item.label == 1))
    strays = [tree.locator(mask) for folder in folders for mask in _strays(tree, folder)]
    notes = _notes(items, unknown=[item for item in found if item.label is None])
    return Dataset(tree.name, str(tree.root), NAME, tuple(items), tuple(strays), tuple(notes))


def _is_set(tree: Tree, above: str = "") -> bool:
    return any(_masks(tree, folder) for folder in _items(tree, above))


def _items(tree: Tree, above: str = "") -> list[str]:
    return [folder for folder in tree.folders(above) if _ITEM.fullmatch(last(folder))]


def _masks(tree: Tree, folder: str) -> dict[str, str]:
    return masks_by_ending(tree.pictures(folder), "_label")


def _strays(tree: Tree, folder: str) -> list[str]:
    own = {stem(name).casefold() for name in tree.pictures(folder)}
    return [mask for picture, mask in _masks(tree, folder).items() if picture not in own]


def _surfaces(tree: Tree, folder: str) -> list[Item]:
    number = int(last(folder)[3:])
    masks = _masks(tree, folder)
    pictures = [name for name in tree.pictures(folder) if name not in set(masks.values())]
    return [_surface(tree, name, masks.get(stem(name).casefold()), number) for name in pictures]


def _surface(tree: Tree, name: str, mask: str | None, number: int) -> Item:
    item = item_by_mask(tree, name, "test", mask)
    fitted = number <= LAST_FITTED and item.label != 1
    return replace(item, split="train" if fitted else "test", group=f"kos{number:02}")


def _notes(items: Sequence[Item], unknown: Sequence[Item]) -> list[str]:
    notes = [
        f"The set has no split of its own: good surfaces of kos01 to kos{LAST_FITTED} are fitted, all others tested."
    ]
    shared = shared_groups(items)
    met = sum(item.group in shared for item in items if item.split == "test")
    if met:
        notes.append(
            f"{pictures_are(met)} of defects on commutators whose good surfaces are fitted: "
            "give figures with and without them."
        )
    if unknown:
        names = ", ".join(item.name for item in unknown[:3]) + (", ..." if len(unknown) > 3 else "")
        notes.append(
            f"{pictures_are(len(unknown))} of unknown label, without a mask that can be read, and not fitted ({names})."
        )
    return notes
