"""Files of weights: reading the tensors that are wanted, saying what does not fit, and what a file says of itself.

Safetensors are read tensor by tensor. A `.pth` or `.pt` goes through torch's weights-only loader and nothing else:
a pickle may run any program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from restora.errors import SettingsError

SUFFIXES = (".safetensors", ".pth", ".pt")
CARD_KEY = "restora"  # one key only: safetensors does not keep the order of several, and bytes should repeat


def read_tensors(path: Path, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Return the tensors of a file by name, only those in `names` where given; what is not there is left out.

    A table below `state_dict` or `model`, and a prefix `module.` before all names, are seen through.
    Raises SettingsError where the file cannot be read or holds more than tensors.
    """
    wanted = None if names is None else set(names)
    if path.suffix == ".safetensors":
        return _read_safetensors(path, wanted)
    held = _read_pickle(path)
    return {name: tensor for name, tensor in held.items() if wanted is None or name in wanted}


def fit_tensors(path: Path, wanted: Mapping[str, tuple[int, ...]], trunk: str) -> dict[str, Tensor]:
    """Return the `wanted` tensors (name -> shape) of a file as float32.

    Raises SettingsError naming the first tensor that is missing, of another shape or not finite.
    """
    held = read_tensors(path, wanted)
    unfit = [name for name, shape in wanted.items() if name not in held or tuple(held[name].shape) != shape]
    if unfit:
        name, more = unfit[0], f" (and {len(unfit) - 1} more do not fit)" if len(unfit) > 1 else ""
        what = f"is {list(held[name].shape)}" if name in held else "is missing"
        raise SettingsError(
            f"The weights {path} do not fit trunk {trunk}: tensor {name} {what}, "
            f"where the trunk needs {list(wanted[name])}{more}; give a file made for {trunk}."
        )
    state = {name: held[name].to(torch.float32) for name in wanted}
    broken = next((name for name, tensor in state.items() if not tensor.isfinite().all()), None)
    if broken is not None:
        raise SettingsError(
            f"The weights {path} cannot be used: tensor {broken} holds numbers that are not finite; take another file."
        )
    return state


def read_card(path: Path) -> dict[str, str]:
    """Return what a safetensors file says of itself (trunk, licence, terms ...); empty where it says nothing."""
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            said: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
    try:
        own = json.loads(said.get(CARD_KEY, "{}"))
    except json.JSONDecodeError:
        own = {}
    licence = said.get("licence", said.get("license"))
    card = {"licence": licence, "terms": said.get("terms"), **(own if isinstance(own, dict) else {})}
    return {key: str(value) for key, value in card.items() if value is not None}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_safetensors(path: Path, wanted: set[str] | None) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            prefix = _prefix(names)
            plain = {name.removeprefix(prefix): name for name in names}
            return {name: file.get_tensor(plain[name]) for name in plain if wanted is None or name in wanted}
    except (SafetensorError, OSError) as error:
        raise SettingsError(f"The weights {path} cannot be read as safetensors ({_reason(error)}).") from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # bytes that are no pickle make the loader fail in any way, and its advice is to trust them
        raise SettingsError(
            f"The weights {path} cannot be read by torch's weights-only loader; give a state_dict or safetensors."
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise SettingsError(f"The weights {path} hold no table of tensors; give a state_dict.")
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    prefix = _prefix(tensors)
    return {name.removeprefix(prefix): value for name, value in tensors.items()}


def _prefix(names: Iterable[str]) -> str:
    return "module." if all(name.startswith("module.") for name in names) else ""


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
