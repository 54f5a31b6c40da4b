"""Patches of pictures for all yardsticks alike, and how distances of patches become what a model's graph gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restora.features.pyramid import Aggregate, Trunk
from restora.features.settings import SMALL
from restora.methods.layers.blur import gaussian_blur, gaussian_kernel
from restora.training.plan import Plan, prepared_batches

STRIDES = (8, 16)  # levels 2 and 3
BATCH = 8
SMOOTHING = 1.0  # standard deviation in cells of the map, as our own rows have it

# Distances of patches on their grid: [N, h, w, C] -> [N, h, w]
Distances = Callable[[Tensor], Tensor]


class Patches:
    """3 x 3 means of the trunk's levels 2 and 3 (all its levels where it has neither), joined on the finest grid."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk
        chosen = [place for place, level in enumerate(trunk.levels) if level.stride in STRIDES]
        self._aggregate = Aggregate(SMALL, trunk.levels, chosen or None)
        self.levels = self._aggregate.inputs
        self.channels = sum(level.channels for level in self.levels)

    @torch.inference_mode()
    def __call__(self, batch: NDArray[np.uint8]) -> Tensor:
        """Prepared pictures uint8 [N, H, W, 3] -> float32 [N, h, w, C]."""
        means = self._aggregate.pooled(self._trunk(torch.from_numpy(batch).permute(0, 3, 1, 2).float()))
        grid = means[0].shape[2:]
        joined = [means[0], *(functional.interpolate(level, size=grid, mode="bilinear") for level in means[1:])]
        return torch.cat(joined, 1).permute(0, 2, 3, 1).contiguous()

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """(h, w) of the patches of pictures of `size`."""
        return self.levels[0].shape(size)[1:]

    def of(self, plan: Plan) -> Iterator[Tensor]:
        """Patches of the fitting pictures in order, [N, h, w, C] a batch."""
        for batch in prepared_batches(plan.split.fitting, plan.size, plan.settings.input.depth, BATCH):
            yield self(batch)

    def drawn(self, plan: Plan, wanted: int) -> tuple[Tensor, Tensor]:
        """At most `wanted` random patches of all fitting pictures [M, C], by the plan's seed, and the number of each
        one's picture [M]; only these are ever held in memory.
        """
        height, width = self.grid(plan.size)
        cells, pictures = height * width, len(plan.split.fitting)
        keep = np.sort(np.random.default_rng(plan.settings.seed).permutation(pictures * cells)[:wanted])
        found, first = [], 0
        for patches in self.of(plan):
            rows = patches.flatten(0, 2)
            mine = keep[(keep >= first) & (keep < first + len(rows))]
            found.append(rows[torch.from_numpy(mine - first)])
            first += len(rows)
        return torch.cat(found), torch.from_numpy(keep // cells)


class YardstickRuntime:
    """Answers like a model's graph: a map at a quarter of the picture, smoothed by one cell; its maximum as score."""

    def __init__(self, name: str, patches: Patches, distances: Distances) -> None:
        self.name = name
        self._patches, self._distances = patches, distances
        self._kernel = gaussian_kernel(SMOOTHING)

    @torch.inference_mode()
    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> score [N], doubt [N], map [N, H / 4, W / 4]."""
        raw = self._distances(self._patches(batch))[:, None]
        fine = functional.interpolate(raw, size=(batch.shape[1] // 4, batch.shape[2] // 4), mode="bilinear")
        smooth = gaussian_blur(fine, self._kernel)[:, 0]
        score = smooth.amax((1, 2))
        found = {"score": score, "doubt": torch.zeros_like(score), "map": smooth}
        return {name: cast("NDArray[np.float32]", value.numpy()) for name, value in found.items()}
