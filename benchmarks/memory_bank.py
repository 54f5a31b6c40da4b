"""The yardstick: distance to the nearest of 16,000 random normal patches (levels 2 and 3, 3 x 3 means).
Not a method of ours.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restora.features.pyramid import Aggregate, Trunk
from restora.methods.layers.blur import gaussian_blur, gaussian_kernel
from restora.training.plan import Plan, prepared_batches

PATCHES = 16_000
CHUNK = 1024  # cells compared at once: keeps the table of distances at 64 MB


class MemoryRuntime:
    """Answers like a model's graph: score, doubt (0) and map, at a quarter of the picture, smoothed by 4 pixels."""

    name = "nearest-neighbour"

    def __init__(self, trunk: Trunk, aggregate: Aggregate, plan: Plan, seed: int) -> None:
        self._trunk, self._aggregate = trunk, aggregate
        batches = prepared_batches(plan.split.fitting, plan.size, plan.settings.input.depth, 8)
        patches = torch.cat([self._patches(batch).flatten(0, 2) for batch in batches])
        keep = np.random.default_rng(seed).permutation(len(patches))[:PATCHES]
        self._bank = patches[torch.from_numpy(keep)]
        self._squares = self._bank.square().sum(1)

    @torch.inference_mode()
    def _patches(self, batch: NDArray[np.uint8]) -> Tensor:
        """[N, h, w, C] of the finest grid, the coarser level brought to it."""
        levels = self._aggregate.pooled(self._trunk(torch.from_numpy(batch).permute(0, 3, 1, 2).float()))
        grid = levels[0].shape[2:]
        joined = [levels[0], *(functional.interpolate(level, size=grid, mode="bilinear") for level in levels[1:])]
        return torch.cat(joined, 1).permute(0, 2, 3, 1)

    def _nearest(self, cells: Tensor) -> Tensor:
        """Distance of each row [M, C] to the nearest patch of the bank -> [M]."""
        squares = cells.square().sum(1) + (self._squares - 2 * cells @ self._bank.T).amin(1)
        return squares.clamp_min(0).sqrt()

    @torch.inference_mode()
    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> score [N], doubt [N], map [N, H / 4, W / 4]."""
        patches = self._patches(batch)
        cells = patches.flatten(0, 2)
        nearest = torch.cat([self._nearest(cells[n : n + CHUNK]) for n in range(0, len(cells), CHUNK)])
        raw = nearest.view(patches.shape[0], 1, *patches.shape[1:3])
        fine = functional.interpolate(raw, size=(batch.shape[1] // 4, batch.shape[2] // 4), mode="bilinear")
        smooth = gaussian_blur(fine, gaussian_kernel(1.0))[:, 0]
        score = smooth.amax((1, 2))
        found = {"score": score, "doubt": torch.zeros_like(score), "map": smooth}
        return {name: cast("NDArray[np.float32]", value.numpy()) for name, value in found.items()}
