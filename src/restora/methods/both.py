"""Two methods joined: two finished restorers over one pass of the trunk, their maps on one scale.

Nothing is trained here. A map is divided by what it usually reaches on the fitting pictures (the mean over them of its
maximum, which is the score), so that neither method is louder than the other; the joined map is their mean. Joining is
our idea, neither paper's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.methods.branch import Answer, Branch
from restora.methods.contract import PERCEIVED

SMALLEST_SCALE = 1e-12


class Both(nn.Module):
    """`forward(raw levels of the trunk)` -> `Answer`, as a single `Branch` does.

    Probability and aleatoric part are those of the first method that has them. The epistemic map is the mean of the
    methods', each divided by what its maximum usually is on the fitting pictures: 1 is usual.
    """

    map_scale: Tensor
    doubt_scale: Tensor

    def __init__(self, branches: Sequence[Branch]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.perceived = tuple(name for name in PERCEIVED if any(name in branch.perceived for branch in branches))
        self.register_buffer("map_scale", torch.ones(len(branches)))
        self.register_buffer("doubt_scale", torch.ones(len(branches)))

    def _answers(self, raw: Sequence[Tensor]) -> list[Answer]:
        return [cast("Branch", branch)(raw) for branch in self.branches]

    @torch.no_grad()
    def fit(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the scales from raw levels of the fitting pictures, batch by batch."""
        maps, doubts, count = torch.zeros_like(self.map_scale), torch.zeros_like(self.doubt_scale), 0
        for raw in batches:
            count += len(raw[0])
            for place, answer in enumerate(self._answers(raw)):
                maps[place] += answer.map.amax((1, 2)).sum()
                if (doubt := answer.perceived.get("epistemic")) is not None:
                    doubts[place] += doubt.amax((1, 2)).sum()
        self.map_scale.copy_((maps / count).clamp_min(SMALLEST_SCALE))
        self.doubt_scale.copy_((doubts / count).clamp_min(SMALLEST_SCALE))

    def forward(self, raw: Sequence[Tensor]) -> Answer:
        """Look at raw levels [N, C_l, H_l, W_l]; each picture on its own."""
        answers = self._answers(raw)
        joined = torch.stack([answer.map / self.map_scale[n] for n, answer in enumerate(answers)]).mean(0)
        perceived: dict[str, Tensor] = {}
        for answer in reversed(answers):
            perceived.update(answer.perceived)
        if "epistemic" in perceived:
            perceived["epistemic"] = self._joined_doubt(answers)
        return Answer(joined, {name: perceived[name] for name in self.perceived})

    def _joined_doubt(self, answers: list[Answer]) -> Tensor:
        doubts = [
            answer.perceived["epistemic"] / self.doubt_scale[n]
            for n, answer in enumerate(answers)
            if "epistemic" in answer.perceived
        ]
        grid = max((doubt.shape[1:] for doubt in doubts), key=lambda shape: shape[0])
        same = [F.interpolate(doubt[:, None], size=grid, mode="bilinear", align_corners=False) for doubt in doubts]
        return torch.stack(same).mean(0)[:, 0]
