"""The layout of OCT-2017: scans of the retina by Kermany and others, sorted by diagnosis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.groups import shared_groups
from restora.images.layouts.parts import expect_only, items_of, likeness, pictures_are, refuse_around
from restora.images.tree import Tree, last, stem

NAME = "oct2017"
SKETCH = """\
ROOT/train/NORMAL/NORMAL-1001666-1.jpeg    (class-patient-number)
ROOT/train/CNV, DME, DRUSEN/*.jpeg         (left out: training looks at NORMAL alone)
ROOT/test/NORMAL, CNV, DME, DRUSEN/*.jpeg
ROOT/val/...                               (where there; left out)"""
NOTE = "CC BY 4.0. Image labels only, no masks. For research: no medical use is claimed."
SOURCE = (
    "Labeled Optical Coherence Tomography (OCT) Images, known as OCT-2017. D. S. Kermany, M. Goldbaum, W. Cai and "
    "others, Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning, Cell 172, 2018. "
    "Published on Mendeley Data."
)

GOOD = "NORMAL"
CLASSES = (GOOD, "CNV", "DME", "DRUSEN")

# How many test pictures each class has in the editions that are passed around, and how to tell two of them apart by
# the pictures of train/NORMAL. Their figures are not to be compared with each other.
_TEST_242 = "the copy that is passed on with a val part of 8 pictures a class"
_TEST_250 = {26_315: "version 2 of Mendeley Data", 51_140: "version 3 of Mendeley Data"}

_FILE_NAME = re.compile(r"([A-Z]+)-([0-9A-Z]+)-[0-9]+", re.IGNORECASE)


def looks_like(tree: Tree) -> float:
    """1 with train/NORMAL or test/NORMAL beside no other folders than the four; less for a folder around it."""
    return likeness(tree, _is_set)


def read(tree: Tree) -> Dataset:
    """train/NORMAL to fit and all four classes of test; notes count what was left out. Raises DataError.

    An item's group is its patient, the middle part of the file's name; see `images.groups` for those in both parts.
    """
    refuse_around(tree, _is_set, "copies of OCT-2017")
    for part in ("train", "test"):
        expect_only(tree, (part,), CLASSES)
    parts = {part: _pictures(tree, part) for part in ("train", "test", "val")}
    items = items_of(tree, parts["train"][GOOD], "train", "good")
    for name in CLASSES:
        items += items_of(tree, parts["test"][name], "test", "good" if name == GOOD else name)
    if not items:
        raise DataError(f"{tree.root} holds no pictures in train/NORMAL or test; see `restora data layouts`")
    if tree.folder("train") is not None and not parts["train"][GOOD]:
        raise DataError(f"{tree.root} holds no pictures in train/NORMAL; training needs the normal scans there")
    grouped = tuple(replace(item, group=_patient(item)) for item in items)
    notes = [*_left_out(parts), *_edition(parts), *_patients(grouped)]
    return Dataset(tree.name.strip(), str(tree.root), NAME, grouped, notes=tuple(notes))


def _is_set(tree: Tree, *above: str) -> bool:
    """Whether a train or test part has NORMAL and another of the classes, and no class of another set."""
    for part in ("train", "test"):
        folder = tree.folder(*above, part)
        classes = {last(name).upper() for name in tree.folders(folder)} if folder is not None else set()
        if GOOD in classes and len(classes) > 1 and classes <= set(CLASSES):
            return True
    return False


def _pictures(tree: Tree, part: str) -> dict[str, list[str]]:
    folders = {name: tree.folder(part, name) for name in CLASSES}
    return {name: tree.pictures(folder) if folder is not None else [] for name, folder in folders.items()}


def _patient(item: Item) -> str | None:
    match = _FILE_NAME.fullmatch(stem(item.name))
    return match[2] if match else None


def _left_out(parts: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    notes = []
    others = {name: len(pictures) for name, pictures in parts["train"].items() if name != GOOD and pictures}
    if others:
        counts = ", ".join(f"{count:,} {name}" for name, count in others.items())
        notes.append(f"{pictures_are(sum(others.values()))} left out of train ({counts}): NORMAL alone is fitted.")
    val = sum(map(len, parts["val"].values()))
    if val:
        notes.append(f"{pictures_are(val)} left out in val: the test part is used as it was published.")
    return notes


def _edition(parts: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    """Which edition the counts belong to."""
    counts = {name: len(pictures) for name, pictures in parts["test"].items()}
    fitted = len(parts["train"][GOOD])
    if set(counts.values()) == {242}:
        return [f"The test part has 242 pictures a class: {_TEST_242}; say so beside every figure."]
    if set(counts.values()) == {250}:
        edition = _TEST_250.get(fitted, "version 2 or 3 of Mendeley Data")
        return [f"The test part has 250 pictures a class: {edition}; say so beside every figure."]
    if not any(counts.values()):
        return []
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return [f"The test part has {shown}: neither of the editions with 242 or 250 pictures a class."]


def _patients(items: tuple[Item, ...]) -> list[str]:
    notes = []
    shared = shared_groups(items)
    if shared:
        test = [item for item in items if item.split == "test"]
        met = sum(item.group in shared for item in test)
        who = "1 patient has" if len(shared) == 1 else f"{len(shared):,} patients have"
        notes.append(
            f"{who} pictures both in train/NORMAL and in test ({met:,} of {len(test):,} test pictures): "
            "give figures with and without them."
        )
    nameless = sum(item.group is None for item in items)
    if nameless:
        notes.append(
            f"{pictures_are(nameless)} not called class-patient-number: whether they share a patient is not known."
        )
    return notes
