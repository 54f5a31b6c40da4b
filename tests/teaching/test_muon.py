from __future__ import annotations

import pytest
import torch
from torch import nn

from teaching.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (6, 40), (40, 6)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made = orthogonal(matrix)
    values = torch.linalg.svdvals(made)
    assert made.shape == shape
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ made @ right.T  # diagonal where the directions are the matrix's own
    assert float((turned - torch.diag(turned.diagonal())).abs().max()) < 1e-3


def test_a_step_goes_down_and_leaves_what_has_no_gradient_alone():
    torch.manual_seed(0)
    layer, idle = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    before = idle.weight.clone()
    pictures, target = torch.randn(8, 3, 9, 9), torch.randn(8, 4, 7, 7)
    optimiser = Muon([layer.weight, idle.weight], lr=0.02)

    def loss() -> torch.Tensor:
        return (layer(pictures) - target).square().mean()

    start = float(loss().detach())
    for _ in range(20):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    assert float(loss().detach()) < start - 0.05
    assert torch.equal(idle.weight, before)
