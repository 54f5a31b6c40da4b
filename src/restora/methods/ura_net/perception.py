"""UIAPM: the uncertainty-integrated anomaly perception module.

A small network says for every cell how probable it is that something is wrong. Its last layers are Bayesian (a
distribution a weight), which gives the epistemic part of the doubt; a second output, the variance of the logit, gives
the aleatoric part: the ambiguous borders. The paper names both ideas; sizes and losses are our choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.layers.bayes import BayesConv2d
from restora.methods.ura_net.settings import PerceptionSettings

LOG_VARIANCE_RANGE = (-6.0, 3.0)


@dataclass(frozen=True)
class Perceived:
    """What the module believes: three maps [B, 1, h, w]; p (1 - p) = aleatoric + epistemic for p = probability."""

    probability: Tensor
    aleatoric: Tensor
    epistemic: Tensor


def probit_probability(logit: Tensor, log_variance: Tensor) -> Tensor:
    """Mean of sigmoid(z) for z ~ N(logit, exp(log_variance)), MacKay's approximation (1992)."""
    return torch.sigmoid(logit / torch.sqrt(1 + math.pi / 8 * log_variance.exp()))


def split_doubt(draws: Tensor) -> Perceived:
    """Split the doubt of T probabilities [B, T, h, w] by the law of total variance (population variance)."""
    mean = draws.mean(1, keepdim=True)
    aleatoric = (draws * (1 - draws)).mean(1, keepdim=True)
    # The mean of squared differences, never a difference of squares: that would cancel in float32.
    epistemic = (draws - mean).square().mean(1, keepdim=True)
    return Perceived(mean, aleatoric, epistemic)


class Perception(nn.Module):
    """Projection of all levels to the finest grid, then Bayesian layers, then logit and log-variance."""

    def __init__(self, channels: list[int], settings: PerceptionSettings) -> None:
        super().__init__()
        self.settings = settings
        width = settings.projection
        self.project = nn.ModuleList(
            nn.Conv2d(count, width, 1, bias=number == 0) for number, count in enumerate(channels)
        )
        sizes = (width, *settings.hidden)
        self.norms = nn.ModuleList(nn.GroupNorm(size // 8, size) for size in sizes)
        pairs = zip(sizes, settings.hidden, strict=False)
        draws = settings.samples if settings.mode == "bayes" else 1
        self.hidden = nn.ModuleList(BayesConv2d(a, b, 3, prior_std=settings.prior_std, samples=draws) for a, b in pairs)
        self.head = BayesConv2d(sizes[-1], 2, 1, prior_std=settings.prior_std, samples=draws)
        # Most cells are good: start at a low probability, so that early masks do not wipe out the features.
        with torch.no_grad():
            self.head.bias[0] = -3.0

    @property
    def bayesian(self) -> list[BayesConv2d]:
        """The layers whose weights are distributions."""
        return [layer for layer in (*self.hidden, self.head) if isinstance(layer, BayesConv2d)]

    def _projected(self, pyramid: Pyramid) -> Tensor:
        grid = pyramid.levels[0].shape[2:]
        total: Tensor | None = None
        for project, level in zip(self.project, pyramid.levels, strict=True):
            part = project(level)
            part = part if part.shape[2:] == grid else F.interpolate(part, size=grid, mode="bilinear")
            total = part if total is None else total + part
        if total is None:
            raise RuntimeError("a pyramid without levels")
        return total

    def _probability(self, output: Tensor) -> Tensor:
        """[B, T * 2, h, w] of logits and log-variances -> probabilities [B, T, h, w]."""
        pairs = output.float().reshape(output.shape[0], -1, 2, *output.shape[2:])
        if not self.settings.aleatoric:
            return torch.sigmoid(pairs[:, :, 0])
        return probit_probability(pairs[:, :, 0], pairs[:, :, 1].clamp(*LOG_VARIANCE_RANGE))

    def sample(self, pyramid: Pyramid, generator: torch.Generator | None) -> Tensor:
        """Probability [B, 1, h, w] under one weight draw (Flipout), or under the mean weights without a generator."""
        if self.settings.mode != "bayes":
            generator = None
        x = F.gelu(self.norms[0](self._projected(pyramid)))
        for layer, norm in zip(self.hidden, list(self.norms)[1:], strict=True):
            x = F.gelu(norm(layer(x, generator)))
        return self._probability(self.head(x, generator))

    def forward(self, pyramid: Pyramid) -> Perceived:
        """Probability and doubt over the stored weight draws; a function of the picture alone."""
        x = F.gelu(self.norms[0](self._projected(pyramid)))
        shared = True
        for layer, norm in zip(self.bayesian[:-1], list(self.norms)[1:], strict=True):
            x = F.gelu(_stacked_norm(layer.forward_samples(x, shared=shared), norm))
            shared = False
        return split_doubt(self._probability(self.head.forward_samples(x, shared=shared)))

    def draw(self, generator: torch.Generator) -> None:
        """Draw and store the weights that prediction uses; the means alone in the deterministic mode."""
        for layer in self.bayesian:
            layer.draw(generator)

    def loss(self, probability: Tensor, mask: Tensor, pictures: int, progress: float) -> dict[str, Tensor]:
        """Negative evidence bound a cell: cross entropy with the soft mask, plus KL / (pictures x cells).

        The likelihood is averaged over pictures and cells, so the KL must be divided by their number over the whole
        fitting set; its weight rises from 0 to its full value over the first `warm_up` of the training.
        """
        likelihood = probability.mean()
        if bool(likelihood.detach().isfinite()):  # torch meets what is no number with an error that names nothing
            likelihood = F.binary_cross_entropy(probability.clamp(1e-6, 1 - 1e-6), mask.float())
        terms = {"perception": self.settings.weight * likelihood}
        if self.settings.mode == "bayes":
            rise = min(1.0, progress / self.settings.warm_up) if self.settings.warm_up else 1.0
            kl = torch.stack([layer.kl() for layer in self.bayesian]).sum()
            cells = mask.shape[2] * mask.shape[3]
            terms["kl"] = self.settings.weight * self.settings.kl_weight * rise * kl / (pictures * cells)
        return terms

    @torch.no_grad()
    def figures(self) -> dict[str, float]:
        """KL a weight (nats), mean |mu| and mean sigma: |mu| at 0 with sigma at the prior's means a collapse."""
        mu = torch.cat([layer.mu.flatten() for layer in self.bayesian])
        std = torch.cat([layer.std.flatten() for layer in self.bayesian])
        kl = torch.stack([layer.kl() for layer in self.bayesian]).sum()
        return {
            "kl_per_weight": float(kl / mu.numel()),
            "mean_abs_mu": float(mu.abs().mean()),
            "mean_sigma": float(std.mean()),
        }


def _stacked_norm(x: Tensor, norm: nn.Module) -> Tensor:
    """A group norm applied to each of T stacks of channels with the same weights."""
    if not isinstance(norm, nn.GroupNorm):
        raise TypeError(f"expected a group norm, not {type(norm).__name__}")
    count = x.shape[1] // norm.num_channels
    return F.group_norm(x, norm.num_groups * count, norm.weight.repeat(count), norm.bias.repeat(count), norm.eps)
