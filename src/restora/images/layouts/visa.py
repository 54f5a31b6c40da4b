"""The layout of VisA as it is published: pictures by what they show, and a table that says which part they are of."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.layouts.parts import items_of, likeness, pictures_are, refuse_several, sets_inside
from restora.images.tree import Tree, below, last

NAME = "visa"
SKETCH = """\
ROOT/Data/Images/Normal/0836.JPG     (ROOT is one of the categories, such as candle)
ROOT/Data/Images/Anomaly/000.JPG
ROOT/Data/Masks/Anomaly/000.png      (numbers of classes: everything above 0 is marked)
ROOT/image_anno.csv                  (image,label,mask: the kinds of defects)
ROOT/../split_csv/1cls.csv           (object,split,label,image,mask: the parts)"""
NOTE = "CC BY 4.0."
SOURCE = (
    "Visual Anomaly (VisA). Y. Zou, J. Jeong, L. Pemula, D. Zhang, O. Dabeer, SPot-the-Difference Self-Supervised "
    "Pre-training for Anomaly Detection and Segmentation, ECCV 2022. Published by Amazon (AWS)."
)

SPLIT = ("split_csv", "1cls.csv")
_COLUMNS = ("object", "split", "label", "image", "mask")


@dataclass(frozen=True)
class _Row:
    """One line of the table: the names of its picture and mask as they are in the tree, None where they lack."""

    split: str
    good: bool
    picture: str | None
    mask: str | None


def looks_like(tree: Tree) -> float:
    """1 with Data/Images/Normal, as one category of VisA has it or a folder of it alone; less with several."""
    return likeness(tree, _is_category)


def read(tree: Tree) -> Dataset:
    """One category, its parts from split_csv/1cls.csv beside it, or below the folder given. Raises DataError."""
    home = ""
    if not _is_category(tree):
        categories = sets_inside(tree, _is_category)
        if not categories:
            raise DataError(f"{tree.root} holds no Data/Images/Normal; name the folder of one VisA category")
        if len(categories) > 1:
            raise refuse_several(tree, categories, "categories")
        home = categories[0]
    category = last(home) or tree.name
    rows = _rows(tree, home, category)
    items = _items(tree, home, rows)
    if not items:
        raise DataError(f"None of the pictures that {'/'.join(SPLIT)} lists for {category} lie in {tree.root}")
    used = {row.mask for row in rows}
    masks = tree.folder(*_parts(home), "Data", "Masks")
    stray = [name for name in tree.pictures(masks) if name not in used] if masks is not None else []
    notes = _notes(tree, home, rows)
    return Dataset(category, str(tree.root), NAME, tuple(items), tuple(map(tree.locator, stray)), tuple(notes))


def _is_category(tree: Tree, *above: str) -> bool:
    return tree.folder(*above, "Data", "Images", "Normal") is not None


def _parts(folder: str) -> list[str]:
    return folder.split("/") if folder else []


def _rows(tree: Tree, home: str, category: str) -> list[_Row]:
    inside = tree.file(*SPLIT)
    text = tree.read_text(inside) if inside is not None else tree.beside(*SPLIT)
    table = "/".join(SPLIT)
    if text is None:
        raise DataError(
            f"There is no {table} beside {tree.root}; copy it from the archive of VisA, "
            "it says which pictures are to fit and which to test"
        )
    lines = _lines(text, table)
    if not lines or not set(_COLUMNS) <= set(lines[0]):
        raise DataError(f"The table {table} of {tree.root} must have the columns {','.join(_COLUMNS)}; copy it anew")
    numbered = enumerate(lines, start=2)
    own = [(at, line) for at, line in numbered if (line["object"] or "").casefold() == category.casefold()]
    if not own:
        known = ", ".join(sorted({line["object"] or "" for line in lines}))
        raise DataError(f"{table} lists no category {category}; the folder must bear its published name ({known})")
    there = {below(name, home).casefold(): name for name in tree.files(home, deep=True)}
    return [_row(line, there, f"{table}, line {at}") for at, line in own]


def _lines(text: str, table: str) -> list[dict[str, str | None]]:
    try:
        return list(csv.DictReader(text.splitlines()))
    except csv.Error as error:
        raise DataError(f"The table {table} cannot be read ({error}); copy it anew from the archive of VisA") from None


def _row(line: Mapping[str, str | None], there: Mapping[str, str], where: str) -> _Row:
    split, label = line["split"] or "", line["label"] or ""
    if split not in ("train", "test") or label not in ("normal", "anomaly"):
        raise DataError(f"{where}: split '{split}' and label '{label}'; write train or test, and normal or anomaly")

    def found(column: str) -> str | None:
        return there.get((line[column] or "").partition("/")[2].casefold())  # the first part names the category

    return _Row(split, label == "normal", found("image"), found("mask"))


def _items(tree: Tree, home: str, rows: Iterable[_Row]) -> list[Item]:
    """In the order of parts and names, which the table mixes; defective training pictures are left out."""
    kinds = _kinds(tree, home)
    present = sorted(
        ((row.split == "test", not row.good, row.picture, row) for row in rows if row.picture is not None),
        key=lambda found: found[:3],
    )
    items: list[Item] = []
    for test, bad, picture, row in present:
        kind = kinds.get(last(picture).casefold(), "anomaly") if bad else "good"
        masks = {picture: (row.mask,)} if row.mask is not None and bad else {}
        if test or not bad:
            items += items_of(tree, [picture], "test" if test else "train", kind, masks)
    return items


def _kinds(tree: Tree, home: str) -> dict[str, str]:
    """The kind of defect by the file's name, from image_anno.csv where it lies; several kinds stay one text."""
    table = tree.file(*_parts(home), "image_anno.csv")
    lines = _lines(tree.read_text(table), table) if table is not None else []
    return {
        last(image).casefold(): label
        for image, label in ((line.get("image") or "", line.get("label") or "") for line in lines)
        if label.casefold() not in ("", "good", "normal") and "/anomaly/" in image.casefold()
    }


def _notes(tree: Tree, home: str, rows: Sequence[_Row]) -> list[str]:
    table = "/".join(SPLIT)
    listed = {row.picture for row in rows}
    images = tree.folder(*_parts(home), "Data", "Images")
    unlisted = [name for name in tree.pictures(images) if name not in listed] if images is not None else []
    missing = [row for row in rows if row.picture is None]
    defective = [row for row in rows if row.picture is not None and row.split == "train" and not row.good]
    counted = (
        (missing, f"listed in {table}, but not there."),
        (unlisted, f"left out, not listed in {table}."),
        (defective, "left out of train as defective."),
    )
    return [f"{pictures_are(len(found))} {what}" for found, what in counted if found]
