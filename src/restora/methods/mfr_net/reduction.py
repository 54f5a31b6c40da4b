"""The space in which features are restored: fewer numbers a cell, and none of them of another size than the rest.

Our choice, like the paper's silence on it: the strongest principal components of the normal features, or all channels,
each standardised.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Of the mean deviation: a channel that hardly ever stirs on good pictures must not drown the rest when it does.
SMALLEST_DEVIATION = 0.01


class Reduction(nn.Module):
    """There (`forward`) and back (`back`): maps [B, C, h, w] <-> [B, R, h, w]; fitted on normal features.

    `directions` R: an orthonormal basis of the R strongest principal components, so that a distance there is one here;
    None: R = C, every channel minus its mean over its standard deviation.
    """

    mean: Tensor
    basis: Tensor
    deviation: Tensor

    def __init__(self, channels: int, directions: int | None) -> None:
        super().__init__()
        self.kept = channels if directions is None else min(directions, channels)
        self.turned = directions is not None
        self.register_buffer("mean", torch.zeros(channels))
        # [R, C] with orthonormal rows, or [C] what every channel is divided by.
        self.register_buffer("basis", torch.eye(self.kept, channels) if self.turned else torch.ones(channels))
        # Standard deviation of every number there, [R, 1, 1]; of principal components the first are far larger.
        self.register_buffer("deviation", torch.ones(self.kept, 1, 1))

    @torch.no_grad()
    def start(self, normal: Tensor) -> None:
        """Fit to normal features [B, C, h, w]."""
        channels, count = normal.shape[1], normal.numel() // normal.shape[1]
        sums = torch.zeros(channels, dtype=torch.float64)
        squares = torch.zeros((channels, channels) if self.turned else channels, dtype=torch.float64)
        for picture in normal:  # all at once would take gigabytes at the paper's size
            cells = picture.flatten(1).double().cpu()
            sums += cells.sum(1)
            squares += cells @ cells.T if self.turned else cells.square().sum(1)
        mean, squares = sums / count, squares / count
        self.mean.copy_(mean)
        if self.turned:
            values, vectors = torch.linalg.eigh(squares - mean[:, None] * mean)
            self.basis.copy_(vectors.T.flip(0)[: self.kept])
            self.deviation.copy_(values.clamp_min(0).sqrt().flip(0)[: self.kept, None, None])
        else:
            deviation = (squares - mean.square()).clamp_min(0).sqrt()
            floor = SMALLEST_DEVIATION * deviation.mean()
            self.basis.copy_(deviation.clamp_min(floor) if floor > 0 else torch.ones_like(deviation))

    def forward(self, cells: Tensor) -> Tensor:
        """Features [B, C, h, w] -> [B, R, h, w]."""
        centred = cells - self.mean[:, None, None]
        if not self.turned:
            return centred / self.basis[:, None, None]
        return nn.functional.conv2d(centred, self.basis[:, :, None, None])

    def back(self, reduced: Tensor) -> Tensor:
        """[B, R, h, w] -> features [B, C, h, w]."""
        if not self.turned:
            return reduced * self.basis[:, None, None] + self.mean[:, None, None]
        return nn.functional.conv2d(reduced, self.basis.T[:, :, None, None], self.mean)

    @property
    def origin(self) -> Tensor:
        """Where the mean lies as seen from the all-zero feature; [R, 1, 1]."""
        shift = self.basis @ self.mean if self.turned else self.mean / self.basis
        return shift[:, None, None]
