"""Real-IAD: a list in JSON says what each picture is; a sample is photographed from several sides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Split
from restora.images.files import printable
from restora.images.layouts.mvtec_form import counted
from restora.images.layouts.parts import name_one
from restora.images.tree import Tree, last, suffix_of

NAME = "real-iad"
SKETCH = """\
realiad_jsons/CATEGORY.json                                  lists of train and test
realiad_1024/CATEGORY/OK/S0001/CATEGORY_0001_OK_C1_*.jpg     (or realiad_256, realiad_512, realiad_raw)
realiad_1024/CATEGORY/NG/KIND/S0001/CATEGORY_0001_NG_KIND_C1_*.jpg, and its mask, *.png
name realiad_1024/CATEGORY, or a folder above that holds no other category"""
NOTE = "Real-IAD is CC BY-NC-SA 4.0 and handed out on request: no commercial use."
SOURCE = (
    "Real-IAD. Wang, Zhu, Gao, Gan, Zhang, Gu, Qian, Chen, Ma, Real-IAD: A Real-World Multi-View Dataset for "
    "Benchmarking Versatile Industrial Anomaly Detection, CVPR 2024. Published by the authors."
)

_LISTS = "realiad_jsons"
_SIZE = re.compile(r"realiad_(\d+|raw)", re.IGNORECASE)
_SAMPLE = re.compile(r"S\d{4}")


@dataclass(frozen=True)
class _Category:
    """folder : below the root of the tree, what the list's paths count from; content : of the list at `where`."""

    folder: str
    where: str
    content: dict[str, Any]

    @property
    def normal(self) -> str:
        """What the list calls good pictures."""
        meta = self.content.get("meta")
        return str(meta.get("normal_class", "OK")) if isinstance(meta, dict) else "OK"


def looks_like(tree: Tree) -> float:
    """1 for a category (samples in OK or NG) and for the folders above with the set's own names, 0 otherwise."""
    return float(_is_category(tree, "") or bool(_sizes(tree)) or tree.folder(_LISTS) is not None)


def read(tree: Tree) -> Dataset:
    """The pictures as the list has them: the part, the kind, the mask; a sample is a group. Raises DataError."""
    folder = "" if _is_category(tree, "") else _only_category(tree)
    category, known = _list(tree, folder), set(tree.names)
    parts: tuple[Split, ...] = ("train", "test")
    items = tuple(_item(tree, category, known, part, entry) for part in parts for entry in _entries(category, part))
    there = {tree.locator(name) for name in tree.pictures(folder)}
    if not any(item.source in there for item in items):
        raise DataError(f"No picture listed in {category.where} lies in {tree.root}; check both paths")
    name = last(folder) or tree.name
    return Dataset(name, str(tree.root), NAME, items, (), tuple(_notes(items, there)))


def _only_category(tree: Tree) -> str:
    """The one category below folders of the set's own names."""
    found = [folder for size in _sizes(tree) for folder in tree.folders(size) if _is_category(tree, folder)]
    if not found:
        raise DataError(f"{tree.root} holds no category of Real-IAD, such as realiad_1024/toy with OK and NG in it")
    if len(found) > 1:
        raise name_one(tree, found, "categories")
    return found[0]


def _sizes(tree: Tree) -> list[str]:
    """The folders of all categories in one size; the root itself where it is one."""
    if _SIZE.fullmatch(tree.name):
        return [""]
    return [folder for folder in tree.folders() if _SIZE.fullmatch(last(folder))]


def _is_category(tree: Tree, folder: str) -> bool:
    above = folder.split("/") if folder else []
    good, bad = tree.folder(*above, "OK"), tree.folder(*above, "NG")
    holders = [*([good] if good else []), *(tree.folders(bad) if bad else [])]
    return any(_SAMPLE.fullmatch(last(sample)) for holder in holders for sample in tree.folders(holder))


def _list(tree: Tree, folder: str) -> _Category:
    """The category's list, in the tree or beside it: beside the folder that holds all categories in one size."""
    file = f"{last(folder) or tree.name}.json"
    for path in ((_LISTS, file), (_LISTS, _LISTS, file)):
        inside = tree.file(*path)
        text = tree.read_text(inside) if inside is not None else _beside(tree, folder, path)
        if text is not None:
            where = tree.locator(inside) if inside is not None else "/".join(path)
            return _Category(folder, where, _content(text, where))
    raise DataError(f"{_LISTS}/{file}, which says what each picture is, is not beside realiad_256 (or 512, 1024)")


def _beside(tree: Tree, folder: str, path: tuple[str, ...]) -> str | None:
    if not folder:  # the tree is a category, two folders below the one that holds the lists
        return tree.beside("..", *path)
    return tree.beside(*path) if "/" not in folder else None


def _content(text: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        raise _malformed(where) from None
    if not isinstance(content, dict):
        raise _malformed(where)
    return content


def _malformed(where: str) -> DataError:
    return DataError(
        f"{where} is no list of Real-IAD: it must be JSON with train and test, whose entries hold image_path and "
        "anomaly_class"
    )


def _entries(category: _Category, part: Split) -> list[dict[str, Any]]:
    entries = category.content.get(part, [])
    for entry in entries if isinstance(entries, list) else [None]:
        keys = ("image_path", "anomaly_class")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
            raise _malformed(category.where)
    return list(entries)


def _item(tree: Tree, category: _Category, known: set[str], split: Split, entry: dict[str, Any]) -> Item:
    name, mask = _located(category, known, entry["image_path"]), entry.get("mask_path")
    if entry["anomaly_class"] == category.normal:
        return Item(printable(name), tree.locator(name), split, 0, "good", (), _sample(name))
    masks = (tree.locator(_located(category, known, str(mask))),) if mask else ()
    return Item(printable(name), tree.locator(name), split, 1, printable(entry["anomaly_class"]), masks, _sample(name))


def _located(category: _Category, known: set[str], path: str) -> str:
    """The name in the tree of a path in a list; some lists put the category before it."""
    parts = path.replace("\\", "/").split("/")
    if not all(parts) or ".." in parts or ":" in parts[0]:
        raise DataError(f"{category.where} names the file '{printable(path)}', which leads out of its category")
    names = ["/".join(filter(None, [category.folder, *rest])) for rest in (parts, parts[1:])]
    return names[1] if names[0] not in known and names[1] in known else names[0]


def _sample(name: str) -> str:
    return printable(name.rpartition("/")[0])


def _notes(items: tuple[Item, ...], there: set[str]) -> Iterable[str]:
    """What is otherwise than one would think; `there` are the locators of all pictures and masks."""
    hidden = sum(item.label == 0 and "/NG/" in f"/{item.name.upper()}" for item in items)
    if hidden:
        yield f"Good by the list: {counted(hidden)} of defective samples, whose defect does not show from that side."
    mixed = sum(item.label == 1 and item.split == "train" for item in items)
    if mixed:
        yield f"Left out of training: {counted(mixed, 'defective picture')} of the training list."
    missing = sum(item.source not in there for item in items)
    if missing:
        yield f"Not in the folder: {counted(missing, 'listed picture')}; each will be a row with an error."
    named = {source for item in items for source in (item.source, *item.masks)}
    left = sum(source not in named and suffix_of(source) in (".jpg", ".jpeg") for source in there)
    if left:
        yield f"Left: {counted(left)} that the list does not name."
