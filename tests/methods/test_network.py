"""The whole restorer: what the gates let through, where it begins, what can be switched off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods.contract import as_module
from restora.methods.table import METHODS, section
from restora.methods.ura_net.attention import mask_at, widen
from restora.methods.ura_net.network import UraNet, restoration_loss, true_mask_share
from restora.methods.ura_net.settings import (
    AttentionSettings,
    RestorerSettings,
    SynthesisSettings,
    UraNetSettings,
)

BODIES = ["squeeze", "tokens"]

SWITCHES = {
    "default": {},
    "no synthesis": {"synthesis": {"enabled": False}},
    "deterministic perception": {"perception": {"mode": "deterministic"}},
    "no perception": {"perception": {"mode": "off"}},
    "one weight draw": {"perception": {"samples": 1}},
    "no aleatoric head": {"perception": {"aleatoric": False}},
    "no hidden layer": {"perception": {"hidden": ()}},
    "plain attention": {"attention": {"mode": "plain"}},
    "no attention": {"attention": {"mode": "off"}},
    "own tokens only": {"attention": {"global_tokens": 0}},
    "global tokens only": {"attention": {"own_tokens": False}},
    "one normal feature": {"restorer": {"normal_feature": "global"}},
    "no perception, no attention": {"perception": {"mode": "off"}, "attention": {"mode": "off"}},
    "nothing of URA-Net": {
        "synthesis": {"enabled": False},
        "perception": {"mode": "off"},
        "attention": {"mode": "off"},
    },
}


def change_inside(pyramid: Pyramid, mask: torch.Tensor) -> Pyramid:
    """Other features, ten times as large, wherever a level is marked in full."""
    rng = torch.Generator().manual_seed(99)
    levels = []
    for level in pyramid.levels:
        inside = mask_at(mask, (level.shape[2], level.shape[3])) == 1
        levels.append(torch.where(inside, 10 * torch.randn(level.shape, generator=rng), level))
    return Pyramid(levels)


def region(pyramid: Pyramid) -> torch.Tensor:
    first = pyramid.levels[0]
    mask = torch.zeros(first.shape[0], 1, *first.shape[2:])
    height, width = first.shape[2:]
    mask[..., height // 4 : height // 2 + 1, width // 3 : width // 2 + 2] = 1
    return mask


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "changes", [{}, {"attention": {"global_tokens": 0}}, {"restorer": {"normal_feature": "global"}}]
)
def test_what_is_marked_cannot_be_told_from_the_restoration(make_net, make_settings, make_pyramid, body, changes):
    net, given = make_net(make_settings(body, **changes)), make_pyramid(body)
    mask = region(given)
    other = change_inside(given, mask)
    assert all((a - b).abs().max() > 10 for a, b in zip(given.levels, other.levels, strict=True))
    with torch.no_grad():
        before, after = net.restore(given, mask).levels, net.restore(other, mask).levels
        unmarked = net.restore(other, torch.zeros_like(mask)).levels
    for mine, changed, open_ in zip(before, after, unmarked, strict=True):
        assert (mine - changed).abs().max() <= 1e-5 * mine.abs().max()
        assert (mine - open_).abs().max() > 1e-2 * mine.abs().max()  # the same change does show where it is not marked


def test_the_attention_closes_the_way_of_a_marked_token_by_itself(make_net, make_settings, make_pyramid):
    """Without replacement in front; the squeeze mixes cells before its attention, so only of the token body."""
    net, given = make_net(make_settings("tokens")), make_pyramid("tokens")
    mask = torch.zeros(4, 1, 16, 24)
    mask[..., 4:8, 8:12] = 1  # one token of 4 x 4 cells
    with torch.no_grad():
        before = net.body(given.levels, mask)[0]
        after = net.body(change_inside(given, mask).levels, mask)[0]
    assert (before - after).abs().max() <= 1e-5 * before.abs().max()


@pytest.mark.parametrize("body", BODIES)
def test_the_mask_is_the_perceived_one_widened(make_net, make_settings, make_pyramid, body):
    net, given = make_net(make_settings(body, attention={"widening": 0.5})), make_pyramid(body)
    with torch.no_grad():
        seen = net.restore(given)
        by_hand = net.restore(given, widen(seen.probability, 0.5))
    assert all(torch.equal(a, b) for a, b in zip(seen.levels, by_hand.levels, strict=True))
    torch.testing.assert_close(seen.aleatoric + seen.epistemic, seen.probability * (1 - seen.probability))


def test_global_tokens_of_the_squeeze_are_cells_of_normal_pictures(make_net, make_settings, make_pyramid):
    net, pictures = make_net(make_settings(), steps=0), make_pyramid("squeeze", 6, seed=1)
    pooled = [F.avg_pool2d(level, level.shape[2] // 2) for level in pictures.levels]
    cells = torch.cat(pooled, 1).permute(0, 2, 3, 1).reshape(-1, 20)
    nearest = (net.body.normal.tokens[:, None] - cells).abs().amax(2).min(1)
    assert nearest.values.max() < 1e-5
    assert len(set(nearest.indices.tolist())) > 1


def test_global_tokens_of_the_token_body_embed_as_patches_of_normal_pictures(make_net, make_settings, make_pyramid):
    net, pictures = make_net(make_settings("tokens"), steps=0), make_pyramid("tokens", 6, seed=1)
    with torch.no_grad():
        embedded = net.body.embed(pictures.levels[0]).flatten(2).transpose(1, 2).flatten(0, 1)
        distances = (net.body._normal_tokens()[:, None] - embedded).abs().amax(2)
    assert distances.min(1).values.max() < 1e-5


def test_few_normal_patches_are_repeated(make_settings, levels, size):
    net = UraNet(make_settings(attention={"global_tokens": 50}), levels["squeeze"], size)
    one = Pyramid([torch.randn(1, *level.shape(size)) for level in levels["squeeze"]])
    net.start(one, np.random.default_rng(0))
    rows = {tuple(row) for row in net.body.normal.tokens.tolist()}
    assert len(rows) == 6  # one picture has 2 x 3 bottleneck cells


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_builds_trains_and_restores(make_net, make_settings, make_pyramid, body, switch):
    settings = make_settings(body, **SWITCHES[switch])
    start, net = make_net(settings, steps=0), make_net(settings, steps=2)
    assert any(not torch.equal(a, b) for a, b in zip(start.parameters(), net.parameters(), strict=True))
    assert all(parameter.isfinite().all() for parameter in net.parameters())
    given = make_pyramid(body)
    with torch.no_grad():
        seen, again = net.restore(given), net.restore(given)
    for mine, repeated, level in zip(seen.levels, again.levels, given.levels, strict=True):
        assert mine.shape == level.shape
        assert mine.isfinite().all()
        assert torch.equal(mine, repeated)
    assert (seen.probability is None) == (settings.perception.mode == "off")
    assert set(net.figures()) == (
        {"kl_per_weight", "mean_abs_mu", "mean_sigma"}
        if net.perception and settings.perception.mode == "bayes"
        else set()
    )


@pytest.mark.parametrize("strides", [(4,), (4, 8, 16), (16,)])
def test_the_squeeze_takes_one_level_or_three(make_settings, size, strides):
    facts = tuple(Level(f"layer{stride}", 4 + stride, stride) for stride in strides)
    net = UraNet(make_settings(), facts, size, 5)
    given = Pyramid([torch.randn(3, *level.shape(size)) for level in facts])
    net.start(given, np.random.default_rng(0))
    net.textures = given.levels
    terms = net.losses(given, np.random.default_rng(0), 0.5)
    torch.stack(list(terms.values())).sum().backward()
    seen = net.eval().restore(given)
    assert [level.shape for level in seen.levels] == [level.shape for level in given.levels]
    assert seen.probability.shape == (3, 1, *given.levels[0].shape[2:])


@pytest.mark.parametrize("body", BODIES)
def test_every_weight_learns(make_net, make_settings, make_pyramid, body):
    net = make_net(make_settings(body, synthesis={"clean_share": 0})).train()
    net.zero_grad(set_to_none=True)
    terms = net.losses(make_pyramid(body), np.random.default_rng(0), 0.3)
    torch.stack(list(terms.values())).sum().backward()
    assert not [name for name, parameter in net.named_parameters() if parameter.grad is None]


def test_the_control_restores_nothing(make_net, make_settings, make_pyramid):
    net, given = make_net(make_settings("none")), make_pyramid("none")
    seen = net.restore(given)
    assert not any(level.any() for level in seen.levels)
    assert seen.probability is None
    assert not list(net.parameters())


def test_the_restoration_loss_does_not_move_the_perception(make_net, make_settings, make_pyramid):
    net = make_net(make_settings()).train()
    net.zero_grad(set_to_none=True)
    terms = net.losses(make_pyramid(), np.random.default_rng(0), 1.0)
    (terms["cosine"] + terms["mse"]).backward()
    assert all(parameter.grad is None for parameter in net.perception.parameters())
    assert any(parameter.grad is not None for parameter in net.normal.parameters())


def test_the_loss_depends_on_its_generator_alone(make_net, make_settings, make_pyramid):
    net, given = make_net(make_settings()).train(), make_pyramid()
    first, second, other = (
        {name: term.item() for name, term in _detached(net.losses(given, np.random.default_rng(seed), 0.2)).items()}
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def _detached(terms: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: term.detach() for name, term in terms.items()}


def test_thirty_steps_lower_the_loss(make_net, make_settings, make_pyramid):
    net, given = make_net(make_settings(), steps=0).train(), make_pyramid(batch=6)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    seen = []
    for step in range(30):
        terms = net.losses(given, np.random.default_rng(step), step / 30)
        loss = terms["cosine"] + terms["mse"] + terms["perception"]
        seen.append(loss.item())
        optimiser.zero_grad()
        (loss + terms["kl"]).backward()
        optimiser.step()
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])


@pytest.mark.parametrize(("progress", "share"), [(0, 1), (0.1, 1), (0.3, 0.5), (0.5, 0), (1, 0)])
def test_the_true_mask_hands_over_to_the_perceived_one(progress, share):
    assert true_mask_share(progress) == pytest.approx(share)


def test_the_restoration_loss_by_numpy():
    rng = np.random.default_rng(0)
    restored, clean = (
        [rng.normal(size=shape).astype(np.float32) for shape in ((2, 3, 4, 6), (2, 5, 2, 3))] for _ in range(2)
    )
    mask = rng.random((2, 1, 4, 6)).astype(np.float32)
    settings = RestorerSettings(cosine_weight=2.0, mse_weight=0.5, altered_weight=3.0)
    terms = restoration_loss(
        *([torch.from_numpy(x) for x in side] for side in (restored, clean)), torch.from_numpy(mask), settings
    )
    coarse = mask[:, 0].reshape(2, 2, 2, 3, 2).mean((2, 4))
    cosine = mse = 0.0
    for mine, target, share in zip(restored, clean, (mask[:, 0], coarse), strict=True):
        weight = 1 + 3 * share
        product = (mine * target).sum(1) / np.sqrt((mine**2).sum(1) * (target**2).sum(1))
        cosine += (weight * (1 - product)).mean()
        mse += (weight * ((mine - target) ** 2).mean(1)).mean()
    assert terms["cosine"].item() == pytest.approx(2 * cosine, rel=1e-4)
    assert terms["mse"].item() == pytest.approx(0.5 * mse, rel=1e-4)


@pytest.mark.parametrize("body", BODIES)
def test_no_picture_is_kept(make_net, make_settings, body):
    """A model of 60 pictures is, to the byte count of every tensor, as large as one of 10; textures are not stored."""
    few, many = (make_net(make_settings(body), pictures=count).state_dict() for count in (10, 60))
    assert {name: tensor.shape for name, tensor in few.items()} == {name: tensor.shape for name, tensor in many.items()}
    assert not [name for name in few if "texture" in name]


def test_the_method_is_found_by_its_name():
    method = METHODS["ura-net"]
    assert method.settings is UraNetSettings
    assert section("ura-net") == "ura_net"
    with pytest.raises(TypeError, match="str is no torch module"):
        as_module("net")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SynthesisSettings(kinds=()), "kinds is empty"),
        (lambda: SynthesisSettings(area=(0.4, 0.1)), "from the smaller share"),
        (lambda: AttentionSettings(own_tokens=False, global_tokens=0), "no keys"),
        (lambda: RestorerSettings(width=33), "multiple of 32"),
        (lambda: RestorerSettings(width=64, heads=5), "5 do not divide 64"),
        (lambda: UraNetSettings(restorer=RestorerSettings(body="tokens")), "pyramid.merge to true"),
        (lambda: SynthesisSettings(clean_share=1.5), "less than or equal to 1"),
    ],
)
def test_settings_that_cannot_be(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


def test_the_default_has_all_three_parts_on():
    default = UraNetSettings()
    assert default.synthesis.enabled
    assert default.perception.mode == "bayes"
    assert default.perception.samples > 1
    assert default.attention.mode == "gated"
    assert default.attention.own_tokens
    assert default.attention.global_tokens > 0
