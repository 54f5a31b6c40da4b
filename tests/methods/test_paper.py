"""The preset with the published sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restora.features.levels import Level
from restora.features.pyramid import Aggregate, Pyramid, load_trunk
from restora.methods.ura_net.network import UraNet
from restora.methods.ura_net.settings import PAPER
from restora.training.loop import optimiser_for
from restora.training.settings import run_preset

SIZE = (256, 256)
WIDE_LEVELS = (Level("layer1", 256, 4), Level("layer2", 512, 8), Level("layer3", 1024, 16))


def count(module: torch.nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_sizes_are_those_of_the_paper():
    run = run_preset(preset="paper")
    assert run.trunk.name == "wide_resnet50_2"
    assert run.input.size == "256x256"
    assert run.ura_net == PAPER
    merged = Aggregate(PAPER.pyramid, WIDE_LEVELS).levels
    assert [(level.channels, level.stride) for level in merged] == [(1792, 4)]
    with torch.device("meta"):
        net = UraNet(PAPER, merged, SIZE)
    assert net.body.grid == (16, 16)  # 256 tokens
    assert len(net.body.blocks) == 8
    assert net.body.embed.out_channels == 768
    assert count(net.body) == pytest.approx(100.8e6, rel=0.02)
    assert count(net.perception) == pytest.approx(1.2e6, rel=0.02)
    assert len(net.perception.bayesian) == 3


def test_its_optimiser_is_that_of_the_paper():
    fit = PAPER.fit
    assert (fit.learning_rate, fit.betas, fit.weight_decay, fit.batch, fit.epochs) == (1e-4, (0.9, 0.95), 0.01, 8, 300)
    assert fit.steps is None
    assert PAPER.residual.rule == "cosine_mse"


@pytest.mark.slow
def test_it_makes_two_steps_on_a_processor():
    trunk = load_trunk("wide_resnet50_2", weights="random", levels=PAPER.pyramid.levels)
    aggregate = Aggregate(PAPER.pyramid, trunk.levels)
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 256, (2, 3, *SIZE), dtype=np.uint8))
    with torch.no_grad():
        levels = aggregate(trunk(pictures)).levels
    assert levels[0].shape == (2, 1792, 64, 64)
    torch.manual_seed(0)
    net = UraNet(PAPER, aggregate.levels, SIZE, 2)
    net.start(Pyramid(levels), rng)
    net.textures = [level.half() for level in levels]
    optimiser = optimiser_for(net.train(), PAPER.fit)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    for step in range(2):
        terms = net.losses(Pyramid(levels), np.random.default_rng(step), step / 2)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
    assert all(parameter.isfinite().all() for parameter in net.parameters())
    moved = sum(not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert moved > 0.9 * len(before)
    net.draw(rng)
    with torch.no_grad():
        seen = net.eval().restore(Pyramid(levels))
    assert seen.levels[0].shape == levels[0].shape
    assert seen.probability.shape == (2, 1, 64, 64)
