"""Gaussian smoothing of maps, as part of a graph."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_kernel(sigma: float, truncate: float = 4.0) -> Tensor:
    """Weights of a sampled Gaussian out to `truncate` deviations (cells), summing to 1; [2 r + 1]."""
    radius = math.ceil(truncate * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    return (weights / weights.sum()).float()


def gaussian_blur(maps: Tensor, kernel: Tensor) -> Tensor:
    """Smooth [N, 1, H, W] with a separable kernel; edges repeat the border cell."""
    radius = kernel.numel() // 2
    padded = F.pad(maps, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, -1, 1))
    return F.conv2d(rows, kernel.view(1, 1, 1, -1))
