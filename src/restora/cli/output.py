"""Sentences and progress on stderr, data on stdout."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from restora.errors import MissingError, UsageError

# Plain progress lines are for logs: one every few seconds says enough.
LINE_SECONDS = 5.0

T = TypeVar("T")


def say(sentence: str) -> None:
    """Print one sentence for people, on stderr."""
    print(sentence, file=sys.stderr, flush=True)


def emit(text: str) -> None:
    """Print data, on stdout; names of files may hold bytes that are no text, these are written as \\udcXX."""
    print(text.encode("utf-8", "backslashreplace").decode(), flush=True)


def emit_json(value: Any, *, indent: int | None = None) -> None:
    """Print one JSON value on stdout; NaN has no place in JSON and is refused."""
    emit(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to in place of `path`; it takes that name only when it is whole, and is gone when it is not.

    Raises UsageError when there is no folder for it or something else than a file lies there already, MissingError
    when the disk is full.
    """
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder for {path}; make it, or name another path.")
    if path.exists() and not path.is_file():  # replacing a device would take it from the whole machine
        raise UsageError(f"{path} is a folder, a pipe or a device; name a file.")
    # the name itself may be as long as a name can be, so it is not made part of a longer one
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{digest}{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MissingError(
            f"{path}: the disk is full; nothing half-written was left, make room and try again."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def rows_to(out: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole(out) as path, path.open("wb") as stream:
        yield stream


def check_folder_to_make(folder: Path) -> None:
    """Raise UsageError where a folder is neither there nor can be made, before anything is written elsewhere."""
    nearest = next((place for place in (folder, *folder.absolute().parents) if os.path.lexists(place)), folder)
    if nearest.exists() and nearest.is_dir():
        return
    raise UsageError(f"{folder} cannot be a folder, since {nearest} is none; name another path.")


class Progress:
    """A bar on a terminal, a line every few seconds elsewhere, both on stderr.

    Use as a context and call `update(done, total, note)`; `total` may be None when it is not known.
    """

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self.title = title
        self.quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> Progress:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            columns = (
                "{task.description}",
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=None, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show that `done` of `total` steps are behind us."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
            return
        now = time.monotonic()
        if now - self._last >= LINE_SECONDS or done == total:
            self._last = now
            say(f"{self.title}: {done}{f' of {total}' if total else ''}{f', {note}' if note else ''}")

    def through(self, things: Iterable[T]) -> Iterator[T]:
        """The same things, each counted as it comes."""
        for done, thing in enumerate(things, start=1):
            self.update(done)
            yield thing


def duration(seconds: float) -> str:
    """Say a time in words: ``40 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Say a number of bytes in words: ``950 B``, ``31.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def table(rows: list[tuple[str, str]]) -> str:
    """Two columns as plain text, the first as wide as it needs."""
    wide = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{wide}}  {value}".rstrip() for name, value in rows)
