"""A Gaussian a place: Mahalanobis distance of a patch to the patches that good pictures have there.

After Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization", ICPR 2021
workshops: random channels, full covariance + 0.01 I. Levels and means are those of the other yardsticks.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import torch
from torch import Tensor

from restora.bench.yardsticks.patches import Distances, Patches
from restora.training.plan import Plan

CHANNELS = 100
RIDGE = 0.01


class PlaceGaussian:
    """Mahalanobis distance at every place: [N, h, w, C] -> [N, h, w].

    channels : numbers of the channels that are used [K]
    mean     : [h * w, K]; covariance : [h * w, K, K], positive definite
    """

    def __init__(self, channels: Tensor, mean: Tensor, covariance: Tensor) -> None:
        self._channels, self._mean = channels, mean
        identity = torch.eye(covariance.shape[1]).expand_as(covariance)
        # distance^2 = |L^-1 (x - mean)|^2 where covariance = L L^T
        self._whitening = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), identity, upper=False)

    def __call__(self, patches: Tensor) -> Tensor:
        """The distances."""
        rows = patches.flatten(1, 2)[..., self._channels] - self._mean  # [N, h * w, K]
        white = torch.bmm(self._whitening, rows.permute(1, 2, 0))  # [h * w, K, N]
        return white.square().sum(1).sqrt().T.reshape(patches.shape[:-1])


@torch.inference_mode()
def place_gaussian(plan: Plan, patches: Patches) -> Distances:
    """The Gaussian of every place over the fitting pictures, on `CHANNELS` random channels by the plan's seed."""
    order = np.random.default_rng(plan.settings.seed).permutation(patches.channels)[:CHANNELS]
    channels = torch.from_numpy(np.sort(order))
    batches = (batch.flatten(1, 2)[..., channels].transpose(0, 1) for batch in patches.of(plan))  # [h * w, N, K]
    first = next(batches)
    # counted from near the mean, since sums of squares of float32 would else cancel
    origin = first.mean(1, keepdim=True)
    total = torch.zeros_like(origin)
    products = first.new_zeros(len(first), len(channels), len(channels))
    for batch in chain([first], batches):
        rows = batch - origin
        total += rows.sum(1, keepdim=True)
        products.baddbmm_(rows.transpose(1, 2), rows)
    count = len(plan.split.fitting)
    mean = total / count
    covariance = products.baddbmm_(mean.transpose(1, 2), mean, alpha=-count).div_(max(count - 1, 1))
    covariance.diagonal(dim1=1, dim2=2).add_(RIDGE)
    return PlaceGaussian(channels, (origin + mean)[:, 0], covariance)
