"""URA-Net: synthesis, perception and restoration attention wired together.

Training:  F -> FASM -> UIAPM -> mask -> RAM -> Fr, the loss compares Fr with the clean F.
Looking:   F -> UIAPM -> mask -> RAM -> Fr, the residual of F and Fr is the anomaly map.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods.contract import PERCEIVED, Pasted, Restoration
from restora.methods.ura_net.attention import NormalFeatures, widen
from restora.methods.ura_net.perception import Perceived, Perception
from restora.methods.ura_net.settings import RestorerSettings, UraNetSettings
from restora.methods.ura_net.squeeze import SqueezeBody
from restora.methods.ura_net.synthesis import Spoiled, mix_pasted, synthesise
from restora.methods.ura_net.tokens import TokenBody

# The share of the training in which the true mask alone opens the gate, and the share after which only the perceived
# one does: an untrained perception would teach the restoration with noise.
TRUE_MASK_UNTIL, PERCEIVED_FROM = 0.1, 0.5

# Keeps the cosine of an all-zero feature (a black picture behind a ReLU) finite.
SMALLEST_SQUARE = 1e-6


def true_mask_share(progress: float) -> float:
    """Weight of the true mask against the perceived one: 1, then falling linearly to 0."""
    return min(1.0, max(0.0, (PERCEIVED_FROM - progress) / (PERCEIVED_FROM - TRUE_MASK_UNTIL)))


class UraNet(nn.Module):
    """The restorer of URA-Net.

    levels   : facts of the pyramid's levels, finest first
    size     : (height, width) of the prepared pictures
    pictures : how many fitting pictures there are (the KL is divided by it)
    textures : texture features for FASM, one [P, C_l, H_l, W_l] a level; held for training only, never stored
    pasted   : pictures that were spoiled before the trunk, in the place of FASM; the same
    """

    def __init__(
        self, settings: UraNetSettings, levels: tuple[Level, ...], size: tuple[int, int], pictures: int = 1
    ) -> None:
        super().__init__()
        self.settings = settings
        self.pictures = pictures
        self.textures: list[Tensor] | None = None
        self.pasted: Pasted | None = None
        shapes = [level.shape(size) for level in levels]
        self.body = _body(shapes, settings)
        per_place = settings.restorer.normal_feature == "place"
        self.perception: Perception | None = None
        self.normal: NormalFeatures | None = None
        if settings.perception.mode != "off" and self.body is not None:
            self.perception = Perception([shape[0] for shape in shapes], settings.perception)
            self.normal = NormalFeatures(shapes, per_place)
        self.perceived = PERCEIVED if self.perception is not None else ()

    def start(self, normal: Pyramid, rng: np.random.Generator) -> None:
        """Set the normal features and the global tokens to real normal features."""
        if self.normal is not None:
            self.normal.start(normal)
        if self.body is not None:
            order = torch.from_numpy(rng.permutation(2**16))
            self.body.start(normal.levels, order)

    def _restored(self, pyramid: Pyramid, mask: Tensor) -> list[Tensor]:
        if self.body is None:
            return [torch.zeros_like(level) for level in pyramid.levels]
        levels = self.normal(pyramid, mask) if self.normal is not None else pyramid.levels
        restored: list[Tensor] = self.body(levels, mask)
        return restored

    def losses(self, pyramid: Pyramid, rng: np.random.Generator, progress: float) -> dict[str, Tensor]:
        """Restoration loss on clean targets, and the perception's evidence bound."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        made = self._spoil(pyramid, rng)
        spoiled, mask = made.pyramid, made.mask
        terms: dict[str, Tensor] = {}
        gate = torch.zeros_like(mask)
        if self.perception is not None:
            probability = self.perception.sample(spoiled, generator)
            terms.update(self.perception.loss(probability, mask, self.pictures, progress))
            share = true_mask_share(progress)
            perceived = widen(probability.detach(), self.settings.attention.widening)
            gate = share * mask + (1 - share) * perceived.to(mask.dtype)
        restored = self._restored(spoiled, gate)
        return {**restoration_loss(restored, made.clean.levels, mask, self.settings.restorer), **terms}

    def _spoil(self, pyramid: Pyramid, rng: np.random.Generator) -> Spoiled:
        settings, first = self.settings.synthesis, pyramid.levels[0]
        if not settings.enabled:
            return Spoiled(pyramid, first.new_zeros(first.shape[0], 1, *first.shape[2:]), pyramid)
        if self.pasted is not None:
            return mix_pasted(pyramid, self.pasted, settings, rng)
        return synthesise(pyramid, settings, rng, self.textures)

    def figures(self) -> dict[str, float]:
        """What the Bayesian layers look like, for the log."""
        if self.perception is None or self.settings.perception.mode != "bayes":
            return {}
        return self.perception.figures()

    def draw(self, rng: np.random.Generator) -> None:
        """Draw the weight samples that prediction uses."""
        if self.perception is not None:
            self.perception.draw(torch.Generator().manual_seed(int(rng.integers(2**62))))

    def restore(self, pyramid: Pyramid, mask: Tensor | None = None) -> Restoration:
        """Restore a pyramid; with `mask` [B, 1, h, w] in 0..1 the perceived one is not used."""
        perceived: Perceived | None = self.perception(pyramid) if self.perception is not None else None
        if mask is None:
            first = pyramid.levels[0]
            mask = (
                widen(perceived.probability, self.settings.attention.widening)
                if perceived is not None
                else first.new_zeros(first.shape[0], 1, *first.shape[2:])
            )
        levels = self._restored(pyramid, mask)
        if perceived is None:
            return Restoration(levels)
        return Restoration(levels, perceived.probability, perceived.aleatoric, perceived.epistemic)


def _body(shapes: list[tuple[int, int, int]], settings: UraNetSettings) -> SqueezeBody | TokenBody | None:
    if settings.restorer.body == "none":
        return None
    if settings.restorer.body == "tokens":
        return TokenBody(shapes[0], settings.restorer, settings.attention)
    return SqueezeBody(shapes, settings.restorer, settings.attention)


def restoration_loss(
    restored: list[Tensor], clean: list[Tensor], mask: Tensor, settings: RestorerSettings
) -> dict[str, Tensor]:
    """Cosine distance and squared error a cell, averaged over cells and levels; altered cells may count more."""
    cosine, squared = [], []
    for mine, target in zip(restored, clean, strict=True):
        mine = mine.float()
        weight = (
            1 + settings.altered_weight * F.adaptive_avg_pool2d(mask.float(), (target.shape[2], target.shape[3]))[:, 0]
        )
        # Both terms from the same three sums: the library's cosine took a third of the step's time.
        product, own, wanted = (mine * target).sum(1), mine.square().sum(1), target.square().sum(1)
        angle = 1 - product * ((own + SMALLEST_SQUARE) * (wanted + SMALLEST_SQUARE)).rsqrt()
        cosine.append((weight * angle).mean())
        squared.append((weight * (own - 2 * product + wanted)).mean() / mine.shape[1])
    return {
        "cosine": settings.cosine_weight * torch.stack(cosine).sum(),
        "mse": settings.mse_weight * torch.stack(squared).sum(),
    }
