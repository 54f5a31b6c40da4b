"""Where a trunk's weights are found, and how they get into it; nothing is fetched here (`fetch.py` does, on request).

Looked for in this order: the file named, `RESTORA_WEIGHTS` (a file or a folder), the user's own folder
(`weights_folder()`, filled by `import_weights`), the package itself, which brings those of `restora-tiny`. Random
numbers stand in only where `random` is asked for by name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from restora.errors import MissingError, SettingsError, UsageError
from restora.features.bodies import build_body, depth
from restora.features.checkpoint import CARD_KEY, SUFFIXES, file_digest, fit_tensors, read_card, read_tensors
from restora.features.levels import Body
from restora.features.settings import PREFERRED, RANDOM, TIMM_PREFIX, TINY, TRUNKS, check_trunk_name
from restora.features.terms import RANDOM_TERMS, known_terms
from restora.features.tiny import BUNDLED


@dataclass(frozen=True)
class Weights:
    """Weights that were found: the file (None: random numbers), its SHA-256, and the terms they are under."""

    trunk: str
    path: Path | None
    sha256: str
    licence: str
    terms: str


def weights_folder() -> Path:
    """Return the user's folder of trunk weights, `restora/weights` below the XDG data home; it may not exist yet."""
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "share") / "restora" / "weights"


def find_weights(trunk: str, weights: str | Path | None = None) -> Path | None:
    """Return the file of weights for `trunk`, or None where `weights` is `random`.

    Raises MissingError where there is none, SettingsError where several of one folder could be meant.
    """
    if weights == RANDOM:
        return None
    if weights is not None:
        return _existing(Path(weights).expanduser(), "--weights")
    found = _at_hand_for(trunk)
    if found is not None:
        return found
    raise MissingError(
        f"No weights for trunk {trunk} are on this machine; give a file with --weights, set RESTORA_WEIGHTS, "
        f"use 'restora weights import' or 'restora weights fetch {trunk}', "
        f"or take the trunk in the package with --trunk {TINY}."
    )


def choose_trunk(weights: str | Path | None = None) -> str:
    """Return the trunk to use where none is named: `resnet18` where its weights are named or at hand, else the tiny.

    A file of weights that says which trunk it is for decides by itself.
    """
    if weights is not None and weights != RANDOM:
        named = Path(weights).expanduser()
        return read_card(named).get("trunk", PREFERRED) if named.is_file() else PREFERRED
    return PREFERRED if weights == RANDOM or _at_hand_for(PREFERRED) is not None else TINY


def load_weights(body: Body, trunk: str, weights: str | Path | None = None, *, seed: int = 0) -> Weights:
    """Put weights into `body`, the network of `trunk`, and say which they were.

    Numbers of any float kind become float32. What the file has beyond the network (deeper levels, the
    classifier) is left; a tensor that is missing, of another shape or not finite raises SettingsError naming it.
    """
    path = find_weights(trunk, weights)
    if path is None:
        fill_random(body, seed)
        return Weights(trunk, None, state_digest(body.network), *RANDOM_TERMS)
    body.network.load_state_dict(fit_tensors(path, needed(body), trunk), strict=False)
    return describe(path, trunk)


def describe(path: Path, trunk: str) -> Weights:
    """Return the card of a file of weights; terms from the file itself, else from the table of known files."""
    sha256, said = file_digest(path), read_card(path)
    licence, terms = known_terms(sha256)
    return Weights(trunk, path, sha256, said.get("licence", licence), said.get("terms", terms))


def list_weights() -> tuple[Weights, ...]:
    """Return the weights at hand: in `RESTORA_WEIGHTS`, the user's folder and the package, with the trunk of each."""
    return tuple(describe(path, trunk) for path, trunk in [*_at_hand(), (BUNDLED, TINY)])


