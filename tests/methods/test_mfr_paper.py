"""The preset with the published sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restora.features.pyramid import Aggregate, Pyramid, load_trunk
from restora.features.vgg import VGG
from restora.methods.mfr_net.network import MfrNet
from restora.methods.mfr_net.settings import PAPER, PRESETS

SIZE = (256, 256)


def test_the_sizes_are_those_of_the_paper():
    preset = PRESETS["paper"]
    assert (preset.trunk, preset.size) == ("vgg16", "256x256")
    with torch.device("meta"):
        trunk = VGG("vgg16", PAPER.pyramid.levels)
    assert [level.name for level in trunk.levels] == ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    (merged,) = Aggregate(PAPER.pyramid, trunk.levels).levels
    assert merged.shape(SIZE) == (960, 64, 64)
    with torch.device("meta"):
        network = MfrNet(PAPER, (merged,), SIZE).streams[0].network
    assert network.embed.in_channels == 961  # the mask is a channel of its own
    assert network.positions.shape == (32, 32, 384)  # 1024 tokens
    assert len(network.blocks) == 6
    assert [block.far[1].heads for block in network.blocks] == [6] * 6
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(14.6e6, rel=0.1)


def test_its_masks_loss_and_optimiser():
    assert PAPER.masks.mode == "disjoint"
    assert (PAPER.masks.parts, PAPER.masks.sides) == (3, (2, 4, 8))
    assert all(side % PAPER.network.token == 0 for side in PAPER.masks.sides)  # no token is half hidden
    assert PAPER.loss.pixel
    assert (PAPER.loss.structure, PAPER.loss.structure_weight, PAPER.loss.cosine_weight) == ("ssim", 1.0, 0.0)
    assert PAPER.residual.rule == "mse_ssim"
    assert (PAPER.fit.learning_rate, PAPER.fit.batch, PAPER.fit.epochs, PAPER.fit.steps) == (1e-4, 8, 300, None)


@pytest.mark.slow
def test_it_makes_two_steps_on_a_processor():
    trunk = load_trunk("vgg16", weights="random", levels=PAPER.pyramid.levels)
    aggregate = Aggregate(PAPER.pyramid, trunk.levels)
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 256, (2, 3, *SIZE), dtype=np.uint8))
    with torch.no_grad():
        raw = aggregate.pooled(trunk(pictures))
        aggregate.set_scale([float(level.std()) for level in raw])
        levels = aggregate.finish(raw).levels
    assert levels[0].shape == (2, 960, 64, 64)
    torch.manual_seed(0)
    net = MfrNet(PAPER, aggregate.levels, SIZE)
    net.start(Pyramid(levels), rng)
    optimiser = torch.optim.AdamW(net.train().parameters(), lr=PAPER.fit.learning_rate)
    for step in range(2):
        terms = net.losses(Pyramid(levels), np.random.default_rng(step), step / 2)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
    assert set(terms) == {"pixel", "structure"}
    assert all(parameter.isfinite().all() for parameter in net.parameters())
    net.draw(rng)
    with torch.no_grad():
        seen = net.eval().restore(Pyramid(levels))
    assert seen.levels[0].shape == levels[0].shape
    assert seen.epistemic.shape == (2, 1, 64, 64)
