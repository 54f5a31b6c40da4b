"""Which good pictures are fitted and which are kept back for the calibration: decided by content, not by name.

The same files give the same parts under any name, in any order and on any machine. Pictures of equal content, or of
one group, stay on one side, else the calibration would be asked about pictures the network was fitted on.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.errors import DataError, PictureError
from restora.images.dataset import Item
from restora.images.files import open_file

#: The share of the good pictures that is kept back, and its bounds.
SHARE = 0.2
FEWEST = 20
MOST = 1000

#: With fewer good pictures nothing is kept back: half of them could not promise anything worth having.
FEWEST_GOOD = 8


@dataclass(frozen=True)
class Split:
    """fitting, calibration : in the order they came; digests : the content hash of every picture, by its name."""

    fitting: tuple[Item, ...]
    calibration: tuple[Item, ...]
    digests: dict[str, str]


def split_good(items: Sequence[Item]) -> Split:
    """Keep back 20 % of good pictures, at least 20, at most 1,000, never more than half; nothing of fewer than 8.

    Sets of pictures that must stay together are taken in the order of their smallest content hash until there are
    enough; a set too large for the bounds is passed over. Raises DataError without pictures, PictureError if a file
    cannot be read.
    """
    if not items:
        raise DataError("There are no good pictures to learn from; check the folder, or `restora data inspect` it")
    hashes = [content_digest(item.source) for item in items]
    digests = {item.name: digest for item, digest in zip(items, hashes, strict=True)}
    if len(items) < FEWEST_GOOD:
        return Split(tuple(items), (), digests)
    most = min(MOST, len(items) // 2)
    wanted = min(max(round(SHARE * len(items)), FEWEST), most)
    kept: set[int] = set()
    for together in _sets(items, hashes):
        if len(kept) >= wanted:
            break
        if len(kept) + len(together) <= most:
            kept.update(together)
    return Split(
        fitting=tuple(item for index, item in enumerate(items) if index not in kept),
        calibration=tuple(item for index, item in enumerate(items) if index in kept),
        digests=digests,
    )


def _sets(items: Sequence[Item], hashes: Sequence[str]) -> list[list[int]]:
    """Indices that must stay together (equal content or group, also through others), by smallest hash."""
    parent = list(range(len(items)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, (item, digest) in enumerate(zip(items, hashes, strict=True)):
        keys = [("content", digest)] if item.group is None else [("content", digest), ("group", item.group)]
        for key in keys:
            parent[root(index)] = root(first.setdefault(key, index))
    sets: dict[int, list[int]] = defaultdict(list)
    for index in range(len(items)):
        sets[root(index)].append(index)
    return sorted(sets.values(), key=lambda together: min(hashes[index] for index in together))


def content_digest(source: str | os.PathLike[str] | bytes | NDArray[Any]) -> str:
    """SHA-256 of a file's bytes, or of an array's type, shape and samples, in hexadecimal. Raises PictureError."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if isinstance(source, np.ndarray):
        head = f"{source.dtype.str} {source.shape} ".encode()
        return hashlib.sha256(head + np.ascontiguousarray(source).tobytes()).hexdigest()
    try:
        with open_file(source) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise PictureError(f"{source}: the file cannot be read ({error.strerror or error}); check the path") from None


def fingerprint(digests: Mapping[str, str]) -> str:
    """One hash for a set of pictures, from their contents alone: names and order do not matter."""
    return hashlib.sha256("\n".join(sorted(digests.values())).encode()).hexdigest()
