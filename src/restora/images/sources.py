"""What somebody names to be looked at, one by one: files, folders, globs, tables, arrays, a list on standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.errors import DataError
from restora.images.archives import is_member, split_locator
from restora.images.files import SUFFIXES, is_picture, name_below, picture_files, printable
from restora.images.layouts.rows import is_table, read_rows
from restora.images.read import PictureSource
from restora.images.tree import Tree, last


@dataclass(frozen=True, eq=False)
class Source:
    """One picture to come.

    name    : its path below what was named, ``/`` between folders; ``array-000003`` for the fourth of what has no path
    locator : what `read_picture` takes
    """

    name: str
    locator: PictureSource


Named = PictureSource | Source

_STDIN = "-"


def expand_sources(sources: Named | Iterable[Named]) -> Iterator[Source]:
    """Every picture that was named, in the order named; inside a folder, a glob or a 4-dimensional array in its own.

    sources : one of these, or any number of them
        a picture file; a folder, read with the folders below it; an archive, or ``archive!member``; a pattern such as
        ``line/*.png``; a CSV or Parquet table with a column ``path``; ``-``, paths on standard input, a line each;
        bytes, a Pillow image, an array [H, W(, C)] or a stack of them [N, H, W, C]; a Source

    A list or tuple is checked before the first picture comes out. A generator is drawn from as pictures are taken, so
    it may be endless. Raises DataError where a folder, pattern or table gives no picture, and where nothing that was
    named exists; a single missing picture file among others is left to be a row with an error.
    """
    if isinstance(sources, (str, os.PathLike, bytes, np.ndarray, Image.Image, Source)):
        sources = [sources]
    if not isinstance(sources, (list, tuple)):
        return chain.from_iterable(_expand(source, index) for index, source in enumerate(sources))
    if not sources:
        raise DataError("No picture was named; name files, folders, patterns or tables")
    _refuse_if_all_missing(sources)
    return chain.from_iterable([_expand(source, index) for index, source in enumerate(sources)])


def _refuse_if_all_missing(sources: list[Named] | tuple[Named, ...]) -> None:
    paths = [Path(source) for source in sources if isinstance(source, (str, os.PathLike)) and source != _STDIN]
    if len(paths) < len(sources) or any(_exists(path) or glob.has_magic(str(path)) for path in paths):
        return
    others = f" (nor any of the {len(paths) - 1} others named)" if len(paths) > 1 else ""
    raise DataError(f"There is no {paths[0]}{others}; check the path")


def _expand(source: Named, index: int) -> Iterable[Source]:
    if isinstance(source, Source):
        return [source]
    if isinstance(source, np.ndarray):
        return _arrays(source, index)
    if isinstance(source, (bytes, Image.Image)):
        return [Source(f"{'bytes' if isinstance(source, bytes) else 'image'}-{index:06d}", source)]
    if not isinstance(source, (str, os.PathLike)):
        raise DataError(f"A {type(source).__name__} is no picture; give paths, arrays, bytes or Pillow images")
    if source == _STDIN:
        return _paths_of_stdin()
    return _expand_path(Path(source))


def _expand_path(path: Path) -> Iterable[Source]:
    if path.is_dir():
        return _folder(path)
    if is_table(path):
        return _table(path)
    place = split_locator(path)
    if place is not None:
        return [Source(printable(last(place[1])), str(path))] if is_member(path) else _archive(path)
    if not path.exists() and glob.has_magic(str(path)):
        return _matches(str(path))
    if not path.exists() and path.suffix.casefold() not in SUFFIXES:
        raise DataError(f"There is no {path}; check the path")
    return [Source(printable(path.name), str(path))]


def _arrays(array: NDArray[Any], index: int) -> list[Source]:
    if array.ndim != 4:
        return [Source(f"array-{index:06d}", array)]
    return [Source(f"array-{index:06d}/{place:06d}", picture) for place, picture in enumerate(array)]


def _folder(folder: Path) -> list[Source]:
    pictures = picture_files(folder)
    if not pictures:
        raise DataError(f"The folder {folder} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    return [Source(name_below(picture, folder), str(picture)) for picture in pictures]


def _archive(path: Path) -> list[Source]:
    tree = Tree.of(path)
    pictures = tree.pictures()
    if not pictures:
        raise DataError(f"{path} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    return [Source(printable(name), tree.locator(name)) for name in pictures]


def _exists(path: Path) -> bool:
    """Whether there is a file or folder, an archive's members among them."""
    return path.exists() or split_locator(path) is not None


def _matches(pattern: str) -> list[Source]:
    root = Path(pattern)
    while glob.has_magic(str(root)):
        root = root.parent
    found: dict[str, Path] = {}
    for match in map(Path, glob.glob(pattern, recursive=True)):
        for picture in picture_files(match) if match.is_dir() else [match] if is_picture(match) else []:
            found[name_below(picture, root)] = picture
    if not found:
        raise DataError(f"No picture matches {pattern}; check the pattern")
    return [Source(name, str(found[name])) for name in sorted(found)]


def _table(path: Path) -> list[Source]:
    rows = read_rows(path)
    if "path" not in rows[0][1]:
        raise DataError(f"The table {path} has no column 'path'; it must have one")
    named = [(place, row["path"].replace("\\", "/")) for place, row in rows]
    empty = next((place for place, name in named if not name), None)
    if empty is not None:
        raise DataError(f"{path}, {empty}: the path is empty; name the picture's file")
    tree = Tree.alone(path)
    return [Source(name, tree.locator(name)) for _, name in named]


def _paths_of_stdin() -> Iterator[Source]:
    count = 0
    stream: Iterable[bytes | str] = getattr(sys.stdin, "buffer", sys.stdin)  # a path need not be text
    for line in stream:
        text = os.fsdecode(line).rstrip("\r\n")
        if text:
            count += 1
            yield Source(printable(text.replace(os.sep, "/")), text)
    if not count:
        raise DataError("Standard input named no picture; write a path on each line")
