"""One method behind a trunk: pyramid, restoration, residual, from the trunk's raw levels to the anomaly map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from restora.features.pyramid import Aggregate
from restora.methods.contract import PERCEIVED, Restorer, as_module, as_restorer
from restora.methods.residual import Residual


@dataclass(frozen=True)
class Answer:
    """What is seen in a batch.

    map       : [N, H / 4, W / 4], 0 and above, larger is stranger
    perceived : some of probability, aleatoric, epistemic, each [N, h, w] (`contract.Restoration`)
    """

    map: Tensor
    perceived: dict[str, Tensor]


class Branch(nn.Module):
    """`forward(raw levels of the trunk)` -> `Answer`; `perceived` names the maps beside the anomaly map."""

    def __init__(self, aggregate: Aggregate, restorer: Restorer, residual: Residual) -> None:
        super().__init__()
        self.aggregate = aggregate
        self.restorer = as_module(restorer)
        self.residual = residual
        self.perceived = restorer.perceived

    def forward(self, raw: Sequence[Tensor]) -> Answer:
        """Look at raw levels [N, C_l, H_l, W_l]; each picture on its own."""
        pyramid = self.aggregate(raw)
        restoration = as_restorer(self.restorer).restore(pyramid)
        maps = {name: getattr(restoration, name) for name in PERCEIVED if name in self.perceived}
        seen = {name: value[:, 0] for name, value in maps.items()}
        return Answer(self.residual(pyramid.levels, restoration.levels), seen)
