"""A data set from folders that somebody names one by one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Split, pair_masks
from restora.images.files import printable
from restora.images.tree import Tree

NAME = "folders"


def from_folders(
    root: str | Path,
    normal: str | Path,
    abnormal: str | Path | None = None,
    normal_test: str | Path | None = None,
    masks: str | Path | None = None,
) -> Dataset:
    """Good pictures to train on, and what there is to test with; pictures of each folder at any depth.

    root        : the folders count from here; one that lies elsewhere may be named in full
    normal      : good pictures, to train on
    abnormal    : defective ones, to test with; a folder in it is a kind, the others are of the kind that it is named
    normal_test : good ones, to test with
    masks       : files that bear the names of pictures in `abnormal`, with the same folders above

    Raises DataError: a folder that is not there or holds no pictures, one inside another, masks without `abnormal`.
    """
    if masks is not None and abnormal is None:
        raise DataError(f"The masks in {masks} need defective pictures that they mark; name their folder too")
    root = Path(root)
    given = {"normal": normal, "abnormal": abnormal, "normal-test": normal_test, "masks": masks}
    parts = {role: _part(root, role, path) for role, path in given.items() if path is not None}
    _refuse_overlaps(parts)
    items = _good(parts["normal"], "train")
    if "normal-test" in parts:
        items += _good(parts["normal-test"], "test")
    stray: tuple[str, ...] = ()
    if "abnormal" in parts:
        defective, stray = _defective(parts["abnormal"], parts.get("masks"))
        items += defective
    _refuse_equal_names(items)
    notes = _notes("abnormal" in parts, "normal-test" in parts)
    return Dataset(root.resolve().name, str(root), NAME, items, stray, notes)


@dataclass(frozen=True)
class _Part:
    """tree : of a folder that was named; prefix : stands before the names of its pictures."""

    tree: Tree
    prefix: str
    pictures: tuple[str, ...]


def _part(root: Path, role: str, path: str | Path) -> _Part:
    folder = root / path
    tree = Tree.of(folder)
    pictures = tuple(tree.pictures())
    if not pictures:
        raise DataError(f"The folder {folder} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    inside = folder.resolve().is_relative_to(root.resolve())
    # a folder elsewhere bears what it is for: its own path would lead out of wherever maps are written to
    prefix = folder.resolve().relative_to(root.resolve()).as_posix() if inside else role
    return _Part(tree, "" if prefix == "." else prefix + "/", pictures)


def _refuse_overlaps(parts: dict[str, _Part]) -> None:
    places = {role: part.tree.root.resolve() for role, part in parts.items()}
    for (role, place), (other, above) in permutations(places.items(), 2):
        if place == above:
            raise DataError(f"The folder {place} is named for {role} and for {other}; name folders apart")
        if place.is_relative_to(above):
            raise DataError(f"{place}, named for {role}, lies in {above}, named for {other}; name folders apart")


def _refuse_equal_names(items: tuple[Item, ...]) -> None:
    sources: dict[str, str] = {}
    for item in items:
        if sources.setdefault(item.name, item.source) != item.source:
            raise DataError(
                f"{sources[item.name]} and {item.source} would both be called {item.name}; name a root above both"
            )


def _good(part: _Part, split: Split) -> tuple[Item, ...]:
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
