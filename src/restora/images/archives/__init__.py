"""Archives of pictures: ``.zip`` and ``.tar`` are read where they lie, ``.tar.gz`` and ``.tar.xz`` are unpacked once.

A locator is ``archive!member``; a file or folder that really bears such a name goes first. Nothing of an archive is
ever written under a name that the archive chose.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from restora.errors import DataError
from restora.images.archives.tars import read_tar
from restora.images.archives.unpack import plain_tar
from restora.images.archives.zips import read_zip

#: Endings of the archives that are read.
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")

_OPEN = 8  # archives whose lists are kept
_ONE_AT_A_TIME = threading.Lock()


class _Index(Protocol):
    @property
    def files(self) -> Mapping[str, object]: ...  # pragma: no cover

    @property
    def empty(self) -> tuple[str, ...]: ...  # pragma: no cover

    def read(self, name: str) -> bytes: ...  # pragma: no cover


def split_locator(path: str | os.PathLike[str]) -> tuple[Path, str] | None:
    """(archive, member) of an archive (member is "") or of ``archive!member``; None for every other path."""
    text = os.fspath(path)
    if os.path.lexists(text):
        return (Path(text), "") if _is_archive(text) else None
    at = text.find("!")
    while at >= 0:
        if _is_archive(text[:at]):
            return Path(text[:at]), text[at + 1 :].replace(os.sep, "/").strip("/")
        at = text.find("!", at + 1)
    return None


def is_member(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the locator of a file in an archive. Raises DataError for an archive that cannot be used."""
    place = split_locator(path)
    return place is not None and place[1] in _index(place[0]).files


def list_members(archive: Path, folder: str) -> tuple[list[str], list[str]]:
    """Names below a folder of an archive ("" for all): of its files, and of folders that are listed by themselves.

    Raises DataError for an archive that cannot be used, and for a folder that is not there.
    """
    index = _index(archive)
    if not folder:
        return list(index.files), list(index.empty)
    head = folder + "/"
    files = [name[len(head) :] for name in index.files if name.startswith(head)]
    empty = [name[len(head) :] for name in index.empty if name.startswith(head)]
    if not files and folder not in index.empty:
        tops = sorted({name.partition("/")[0] for name in index.files if "/" in name})
        held = f"its folders are {', '.join(tops[:5])}{', ...' if len(tops) > 5 else ''}" if tops else "it has none"
        raise DataError(f"{archive} holds no folder {folder}; {held}")
    return files, empty


def read_member(path: str | os.PathLike[str]) -> bytes | None:
    """The bytes of the member that a locator names, None for a path that is no locator. Raises OSError."""
    place = split_locator(path)
    if place is None or not place[1]:
        return None
    try:
        return _index(place[0]).read(place[1])
    except KeyError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path)) from None
    except DataError as error:
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from None


def _is_archive(text: str) -> bool:
    return text.casefold().endswith(ENDINGS) and os.path.isfile(text)


def _index(archive: Path) -> _Index:
    """The list of an archive, made once as long as it stays what it is."""
    try:
        status = archive.stat()
        with _ONE_AT_A_TIME:  # reading threads that ask for it at once wait for the first
            return _made(archive, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(f"The archive {archive} cannot be read ({error.strerror or error}); check the path") from None


@lru_cache(maxsize=_OPEN)
def _made(archive: Path, size: int, changed: int) -> _Index:
    name = archive.name.casefold()
    if name.endswith(".zip"):
        return read_zip(archive)
    return read_tar(archive if name.endswith(".tar") else plain_tar(archive), archive)
