"""From a pyramid and its restoration to the anomaly map and the score of a picture.

Level maps are divided by their mean over fitting pictures, brought to a quarter of the picture's size, added (finer
levels count more), smoothed by a Gaussian; the score is the maximum. Everything fitted comes from fitting pictures and
is state of the module. That MFRNet's map joins pixels and structure as its loss does is published, the formula is our
choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.levels import Level
from restora.methods.border import border_factor
from restora.methods.distances import (
    ContentGaussian,
    CosineDistance,
    Distance,
    PlaceGaussian,
    SquaredError,
    StructureDistance,
)
from restora.methods.layers.blur import gaussian_blur, gaussian_kernel
from restora.methods.settings import ResidualSettings

# Cells of the map are a quarter of the picture: as fine as the finest level of any trunk here.
MAP_STRIDE = 4

STRUCTURES = ("ssim", "gms")

Pairs = Callable[[], Iterator[tuple[list[Tensor], list[Tensor]]]]


class Residual(nn.Module):
    """`forward(levels, restored)` -> map [N, H / 4, W / 4].

    levels, size : facts of the pyramid and (height, width) of the prepared pictures
    ignore       : [H / 4, W / 4] bool, places that are left out, or None; a constant of the graph
    """

    level_scale: Tensor
    kernel: Tensor
    keep: Tensor
    weight: Tensor

    def __init__(self, settings: ResidualSettings, levels: tuple[Level, ...], size: tuple[int, int]) -> None:
        super().__init__()
        self.settings = settings
        self.grid = (size[0] // MAP_STRIDE, size[1] // MAP_STRIDE)
        rules = settings.rule.split("_")
        self.rules = nn.ModuleList(
            nn.ModuleList(_distance(rule, level, levels[0], size, settings) for level in levels) for rule in rules
        )
        self.register_buffer("level_scale", torch.ones(len(rules), len(levels)))
        self.register_buffer("kernel", gaussian_kernel(settings.smoothing))
        self.register_buffer("keep", torch.ones(1, 1, *self.grid))
        # What the smoothed map is multiplied by: 0 where places are left out, less than 1 near the border.
        self.register_buffer("weight", torch.ones(1, 1, *self.grid))

    def ignore(self, places: Tensor) -> None:
        """Leave places [H / 4, W / 4] bool out of map and score."""
        self.keep.copy_((~places).float()[None, None])
        self.weight.copy_(self.keep)

    def _distances(self) -> Iterator[tuple[int, int, Distance]]:
        for row, rule in enumerate(self._rules):
            for column, distance in enumerate(rule):
                yield row, column, distance

    @torch.no_grad()
    def fit(self, pairs: Pairs) -> None:
        """Fit the statistics in one pass over (levels, restored) of the fitting pictures; in another the level scales,
        and what is usual near the border.
        """
        for levels, restored in pairs():
            for _, column, distance in self._distances():
                distance.accumulate(levels[column], restored[column])
        for _, _, distance in self._distances():
            distance.solve()
        usual = self._usual(pairs)
        means = torch.stack([torch.stack([level.mean() for level in row]) for row in usual]).clamp(min=1e-12)
        self.level_scale.copy_(means / self._weights(means.shape[1]).to(means))
        if self.settings.border:
            # The map of the mean distances is the mean map, for everything behind them is linear (or nearly, in a
            # product of two).
            factor = border_factor(self._combined(usual)[0, 0], self.keep[0, 0], self.settings.border)
            self.weight.copy_(self.keep / factor**self.settings.border_power)

    def _weights(self, levels: int) -> Tensor:
        """What each level counts, finest first; the coarsest counts 1."""
        return self.settings.fine_weight ** torch.arange(levels - 1, -1, -1, dtype=torch.float32)

    def _usual(self, pairs: Pairs) -> list[list[Tensor]]:
        """Mean distances over the fitting pictures, [1, H_l, W_l] a rule and level."""
        totals: list[list[Tensor]] = []
        count = 0
        for levels, restored in pairs():
            count += len(levels[0])
            seen = [[one.sum(0, keepdim=True) for one in row] for row in self._raw(levels, restored)]
            before = totals or [[torch.zeros_like(one) for one in row] for row in seen]
            totals = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(before, seen, strict=True)]
        return [[total / count for total in row] for row in totals]

    @property
    def _rules(self) -> list[list[Distance]]:
        return [cast("list[Distance]", rule) for rule in self.rules]

    def forward(self, levels: list[Tensor], restored: list[Tensor]) -> Tensor:
        """Anomaly map [N, H / 4, W / 4]: 0 and above, larger is stranger; ignored places are 0."""
        return (self._combined(self._raw(levels, restored)) * self.weight)[:, 0]

    def _raw(self, levels: list[Tensor], restored: list[Tensor]) -> list[list[Tensor]]:
        """Distances [N, H_l, W_l] a rule and level."""
        return [
            [distance(level, other) for distance, level, other in zip(rule, levels, restored, strict=True)]
            for rule in self._rules
        ]

    def _combined(self, raw: list[list[Tensor]]) -> Tensor:
        """Distances [N, H_l, W_l], a list a rule, as one smoothed map [N, 1, H / 4, W / 4]."""
        smooth = []
        for row, distances in enumerate(raw):
            scaled = [(distance / self.level_scale[row, column])[:, None] for column, distance in enumerate(distances)]
            fine = [F.interpolate(one, size=self.grid, mode="bilinear", align_corners=False) for one in scaled]
            total = sum(fine[1:], fine[0])
            smooth.append(gaussian_blur(total * self.keep, self.kernel))
        return smooth[0] if len(smooth) == 1 else self._joined(*smooth)

    def _joined(self, first: Tensor, second: Tensor) -> Tensor:
        """Maps of two distances as one: a structural one is added, others are multiplied."""
        if self.settings.rule.endswith(STRUCTURES):
            return first + self.settings.structure_weight * second
        return first * second


def _distance(rule: str, level: Level, finest: Level, size: tuple[int, int], settings: ResidualSettings) -> Distance:
    if rule in STRUCTURES:
        return StructureDistance(rule, level.shape(size))
    if rule == "mse":
        return SquaredError()
    if rule == "cosine":
        return CosineDistance()
    if rule == "content":
        return ContentGaussian(level.shape(size), settings)
    block = max(1, settings.places * finest.stride // level.stride)
    return PlaceGaussian(level.shape(size), block, settings)
