"""What lies in a folder or an archive, read once: the names that layouts know a data set by; no picture is opened."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from restora.errors import DataError
from restora.images.archives import ENDINGS, is_member, list_members, split_locator
from restora.images.files import SUFFIXES, open_file, printable, walk_names

# Tables and lists that say what lies where; a picture is never read through a tree.
LARGEST_TEXT = 256 * 2**20

# An archive of nothing but such a folder is that of a data set, whose other part is elsewhere.
_PARTS = frozenset({"train", "test"})


@dataclass(frozen=True)
class Tree:
    """The files below one folder, on the disk or in an archive.

    root  : the folder, ``archive!folder`` of an archive, or the archive itself
    names : of all files below it, ``/`` between folders, sorted; hidden ones are not among them
    empty : folders that hold no file at any depth, sorted; nothing else here knows of them

    Methods take a folder as its name below the root, ``""`` for the root itself; names that they give are below the
    root too. Capitals do not matter where a folder or file is looked for by name, an exact match comes first.
    """

    root: Path
    names: tuple[str, ...] = field(repr=False)
    empty: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, root: Path) -> Tree:
        """Look through a folder, an archive or a folder of one. Raises DataError for what cannot be read.

        Where an archive holds one folder and nothing else, that folder is the root.
        """
        place = split_locator(root)
        if place is not None:
            return _in_archive(*place)
        return cls(root, *_sorted(walk_names(root)))

    @classmethod
    def alone(cls, file: Path) -> Tree:
        """The tree of a single file, whatever lies beside it."""
        place = split_locator(file)
        if place is None or not place[1]:
            return cls(file.parent, (file.name,))
        folder, _, name = place[1].rpartition("/")
        return cls(_locate(place[0], folder), (name,))

    def inside(self, folder: str) -> Tree:
        """The tree of one of its folders."""
        skip = len(folder) + 1
        empty = tuple(name[skip:] for name in self.empty if name.startswith(folder + "/"))
        return Tree(Path(self.locator(folder)), tuple(name[skip:] for name in self.files(folder, deep=True)), empty)

    @property
    def name(self) -> str:
        """What the data set is called where nothing else names it."""
        if self._place is None:
            return self.root.resolve().name
        archive, folder = self._place
        ending = next(ending for ending in ENDINGS if archive.name.casefold().endswith(ending))
        return printable(last(folder) or archive.name[: -len(ending)])

    @cached_property
    def _children(self) -> dict[str, tuple[list[str], list[str]]]:
        """Folders and files directly in every folder, by its name."""
        found: dict[str, tuple[list[str], list[str]]] = {"": ([], [])}

        def inside(folder: str) -> tuple[list[str], list[str]]:
            if folder not in found:
                found[folder] = ([], [])
                inside(folder.rpartition("/")[0])[0].append(folder)
            return found[folder]

        for name in self.names:
            inside(name.rpartition("/")[0])[1].append(name)
        return found

    def folders(self, below: str = "") -> list[str]:
        """Folders directly in a folder that hold a file at some depth, sorted."""
        return sorted(self._children.get(below, ([], []))[0])

    def files(self, below: str = "", *, deep: bool = False) -> list[str]:
        """Files directly in a folder, with `deep` at any depth, sorted."""
        if not deep:
            return list(self._children.get(below, ([], []))[1])
        if not below:
            return list(self.names)
        inner = [name for folder in self.folders(below) for name in self.files(folder, deep=True)]
        return sorted([*self.files(below), *inner])

    def pictures(self, below: str = "", *, deep: bool = True) -> list[str]:
        """Pictures at any depth of a folder, sorted."""
        return [name for name in self.files(below, deep=deep) if suffix_of(name) in SUFFIXES]

    def folder(self, *path: str) -> str | None:
        """The folder of that path, a part an argument, or None: ``tree.folder("train", "good")``."""
        here = ""
        for part in path:
            found = _alike(self.folders(here), part)
            if found is None:
                return None
            here = found
        return here

    def file(self, *path: str) -> str | None:
        """The file of that path, a part an argument, or None."""
        *above, last = path
        below = self.folder(*above) if above else ""
        return None if below is None else _alike(self.files(below), last)

    def was_emptied(self, *path: str) -> bool:
        """Whether there is a folder of that path that holds no file, capitals aside."""
        wanted = "/".join(path).casefold()
        return any(name.casefold() == wanted for name in self.empty)

    def locator(self, name: str) -> str:
        """Where a file lies, as `read_picture` takes it."""
        if self._place is None:
            return str(self.root / name)
        archive, folder = self._place
        return name if name.startswith("/") else f"{archive}!{posixpath.normpath(posixpath.join(folder, name))}"

    @cached_property
    def _place(self) -> tuple[Path, str] | None:
        """The archive and the folder in it, None on the disk."""
        return split_locator(self.root)

    def beside(self, *path: str) -> str | None:
        """Text of a file that lies beside the root, where a set keeps lists of several categories; None without one."""
        if self._place is None:
            file = self.root.resolve().parent.joinpath(*path)
            return _read_text(file) if file.is_file() else None
        archive, folder = self._place
        beside = f"{archive}!{posixpath.join(posixpath.dirname(folder), *path)}"
        return _read_text(Path(beside)) if folder and is_member(beside) else None

    def read_text(self, name: str) -> str:
        """A small text file in UTF-8, a mark at its beginning left out. Raises DataError."""
        return _read_text(Path(self.locator(name)))


def _in_archive(archive: Path, folder: str) -> Tree:
    """The tree of a folder of an archive; of the archive, that of its only folder where it holds nothing else."""
    names, listed = list_members(archive, folder)
    if not folder and names:
        tops = {name.partition("/")[0] for name in [*names, *listed]}
        top = tops.pop()
        if not tops and top not in names and top.casefold() not in _PARTS:
            return _in_archive(archive, top)
    holding = _folders_above(names)
    empty = _folders_above([f"{name}/" for name in listed]) - holding
    return Tree(_locate(archive, folder), tuple(sorted(names)), tuple(sorted(empty)))


def _locate(archive: Path, folder: str) -> Path:
    return Path(f"{archive}!{folder}") if folder else archive


def _folders_above(names: Iterable[str]) -> set[str]:
    """All folders that these names lie in."""
    found: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _sorted(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files and folders without one, sorted, of names that end with ``/`` where they are such a folder."""
    files: list[str] = []
    empty: list[str] = []
    for name in names:
        (empty if name.endswith("/") else files).append(name.removesuffix("/"))
    return tuple(sorted(files)), tuple(sorted(empty))


