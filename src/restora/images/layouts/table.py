"""A CSV table that says what each picture is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Label
from restora.images.files import open_file
from restora.images.tree import Tree, stem, suffix_of

NAME = "table"
SKETCH = """\
pictures.csv with a first line that names its columns:
path,label,split,kind,mask,group
a/1.png,good,train,,,part-1
a/2.png,defect,test,scratch,masks/2.png,part-2
path and label are needed; paths count from the table's folder; several masks are separated by |"""
NOTE = "Your own pictures, your own terms."
SOURCE = "No published data set: the form of whoever knows of each picture what it is."
SUFFIX = ".csv"

_COLUMNS = ("path", "label", "split", "kind", "mask", "group")
_GOOD = frozenset({"0", "good", "ok", "normal", "false"})
_BAD = frozenset({"1", "bad", "defect", "defective", "ng", "nok", "anomaly", "anomalous", "abnormal", "true"})


def looks_like(tree: Tree) -> float:
    """1 for a CSV table and nothing else, 0 for anything else: a table among pictures may be any list."""
    return 1.0 if len(tree.names) == 1 and suffix_of(tree.names[0]) == SUFFIX and "/" not in tree.names[0] else 0.0


def read(tree: Tree) -> Dataset:
    """The rows of the table, in its order; paths count from its folder. Raises DataError naming the line."""
    name = _table_of(tree)
    path = Path(tree.locator(name))
    lines = read_rows(path)
    columns = set(lines[0][1]) if lines else set()
    unknown = sorted(columns - set(_COLUMNS))
    missing = [name for name in ("path", "label") if name not in columns]
    if missing or unknown:
        wrong = f"lacks the column {missing[0]}" if missing else f"has an unknown column '{unknown[0]}'"
        raise DataError(f"{path} {wrong}; its first line must name path, label and may name {', '.join(_COLUMNS[2:])}")
    items = tuple(_item(tree, path, line, row) for line, row in lines)
    return Dataset(stem(name), str(tree.root), NAME, items)


def _table_of(tree: Tree) -> str:
    if len(tree.names) == 1:  # the file that was named, whatever its ending
        return tree.names[0]
    tables = [name for name in tree.files() if suffix_of(name) == SUFFIX]
    if len(tables) != 1:
        found = ", ".join(tables[:3]) or "none"
        raise DataError(f"{tree.root} should hold one CSV table beside its folders, found was {found}; name the table")
    return tables[0]


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of each row of a CSV table (``,`` ``;`` or tab), column names in small letters.

    Raises DataError: not readable, not text in UTF-8, no rows, a row with more cells than columns.
    """
    try:
        with io.TextIOWrapper(open_file(path), "utf-8-sig") as stream:
            text = stream.read()
    except OSError as error:
        raise DataError(f"The table {path} cannot be read ({error.strerror or error}); check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"The table {path} is not text in UTF-8; save it as CSV in UTF-8") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    try:
        reader.fieldnames = [name.strip().casefold() for name in reader.fieldnames or ()]
        rows = list(_clean(path, reader))
    except csv.Error as error:
        line = reader.line_num + 1
        raise DataError(f"The table {path} cannot be read near line {line} ({error}); check its quotes") from None
    if not rows:
        raise DataError(f"The table {path} holds no rows; its first line names the columns, the others a picture each")
    return rows


def _clean(path: Path, reader: csv.DictReader[str]) -> Iterable[tuple[int, dict[str, str]]]:
    for row in reader:
        if None in row:
            raise DataError(f"{path}, line {reader.line_num}: more cells than columns; quote cells that hold a comma")
        cells = {name: (value or "").strip() for name, value in row.items()}
        if any(cells.values()):
            yield reader.line_num, cells


def _item(tree: Tree, path: Path, line: int, row: dict[str, str]) -> Item:
    if not row["path"]:
        raise DataError(f"{path}, line {line}: the path is empty; name the picture's file")
    label = _label(path, line, row["label"])
    kind = row.get("kind", "") or {0: "good", 1: "defect", None: "unknown"}[label]
    masks = tuple(tree.locator(mask.strip()) for mask in row.get("mask", "").split("|") if mask.strip())
    return Item(
        name=row["path"].replace("\\", "/"),
        source=tree.locator(row["path"].replace("\\", "/")),
        split=_split(path, line, row.get("split", ""), label),
        label=label,
        kind="good" if label == 0 else kind,
        masks=masks,
        group=row.get("group", "") or None,
    )


def _label(path: Path, line: int, text: str) -> Label:
    word = text.casefold()
    if word in _GOOD:
        return 0
    if word in _BAD:
        return 1
    if not word:
        return None
    raise DataError(f"{path}, line {line}: the label '{text}' is not understood; write good, defect or nothing")


def _split(path: Path, line: int, text: str, label: Label) -> Literal["train", "test"]:
    """Where nothing is said, good pictures are there to train on and everything else to test with."""
    word = text.casefold()
    if word == "train" or (not word and label == 0):
        return "train"
    if word == "test" or not word:
        return "test"
    raise DataError(f"{path}, line {line}: the split '{text}' is not understood; write train or test")
