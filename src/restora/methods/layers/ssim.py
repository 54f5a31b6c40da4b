"""Structural similarity and gradient magnitude similarity of feature maps, channel by channel.

SSIM: Wang, Bovik, Sheikh and Simoncelli 2004, equation 13, with the moments of the window itself (no n - 1). GMS: Xue,
Zhang, Mou and Bovik 2014, equations 4 and 5. Both need the dynamic range of what they compare, `span`: images have 1
or 255, standardised features about 6 (three deviations either way); a wrong one makes every similarity 1.
SSIM is made for numbers from 0 up: of features with both signs x and -x would be wholly alike, since lightness and
structure both turn round. So their middle is put at half the range (`middle`), as that of images is; our choice.

A window is separable, and a window over a map is two small matrices around it, so it costs two products whatever its
side. Cells outside the map repeat the border cell, which works for maps smaller than the window too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MEAN, GAUSSIAN = "mean", "gaussian"

# (k1 span)^2 and (k2 span)^2 of the paper keep the quotients finite.
K1, K2 = 0.01, 0.03
# The constant of GMS for pictures in 0..1: 170 for 0..255, divided by 255 squared.
GMS_CONSTANT = 170 / 255**2
# Under the root of the gradient's square: a flat map has a gradient there.
SMALLEST_SQUARE = 1e-12


def banded(length: int, taps: Tensor) -> Tensor:
    """Correlation along an axis of `length` cells with an odd number of taps, border repeated; [length, length]."""
    radius = len(taps) // 2
    matrix = torch.zeros(length, length, dtype=torch.float64)
    for place in range(length):
        for offset, tap in enumerate(taps.double()):
            matrix[place, min(max(place + offset - radius, 0), length - 1)] += tap
    return matrix.float()


def window_taps(kind: str, side: int, sigma: float = 1.5) -> Tensor:
    """Weights of a window along one axis, summing to 1: a sampled Gaussian, or (`mean`) `side` equal ones."""
    if kind == MEAN:
        return torch.full((side,), 1 / side, dtype=torch.float64)
    offsets = torch.arange(side, dtype=torch.float64) - side // 2
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    return weights / weights.sum()


class Separable(nn.Module):
    """A filter over maps of one size; [..., H, W] -> the same. Linear, and the same for every channel."""

    rows: Tensor
    columns: Tensor

    def __init__(self, grid: tuple[int, int], down: Tensor, across: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", banded(grid[0], down), persistent=False)
        self.register_buffer("columns", banded(grid[1], across).T.contiguous(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Filter every map."""
        filtered: Tensor = self.rows @ maps @ self.columns
        return filtered


class Ssim(nn.Module):
    """`forward(x, y)` [N, C, H, W] twice -> structural similarity of every channel and cell, -1..1, 1 where alike.

    grid : (H, W); window : weights along an axis (`window_taps`), the Gaussian of the paper if None
    span : the dynamic range; middle : added to both maps where their lightness is compared
    """

    def __init__(
        self, grid: tuple[int, int], window: Tensor | None = None, *, span: float = 6.0, middle: float = 0.0
    ) -> None:
        super().__init__()
        taps = window_taps(GAUSSIAN, 11) if window is None else window
        self.window = Separable(grid, taps, taps)
        self.constants = ((K1 * span) ** 2, (K2 * span) ** 2)
        self.middle = middle

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare two maps of features."""
        c1, c2 = self.constants
        mean_x, mean_y = self.window(x), self.window(y)
        variances = self.window(x.square() + y.square()) - (mean_x.square() + mean_y.square())
        covariance = self.window(x * y) - mean_x * mean_y
        light_x, light_y = mean_x + self.middle, mean_y + self.middle
        light = (2 * light_x * light_y + c1) / (light_x.square() + light_y.square() + c1)
        similarity: Tensor = light * (2 * covariance + c2) / (variances + c2)
        return similarity


class Gms(nn.Module):
    """`forward(x, y)` [N, C, H, W] twice -> similarity of the gradients' sizes, 0..1, 1 where alike.

    Gradients by Prewitt's filters. grid : (H, W); span : the dynamic range
    """

    def __init__(self, grid: tuple[int, int], span: float = 6.0) -> None:
        super().__init__()
        flat, slope = torch.full((3,), 1 / 3, dtype=torch.float64), torch.tensor([1.0, 0.0, -1.0])
        self.down = Separable(grid, slope, flat)
        self.across = Separable(grid, flat, slope)
        self.constant = GMS_CONSTANT * span**2

    def _size(self, x: Tensor) -> Tensor:
        size: Tensor = (self.down(x).square() + self.across(x).square() + SMALLEST_SQUARE).sqrt()
        return size

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare two maps of features."""
        mine, other = self._size(x), self._size(y)
        return (2 * mine * other + self.constant) / (mine.square() + other.square() + self.constant)
