"""Which names of files and folders are passed over, on a disk and in an archive."""

from __future__ import annotations


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is passed over."""
    return name.startswith(".") or name == "__MACOSX"
