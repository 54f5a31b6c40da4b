"""A table, CSV or Parquet, that says what each picture is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Label
from restora.images.layouts.rows import Cells, is_table, read_rows
from restora.images.tree import Tree, stem

NAME = "table"
SKETCH = """\
pictures.csv with a first line that names its columns:
path,label,split,kind,mask,group
a/1.png,good,train,,,part-1
a/2.png,defect,test,scratch,masks/2.png,part-2
path and label are needed; paths count from the table's folder; several masks are separated by |
pictures.parquet with the same columns (extra: tables)"""
NOTE = "Your own pictures, your own terms."
SOURCE = "No published data set: the form of whoever knows of each picture what it is."

_COLUMNS = ("path", "label", "split", "kind", "mask", "group")
_GOOD = frozenset({"0", "good", "ok", "normal", "false"})
_BAD = frozenset({"1", "bad", "defect", "defective", "ng", "nok", "anomaly", "anomalous", "abnormal", "true"})


def looks_like(tree: Tree) -> float:
    """1 for a table and nothing else, 0 for anything else: a table among pictures may be any list."""
    return 1.0 if len(tree.names) == 1 and is_table(tree.names[0]) and "/" not in tree.names[0] else 0.0


def read(tree: Tree) -> Dataset:
    """The rows of the table, in its order; paths count from its folder.

    Raises DataError naming the line or row, MissingError for a Parquet table without pyarrow.
    """
    name = _table_of(tree)
    path = Path(tree.locator(name))
    rows = read_rows(path)
    columns = set(rows[0][1])
    unknown = sorted(columns - set(_COLUMNS))
    missing = [name for name in ("path", "label") if name not in columns]
    if missing or unknown:
        wrong = f"lacks the column {missing[0]}" if missing else f"has an unknown column '{unknown[0]}'"
        raise DataError(f"{path} {wrong}; it must have the columns path, label and may have {', '.join(_COLUMNS[2:])}")
    items = tuple(_item(tree, f"{path}, {place}", row) for place, row in rows)
    return Dataset(stem(name), str(tree.root), NAME, items)


def _table_of(tree: Tree) -> str:
    if len(tree.names) == 1:  # the file that was named, whatever its ending
        return tree.names[0]
    tables = [name for name in tree.files() if is_table(name)]
    if len(tables) != 1:
        found = ", ".join(tables[:3]) or "none"
        raise DataError(
            f"{tree.root} should hold one CSV or Parquet table beside its folders, found was {found}; name the table"
        )
    return tables[0]


def _item(tree: Tree, where: str, row: Cells) -> Item:
    if not row["path"]:
        raise DataError(f"{where}: the path is empty; name the picture's file")
    label = _label(where, row["label"])
    kind = row.get("kind", "") or {0: "good", 1: "defect", None: "unknown"}[label]
    masks = tuple(tree.locator(mask.strip()) for mask in row.get("mask", "").split("|") if mask.strip())
    return Item(
        name=row["path"].replace("\\", "/"),
        source=tree.locator(row["path"].replace("\\", "/")),
        split=_split(where, row.get("split", ""), label),
        label=label,
        kind="good" if label == 0 else kind,
        masks=masks,
        group=row.get("group", "") or None,
    )


def _label(where: str, text: str) -> Label:
    word = text.casefold()
    if word in _GOOD:
        return 0
    if word in _BAD:
        return 1
    if not word:
        return None
    raise DataError(f"{where}: the label '{text}' is not understood; write good, defect or nothing")


def _split(where: str, text: str, label: Label) -> Literal["train", "test"]:
    """Where nothing is said, good pictures are there to train on and everything else to test with."""
    word = text.casefold()
    if word == "train" or (not word and label == 0):
        return "train"
    if word == "test" or not word:
        return "test"
    raise DataError(f"{where}: the split '{text}' is not understood; write train or test")
