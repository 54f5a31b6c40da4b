"""A compressed tar cannot be read at random: it is unpacked once, as one plain tar, and read like any other.

The plain tar lies in ``restora/unpacked`` below the user's cache folder (XDG_CACHE_HOME, else ``~/.cache``), named
after path, size and time of the archive, so that the next command finds it; nothing in it becomes a file of its own.
One that was not used for `KEPT_DAYS` days is removed when the next is unpacked; the folder may be emptied at any time.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from restora.errors import DataError, MissingError
from restora.images.archives.limits import Tally

KEPT_DAYS = 30
#: Bytes that are left free on the disk, whatever an archive holds.
SPARED = 10**9
_CHUNK = 2**20
_CHECKED = 2**28  # bytes between two looks at the disk


def unpacked_folder() -> Path:
    """Where unpacked archives lie; it may not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "restora" / "unpacked"


def plain_tar(archive: Path) -> Path:
    """The plain tar of a compressed one, made where it is not there yet.

    Raises DataError for a damaged archive or one beyond the limits, MissingError without room for it, OSError.
    """
    status = archive.stat()
    facts = f"{archive.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    folder = unpacked_folder()
    target = folder / f"{hashlib.sha256(os.fsencode(facts)).hexdigest()[:32]}.tar"
    with suppress(OSError):
        os.utime(target)  # it was used
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget_old(folder)
        handle, unfinished = tempfile.mkstemp(dir=folder, suffix=".partial")
    except OSError as error:
        raise _no_room(archive, folder, error.strerror or str(error)) from None
    try:
        with os.fdopen(handle, "wb") as out:
            _unpack(archive, out, folder)
        os.replace(unfinished, target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return target


def _unpack(archive: Path, out: BinaryIO, folder: Path) -> None:
    tally = Tally(archive, archive.stat().st_size)
    checked = -_CHECKED
    for chunk in _chunks(archive):
        tally.add(len(chunk))
        if tally.sum - checked >= _CHECKED:
            checked = tally.sum
            if shutil.disk_usage(folder).free < SPARED + _CHECKED:
                raise _no_room(archive, folder, "the disk is nearly full")
        try:
            out.write(chunk)
        except OSError as error:
            raise _no_room(archive, folder, error.strerror or str(error)) from None


def _chunks(archive: Path) -> Iterator[bytes]:
    opener = lzma.open if archive.name.casefold().endswith("xz") else gzip.open
    try:
        with opener(archive, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise DataError(f"{archive} is damaged or not compressed as its name says ({error}); fetch it anew") from None


def _forget_old(folder: Path) -> None:
    oldest = time.time() - KEPT_DAYS * 86400
    for path in [*folder.glob("*.tar"), *folder.glob("*.partial")]:
        with suppress(OSError):  # another process may be first
            if path.stat().st_mtime < oldest:
                path.unlink()


def _no_room(archive: Path, folder: Path, why: str) -> MissingError:
    return MissingError(
        f"{archive} cannot be unpacked into {folder} ({why}); make room there, name another folder with "
        "XDG_CACHE_HOME, or unpack it yourself and name its folder."
    )
