"""Where a trunk's weights are found, and how they get into it; nothing is ever fetched.

Looked for in this order: the file named, `RESTORA_WEIGHTS` (a file or a folder), the user's own folder
(`weights_folder()`, filled by `import_weights`). Random numbers stand in only where `random` is asked for by name.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from restora.errors import MissingError, SettingsError
from restora.features.settings import RANDOM

SUFFIXES = (".safetensors", ".pth", ".pt")
UNSTATED = "not stated with the file"
RANDOM_TERMS = ("none: random numbers", "none: taught by no data")


@dataclass(frozen=True)
class Weights:
    """Weights that were found: the file (None: random numbers), its SHA-256, and the terms they are under."""

    trunk: str
    path: Path | None
    sha256: str
    licence: str = UNSTATED
    terms: str = UNSTATED


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
    named = os.environ.get("RESTORA_WEIGHTS", "")
    places = [weights_folder()]
    if named:
        place = _existing(Path(named).expanduser(), "RESTORA_WEIGHTS", folder=True)
        if place.is_file():
            return place
        places.insert(0, place)
    for place in places:
        found = _matching(place, trunk)
        if found is not None:
            return found
    raise MissingError(
        f"No weights for trunk {trunk} are on this machine; give a file with --weights, set RESTORA_WEIGHTS, "
        f"use 'restora weights import', or ask for random numbers with --weights {RANDOM}."
    )


def load_weights(body: nn.Module, trunk: str, weights: str | Path | None = None, *, seed: int = 0) -> Weights:
    """Put weights into `body`, the network of `trunk`, and say which they were.

    Numbers of any float kind become float32. What the file has beyond the network (deeper levels, the
    classifier) is left; a tensor that is missing, of another shape or not finite raises SettingsError naming it.
    """
    path = find_weights(trunk, weights)
    if path is None:
        fill_random(body, seed)
        return Weights(trunk, None, state_digest(body), *RANDOM_TERMS)
    wanted = {name: tuple(tensor.shape) for name, tensor in body.state_dict().items() if _counts(name)}
    state = read_tensors(path, wanted, trunk)
    body.load_state_dict(state, strict=False)
    return Weights(trunk, path, file_digest(path))


def read_tensors(path: Path, wanted: Mapping[str, tuple[int, ...]], trunk: str) -> dict[str, Tensor]:
    """Read the `wanted` tensors (name -> shape) of a file as float32; SettingsError where they do not fit `trunk`."""
    held = _read_safetensors(path, wanted) if path.suffix == ".safetensors" else _read_pickle(path)
    for name, shape in wanted.items():
        if name not in held:
            raise SettingsError(f"The weights {path} do not fit trunk {trunk}: tensor {name} {list(shape)} is missing.")
        if tuple(held[name].shape) != shape:
            raise SettingsError(
                f"The weights {path} do not fit trunk {trunk}: tensor {name} "
                f"is {list(held[name].shape)}, the trunk needs {list(shape)}."
            )
    state = {name: held[name].to(torch.float32) for name in wanted}
    broken = next((name for name, tensor in state.items() if not tensor.isfinite().all()), None)
    if broken is not None:
        raise SettingsError(f"The weights {path} cannot be used: tensor {broken} holds numbers that are not finite.")
    return state


def fill_random(body: nn.Module, seed: int) -> None:
    """Fill the convolutions of `body` with normal numbers of variance 2 / fan-out (He et al., 2015), by `seed`."""
    generator = torch.Generator().manual_seed(seed)
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def state_digest(body: nn.Module) -> str:
    """Return a SHA-256 over names and numbers of a network's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(body.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def _counts(name: str) -> bool:
    return not name.endswith("num_batches_tracked")  # bookkeeping of training; many published files lack it


def _existing(path: Path, said_by: str, *, folder: bool = False) -> Path:
    if path.is_file() or (folder and path.is_dir()):
        return path
    raise MissingError(f"There are no weights at {path} (named by {said_by}); give the path of an existing file.")


def _matching(folder: Path, trunk: str) -> Path | None:
    files = sorted(f for f in folder.glob(f"{trunk}*") if f.suffix in SUFFIXES and _named_after(f, trunk))
    exact = [file for file in files if file.stem == trunk]
    found = exact or files
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise SettingsError(f"Several weights for trunk {trunk} lie in {folder} ({names}); name one with --weights.")
    return found[0] if found else None


def _named_after(file: Path, trunk: str) -> bool:
    rest = file.name[len(trunk) :]
    return rest[:1] in {".", "-", "_"} and not rest.startswith("_2")  # resnet50 is not the head of resnet50_2


def _read_safetensors(path: Path, wanted: Iterable[str]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            prefix = _prefix(file.keys())
            return {name: file.get_tensor(prefix + name) for name in wanted if prefix + name in set(file.keys())}
    except (SafetensorError, OSError) as error:
        raise SettingsError(f"The weights {path} cannot be read as safetensors: {error}") from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(f"The weights {path} cannot be read by torch's weights-only loader: {reason}") from None
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise SettingsError(f"The weights {path} hold no table of tensors.")
    prefix = _prefix(content.keys())
    return {name.removeprefix(prefix): value for name, value in content.items() if isinstance(value, Tensor)}


def _prefix(names: Iterable[str]) -> str:
    return "module." if all(name.startswith("module.") for name in names) else ""
