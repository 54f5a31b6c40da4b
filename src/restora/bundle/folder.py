"""The model folder: a manifest that names everything, files that carry their hash, and a swap that is never half.

`NAME.restora/` holds `manifest.json` and the files it names. Files are only added, under names made of their role
and their hash; the manifest is replaced last, in one step, and is the switch: a reader sees the old model or the new
one. What the manifest in force does not name is removed at the next write, so that a reader who has just read the old
manifest still finds its files.

The graph keeps its large numbers outside itself, as ONNX external data in the restorer's file; it names that file, so
whoever writes a graph asks `hashed_name` first, and whoever opens one opens it by path, `Model.path("graph")`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from restora.bundle.manifest import FORMAT_VERSION, FileEntry, Manifest
from restora.errors import MissingError, ModelError, RestoraError, UsageError
from restora.images.files import open_file

MANIFEST = "manifest.json"

# A file's suffix follows its role, so that a name depends on role and content alone.
SUFFIXES = {
    "graph": ".onnx",
    "restorer": ".safetensors",
    "ignore": ".png",
    "openvino": ".xml",
    "openvino_weights": ".bin",
}

_SEAL = "seal"
_TEMPORARY = ".unfinished-"
_OURS = re.compile(r"(?:[a-z0-9_]+-[0-9a-f]{12}(?:\.[a-z0-9]+)?|\.unfinished-.*)")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Model:
    """A model folder that was read and verified. `fingerprint` changes with anything that can change a verdict."""

    folder: Path
    manifest: Manifest
    fingerprint: str

    def path(self, role: str) -> Path:
        """Path of the file with this role; ModelError where the model has none."""
        entry = self.manifest.files.get(role)
        if entry is None:
            raise ModelError(f"{self.folder}: the model has no file for '{role}'; export it or train the model again.")
        return self.folder / entry.name


def hashed_name(role: str, content: Path | bytes) -> str:
    """The name that `write_model` will give this content: `<role>-<first 12 hex digits of its sha256><suffix>`."""
    return _name(role, content, _digest(content))


def is_model(folder: Path) -> bool:
    """Whether a finished model lies there. A folder without manifest is the remains of a write that never ended."""
    return (folder / MANIFEST).is_file()


def other_files(folder: Path) -> list[str]:
    """Names in a folder that no write of a model made, in order; empty where there is no folder.

    A write that was killed may have left files of its own behind: the next one takes them for what they are.
    """
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST and not _is_ours(path))


def write_model(folder: Path, manifest: Manifest, files: Mapping[str, Path | bytes] | None = None) -> Model:
    """Write a model, or a new manifest for one that is there, so that a reader sees the old one or the new one.

    `manifest.files` names files that lie in the folder already and are kept; `files` adds contents, or replaces
    those of the same role. Killed at any moment, the folder holds the old model or the new one; what failed otherwise
    is taken back.

    Raises MissingError when the disk is full, UsageError when the folder cannot be used.
    """
    folder = Path(folder)
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold_folder(folder):
            try:
                return _write(folder, manifest, files or {})
            except OSError:
                with suppress(OSError, RestoraError):
                    _remove_leftovers(folder, keep=set())
                    if new:
                        folder.rmdir()
                raise
    except OSError as error:
        raise _explain(error, folder) from error


def _write(folder: Path, manifest: Manifest, files: Mapping[str, Path | bytes]) -> Model:
    entries = dict(manifest.files)
    _remove_leftovers(folder, keep={entry.name for entry in entries.values()})
    for role, content in files.items():
        entries[role] = _add(folder, role, content)
    for entry in entries.values():
        if not (folder / entry.name).is_file():
            raise ModelError(f"{folder}: {entry.name} is missing; restore the folder or train the model again.")
    manifest = manifest.model_copy(update={"files": dict(sorted(entries.items()))})
    text, seal = _render(manifest.model_dump(mode="json"))
    _write_file(folder / MANIFEST, text)
    return Model(folder, manifest, seal)


def read_model(folder: str | Path) -> Model:
    """Read a model folder and verify every byte of it.

    Raises ModelError for anything that is not a whole, unchanged model of a format this version knows.
    """
    folder = Path(folder)
    text = _read_manifest(folder)
    while True:
        manifest, seal = _parse(folder, text)
        problem = _first_problem(folder, manifest)
        if problem is None:
            return Model(folder, manifest, seal)
        newer = _read_manifest(folder)
        if newer == text:
            raise ModelError(problem)
        text = newer  # another process replaced the model while its files were being verified


# ---------------------------------------------------------------------------------------------------- the manifest


def _render(document: dict[str, Any]) -> tuple[bytes, str]:
    """The manifest's bytes and their seal, the sha256 of the same document without the seal."""
    body = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    seal = hashlib.sha256(body.encode()).hexdigest()
    return (json.dumps({**document, _SEAL: seal}, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(), seal


def _read_manifest(folder: Path) -> bytes:
    try:
        with open_file(folder / MANIFEST) as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(_no_model(folder)) from None
    except OSError as error:
        raise ModelError(f"{folder}: the model cannot be read ({error.strerror}); check its permissions.") from None


def _no_model(folder: Path) -> str:
    if folder.parent.joinpath(folder.name + ".partial").is_dir():
        return f"{folder}: its training has not ended; continue it with: restora train ... --resume"
    if not folder.exists():
        return f"{folder}: there is no such model folder; name the folder that restora train wrote."
    if folder.is_file():
        return f"{folder} is a file; a model is a folder, as restora train writes it."
    return f"{folder} is not a model folder (no {MANIFEST} in it); name the folder that restora train wrote."


def _parse(folder: Path, text: bytes) -> tuple[Manifest, str]:
    damaged = ModelError(f"{folder / MANIFEST} was changed or damaged; restore the folder or train the model again.")
    try:
        document = json.loads(text)
        major, minor = (int(part) for part in str(document["format_version"]).split("."))
        seal = document.pop(_SEAL)
        whole = _render(document) == (text, seal)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged from None
    ours = tuple(int(part) for part in FORMAT_VERSION.split("."))
    if major > ours[0]:
        raise ModelError(
            f"{folder} has model format {major}.{minor}, newer than the {FORMAT_VERSION} that this version reads; "
            "update Restora."
        )
    if not whole:
        raise damaged
    try:
        return _validate(document, newer=(major, minor) > ours), seal
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ModelError(f"{folder / MANIFEST} does not fit its format at '{where}'; train the model again.") from None


def _validate(document: dict[str, Any], *, newer: bool) -> Manifest:
    """A newer minor format may say more than we know; what we do not know is left aside."""
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        unknown = [problem["loc"] for problem in error.errors() if problem["type"] == "extra_forbidden"]
        if not newer or not unknown:
            raise
    for *parents, key in unknown:
        place: Any = document
        for parent in parents:
            place = place[parent]
        place.pop(key, None)
    return Manifest.model_validate(document)


def _first_problem(folder: Path, manifest: Manifest) -> str | None:
    for entry in manifest.files.values():
        path = folder / entry.name
        try:
            same = path.stat().st_size == entry.size and _digest(path) == entry.sha256
        except FileNotFoundError:
            return f"{folder}: {entry.name} is missing; restore the folder or train the model again."
        except OSError as error:
            return f"{path} cannot be read ({error.strerror}); check its permissions."
        if not same:
            return f"{path} was changed or damaged; restore the folder or train the model again."
    return None


# ------------------------------------------------------------------------------------------------------- the files


def _digest(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with open_file(content) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _name(role: str, content: Path | bytes, digest: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", role):
        raise ValueError(f"a role is lower-case letters, digits and underscores, not {role!r}")
    other = content.suffix.lower() if isinstance(content, Path) else ".bin"
    return f"{role}-{digest[:12]}{SUFFIXES.get(role, other)}"


def _add(folder: Path, role: str, content: Path | bytes) -> FileEntry:
    digest = _digest(content)
    path = folder / _name(role, content, digest)
    if not (path.is_file() and _digest(path) == digest):
        _write_file(path, content)
    return FileEntry(name=path.name, sha256=digest, size=path.stat().st_size)


def _write_all(stream: BinaryIO, content: Path | bytes) -> None:
    if isinstance(content, bytes):
        stream.write(content)
        return
    with content.open("rb") as source:
        while chunk := source.read(_CHUNK):
            stream.write(chunk)


def _write_file(path: Path, content: Path | bytes) -> None:
    """Write beside, flush to the disk, rename: the name never stands for half a file."""
    temporary = path.with_name(_TEMPORARY + path.name)
    try:
        with temporary.open("xb") as stream:  # never through a link that lies there
            _write_all(stream, content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system can flush a folder, and the rename itself has happened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_leftovers(folder: Path, keep: set[str]) -> None:
    """Remove our own files that no manifest names; refuse a folder that holds somebody else's files and no model."""
    named = {MANIFEST} | keep
    if is_model(folder):
        with suppress(ModelError):  # a manifest that cannot be read names nothing, and is about to be replaced
            manifest, _ = _parse(folder, _read_manifest(folder))
            named |= {entry.name for entry in manifest.files.values()}
    others = [path for path in sorted(folder.iterdir()) if path.name not in named]
    ours = [path for path in others if _is_ours(path)]
    foreign = [path.name for path in others if path not in ours]
    if foreign and not is_model(folder):
        raise UsageError(f"{folder} is no model folder and holds other files ({foreign[0]}); name a new folder.")
    for path in ours:
        path.unlink()


def _is_ours(path: Path) -> bool:
    return path.is_file() and _OURS.fullmatch(path.name) is not None


@contextmanager
def hold_folder(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """One process at a time holds a folder, where the system can lock one; who only reads it never asks.

    Raises BlockingIOError, without `wait`, where another holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _explain(error: OSError, folder: Path) -> RestoraError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MissingError(f"{folder}: the disk is full, so nothing was changed; make room and run it again.")
    return UsageError(f"{folder} cannot be written ({error.strerror}); name another folder or check its permissions.")
