from __future__ import annotations

import copy

import torch
from torch import nn

from restora.export.fold import fold_norms


def lively(module: nn.Module) -> nn.Module:
    """Norms whose statistics and weights are not those of the start; evaluation mode."""
    torch.manual_seed(0)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                for tensor in (part.weight, part.bias, part.running_mean):
                    tensor.add_(0.5 * torch.randn_like(tensor))
                part.running_var.add_(torch.rand_like(part.running_var))
    return module.eval()


class Block(nn.Module):
    """Convolutions and norms in the ways that they stand in trunks and bodies."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4), nn.ReLU())
        self.third = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.third(self.second(self.bn1(self.conv1(x))))


def test_folding_keeps_the_function_and_takes_the_norms_behind_convolutions():
    module = lively(Block())
    given = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        before = module(given)
        folded = fold_norms(copy.deepcopy(module))
        torch.testing.assert_close(folded(given), before, rtol=1e-4, atol=1e-5)
    assert isinstance(folded.bn1, nn.Identity)
    assert isinstance(folded.second[1], nn.Identity)
    assert isinstance(folded.third[1], nn.BatchNorm2d)  # nothing to fold it into


def test_other_names_stay_and_folding_twice_is_folding_once():
    folded = fold_norms(lively(Block()))
    state = {name: tensor.clone() for name, tensor in folded.state_dict().items()}
    assert {"conv1.weight", "conv1.bias", "second.0.weight", "third.2.bias"} <= set(state)
    again = fold_norms(folded).state_dict()
    assert set(again) == set(state)
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())


def test_a_network_is_folded_without_a_change(exported, fresh_network, pictures):
    network, given = fresh_network(), torch.from_numpy(pictures(2))
    lively(network)
    with torch.no_grad():
        before = dict(zip(network.outputs, network(given), strict=True))
        after = dict(zip(network.outputs, fold_norms(network)(given), strict=True))
    assert not [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for name, values in before.items():
        largest = values.abs().max()
        assert (after[name] - values).abs().max() <= 1e-4 * largest, name
