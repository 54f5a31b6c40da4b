"""The state of an unfinished training in `NAME.restora.partial/`: weights and moments as safetensors, `state.json`.

Randomness needs no state: whatever a step draws comes from (seed, step), so a resumed run draws what an unbroken one
does.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from restora.bundle import hold_folder
from restora.errors import MissingError, UsageError

STATE = "state.json"


@dataclass(frozen=True)
class State:
    """Where a training stands: steps done of how many, and what it belongs to."""

    step: int
    steps: int
    run: str
    weights: str


def tensors_of(module: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights, buffers and the optimiser's moments, named."""
    tensors = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    lookup = {id(parameter): name for name, parameter in module.named_parameters()}
    if len(names) != len(parameters):
        raise RuntimeError("the optimiser does not hold every trained parameter exactly once")
    for parameter in parameters:
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{lookup[id(parameter)]}.{key}"] = torch.as_tensor(value)
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def save(folder: Path, module: nn.Module, optimiser: torch.optim.Optimizer, state: State) -> None:
    """Write the state so that a reader, or a restart after a kill, sees the old one or the new one.

    Raises MissingError when it cannot be written, which leaves the old one.
    """
    name = f"state-{state.step:08d}.safetensors"
    temporary, record = folder / (name + ".tmp"), folder / (STATE + ".tmp")
    try:
        save_file(tensors_of(module, optimiser), str(temporary))
        os.replace(temporary, folder / name)
        text = json.dumps(asdict(State(state.step, state.steps, state.run, name)), indent=1)
        record.write_text(text, encoding="utf-8")
        os.replace(record, folder / STATE)
    except (OSError, SafetensorError) as error:
        for half in (temporary, record):
            half.unlink(missing_ok=True)
        raise MissingError(
            f"The state of step {state.step} could not be written to {folder} ({str(error).splitlines()[0]}); "
            "make room and go on with --resume."
        ) from error
    for old in folder.glob("state-*.safetensors*"):
        if old.name != name:
            old.unlink(missing_ok=True)


def read(folder: Path) -> State | None:
    """The state that lies in the folder, or None when no step was saved yet.

    Raises UsageError when it cannot be read.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({error}); start over with --overwrite") from None


def find(folder: Path) -> State | None:
    """A state that lies in the folder or, where several methods are trained in turn, in a folder of one below it.

    Raises UsageError when one cannot be read.
    """
    own = read(folder)
    if own is not None or not folder.is_dir():
        return own
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    return next((state for state in map(read, below) if state is not None), None)


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Hold the folder, made where it is not there, for one training; it goes again where nothing was put into it.

    Raises UsageError where another training holds it. Where the system cannot lock a folder, nothing is held.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(hold_folder(folder, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"{folder} belongs to a training that is running; wait for its end, or name another folder with --out."
            ) from None
        try:
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()


def clear(folder: Path) -> None:
    """Empty the folder, which stays: whoever holds it goes on holding it."""
    with suppress(OSError):
        (folder / STATE).unlink()
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove the folder; what is there after a kill in between is no state that could be resumed from."""
    with suppress(OSError):
        (folder / STATE).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def restore(folder: Path, state: State, module: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Load weights and moments. Raises UsageError when they do not fit."""
    path = folder / state.weights
    try:
        tensors = load_file(str(path))
        module.load_state_dict({k[7:]: v for k, v in tensors.items() if k.startswith("module.")})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UsageError(
            f"{path} cannot be resumed from ({str(error).splitlines()[0]}); start over with --overwrite"
        ) from None
    lookup = {id(parameter): name for name, parameter in module.named_parameters()}
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            prefix = f"optimiser.{lookup[id(parameter)]}."
            moments = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
            if moments:
                optimiser.state[parameter] = {
                    key: value if key == "step" else torch.empty_like(parameter).copy_(value)
                    for key, value in moments.items()
                }
