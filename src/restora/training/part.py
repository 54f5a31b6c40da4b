"""The training of one method: features into a cache, restorer, loop, statistics of its residual."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.cache import FeatureCache
from restora.features.pyramid import Aggregate, Pyramid, Trunk
from restora.methods.branch import Branch
from restora.methods.contract import Pasted, PastingRestorer, Restorer, as_module, as_restorer
from restora.methods.head import Frame, build_branch
from restora.methods.settings import MethodSettings
from restora.training import checkpoint
from restora.training.ignore import IgnoreMask
from restora.training.loop import DRAW, START, TEXTURES, Progress, Run, fit, optimiser_for, take_step
from restora.training.paste import paste_pictures
from restora.training.plan import Plan, forecast, forecast_disk, prepared_batches
from restora.training.textures import Pixels, texture_pictures

CACHE_BATCH = 8
# Normal pictures that learned normal features begin as the mean of.
START_PICTURES = 64
TEXTURES_TO_PASTE = 32


@dataclass(frozen=True)
class Surroundings:
    """What a training has around it.

    textures : folder of pictures to make anomalies of, None for drawn ones; mask : places that do not count
    progress, say : told of every step, and of a sentence now and then
    """

    device: torch.device
    textures: Path | None = None
    mask: IgnoreMask | None = None
    progress: Callable[[Progress], None] | None = None
    say: Callable[[str], None] = lambda _: None


def lay_out(module: nn.Module, memory_format: torch.memory_format) -> None:
    """Lay the weights of convolutions out in memory; channels last is twice as fast on a processor."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)


