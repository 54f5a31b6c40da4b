"""From a picture to what is restored: a frozen trunk gives raw levels, a plan makes the pyramid of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from restora.bundle import TrunkCard
from restora.errors import SettingsError
from restora.features.bodies import build_body
from restora.features.levels import Body, Level
from restora.features.settings import PyramidPlan
from restora.features.weights import Weights, load_weights

__all__ = ["Aggregate", "Level", "Pyramid", "PyramidPlan", "Trunk", "load_trunk"]


@dataclass(frozen=True)
class Pyramid:
    """Features of a batch: `levels` holds float[B, C_l, H_l, W_l], the finest first."""

    levels: list[Tensor]


class Trunk(nn.Module):
    """A frozen network with its normalisation inside, always in evaluation mode.

    `forward`: RGB pictures 0..255, uint8 or float32 [N, 3, H, W], H and W multiples of `multiple`
    -> one float32[N, C_l, H / stride_l, W / stride_l] a level of `levels`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, body: Body, weights: Weights) -> None:
        super().__init__()
        self.body = body
        self.levels = body.levels
        self.multiple = body.multiple
        self.weights = weights
        self.register_buffer("mean", 255 * torch.tensor(body.mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", 255 * torch.tensor(body.deviation).view(1, 3, 1, 1))
        self.requires_grad_(False)
        self.eval()

    @property
    def card(self) -> TrunkCard:
        """What a model's manifest says of the trunk."""
        told = self.weights
        return TrunkCard(name=told.trunk, sha256=told.sha256, licence=told.licence, terms=told.terms)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: the statistics of a published network must never move."""
        del mode
        return super().train(False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return the raw levels of RGB pictures 0..255 [N, 3, H, W]."""
        return cast("list[Tensor]", self.body((pictures.to(self.mean.dtype) - self.mean) / self.deviation))

    def check_size(self, size: tuple[int, int]) -> None:
        """Raise SettingsError, naming what would fit, for a (height, width) that the trunk cannot take."""
        only, multiple = self.body.only_size, self.multiple
        if only is not None:
            fits, near = size == only, only
            rule = "it takes one size only"
        else:
            fits = all(side > 0 and side % multiple == 0 for side in size)
            near = (_nearest(size[0], multiple), _nearest(size[1], multiple))
            rule = f"both sides must be multiples of {multiple}"
        if not fits:
            raise SettingsError(
                f"Trunk {self.weights.trunk} cannot take pictures of {size[0]}x{size[1]}: {rule}; "
                f"use --size {near[0]}x{near[1]}."
            )


def load_trunk(
    name: str, *, weights: str | Path | None = None, levels: tuple[int, ...] = (2, 3), seed: int = 0
) -> Trunk:
    """Build trunk `name` up to the deepest of `levels` and put its weights in.

    `weights`: a file, `random` (by `seed`), or None for those at hand (`weights.find_weights`).
    Raises UsageError for an unknown name, SettingsError for levels or weights that do not fit, MissingError
    where there are no weights.
    """
    with torch.random.fork_rng(devices=[]):  # starting numbers are drawn while building; the caller's draws stay
        torch.manual_seed(seed)
        body = build_body(name, levels)
    return Trunk(body, load_weights(body, name, weights, seed=seed))


class Aggregate(nn.Module):
    """Makes the pyramid that a plan describes out of a trunk's raw levels: pool, scale, merge.

    `inputs` are the facts of what `pooled` gives, `levels` those of what comes out; `scale` float32[inputs] is what
    each of the former is divided by (ones until `set_scale`, and for good where the plan is not scaled).
    `picks`: places, among what the trunk gives, of the levels that the plan names; None where it gives no others.
    """

    scale: Tensor

    def __init__(self, plan: PyramidPlan, levels: Sequence[Level], picks: Sequence[int] | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.picks = tuple(range(len(levels)) if picks is None else picks)
        raw = tuple(levels[pick] for pick in self.picks)
        first = 0 if plan.grid_level is None else plan.levels.index(plan.grid_level)
        stride = raw[first].stride
        # How many cells of a level, along each side, fall into one of the common grid; 1 for what is coarser.
        self.shrinking = tuple(max(1, stride // level.stride) if plan.merge else 1 for level in raw)
        self.inputs = tuple(
            replace(level, stride=level.stride * times) for level, times in zip(raw, self.shrinking, strict=True)
        )
        self.levels = (_merged(raw, stride),) if plan.merge else self.inputs
        self.register_buffer("scale", torch.ones(len(self.inputs)))

    def forward(self, raw: Sequence[Tensor]) -> Pyramid:
        """Return the pyramid of raw levels float[N, C_l, H_l, W_l]."""
        return self.finish(self.pooled(raw))

    def pooled(self, raw: Sequence[Tensor]) -> list[Tensor]:
        """Return what is kept of raw levels: pooled, or as they are where `finish` pools.

        Levels that are merged are pooled after they were brought to one grid, as URA-Net's first author does it; those
        finer than that grid are averaged over its cells before they are kept, which takes less room.
        """
        picked = [raw[pick] for pick in self.picks]
        if not self.plan.merge:
            return [self._means(level) for level in picked]
        pairs = zip(picked, self.shrinking, strict=True)
        return [functional.avg_pool2d(level, times) if times > 1 else level for level, times in pairs]

    def _means(self, level: Tensor) -> Tensor:
        """Mean of every cell's neighbourhood, counting only cells that are there."""
        side = self.plan.pool
        return functional.avg_pool2d(level, side, stride=1, padding=side // 2, count_include_pad=False)

    def finish(self, pooled: Sequence[Tensor]) -> Pyramid:
        """Return the pyramid of what `pooled` gave: scaled and, where the plan says so, merged on one grid."""
        scaled = [level / self.scale[index] for index, level in enumerate(pooled)]
        if not self.plan.merge:
            return Pyramid(scaled)
        grid = scaled[0].shape[-2:]
        # Corners on corners is how URA-Net's first author does it; cell in cell is what averaging fits.
        corners = self.plan.grid_level is None
        same = [scaled[0], *(_resized(level, grid, corners) for level in scaled[1:])]
        return Pyramid([torch.cat([self._means(level) for level in same], dim=1)])

    def set_scale(self, deviations: Sequence[float]) -> None:
        """Take the standard deviations of the pooled levels over the fitting pictures, where the plan is scaled.

        A level that never varies (deviation 0) is divided by 1.
        """
        if self.plan.scaled:
            self.scale.copy_(torch.tensor([value if value > 0 else 1.0 for value in deviations]))


def _merged(levels: Sequence[Level], stride: int) -> Level:
    name = "+".join(level.name for level in levels)
    return Level(name, sum(level.channels for level in levels), stride)


def _resized(level: Tensor, grid: Sequence[int], corners: bool) -> Tensor:
    return functional.interpolate(level, size=list(grid), mode="bilinear", align_corners=corners)


def _nearest(side: int, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple
