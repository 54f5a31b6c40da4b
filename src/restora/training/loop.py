"""The training loop: batches from the feature cache, one loss, one optimiser, and nothing hidden."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restora.errors import CancelledError, StoppedError
from restora.features.cache import FeatureCache
from restora.features.pyramid import Pyramid
from restora.methods.contract import Restorer, as_module
from restora.methods.settings import FitSettings
from restora.training import checkpoint
from restora.training.log import Log

LOG_EVERY = 10

# Streams of random numbers are told apart by their second key: (seed, stream, ...).
ORDER, STEP, START, DRAW, TEXTURES = range(5)


@dataclass(frozen=True)
class Progress:
    """Where a training stands; `seconds_left` counts the steps that remain."""

    step: int
    steps: int
    loss: float
    seconds_left: float


@dataclass(frozen=True)
class Run:
    """What a loop needs to know beside the method and its features."""

    settings: FitSettings
    seed: int
    steps: int
    folder: Path
    identity: str
    device: torch.device
    progress: Callable[[Progress], None] | None = None


def batch_indices(step: int, size: int, count: int, seed: int) -> list[int]:
    """Pictures of one step: every picture once a pass, each pass in an order of its own, drawn from (seed, pass)."""
    places = range(step * size, (step + 1) * size)
    passes = {place // count for place in places}
    orders = {number: np.random.default_rng([seed, ORDER, number]).permutation(count) for number in passes}
    return [int(orders[place // count][place % count]) for place in places]


def learning_rate(step: int, steps: int, settings: FitSettings) -> float:
    """Linear warm-up, then constant or a cosine to zero."""
    warm = min(1.0, (step + 1) / settings.warm_up_steps) if settings.warm_up_steps else 1.0
    if settings.schedule == "constant":
        return settings.learning_rate * warm
    return settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def optimiser_for(module: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """AdamW; biases, norms, learned features and the Bayesian means and spreads (their prior does that) do not
    decay.
    """
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        weights = name.endswith(".weight") and parameter.ndim >= 2
        (decayed if weights else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas)


def not_a_number(what: str, step: int, folder: Path) -> StoppedError:
    """The error for a training that went astray at `step` (from 0), which says what is left of it."""
    kept = checkpoint.read(folder)
    left = f"the last good state, of step {kept.step}, lies in {folder}" if kept else "no state had been saved yet"
    return StoppedError(
        f"The {what} is not a number at step {step + 1}; {left}, start over with a lower learning_rate."
    )


def take_step(
    restorer: Restorer, optimiser: torch.optim.Optimizer, levels: list[Tensor], step: int, run: Run
) -> dict[str, float]:
    """One optimiser step; the terms of the loss. Raises StoppedError when the loss is not a number."""
    module = as_module(restorer)
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(step, run.steps, run.settings)
    rng = np.random.default_rng([run.seed, STEP, step])
    pyramid = Pyramid([level.to(run.device) for level in levels])
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.settings.precision == "bfloat16"):
        terms = restorer.losses(pyramid, rng, step / max(run.steps, 1))
    total = torch.stack(list(terms.values())).sum()
    if not math.isfinite(float(total.detach())):
        raise not_a_number("loss", step, run.folder)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    if run.settings.clip is not None:
        nn.utils.clip_grad_norm_(module.parameters(), run.settings.clip)
    optimiser.step()
    return {"loss": float(total.detach()), **{name: float(term.detach()) for name, term in terms.items()}}


def fit(
    restorer: Restorer, cache: FeatureCache, run: Run, first: int = 0, optimiser: torch.optim.Optimizer | None = None
) -> None:
    """Train from step `first` to the last, saving on the way and on Ctrl-C or SIGTERM (CancelledError)."""
    module = as_module(restorer)
    optimiser = optimiser or optimiser_for(module, run.settings)
    log = Log(run.folder / "log.csv", first)
    module.train()
    started = time.monotonic()
    with stop_signals() as stop:
        for step in range(first, run.steps):
            levels = cache.batch(batch_indices(step, run.settings.batch, len(cache), run.seed))
            figures = take_step(restorer, optimiser, levels, step, run)
            done = step + 1
            if step % LOG_EVERY == 0 or done == run.steps:
                log.write(step, {**figures, **restorer.figures()})
            if run.progress is not None:
                left = (time.monotonic() - started) / (done - first) * (run.steps - done)
                run.progress(Progress(done, run.steps, figures["loss"], left))
            if done % run.settings.save_every == 0 or done == run.steps or stop.is_set():
                # a finite loss can have an infinite gradient: what is saved must be good
                if not all(bool(tensor.isfinite().all()) for tensor in module.state_dict().values()):
                    raise not_a_number("network", step, run.folder)
                checkpoint.save(run.folder, module, optimiser, checkpoint.State(done, run.steps, run.identity, ""))
            if stop.is_set():
                raise CancelledError(
                    f"Interrupted after step {done} of {run.steps}; go on with --resume (state in {run.folder})."
                )
    module.eval()


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a step is finished before the state is saved.

    Outside the main thread signals cannot be caught; the event is then never set.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, frame: object) -> None:
        event.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
