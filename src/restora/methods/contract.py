"""What every restoration method offers to training, export and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from torch import Tensor, nn

from restora.features.pyramid import Pyramid

# The maps that a restoration may carry, in the order in which a graph gives them out.
PERCEIVED = ("probability", "aleatoric", "epistemic")


@dataclass(frozen=True)
class Restoration:
    """Features as they would be on a good part, and what the method believes about each place.

    levels      : one [B, C_l, H_l, W_l] a level, the shapes of the pyramid that was restored
    probability : [B, 1, h, w] in 0..1, chance that a cell is anomalous, or None
    aleatoric   : [B, 1, h, w] in 0..0.25, mean of p_t (1 - p_t) over the weight draws, or None
    epistemic   : [B, 1, h, w] from 0, how far the method's own draws disagree (variance of p_t over the weight draws,
                  of the restored feature over the masks), or None; its largest cell is the doubt of a picture
    """

    levels: list[Tensor]
    probability: Tensor | None = None
    aleatoric: Tensor | None = None
    epistemic: Tensor | None = None


class Restorer(Protocol):
    """A method: an `nn.Module` with these calls. It never sees a test picture and keeps no pictures.

    `textures`: features of pictures that are no product, one [P, C_l, H_l, W_l] a level, while training; never stored.
    `perceived`: which of `PERCEIVED` its restorations carry, in that order.
    """

    textures: list[Tensor] | None
    perceived: tuple[str, ...]

    def start(self, normal: Pyramid, rng: np.random.Generator) -> None:
        """Set what begins as real normal features; `normal` holds some fitting pictures."""

    def losses(self, pyramid: Pyramid, rng: np.random.Generator, progress: float) -> dict[str, Tensor]:
        """Weighted terms of the training loss for one batch; `progress` runs from 0 to 1 over the training."""

    def figures(self) -> dict[str, float]:
        """Numbers for the training log, beside the losses."""

    def draw(self, rng: np.random.Generator) -> None:
        """Draw all randomness that prediction needs and keep it as buffers."""

    def restore(self, pyramid: Pyramid, mask: Tensor | None = None) -> Restoration:
        """Restore; deterministic. `mask` [B, 1, h, w] in 0..1 overrides the perceived one."""


@dataclass(frozen=True)
class Pasted:
    """Good pictures before and after something was pasted in.

    clean, spoiled : features, one [P, C_l, H_l, W_l] a level
    mask           : [P, 1, h, w] in 0..1 on the finest level's grid, share of each cell that was pasted over
    """

    clean: list[Tensor]
    spoiled: list[Tensor]
    mask: Tensor


class PastingRestorer(Restorer, Protocol):
    """A method that can learn from pasted pictures: `pasted` holds them while training, and is never stored."""

    pasted: Pasted | None


def as_module(restorer: Restorer) -> nn.Module:
    """The restorer as the torch module that it is."""
    if not isinstance(restorer, nn.Module):
        raise TypeError(f"{type(restorer).__name__} is no torch module, so it has no weights to train or store")
    return restorer


def as_restorer(module: nn.Module) -> Restorer:
    """The module that a network holds as what it was built as, the way back from `as_module`."""
    return cast("Restorer", module)
