"""Distance to the nearest of a memory of normal patches, plain and standardised by place.

The memory is that of Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (PatchCore), CVPR 2022, and
the greedy search the one it takes from Sener and Savarese, "Active Learning for Convolutional Neural Networks", ICLR
2018; the score is the maximum of the smoothed map, without PatchCore's weights. Standardising by place is our choice.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restora.bench.yardsticks.patches import Distances, Patches
from restora.errors import DataError
from restora.training.plan import Plan

PATCHES = 16_000
CORESET = 0.01
THINNED = 100_000  # patches that the greedy search chooses from; it compares all of them with every one it takes
PROJECTED = 128  # channels of the random projection that the search compares
CHUNK = 1024  # cells compared at once: keeps the table of distances at 64 MB
FLOOR = 0.3  # of the root mean variance over all places, the least deviation of a place


class Nearest:
    """Distance of each patch [..., C] to the nearest of `bank` [M, C] -> [...]."""

    def __init__(self, bank: Tensor) -> None:
        # |a|^2 - 2 a b + |b|^2 loses digits far from 0, so all is counted from the middle of the memory
        self._middle = bank.mean(0)
        self._bank = bank - self._middle
        self._squares = self._bank.square().sum(1)

    def __call__(self, patches: Tensor) -> Tensor:
        """The distances, in the shape of the patches."""
        return self.to_others(patches, torch.zeros(len(self._bank), dtype=torch.bool))

    def to_others(self, patches: Tensor, left_out: Tensor) -> Tensor:
        """The same with rows of the memory left out, bool [M]."""
        rows = patches.flatten(0, -2) - self._middle
        squares = self._squares.masked_fill(left_out, torch.inf)
        table = rows.new_empty(min(CHUNK, len(rows)), len(self._bank))
        found = []
        for chunk in torch.split(rows, CHUNK):
            part = torch.addmm(squares, chunk, self._bank.T, alpha=-2, out=table[: len(chunk)])
            found.append(chunk.square().sum(1) + part.amin(1))
        return torch.cat(found).clamp_min(0).sqrt().view(patches.shape[:-1])


def random_memory(plan: Plan, patches: Patches) -> Distances:
    """Nearest of `PATCHES` random patches."""
    return Nearest(patches.drawn(plan, PATCHES)[0])


def coreset_memory(plan: Plan, patches: Patches) -> Distances:
    """Nearest of a greedy coreset of `THINNED` random patches, as large as 1 % of all patches, at most `PATCHES`."""
    pool, _ = patches.drawn(plan, THINNED)
    height, width = patches.grid(plan.size)
    count = round(CORESET * len(plan.split.fitting) * height * width)
    chosen = greedy_centres(pool, min(max(count, 1), PATCHES, len(pool)), plan.settings.seed)
    return Nearest(pool[chosen])


@torch.inference_mode()
def greedy_centres(rows: Tensor, count: int, seed: int) -> Tensor:
    """Numbers of `count` of the rows [M, C] so chosen that the farthest row from its nearest one is near (k-centre,
    greedy: at most twice the best possible distance); compared after a random projection.
    """
    rng = np.random.default_rng(seed)
    rows = rows - rows.mean(0)
    if rows.shape[1] > PROJECTED:
        random = rng.standard_normal((rows.shape[1], PROJECTED), dtype=np.float32) / PROJECTED**0.5
        rows = rows @ torch.from_numpy(random)
    squares = rows.square().sum(1)
    nearest = torch.full_like(squares, torch.inf)
    last = int(rng.integers(len(rows)))
    chosen = [last]
    while len(chosen) < count:
        distances = torch.addmv(squares, rows, rows[last], alpha=-2).add_(squares[last])
        torch.minimum(nearest, distances, out=nearest)
        nearest[last] = -torch.inf  # rounding may leave the centre itself above 0, and none is taken twice
        last = int(nearest.argmax())
        chosen.append(last)
    return torch.tensor(chosen)


class Standardised:
    """(distance - mean) / deviation of its place: [N, h, w, C] -> [N, h, w], which may be negative.

    mean, deviation : [h, w]
    """

    def __init__(self, distances: Distances, mean: Tensor, deviation: Tensor) -> None:
        self._distances = distances
        self.mean, self.deviation = mean, deviation

    def __call__(self, patches: Tensor) -> Tensor:
        """The standardised distances."""
        return (self._distances(patches) - self.mean) / self.deviation


@torch.inference_mode()
def standardised_memory(plan: Plan, patches: Patches) -> Distances:
    """Nearest of `PATCHES` random patches, standardised by what good pictures have at the same place.

    A fitting picture's own patches are left out when its distances are taken: they would be 0 where the memory holds
    the patch itself. Both moments are averaged over 3 x 3 places. A place where nothing ever differs gets the least
    deviation that is allowed, `FLOOR` of the root mean variance of all places, instead of an endless score.

    Raises DataError where there is only one fitting picture, which has no others.
    """
    if len(plan.split.fitting) < 2:
        raise DataError(f"{plan.dataset} has one fitting picture; standardising by place needs at least two.")
    bank, owners = patches.drawn(plan, PATCHES)
    nearest = Nearest(bank)
    grid = patches.grid(plan.size)
    total, squares = torch.zeros(grid, dtype=torch.float64), torch.zeros(grid, dtype=torch.float64)
    picture = 0
    for batch in patches.of(plan):
        for mine in batch:
            distance = nearest.to_others(mine, owners == picture).double()
            total += distance
            squares += distance.square()
            picture += 1
    mean, square = _around(total / picture), _around(squares / picture)
    return Standardised(nearest, mean.float(), floored(square - mean.square()).float())


def floored(variance: Tensor) -> Tensor:
    """Deviations of places [h, w] from their variances, at least `FLOOR` of the root mean variance; 1 if all are 0."""
    least = FLOOR**2 * variance.clamp_min(0).mean()
    return torch.where(least > 0, variance.clamp_min(least), torch.ones_like(variance)).sqrt()


def _around(places: Tensor) -> Tensor:
    """Mean over 3 x 3 places, counting those that are there."""
    return functional.avg_pool2d(places[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]
