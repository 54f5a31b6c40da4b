"""The facts of a trunk's levels, which travel with its features."""

from __future__ import annotations

from dataclasses import dataclass

from restora.errors import SettingsError


@dataclass(frozen=True)
class Level:
    """One level of features: its name in the network, its channels, and picture pixels a cell (`stride`)."""

    name: str
    channels: int
    stride: int

    def shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """Return (C, h, w) for pictures of `size` (height, width), a multiple of the stride."""
        return self.channels, size[0] // self.stride, size[1] // self.stride


def check_levels(name: str, levels: tuple[int, ...], *, deepest: int) -> None:
    """Raise SettingsError unless `levels` are ascending numbers that trunk `name` has (1 to `deepest`)."""
    if not levels or list(levels) != sorted(set(levels)) or levels[0] < 1 or levels[-1] > deepest:
        raise SettingsError(
            f"The levels {list(levels)} cannot be taken from trunk {name}; "
            f"give different numbers from 1 to {deepest}, in ascending order."
        )
