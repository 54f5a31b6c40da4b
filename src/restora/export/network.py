"""The whole way from prepared pictures to maps and scores as one torch module: what is exported and what is run."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from restora.features.pyramid import Aggregate, Trunk
from restora.methods.contract import Restorer, as_module
from restora.methods.residual import Residual

ALWAYS = ("score", "doubt", "map")
PERCEIVED = ("probability", "aleatoric", "epistemic")


class Network(nn.Module):
    """Normalisation, trunk, pyramid, restoration, residual, smoothing, score.

    `forward(picture uint8 [N, H, W, 3])` -> score [N], doubt [N], map [N, H / 4, W / 4], and of one that perceives:
    probability, aleatoric, epistemic [N, h, w]. Names are in `outputs`. Score is the maximum of the map, doubt the
    maximum of the epistemic map (0 without one).
    """

    def __init__(
        self, trunk: Trunk, aggregate: Aggregate, restorer: Restorer, residual: Residual, *, perceives: bool
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.aggregate = aggregate
        self.restorer = as_module(restorer)
        self.residual = residual
        self.outputs = ALWAYS + PERCEIVED if perceives else ALWAYS

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Look at prepared pictures; deterministic, each picture on its own."""
        pyramid = self.aggregate(self.trunk(picture.permute(0, 3, 1, 2).float()))
        restoration = cast("Restorer", self.restorer).restore(pyramid)
        anomaly = self.residual(pyramid.levels, restoration.levels)
        score = anomaly.amax((1, 2))
        if len(self.outputs) == len(ALWAYS) or restoration.epistemic is None:
            return score, torch.zeros_like(score), anomaly
        perceived = (restoration.probability, restoration.aleatoric, restoration.epistemic)
        doubt = restoration.epistemic.amax((1, 2, 3))
        return score, doubt, anomaly, *(part[:, 0] for part in perceived if part is not None)