class Part:
    """One method's share of a training; its state lies in `folder`.

    `steps` is what the plan says until `fit` has turned minutes into another number.
    """

    def __init__(self, method: str, plan: Plan, folder: Path, around: Surroundings) -> None:
        self.method, self.plan, self.folder, self.around = method, plan, folder, around
        self.settings: MethodSettings = plan.settings.of(method)
        self.seed = plan.settings.seed
        self.steps = plan.steps[method]

    def fit(self, trunk: Trunk, numbers: tuple[int, ...], minutes: float | None) -> Branch:
        """Train and fit everything; the finished branch, in evaluation mode.

        `numbers`: of the levels that the trunk gives; `minutes`: to train for, None for the plan's steps.
        """
        branch = self._untrained(trunk, numbers)
        with self._cached(trunk, branch.aggregate) as cache:
            restorer = self._start(branch, cache, trunk)
            self._train(restorer, branch.aggregate, cache, minutes)
            restorer.draw(np.random.default_rng([self.seed, DRAW]))
            if self.around.mask is not None:
                branch.residual.ignore(torch.from_numpy(self.around.mask.places))
            branch.residual.fit(self._pairs(restorer, cache))
        return branch.eval()

    def refit(self, finished: Branch, trunk: Trunk, numbers: tuple[int, ...]) -> Branch:
        """A finished branch with its residual fitted anew, by the settings' rule; nothing is trained."""
        fresh = self._untrained(trunk, numbers)
        restorer = as_restorer(finished.restorer)
        with self._cached(trunk, fresh.aggregate) as cache:
            lay_out(as_module(restorer), torch.channels_last)
            fresh.residual.fit(self._pairs(restorer, cache))
        return Branch(fresh.aggregate, restorer, fresh.residual).eval()

    def _untrained(self, trunk: Trunk, numbers: tuple[int, ...]) -> Branch:
        frame = Frame(numbers, trunk.levels, self.plan.size, len(self.plan.split.fitting))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            branch = build_branch(self.method, self.settings, frame)
        branch.aggregate.to(self.around.device)
        branch.residual.to(self.around.device)
        return branch

    def _cached(self, trunk: Trunk, aggregate: Aggregate) -> FeatureCache:
        """The features of the fitting pictures, in a file of the folder while the cache is open."""
        plan, items = self.plan, self.plan.split.fitting
        self.around.say(forecast_disk(plan, aggregate))
        self.folder.mkdir(parents=True, exist_ok=True)
        batches = prepared_batches(items, plan.size, plan.settings.input.depth, CACHE_BATCH)
        return FeatureCache.build(self.folder, trunk, aggregate, pictures=batches, count=len(items), size=plan.size)

    def _start(self, branch: Branch, cache: FeatureCache, trunk: Trunk) -> Restorer:
        restorer = as_restorer(branch.restorer)
        some = np.linspace(0, len(cache) - 1, min(START_PICTURES, len(cache))).round().astype(np.int64)
        restorer.start(Pyramid(cache.batch(some)), np.random.default_rng([self.seed, START]))
        lay_out(as_module(restorer).to(self.around.device), torch.channels_last)
        if self.settings.textures_wanted and self.steps:
            restorer.textures = self._texture_features(branch.aggregate, trunk)
        if self.settings.pasted_wanted and self.steps:
            cast("PastingRestorer", restorer).pasted = self._pasted_features(branch.aggregate, trunk)
        return restorer

    def _texture_features(self, aggregate: Aggregate, trunk: Trunk) -> list[Tensor]:
        rng = np.random.default_rng([self.seed, TEXTURES])
        return self._features(
            texture_pictures(self.settings.textures_wanted, self.plan.size, rng, self.around.textures), aggregate, trunk
        )

    def _pasted_features(self, aggregate: Aggregate, trunk: Trunk) -> Pasted:
        plan = self.plan
        drawn = paste_pictures(
            plan.split.fitting,
            list(
                texture_pictures(
                    TEXTURES_TO_PASTE, plan.size, np.random.default_rng([self.seed, TEXTURES]), self.around.textures
                )
            ),
            self.settings.pasted_wanted,
            plan.settings.input.depth,
            np.random.default_rng([self.seed, TEXTURES, 1]),
        )
        stride = aggregate.levels[0].stride
        clean, spoiled, masks = zip(*drawn, strict=True)
        shares = torch.from_numpy(np.stack(masks))[:, None].float()
        return Pasted(
            self._features(clean, aggregate, trunk),
            self._features(spoiled, aggregate, trunk),
            F.avg_pool2d(shares, stride),
        )

    def _features(self, pictures: Iterable[Pixels], aggregate: Aggregate, trunk: Trunk) -> list[Tensor]:
        """Half-precision features of pictures uint8 [H, W, 3], one [P, C_l, H_l, W_l] a level."""
        parts = []
        with torch.no_grad():
            for picture in pictures:
                tensor = torch.from_numpy(picture.copy()).to(self.around.device)[None].permute(0, 3, 1, 2).float()
                parts.append([level.half() for level in aggregate(trunk(tensor)).levels])
        return [torch.cat(level) for level in zip(*parts, strict=True)]

    def _train(self, restorer: Restorer, aggregate: Aggregate, cache: FeatureCache, minutes: float | None) -> None:
        saved = checkpoint.read(self.folder)
        if self.steps == 0:
            return
        seconds = self._step_seconds(restorer, cache)
        self.steps = saved.steps if saved is not None else self._count_steps(minutes, seconds)
        self.plan = replace(self.plan, steps={**self.plan.steps, self.method: self.steps})
        run = self._run(self.steps, self.plan.identity)
        module = as_module(restorer)
        optimiser = optimiser_for(module, self.settings.fit)
        if saved is not None:
            checkpoint.restore(self.folder, saved, module, optimiser)
        parameters = sum(parameter.numel() for parameter in module.parameters())
        self.around.say(forecast(self.plan, self.method, aggregate, parameters, seconds))
        fit(restorer, cache, run, saved.step if saved is not None else 0, optimiser)

    def _run(self, steps: int, identity: str) -> Run:
        around = self.around
        return Run(self.settings.fit, self.seed, steps, self.folder, identity, around.device, around.progress)

    def _step_seconds(self, restorer: Restorer, cache: FeatureCache) -> float:
        """Median of three trial steps after a warm-up, on a copy that is thrown away."""
        trial = copy.deepcopy(restorer)
        module = as_module(trial)
        module.train()
        run = self._run(100, "")
        optimiser = optimiser_for(module, self.settings.fit)
        times = []
        for step in range(4):
            levels = cache.batch([n % len(cache) for n in range(self.settings.fit.batch)])
            start = time.perf_counter()
            take_step(trial, optimiser, levels, step, run)
            times.append(time.perf_counter() - start)
        return float(np.median(times[1:]))

    def _count_steps(self, minutes: float | None, step_seconds: float) -> int:
        return self.steps if minutes is None else max(10, round(60 * minutes / step_seconds))

    def _pairs(
        self, restorer: Restorer, cache: FeatureCache
    ) -> Callable[[], Iterator[tuple[list[Tensor], list[Tensor]]]]:
        """Features and restored features of the fitting pictures, in batches."""

        def batches() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
            with torch.no_grad():
                for held in cache.batches(CACHE_BATCH):
                    levels = [level.to(self.around.device) for level in held]
                    yield levels, restorer.restore(Pyramid(levels)).levels

        as_module(restorer).eval()
        return batches
