from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.ura_net.attention import (
    GlobalNormal,
    NormalFeatures,
    RestorationAttention,
    mask_at,
    widen,
)
from restora.methods.ura_net.settings import AttentionSettings, RestorerSettings

GRID, WIDTH = (3, 4), 32
SIZES = RestorerSettings(width=WIDTH, heads=4)


def block(**changes: object) -> RestorationAttention:
    torch.manual_seed(0)
    made = RestorationAttention(GRID, SIZES, AttentionSettings(**{"global_tokens": 6, **changes}))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made.eval()


def tokens(batch: int = 2, seed: int = 1) -> torch.Tensor:
    return torch.randn(batch, 12, WIDTH, generator=torch.Generator().manual_seed(seed))


def normal(count: int = 6) -> torch.Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(2))


def marks(*places: int) -> torch.Tensor:
    mask = torch.zeros(2, 12, 1)
    mask[:, list(places)] = 1
    return mask


def shares(
    made: RestorationAttention, given: torch.Tensor, mask: torch.Tensor, memory: torch.Tensor | None
) -> torch.Tensor:
    """Attention weights [B, heads, N, M], own keys first, by the block's own keys and bias and plain softmax."""
    own = made.norm(given)
    query = made._split(made.query((1 - mask) * own + mask * made.mask_token + made.positions))
    keys, _, bias = made._memory(own, mask, memory)
    return (torch.einsum("bhnd,bhmd->bhnm", query, keys) / (WIDTH // SIZES.heads) ** 0.5 + bias).softmax(-1)


def test_the_mask_widens_by_the_doubt():
    p = torch.tensor([0.0, 0.5, 0.9, 1.0])
    torch.testing.assert_close(widen(p, 0.5), torch.tensor([0.0, 0.625, 0.945, 1.0]))
    assert torch.equal(widen(p, 0.0), p)
    assert widen(torch.tensor(0.7), 2.0) == 1  # 0.7 + 2 x 0.21 is above 1


def test_nothing_marked_slips_through_a_coarser_grid():
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 5, 7] = 0.8
    coarse = mask_at(mask, (4, 6))
    assert coarse[0, 0, 2, 3] == mask[0, 0, 5, 7]
    assert coarse.count_nonzero() == 1
    assert mask_at(mask, (8, 12)) is mask


@pytest.mark.parametrize("memory", [normal(), None])
def test_own_keys_that_are_marked_get_no_attention(memory):
    weights = shares(block(), tokens(), marks(3, 7), memory)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 12))
    assert weights[..., [3, 7]].max() < 1e-5
    assert weights[..., [2, 5]].min() > 1e-3


def test_a_half_normal_key_weighs_half():
    made, mask = block(), torch.zeros(2, 12, 1)
    mask[:, 4] = 0.5
    ratio = shares(made, tokens(), mask, normal())[..., 4] / shares(made, tokens(), 0 * mask, normal())[..., 4]
    others = shares(made, tokens(), mask, normal())[..., 5] / shares(made, tokens(), 0 * mask, normal())[..., 5]
    unmarked = [place for place in range(12) if place != 4]  # the marked token's own query changes too
    torch.testing.assert_close((ratio / others)[..., unmarked], torch.full((2, 4, 11), 0.5))


def test_a_marked_token_takes_nothing_from_itself_and_gives_nothing():
    made, given, changed = block(), tokens(), tokens()
    changed[:, [3, 7]] = 30 * tokens(seed=5)[:, [3, 7]]
    before, after = made(given, marks(3, 7), normal()), made(changed, marks(3, 7), normal())
    assert (before - after).abs().max() < 1e-5 * before.abs().max()
    assert (made(given, marks(), normal()) - made(changed, marks(), normal())).abs().max() > 1


def test_plain_attention_lets_a_marked_token_through():
    made, given, changed = block(mode="plain"), tokens(), tokens()
    changed[:, 3] += 1
    assert torch.equal(made(given, marks(3), normal()), made(given, marks(), normal()))
    assert (made(given, marks(3), normal()) - made(changed, marks(3), normal())).abs().max() > 0.1


@pytest.mark.parametrize(("own", "memory"), [(True, None), (False, normal()), (True, normal())])
def test_the_block_is_pre_norm_attention(own, memory):
    """Against torch's own scaled dot product over the same keys."""
    made, given, mask = block(own_tokens=own), tokens(), marks(1)
    keys, values, bias = made._memory(made.norm(given), mask, memory)
    query = (1 - mask) * made.norm(given) + mask * made.mask_token + made.positions
    query = made.query(query).view(2, 12, 4, 8).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(query, keys, values, bias.expand(2, 4, 12, -1))
    restored = (1 - mask) * given + made.out(mixed.transpose(1, 2).reshape(2, 12, WIDTH))
    torch.testing.assert_close(made(given, mask, memory), restored + made.mlp(restored), rtol=1e-4, atol=1e-5)


def test_global_tokens_begin_as_real_features():
    patches = torch.randn(40, 7)
    tokens_ = GlobalNormal(6, 7)
    tokens_.start(patches, torch.tensor([5, 39, 0, 7]))
    assert torch.equal(tokens_.tokens, patches[[5, 39, 0, 7, 5, 39]])


@pytest.mark.parametrize("per_place", [True, False])
def test_normal_features_begin_at_the_mean(per_place):
    levels = [torch.randn(9, 3, 4, 6), torch.randn(9, 5, 2, 3)]
    made = NormalFeatures([(3, 4, 6), (5, 2, 3)], per_place)
    made.start(Pyramid(levels))
    for mine, level in zip(made.levels, levels, strict=True):
        expected = level.numpy().mean((0,) if per_place else (0, 2, 3), keepdims=True)
        np.testing.assert_allclose(mine.detach().numpy(), expected, atol=1e-6)


def test_what_is_marked_is_replaced_and_what_is_not_stays():
    levels = [torch.randn(2, 3, 4, 6), torch.randn(2, 5, 2, 3)]
    made = NormalFeatures([(3, 4, 6), (5, 2, 3)], per_place=True)
    made.start(Pyramid([torch.randn(4, 3, 4, 6), torch.randn(4, 5, 2, 3)]))
    mask = torch.zeros(2, 1, 4, 6)
    mask[..., 0, 1], mask[..., 3, 5] = 1, 0.25
    fine, coarse = made(Pyramid(levels), mask)
    assert torch.equal(fine[..., 0, 1], made.levels[0][..., 0, 1].expand(2, -1))
    assert torch.equal(coarse[..., 0, 0], made.levels[1][..., 0, 0].expand(2, -1))
    torch.testing.assert_close(fine[..., 3, 5], 0.75 * levels[0][..., 3, 5] + 0.25 * made.levels[0][..., 3, 5])
    assert torch.equal(fine[..., 1, :], levels[0][..., 1, :])
    assert torch.equal(coarse[..., 0, 1:], levels[1][..., 0, 1:])
