"""The hub that timm's weights lie on, over its documented HTTP interface: what a file is, then the file itself.

Two requests and no package: `/api/models/REPOSITORY?blobs=true` tells commit, licence, size and SHA-256 of every large
file; `/REPOSITORY/resolve/COMMIT/FILE` gives the file of exactly that commit. `HF_ENDPOINT` names another hub (a
mirror), `HF_HUB_OFFLINE` forbids it all, as they do for the hub's own client.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from restora.errors import MissingError, RestoraError, SettingsError, StoppedError, UsageError

ENDPOINT = "https://huggingface.co"
SILENCE_SECONDS = 30.0  # a connection that says nothing for so long is given up
MOST_TOLD = 10_000_000  # bytes of an answer that is read at all; a hub tells some ten thousand
CHUNK = 1 << 20
BY_HAND = "or take in a file from elsewhere with: restora weights import FILE --name NAME"


@dataclass(frozen=True)
class HubFile:
    """One file of a repository as the hub describes it; nothing of it has been fetched.

    size in bytes; licence None and datasets empty where the repository does not state them
    """

    endpoint: str
    repository: str
    commit: str
    name: str
    size: int
    sha256: str
    licence: str | None
    datasets: tuple[str, ...]

    @property
    def page(self) -> str:
        """Address of the repository, for people."""
        return f"{self.endpoint}/{self.repository}"

    @property
    def url(self) -> str:
        """Address of the file itself, at its commit."""
        return f"{self.endpoint}/{quote(self.repository)}/resolve/{self.commit}/{quote(self.name)}"


def look_up(repository: str, name: str) -> HubFile:
    """Ask the hub about file `name` of `repository` (`owner/model`); nothing is fetched.

    Raises UsageError where there is no such public repository or file, SettingsError for an unusable `HF_ENDPOINT`,
    MissingError where the hub cannot be reached or does not answer as one.
    """
    endpoint = _endpoint()
    with _asking(endpoint, repository), _open(f"{endpoint}/api/models/{quote(repository)}?blobs=true") as answer:
        told = answer.read(MOST_TOLD)
    try:
        info = json.loads(told)
        found = next((file for file in info["siblings"] if file["rfilename"] == name), None)
        if found is None:
            raise UsageError(
                f"{repository} at {endpoint} has no file {name}, and no other kind is taken; choose another model, "
                f"{BY_HAND}."
            )
        return _described(endpoint, repository, info, found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MissingError(
            f"What {endpoint} says about {repository} is not what a hub says; check HF_ENDPOINT and the network's "
            f"sign-in page, {BY_HAND}."
        ) from None


def download(file: HubFile, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write `file` to `target`, verifying size and SHA-256 on the way; `progress` takes bytes done and in all.

    Whatever happens, there is a whole and verified file afterwards or none. Raises MissingError where the hub cannot
    be reached, the connection breaks or the disk is full, StoppedError where the bytes are not those promised.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with _asking(file.endpoint, file.repository), _open(file.url) as answer, _writing(target) as write:
            while chunk := answer.read(CHUNK):
                done += len(chunk)
                if done > file.size:
                    break
                digest.update(chunk)
                write(chunk)
                if progress is not None:
                    progress(done, file.size)
        if done < file.size:
            raise MissingError(
                f"The connection to {file.endpoint} ended after {done} of {file.size} bytes of {file.name}; nothing "
                "was kept, try again."
            )
        if done > file.size or digest.hexdigest() != file.sha256:
            raise StoppedError(
                f"What came from {file.url} is not the file promised (its SHA-256 is not {file.sha256}); nothing was "
                "kept, try again or from another network."
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _endpoint() -> str:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise MissingError(f"HF_HUB_OFFLINE forbids asking the hub; unset it, {BY_HAND}.")
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not endpoint.isprintable() or " " in endpoint:
        raise SettingsError(f"HF_ENDPOINT is {endpoint!r}; it must be the address of a hub, https://HOST.")
    return endpoint


def _open(url: str) -> http.client.HTTPResponse:
    answer: http.client.HTTPResponse = urlopen(Request(url, headers={"User-Agent": "restora"}), timeout=SILENCE_SECONDS)
    return answer


@contextmanager
def _asking(endpoint: str, repository: str) -> Iterator[None]:
    """Turns whatever a request can end with into one sentence."""
    try:
        yield
    except RestoraError:
        raise
    except HTTPError as error:
        error.close()
        if error.code in (401, 403, 404):  # to those who do not sign in, a hub says 401 for what is not there
            raise UsageError(
                f"The hub at {endpoint} has no public model {repository}; check its name, {BY_HAND}."
            ) from None
        raise MissingError(
            f"The hub at {endpoint} answers {error.code} ({_plain(error.reason)}); try again later, {BY_HAND}."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise MissingError(
            f"The hub at {endpoint} cannot be reached ({_plain(reason) or type(error).__name__}); connect this "
            f"machine, name a mirror in HF_ENDPOINT, {BY_HAND}."
        ) from None


@contextmanager
def _writing(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that writes to `target`; the disk's errors are told apart from the network's."""
    try:
        stream = target.open("wb")
    except OSError as error:
        raise _unwritten(target, error) from None
    with stream:

        def write(chunk: bytes) -> None:
            try:
                stream.write(chunk)
                stream.flush()
            except OSError as error:
                raise _unwritten(target, error) from None

        yield write


def _unwritten(target: Path, error: OSError) -> MissingError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MissingError(
            f"{target.parent}: the disk is full; nothing half-written was left, make room and try again."
        )
    return MissingError(f"{target.parent}: nothing can be written there ({error.strerror}); change its permissions.")


def _described(endpoint: str, repository: str, info: Mapping[str, Any], found: Mapping[str, Any]) -> HubFile:
    """The file as told; ValueError, KeyError or TypeError where what is told cannot be used."""
    commit, sha256, size = str(info["sha"]), str(found["lfs"]["sha256"]), int(found["lfs"]["size"])
    if not (re.fullmatch("[0-9a-f]{40}", commit) and re.fullmatch("[0-9a-f]{64}", sha256) and size > 0):
        raise ValueError(commit, sha256, size)
    card = info.get("cardData") or {}
    licence = card.get("license_name") if card.get("license") == "other" else card.get("license")
    datasets = card.get("datasets") or ()
    return HubFile(
        endpoint=endpoint,
        repository=repository,
        commit=commit,
        name=str(found["rfilename"]),
        size=size,
        sha256=sha256,
        licence=None if licence is None else _plain(licence),
        datasets=tuple(_plain(name) for name in ([datasets] if isinstance(datasets, str) else datasets)),
    )


def _plain(text: object) -> str:
    """Text from outside, fit for a terminal: what could move its cursor is left out."""
    return "".join(letter for letter in str(text) if letter.isprintable()).strip()[:200]
