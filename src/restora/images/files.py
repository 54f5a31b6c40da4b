"""Which files of a folder are pictures, in which order, and what they are called; a text written whole."""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from restora.errors import DataError
from restora.images.names import is_hidden

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture; hidden files (also the ``._*`` that macOS leaves behind) are none."""
    return path.suffix.casefold() in SUFFIXES and not path.name.startswith(".")


def picture_files(folder: Path, *, recursive: bool = True) -> list[Path]:
    """The pictures of a folder, sorted by their path below it. Raises DataError for a folder that cannot be read."""
    found = filter(is_picture, walk_files(folder, recursive=recursive))
    return sorted(found, key=lambda path: name_below(path, folder))


def walk_files(folder: Path, *, recursive: bool = True) -> Iterator[Path]:
    """Every file of a folder but hidden ones, links that lead back up not followed. Raises DataError as above."""
    return (folder / name for name in _walk(folder, "", recursive, frozenset()) if not name.endswith("/"))


def walk_names(folder: Path) -> Iterator[str]:
    """Names below a folder, ``/`` between folders: of every file as above, and with a ``/`` at the end of every folder
    that holds no file at any depth. Raises DataError as above.
    """
    return _walk(folder, "", True, frozenset())


def _walk(folder: Path, name: str, recursive: bool, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    status = check_folder(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link that leads back up
        return
    empty = True
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if not _is_folder(entry):
                empty = False
                yield name + entry.name
            elif recursive:
                for found in _walk(folder / entry.name, f"{name}{entry.name}/", recursive, above | {here}):
                    empty = empty and found.endswith("/")
                    yield found
    if empty and name:
        yield name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def check_folder(folder: Path) -> os.stat_result:
    """The status of a folder that exists and may be listed. Raises DataError.

    The permission bits are looked at too: to the system administrator every folder is open, but one that nobody was
    given the right to read was closed on purpose.
    """
    try:
        status = folder.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise DataError(f"{folder} is a file, not a folder; name the folder that holds the pictures")
        closed = os.name != "nt" and not (status.st_mode & 0o444 and status.st_mode & 0o111)
        if closed or not os.access(folder, os.R_OK | os.X_OK):
            raise DataError(f"The folder {folder} may not be read; change its permissions (chmod u+rx)")
    except FileNotFoundError:
        raise DataError(f"There is no folder {folder}; check the path") from None
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read ({error.strerror or error}); check the path") from None
    return status


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader | io.BytesIO:
    """A regular file, or a member of an archive, open for reading.

    Raises OSError, also for a pipe or a device: reading one may never end.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        from restora.images.archives import read_member

        member = read_member(path)
        if member is None:
            raise
        return io.BytesIO(member)
    except ValueError:  # a zero byte in the name
        raise OSError(errno.EINVAL, "its name holds a zero byte", os.fspath(path)) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", os.fspath(path))
    return open(path, "rb")


def name_below(path: Path, root: Path) -> str:
    """The path below `root` with ``/`` between folders, printable."""
    return printable(path.relative_to(root).as_posix())


def printable(name: str) -> str:
    """A file's name as text that any table can hold: bytes that are no UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def write_whole(target: Path, text: str) -> None:
    """Write a text, with the folders above it, under its name only when it is whole; OSError where that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # the name itself may be as long as a name can be, so it is no part of a longer one
    handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=".unfinished-", suffix=".partial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(unfinished, 0o644)  # mkstemp keeps everybody else out; the text is for others to read
        os.replace(unfinished, target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
