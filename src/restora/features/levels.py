"""The facts of a trunk's levels, which travel with its features, and what every network behind a trunk gives.

A level's number says its stride, in every trunk alike: level l has a cell every 2 ** (l + 1) picture pixels, so
level 1 has a quarter of the picture's sides. (Only plain vision transformers, whose blocks all have one stride, count
their blocks.) So one plan of a method means the same cells whatever the trunk is.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from restora.errors import SettingsError

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB in 0..1
MULTIPLE = 32


@dataclass(frozen=True)
class Level:
    """One level of features: its name in the network, its channels, and picture pixels a cell (`stride`)."""

    name: str
    channels: int
    stride: int

    def shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """Return (C, h, w) for pictures of `size` (height, width), a multiple of the stride."""
        return self.channels, size[0] // self.stride, size[1] // self.stride


class Body(nn.Module):
    """A network cut off behind the deepest level that was asked for.

    `forward`: normalised RGB float32[N, 3, H, W] -> one float32[N, C_l, H / stride_l, W / stride_l] a level.
    `mean`, `deviation`: what it was taught with, RGB in 0..1. `multiple`: both sides of a picture must be multiples
    of it; `only_size`: the one (height, width) it takes, or None.
    """

    levels: tuple[Level, ...]
    mean: tuple[float, ...] = IMAGENET_MEAN
    deviation: tuple[float, ...] = IMAGENET_DEVIATION
    multiple: int = MULTIPLE
    only_size: tuple[int, int] | None = None

    @property
    def network(self) -> nn.Module:
        """The module whose parameter names are those of published checkpoints."""
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the levels of normalised pictures, the finest first."""
        raise NotImplementedError


def check_levels(name: str, levels: tuple[int, ...], *, deepest: int, finest: int = 1) -> None:
    """Raise SettingsError unless `levels` are ascending numbers that trunk `name` has (`finest` to `deepest`)."""
    if not levels or list(levels) != sorted(set(levels)) or levels[0] < finest or levels[-1] > deepest:
        raise SettingsError(
            f"The levels {list(levels)} cannot be taken from trunk {name}; "
            f"give different numbers from {finest} to {deepest}, in ascending order."
        )