def import_weights(
    file: str | Path, trunk: str, *, licence: str | None = None, terms: str | None = None, overwrite: bool = False
) -> Weights:
    """Copy a file of weights into the user's folder as safetensors, where `find_weights` finds it for `trunk`.

    Kept are the tensors of the trunk up to the deepest level the file has, at the precision they are in.
    `licence`, `terms`: written into the copy; by default what is known of the file.
    Raises UsageError for an unknown trunk or where weights for it are there already, SettingsError where the file
    does not fit.
    """
    source = _existing(Path(file).expanduser(), "FILE")
    target = target_for(trunk, overwrite=overwrite)
    held = read_tensors(source)
    wanted = _deepest(trunk, held)
    fit_tensors(source, wanted, trunk)
    card = describe(source, trunk)
    said = {"trunk": trunk, "licence": licence or card.licence, "terms": terms or card.terms, "source": card.sha256}
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: held[name].contiguous().clone() for name in wanted}
        save_file(kept, part, metadata={CARD_KEY: json.dumps(said, sort_keys=True)})
        os.replace(part, target)
    except (OSError, SafetensorError) as error:  # safetensors wraps what the disk says
        part.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or error
        raise MissingError(f"The weights could not be written to {target} ({why}); make room there.") from error
    return describe(target, trunk)


def target_for(trunk: str, *, overwrite: bool = False) -> Path:
    """Return where `import_weights` keeps the weights of `trunk`; UsageError where some are, unless `overwrite`."""
    target = weights_folder() / f"{_stem(check_trunk_name(trunk))}.safetensors"
    if target.exists() and not overwrite:
        raise UsageError(
            f"There are weights for trunk {trunk} already, at {target}; remove that file first, or say --overwrite."
        )
    return target


def needed(body: Body) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor that weights for `body` must have."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in body.network.state_dict().items()
        if not name.endswith("num_batches_tracked")  # bookkeeping of training; many published files lack it
    }


def fill_random(body: nn.Module, seed: int) -> None:
    """Fill the convolutions of `body` with normal numbers of variance 2 / fan-out (He et al., 2015), by `seed`."""
    generator = torch.Generator().manual_seed(seed)
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def state_digest(network: nn.Module) -> str:
    """Return a SHA-256 over names and numbers of a network's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def _at_hand_for(trunk: str) -> Path | None:
    """The user's file for `trunk`; a single file that RESTORA_WEIGHTS names is for any trunk but the one in the box."""
    for place in _places():
        if not place.is_file():
            found = _matching(place, trunk)
        elif trunk == TINY:
            found = place if read_card(place).get("trunk") == TINY else None
        else:
            found = place
        if found is not None:
            return found
    return BUNDLED if trunk == TINY else None


def _places() -> list[Path]:
    named = os.environ.get("RESTORA_WEIGHTS", "")
    return [*([_existing(Path(named).expanduser(), "RESTORA_WEIGHTS", folder=True)] if named else []), weights_folder()]


def _existing(path: Path, said_by: str, *, folder: bool = False) -> Path:
    if path.is_file() or (folder and path.is_dir()):
        return path
    raise MissingError(f"There are no weights at {path} (named by {said_by}); give the path of an existing file.")


def _matching(folder: Path, trunk: str) -> Path | None:
    files = [file for file in _files(folder) if _named_after(file, trunk)]
    found = [file for file in files if file.stem == _stem(trunk)] or files
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise SettingsError(f"Several weights for trunk {trunk} lie in {folder} ({names}); name one with --weights.")
    return found[0] if found else None


def _at_hand() -> Iterator[tuple[Path, str]]:
    for place in _places():
        for path in [place] if place.is_file() else _files(place):
            trunk = read_card(path).get("trunk") or next((name for name in TRUNKS if _named_after(path, name)), None)
            if trunk is not None:
                yield path, trunk


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix in SUFFIXES and file.is_file())


def _stem(trunk: str) -> str:
    return trunk.removeprefix(TIMM_PREFIX)


def _named_after(file: Path, trunk: str) -> bool:
    head, rest = file.name[: len(_stem(trunk))], file.name[len(_stem(trunk)) :]
    return head == _stem(trunk) and rest[0] in ".-_" and not rest.startswith("_bn")  # vgg16_bn is another network


def _deepest(trunk: str, held: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    wanted: dict[str, tuple[int, ...]] = {}
    for level in range(depth(trunk), 0, -1):
        wanted = needed(build_body(trunk, (level,)))
        if wanted.keys() <= held.keys():
            break
    return wanted
