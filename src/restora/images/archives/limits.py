"""What an archive may hold: names that stay inside it, files and folders only, and no more than somebody can mean.

The sizes are those that an archive claims; whoever reads a member takes no more than it claimed.
"""

from __future__ import annotations

import re
from pathlib import Path

from restora.errors import DataError
from restora.images.names import is_hidden

MOST_MEMBERS = 3_000_000
LARGEST_MEMBER = 2**30
LARGEST_SUM = 500 * 10**9
#: Unpacked so many times as large as packed, an archive holds no pictures; small ones may (blank masks, say).
MOST_RATIO = 250
RATIO_FROM = 2**30

_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


class Tally:
    """Members of an archive, added up one by one; each method raises DataError at the first limit that is passed.

    archive : what the archive is called in sentences
    packed  : bytes of its file
    """

    def __init__(self, archive: Path, packed: int) -> None:
        self.archive = archive
        self.packed = packed
        self.count = 0
        self.sum = 0

    def take(self, name: str, size: int) -> str | None:
        """The name of a file or folder as it is used here, ``/`` between folders; None for what is passed over."""
        self.count += 1
        if self.count > MOST_MEMBERS:
            raise DataError(f"{self.archive} holds more than {MOST_MEMBERS:,} members; divide it into several archives")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or _DRIVE.match(name):
            raise DataError(f"{self.archive} holds {name!r}, which leads out of it; pack it anew with names below it")
        if size > LARGEST_MEMBER:
            raise DataError(
                f"{self.archive} holds {name!r} of {size:,} bytes, more than the {LARGEST_MEMBER:,} of a picture that "
                "is read; take it out"
            )
        self.add(size)
        return None if not parts or any(map(is_hidden, parts)) else "/".join(parts)

    def add(self, size: int) -> None:
        """Count bytes that come out of it."""
        self.sum += size
        if self.sum > LARGEST_SUM:
            raise DataError(
                f"{self.archive} unfolds to more than {LARGEST_SUM // 10**9} GB; divide it into several archives"
            )
        if self.sum > RATIO_FROM and self.sum > MOST_RATIO * self.packed:
            raise DataError(
                f"{self.archive} unfolds to more than {MOST_RATIO} times its size, which no pictures do; "
                "look into it before you unpack it"
            )

    def refuse(self, name: str, why: str) -> DataError:
        """The error for a member that is no plain file or folder."""
        return DataError(f"{self.archive} holds {name!r}, {why}; pack it anew without it")
