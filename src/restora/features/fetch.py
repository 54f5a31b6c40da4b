"""Weights of a trunk from timm's hub, on request only: first what it is and under which terms, then the file.

`find_offer` asks the hub and fetches nothing; `fetch_weights` fetches exactly what was offered, verifies it and takes
it in, so that `find_weights` finds it for the trunk.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from restora.errors import MissingError, UsageError
from restora.features.hub import HubFile, download, look_up
from restora.features.settings import RESNETS, TIMM_PREFIX, TINY, VGGS, check_trunk_name
from restora.features.terms import UNSTATED, terms_of
from restora.features.timm_trunk import timm_repository
from restora.features.weights import Weights, import_weights, target_for

FILE = "model.safetensors"
#: Our own trunks and the repository whose tensors bear their names: torchvision's weights, as timm keeps them.
REPOSITORIES = {name: f"{TIMM_PREFIX}{name}.tv_in1k" for name in (*RESNETS, *VGGS)}


@dataclass(frozen=True)
class Offer:
    """What can be fetched for a trunk: the file on the hub, where it would be kept, and the terms it is under."""

    trunk: str
    file: HubFile
    target: Path

    @property
    def licence(self) -> str:
        """Licence that the repository states."""
        return self.file.licence or UNSTATED

    @property
    def terms(self) -> str:
        """Terms of the pictures that the weights were taught with, as far as the repository states which."""
        return terms_of(self.file.datasets)


def find_offer(trunk: str, *, overwrite: bool = False) -> Offer:
    """Ask the hub about weights for `trunk`, one of our own or `timm/NAME`; nothing is fetched.

    Raises UsageError for an unknown name or where weights are there already (unless `overwrite`), MissingError where
    the hub cannot be reached, the disk has too little room, or timm is needed and not installed.
    """
    name = check_trunk_name(trunk)
    if name == TINY:
        raise UsageError(f"The weights of {TINY} are in the package; there is nothing to fetch.")
    target = target_for(name, overwrite=overwrite)
    file = look_up(REPOSITORIES[name] if name in REPOSITORIES else timm_repository(name), FILE)
    _check_room(file, target.parent)
    return Offer(trunk, file, target)


def fetch_weights(
    offer: Offer, *, overwrite: bool = False, progress: Callable[[int, int], None] | None = None
) -> Weights:
    """Fetch what was offered and take it in; `progress` takes bytes done and in all.

    Raises MissingError where the network or the disk fails, StoppedError where the bytes are not those promised,
    SettingsError where they do not fit the trunk. Then nothing is kept, and weights that were there stay.
    """
    folder = offer.target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder)
    except OSError as error:
        raise MissingError(
            f"{folder}: nothing can be written there ({error.strerror}); change its permissions."
        ) from None
    with aside as place:
        part = Path(place) / offer.file.name
        download(offer.file, part, progress)
        return import_weights(part, offer.trunk, licence=offer.licence, terms=offer.terms, overwrite=overwrite)


def _check_room(file: HubFile, folder: Path) -> None:
    """Twice the file: as it comes, and as it is taken in."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < 2 * file.size:
        raise MissingError(
            f"{there}: the disk has {free / 1e6:.0f} MB free, and taking in {file.repository} needs "
            f"{2 * file.size / 1e6:.0f} MB; make room, or set XDG_DATA_HOME to a folder on another disk."
        )
