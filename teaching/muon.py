"""Muon: momentum whose matrix is made orthogonal before it is a step; a third of the steps of Adam for these nets.

Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. torch has it for matrices alone;
this one takes convolutions, a filter a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the paper's quintic iteration: fast, singular values end near 1
ROUNDS = 5


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly U V' of a matrix U S V' [m, n]: Newton-Schulz, singular values end between about 0.7 and 1.2."""
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum .95, made orthogonal; `lr` is the length of a step a unit of singular value."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                held = state.setdefault("momentum", torch.zeros_like(parameter))
                held.mul_(group["momentum"]).add_(parameter.grad)
                ahead = (parameter.grad + group["momentum"] * held).flatten(1)
                longer = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                parameter.add_(orthogonal(ahead).view_as(parameter), alpha=-group["lr"] * longer)
