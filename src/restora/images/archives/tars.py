"""Tar archives, read where they lie: one pass over their headers says where each member begins."""

from __future__ import annotations

import errno
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from restora.errors import DataError
from restora.images.archives.limits import Tally

_BLOCK = 512


@dataclass(frozen=True)
class TarIndex:
    """files : (first byte, size) of each file, by its name; empty : names of folders that are listed by themselves."""

    path: Path
    files: dict[str, tuple[int, int]]
    empty: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """The bytes of a file; KeyError for a name that is not there, OSError for what cannot be read."""
        begin, size = self.files[name]
        with self.path.open("rb") as stream:
            stream.seek(begin)
            data = stream.read(size)
        if len(data) != size:
            raise OSError(errno.EINVAL, "its bytes in the archive are missing", name)
        return data


def read_tar(path: Path, archive: Path) -> TarIndex:
    """The index of a tar that is not compressed.

    archive : what it is called in sentences, where `path` is an unpacked copy

    Raises DataError for one that is damaged or not to be trusted, OSError.
    """
    tally = Tally(archive, path.stat().st_size)
    files: dict[str, tuple[int, int]] = {}
    empty = []
    for member in _members(path, archive):
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise tally.refuse(member.name, "which is a link, a device or a file with holes")
        name = tally.take(member.name, member.size)
        if name is None:
            continue
        if member.isdir():
            empty.append(name)
        else:
            files[name] = (member.offset_data, member.size)
    return TarIndex(path, files, tuple(empty))


def _members(path: Path, archive: Path) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(path, "r:") as tar:
            here = -1
            while (member := tar.next()) is not None:
                if member.size < 0 or member.offset <= here:
                    raise tarfile.ReadError("a member lies before the one before it")
                here = member.offset
                tar.members = []  # type: ignore[attr-defined]  # else all of them are kept, a kilobyte each
                yield member
            end = tar.offset
        with path.open("rb") as stream:  # a header that is damaged ends the list like its proper end
            stream.seek(end)
            if any(stream.read(_BLOCK)):
                raise tarfile.ReadError(f"what stands at byte {end} is no header")
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError) as error:
        raise DataError(f"{archive} is damaged or no tar archive ({error}); fetch or pack it anew") from None
