"""A data set from folders that somebody names one by one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import NoReturn

from restora.errors import DataError
from restora.images.archives import split_locator
from restora.images.dataset import Dataset, Item, Split, pair_masks
from restora.images.files import printable
from restora.images.tree import Tree

NAME = "folders"
SKETCH = """\
ROOT --normal ok --abnormal broken --normal-test later --masks marks
ROOT/ok/*.png              good pictures, to train on
ROOT/broken/*.png          defective ones, to test with; a folder in it is a kind, such as broken/dent/7.png
ROOT/later/*.png           good ones, to test with
ROOT/marks/dent/7.png      masks: their pictures' names (or 7_mask.png), with the same folders above"""
NOTE = "Your own pictures, your own terms."
SOURCE = "No published data set: the form of whoever has folders with names of their own, and names them one by one."

Place = str | os.PathLike[str]


@dataclass(frozen=True)
class Folders:
    """Folders that are named one by one; it stands wherever the path of a data set may.

    root        : the folders count from here; one that lies elsewhere may be named in full. It may be in an archive.
    normal      : good pictures, to train on
    abnormal    : defective ones, to test with; a folder in it is a kind, the others are of the kind that it is named
    normal_test : good ones, to test with
    masks       : files that bear the names of pictures in `abnormal`, with the same folders above

    Pictures of each folder count at any depth.
    """

    root: Place
    normal: Place | None = None
    abnormal: Place | None = None
    normal_test: Place | None = None
    masks: Place | None = None

    def __str__(self) -> str:
        return os.fspath(self.root)

    def read(self) -> Dataset:
        """The data set that these folders make.

        Raises DataError: no folder is named, one is not there or holds no pictures, one lies inside another, masks
        without `abnormal`, two pictures that would bear one name.
        """
        if self.masks is not None and self.abnormal is None:
            raise DataError(f"The masks in {self.masks} need defective pictures that they mark; name their folder too")
        given = {
            "normal": self.normal, "abnormal": self.abnormal, "normal-test": self.normal_test, "masks": self.masks
        }  # fmt: skip
        root = _root(Path(self.root))
        parts = {role: _part(root, role, path) for role, path in given.items() if path is not None}
        if not parts:
            raise DataError(f"No folder of {self.root} is named; name some of {', '.join(given)}")
        _refuse_overlaps(parts)
        return _data_set(root, parts)


def looks_like(tree: Tree) -> float:
    """0: folders with names of their own look like nothing."""
    return 0.0


def read(tree: Tree) -> NoReturn:
    """Nothing can be read of names that nobody told. Raises DataError."""
    raise DataError(
        f"Nobody named the folders of {tree.root}; name them with --normal, --abnormal, --normal-test and --masks"
    )


@dataclass(frozen=True)
class _Part:
    """tree : of a folder that was named; prefix : stands before the names of its pictures."""

    tree: Tree
    prefix: str
    pictures: tuple[str, ...]


def _root(path: Path) -> Tree:
    """Where folders count from. On the disk it is not looked through: it may hold far more than them."""
    return Tree(path, ()) if split_locator(path) is None else Tree.of(path)


def _part(root: Tree, role: str, path: Place) -> _Part:
    folder = Path(root.locator(Path(path).as_posix()))
    if split_locator(folder) is None and not os.path.lexists(folder):
        raise DataError(f"There is no folder {folder}, named for {role}; folders count from {root.root}")
    tree = Tree.of(folder)
    pictures = tuple(tree.pictures())
    if not pictures:
        raise DataError(f"The folder {folder} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    place, above = _place(tree), _place(root)
    # a folder elsewhere bears what it is for: its own path would lead out of wherever maps are written to
    prefix = place.relative_to(above).as_posix() if place.is_relative_to(above) else role
    return _Part(tree, "" if prefix == "." else prefix + "/", pictures)


def _place(tree: Tree) -> Path:
    """A path that tells whether one folder lies in another; that of an archive stands for a folder."""
    place = split_locator(tree.root)
    return tree.root.resolve() if place is None else place[0].resolve() / place[1]


def _refuse_overlaps(parts: dict[str, _Part]) -> None:
    places = {role: _place(part.tree) for role, part in parts.items()}
    for (role, place), (other, above) in permutations(places.items(), 2):
        if place == above:
            raise DataError(f"The folder {place} is named for {role} and for {other}; name folders apart")
        if place.is_relative_to(above):
            raise DataError(f"{place}, named for {role}, lies in {above}, named for {other}; name folders apart")


def _data_set(root: Tree, parts: dict[str, _Part]) -> Dataset:
    items = _good(parts.get("normal"), "train") + _good(parts.get("normal-test"), "test")
    stray: tuple[str, ...] = ()
    if "abnormal" in parts:
        defective, stray = _defective(parts["abnormal"], parts.get("masks"))
        items += defective
    _refuse_equal_names(items)
    notes = _notes("abnormal" in parts, "normal-test" in parts)
    return Dataset(root.name, str(root.root), NAME, items, stray, notes)


def _refuse_equal_names(items: tuple[Item, ...]) -> None:
    sources: dict[str, str] = {}
    for item in items:
        if sources.setdefault(item.name, item.source) != item.source:
            raise DataError(
                f"{sources[item.name]} and {item.source} would both be called {item.name}; name a root above both"
            )


def _good(part: _Part | None, split: Split) -> tuple[Item, ...]:
    if part is None:
        return ()
    return tuple(
        Item(printable(part.prefix + name), part.tree.locator(name), split, 0, "good") for name in part.pictures
    )


def _defective(part: _Part, masks: _Part | None) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    marks = masks.pictures if masks is not None else ()
    pairing = pair_masks(part.pictures, marks)
    locate = masks.tree.locator if masks is not None else str
    items = tuple(
        Item(
            printable(part.prefix + name),
            part.tree.locator(name),
            "test",
            1,
            printable(name.partition("/")[0] if "/" in name else part.tree.name),
            tuple(map(locate, found)),
        )
        for name, found in zip(part.pictures, pairing.masks, strict=True)
    )
    return items, tuple(map(locate, pairing.stray))


def _notes(defective: bool, good: bool) -> tuple[str, ...]:
    if defective and not good:
        return ("There are no good pictures to test with, so no figure can say how good and defective are told apart.",)
    return ()
