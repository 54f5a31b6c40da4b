"""From good pictures to a model folder: fit, export, check parity, calibrate, write. The one composition of it all."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restora.bundle import is_model, other_files
from restora.detector.detector import Detector
from restora.errors import MissingError, RestoraError, SettingsError, UsageError
from restora.export.fold import fold_norms
from restora.export.network import Network
from restora.features.cache import FeatureCache
from restora.features.pyramid import Aggregate, Pyramid, Trunk, load_trunk
from restora.images.split import content_digest
from restora.methods.contract import Restorer, as_module
from restora.methods.residual import Residual
from restora.methods.table import METHODS
from restora.training import checkpoint
from restora.training.ignore import IgnoreMask, read_ignore
from restora.training.loop import DRAW, START, TEXTURES, Progress, Run, fit, optimiser_for, take_step
from restora.training.plan import (
    Plan,
    Source,
    check_readable,
    forecast,
    forecast_disk,
    make_plan,
    open_source,
    prepared_batches,
    resolve_settings,
)
from restora.training.settings import RunSettings
from restora.training.textures import list_textures, texture_pictures
from restora.training.write import write_detector

CACHE_BATCH = 8
# Normal pictures that learned normal features begin as the mean of.
START_PICTURES = 64


def train(
    source: Source,
    *,
    out: str | Path,
    method: str | None = None,
    preset: str = "small",
    trunk: str | None = None,
    weights: str | Path | None = None,
    size: str | None = None,
    pixels: int | None = None,
    ignore: str | Path | None = None,
    depth: int | None = None,
    false_alarms: float | None = None,
    layout: str | None = None,
    textures: str | Path | None = None,
    device: str = "cpu",
    seed: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    config: RunSettings | None = None,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Detector:
    """Make a detector from good pictures.

    source : a folder of good pictures, a data set (its train/good is used), a CSV table, or arrays uint8 [N, H, W(, C)]
    out    : the model folder to write, NAME.restora; while training, state lies beside it in NAME.restora.partial
    config : settings to start from instead of a preset; what is named beside it wins

    Raises UsageError (and its kin) for what cannot be used, MissingError for what this machine lacks, StoppedError for
    NaN or refused parity, CancelledError when interrupted; state is then kept for `resume`.
    """
    out = Path(out)
    settings = resolve_settings(
        preset,
        config,
        {
            "method": method,
            "seed": seed,
            "trunk.name": trunk,
            "trunk.weights": str(weights) if weights is not None else None,
            "input.size": size,
            "input.pixels": pixels,
            "input.depth": depth,
            "input.ignore": str(ignore) if ignore is not None else None,
            "verdicts.false_alarms": false_alarms,
        },
    )
    if minutes is not None and not minutes > 0:
        raise SettingsError(f"--minutes is {minutes}; it must be above 0")
    where = pick_device(device)
    partial = claim_folder(out, resume=resume, overwrite=overwrite)
    dataset = open_source(source, layout)
    network_trunk = load_trunk(
        str(settings.trunk.name),
        weights=settings.trunk.weights,
        levels=settings.chosen.pyramid.levels,
        seed=settings.seed,
    )
    further = [list_textures(Path(textures))] if textures else []
    if settings.input.ignore:
        further.append(content_digest(settings.input.ignore))
    plan = make_plan(settings, dataset, network_trunk, further)
    plan = replace(plan, textures=Path(textures).name if textures else None)
    check_readable(plan.split.calibration, settings.input.depth)
    mask = read_ignore(settings.input.ignore, plan) if settings.input.ignore else None
    with checkpoint.sole_owner(partial):
        if resume:
            check_same(partial, plan)
        else:
            checkpoint.clear(partial)
        job = Job(plan, partial, where, Path(textures) if textures else None, mask, progress, say or (lambda _: None))
        try:
            network = job.fit(network_trunk, minutes)
            detector = write_detector(network, job.plan, out, mask)
        except BaseException:
            job.leave()
            raise
        checkpoint.remove(partial)
    return detector


def pick_device(name: str) -> torch.device:
    """The torch device of that name. Raises UsageError for an unknown one, MissingError for one not there."""
    if name not in ("cpu", "cuda"):
        raise UsageError(f"There is no device {name!r}; take cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise MissingError("No CUDA device is at hand; leave --device out, or install a CUDA build of torch")
    return torch.device(name)


def claim_folder(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Path of the partial folder, after checking that this training may write there."""
    if not out.name:
        raise UsageError(f"{out} is no name for a model; name a new folder, NAME.restora")
    partial = out.with_name(out.name + ".partial")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a new folder for the model")
    if not is_model(out) and (others := other_files(out)):
        raise UsageError(f"{out} is no model and holds other files ({others[0]}); name a new folder")
    unfinished = not overwrite and checkpoint.read(partial) is not None
    if is_model(out) and not overwrite and not (resume and unfinished):
        also = "and no unfinished training lies beside it" if resume else "already"
        raise UsageError(f"{out} holds a model {also}; name another folder or add --overwrite")
    if unfinished and not resume:
        raise UsageError(f"{partial} holds an unfinished training; add --resume to go on or --overwrite to start over")
    return partial


