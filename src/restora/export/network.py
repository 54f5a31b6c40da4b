"""The whole way from prepared pictures to maps and scores as one torch module: what is exported and what is run."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from restora.features.pyramid import Trunk
from restora.methods.both import Both
from restora.methods.branch import Answer, Branch

ALWAYS = ("score", "doubt", "map")


class Network(nn.Module):
    """Normalisation and trunk, then what looks at its levels: one method, or several joined.

    `forward(picture uint8 [N, H, W, 3])` -> score [N], doubt [N], map [N, H / 4, W / 4], and what the head perceives:
    some of probability, aleatoric, epistemic [N, h, w]. Names are in `outputs`. Score is the maximum of the map, doubt
    the maximum of the epistemic map (0 without one).
    """

    def __init__(self, trunk: Trunk, head: Branch | Both) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.outputs = (*ALWAYS, *head.perceived)

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Look at prepared pictures; deterministic, each picture on its own."""
        answer = cast("Answer", self.head(self.trunk(picture.permute(0, 3, 1, 2).float())))
        score = answer.map.amax((1, 2))
        epistemic = answer.perceived.get("epistemic")
        doubt = torch.zeros_like(score) if epistemic is None else epistemic.amax((1, 2))
        return score, doubt, answer.map, *answer.perceived.values()