def _read_text(file: Path) -> str:
    where = str(file)
    try:
        with open_file(file) as stream:
            data = stream.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise DataError(f"{where} cannot be read ({error.strerror or error}); check the path") from None
    if len(data) > LARGEST_TEXT:
        raise DataError(f"{where} is larger than {LARGEST_TEXT >> 20} MB, too large for a list of pictures")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where} is not text in UTF-8; save it in UTF-8") from None


def below(name: str, folder: str) -> str:
    """A name as it is below one of its folders, printable."""
    return printable(name[len(folder) + 1 :] if folder else name)


def last(name: str) -> str:
    """The last part of a name."""
    return name.rpartition("/")[2]


def stem(name: str) -> str:
    """The last part of a name without its ending."""
    file = last(name)
    return file.rpartition(".")[0] or file


def suffix_of(name: str) -> str:
    """The ending in small letters, with its dot; empty for a name without one."""
    file = last(name)
    return file[file.rfind(".") :].casefold() if "." in file[1:] else ""


def _alike(names: list[str], wanted: str) -> str | None:
    """The name whose last part is `wanted`, capitals aside; an exact match first."""
    found = [name for name in names if last(name).casefold() == wanted.casefold()]
    return min(found, key=lambda name: (last(name) != wanted, name), default=None)