def check_same(partial: Path, plan: Plan) -> None:
    """Raise UsageError when the state that lies there is that of another training."""
    saved = checkpoint.read(partial)
    if saved is not None and saved.run != plan.identity:
        raise UsageError(
            f"{partial} belongs to another training (other pictures, settings or weights); "
            "repeat that command to go on, or start over with --overwrite"
        )


def lay_out(module: nn.Module, memory_format: torch.memory_format) -> None:
    """Lay the weights of convolutions out in memory; channels last is twice as fast on a processor."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)


class Job:
    """The torch half of a training: features, restorer, loop, statistics."""

    def __init__(
        self,
        plan: Plan,
        partial: Path,
        device: torch.device,
        textures: Path | None,
        mask: IgnoreMask | None,
        progress: Callable[[Progress], None] | None,
        say: Callable[[str], None],
    ) -> None:
        self.plan, self.settings, self.partial, self.device = plan, plan.settings, partial, device
        self.textures, self.mask, self.progress, self.say = textures, mask, progress, say

    def leave(self) -> None:
        """After a failure: without a saved step there is nothing to go on from, so nothing is left behind."""
        for features in self.partial.glob("features*"):
            features.unlink(missing_ok=True)
        try:
            if checkpoint.read(self.partial) is None:
                checkpoint.remove(self.partial)
        except RestoraError:
            return

    def fit(self, trunk: Trunk, minutes: float | None) -> Network:
        """Train and fit everything; the finished network on the processor, in evaluation mode."""
        plan, settings = self.plan, self.settings
        trunk = trunk.to(self.device)
        aggregate = Aggregate(settings.chosen.pyramid, trunk.levels).to(self.device)
        batches = prepared_batches(plan.split.fitting, plan.size, settings.input.depth, CACHE_BATCH)
        self.say(forecast_disk(plan, aggregate))
        self.partial.mkdir(parents=True, exist_ok=True)
        count = len(plan.split.fitting)
        with FeatureCache.build(self.partial, trunk, aggregate, pictures=batches, count=count, size=plan.size) as cache:
            restorer = self._restorer(aggregate, cache, trunk)
            self._train(restorer, aggregate, cache, minutes)
            restorer.draw(np.random.default_rng([settings.seed, DRAW]))
            residual = Residual(settings.chosen.residual, aggregate.levels, plan.size).to(self.device)
            if self.mask is not None:
                residual.ignore(torch.from_numpy(self.mask.places))
            residual.fit(self._pairs(restorer, cache))
        perceives = settings.chosen.perception.mode != "off" and settings.chosen.restorer.body != "none"
        network = Network(trunk, aggregate, restorer, residual, perceives=perceives)
        network.to("cpu").eval()
        fold_norms(network)
        lay_out(network, torch.contiguous_format)
        return network

    def _restorer(self, aggregate: Aggregate, cache: FeatureCache, trunk: Trunk) -> Restorer:
        settings, size = self.settings, self.plan.size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            restorer = METHODS[settings.method].build(settings.chosen, aggregate.levels, size, len(cache))
        some = np.linspace(0, len(cache) - 1, min(START_PICTURES, len(cache))).round().astype(np.int64)
        restorer.start(Pyramid(cache.batch(some)), np.random.default_rng([settings.seed, START]))
        lay_out(as_module(restorer).to(self.device), torch.channels_last)
        if settings.chosen.synthesis.enabled and "texture" in settings.chosen.synthesis.kinds and self.plan.steps:
            restorer.textures = self._texture_features(aggregate, trunk)
        return restorer

    def _texture_features(self, aggregate: Aggregate, trunk: Trunk) -> list[Tensor]:
        rng = np.random.default_rng([self.settings.seed, TEXTURES])
        pictures = texture_pictures(self.settings.chosen.synthesis.textures, self.plan.size, rng, self.textures)
        parts = []
        with torch.no_grad():
            for picture in pictures:
                tensor = torch.from_numpy(picture.copy()).to(self.device)[None].permute(0, 3, 1, 2).float()
                parts.append([level.half() for level in aggregate(trunk(tensor)).levels])
        return [torch.cat(level) for level in zip(*parts, strict=True)]

    def _train(self, restorer: Restorer, aggregate: Aggregate, cache: FeatureCache, minutes: float | None) -> None:
        saved = checkpoint.read(self.partial)
        if self.plan.steps == 0:
            return
        seconds = self._step_seconds(restorer, cache)
        steps = saved.steps if saved is not None else self._count_steps(minutes, seconds)
        self.plan = replace(self.plan, steps=steps)
        run = Run(
            self.settings.fit, self.settings.seed, steps, self.partial, self.plan.identity, self.device, self.progress
        )
        module = as_module(restorer)
        optimiser = optimiser_for(module, self.settings.fit)
        if saved is not None:
            checkpoint.restore(self.partial, saved, module, optimiser)
        parameters = sum(parameter.numel() for parameter in module.parameters())
        self.say(forecast(self.plan, aggregate, parameters, seconds))
        fit(restorer, cache, run, saved.step if saved is not None else 0, optimiser)

    def _step_seconds(self, restorer: Restorer, cache: FeatureCache) -> float:
        """Median of three trial steps after a warm-up, on a copy that is thrown away."""
        trial = copy.deepcopy(restorer)
        module = as_module(trial)
        module.train()
        run = Run(self.settings.fit, self.settings.seed, 100, self.partial, "", self.device)
        optimiser = optimiser_for(module, self.settings.fit)
        times = []
        for step in range(4):
            levels = cache.batch([n % len(cache) for n in range(self.settings.fit.batch)])
            start = time.perf_counter()
            take_step(trial, optimiser, levels, step, run)
            times.append(time.perf_counter() - start)
        return float(np.median(times[1:]))

    def _count_steps(self, minutes: float | None, step_seconds: float) -> int:
        return self.plan.steps if minutes is None else max(10, round(60 * minutes / step_seconds))

    def _pairs(
        self, restorer: Restorer, cache: FeatureCache
    ) -> Callable[[], Iterator[tuple[list[Tensor], list[Tensor]]]]:
        """Features and restored features of the fitting pictures, in batches."""

        def batches() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
            with torch.no_grad():
                for held in cache.batches(CACHE_BATCH):
                    levels = [level.to(self.device) for level in held]
                    yield levels, restorer.restore(Pyramid(levels)).levels

        as_module(restorer).eval()
        return batches
