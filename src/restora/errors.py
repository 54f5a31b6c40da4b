"""Every error Restora raises on purpose, with the exit status a command ends with.

RestoraError                4
├── UsageError              2   the command or its input cannot be used; nothing was written
│   ├── PictureError        2   one picture or mask cannot be read (a row with verdict `error` where rows are made)
│   ├── DataError           2   a data set, table or folder does not fit
│   ├── SettingsError       2   a setting is unknown or out of range
│   └── ModelError          2   a model folder is damaged, incomplete or too new
├── MissingError            3   this machine lacks a package, weights, a device or disk space
├── StoppedError            4   stopped by itself (NaN, parity refused); the last good state is kept
└── CancelledError        130   interrupted from outside; the state is saved

A message is one sentence: what, where, what to do.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import ClassVar


class RestoraError(Exception):
    """Root of the errors that are raised on purpose; a bare one is a fault of ours."""

    exit_status: ClassVar[int] = 4


class UsageError(RestoraError):
    """The command or its input cannot be used; nothing was written."""

    exit_status = 2


class PictureError(UsageError):
    """A picture or a mask cannot be read."""


class DataError(UsageError):
    """A data set, a table or a folder is not what it should be."""


class SettingsError(UsageError):
    """A setting is unknown or out of range."""


class ModelError(UsageError):
    """A model folder is damaged, incomplete or too new."""


class MissingError(RestoraError):
    """This machine lacks something: a package, weights, a device, disk space."""

    exit_status = 3


class StoppedError(RestoraError):
    """Work stopped by itself; the last good state is kept."""

    exit_status = 4


class CancelledError(RestoraError):
    """Work was interrupted from outside; the state is saved."""

    exit_status = 130


def inner(sentence: str) -> str:
    """A sentence as it stands inside another: with a small letter first."""
    return sentence[:1].lower() + sentence[1:]


def need(package: str, extra: str) -> ModuleType:
    """Import an optional `package`, or raise MissingError naming the `extra` that brings it."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:  # the package is there; something it needs is not
            raise
        raise MissingError(
            f"This step uses {package}, which is not installed; install it with: pip install 'restora[{extra}]'"
        ) from None
