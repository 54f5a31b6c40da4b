from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from restora.features.pyramid import load_trunk
from restora.features.settings import TINY
from restora.features.tiny.network import TinyNet
from teaching.pool import draw_clutter, make_pool
from teaching.teach import LEVELS, Axis, save
from teaching.views import SIDES, draw_batch, relight


@pytest.fixture
def pool(tmp_path):
    for number in range(3):
        Image.fromarray(np.full((90, 120, 3), 60 * number + 40, np.uint8)).save(tmp_path / f"{number}.png")
    return make_pool(tmp_path, np.random.default_rng(0), drawn=2, clutter=2, textures=2)


def test_views_are_pictures_of_the_sides_promised_and_come_again_by_seed(pool):
    batch = draw_batch(pool, np.random.default_rng(3))
    assert batch.shape[1] == 3
    assert batch.shape[2] == batch.shape[3]
    assert batch.shape[2] in SIDES
    assert float(batch.min()) >= 0
    assert float(batch.max()) <= 255
    assert torch.equal(batch, draw_batch(pool, np.random.default_rng(3)))
    assert not torch.equal(batch[0], batch[1])


def test_every_group_is_there_and_drawn_from(pool):
    assert pool.counts() == {"folder": 3, "drawn": 2, "clutter": 2, "textures": 2}
    rng = np.random.default_rng(0)
    seen = {tuple(pool.pick(rng).shape) for _ in range(60)}
    assert (3, 90, 120) in seen
    assert (3, 256, 256) in seen


def test_light_changes_keep_the_place_of_things():
    views = torch.zeros(12, 3, 32, 32)
    views[:, :, :, 16:] = 200
    changed = relight(views, np.random.default_rng(1))
    contrast = (changed[..., 20:].mean(dim=(1, 2, 3)) - changed[..., :12].mean(dim=(1, 2, 3))).abs()
    assert float(contrast.min()) > 3


def test_clutter_has_edges_everywhere():
    picture = draw_clutter(128, np.random.default_rng(2)).astype(float)
    steps = np.abs(np.diff(picture.mean(axis=2), axis=1)) > 12
    quarters = [steps[:64, :64], steps[:64, 64:], steps[64:, :64], steps[64:, 64:]]
    assert all(quarter.mean() > 0.005 for quarter in quarters)


def test_the_loss_is_one_for_the_mean_and_nothing_for_the_target():
    generator = torch.Generator().manual_seed(0)
    level = torch.randn(4, 6, 16, 16, generator=generator) * torch.tensor([5.0, 4, 3, 2, 1, 0.5]).view(1, 6, 1, 1)
    level -= level.mean(dim=(0, 2, 3), keepdim=True)
    turn = torch.eye(6)[:4]
    axis = Axis(turn, level[:, :4].permute(1, 0, 2, 3).flatten(1).std(dim=1))
    target = axis.target(level)
    assert torch.equal(target, level[:, :4])
    assert float(axis.loss(target, target)) == 0
    assert float(axis.loss(torch.zeros_like(target), target)) == pytest.approx(1, abs=0.01)


def test_what_is_saved_is_the_network_that_was_taught(tmp_path):
    torch.manual_seed(0)
    student = TinyNet(TINY, LEVELS, normed=True)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255
    frame = load_trunk(TINY, weights="random", levels=LEVELS)
    student.train()
    with torch.no_grad():
        student((pictures - frame.mean) / frame.deviation)  # norms that are not the starting ones
        student.eval()
        expected = student((pictures - frame.mean) / frame.deviation)
    save(student, tmp_path / "saved.safetensors", "terms of it all")
    trunk = load_trunk(TINY, weights=tmp_path / "saved.safetensors", levels=LEVELS)
    assert (trunk.card.licence, trunk.card.terms) == ("Apache-2.0", "terms of it all")
    for mine, wanted in zip(trunk(pictures), expected, strict=True):
        assert float((mine - wanted).abs().max()) < 0.01 * float(wanted.abs().max())  # float16 numbers
