from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from restora.features.levels import Level
from restora.methods.border import border_factor
from restora.methods.distances import StructureDistance
from restora.methods.residual import Residual
from restora.methods.settings import ResidualSettings

SIZE = (64, 96)
LEVELS = (Level("layer2", 6, 8), Level("layer3", 8, 16))
STRUCTURAL = ["mse_ssim", "mse_gms", "full_ssim", "full_gms"]
RULES = ["full", "diagonal", "content", "mse", "cosine", "cosine_mse", *STRUCTURAL]


def pairs(count: int = 12, seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    rng = torch.Generator().manual_seed(seed)
    restored = [torch.randn(count, *level.shape(SIZE), generator=rng) for level in LEVELS]
    levels = [level + (0.5 + n) * torch.randn(level.shape, generator=rng) for n, level in enumerate(restored)]
    return levels, restored


def residual(rule: str, count: int = 12, seed: int = 0, **changes: float) -> Residual:
    made = Residual(
        ResidualSettings(**{"rule": rule, "directions": 6, "clusters": 3, "border": 0, **changes}), LEVELS, SIZE
    )
    levels, restored = pairs(count, seed)
    made.fit(lambda: (([x[n : n + 5] for x in levels], [x[n : n + 5] for x in restored]) for n in range(0, count, 5)))
    return made


def state(made: Residual) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in made.state_dict().items()}


@pytest.mark.parametrize("rule", RULES)
def test_the_map_is_a_quarter_of_the_picture_and_never_negative(rule):
    seen = residual(rule)(*pairs(3, seed=1))
    assert seen.shape == (3, 16, 24)
    assert seen.min() >= 0
    assert seen.isfinite().all()


@pytest.mark.parametrize("fine_weight", [1.0, 2.0])
@pytest.mark.parametrize("rule", RULES)
def test_a_level_counts_its_weight_on_the_fitting_pictures(rule, fine_weight):
    made = residual(rule, fine_weight=fine_weight)
    given = pairs()
    for row, column, distance in made._distances():
        scaled = distance(given[0][column], given[1][column]) / made.level_scale[row, column]
        weight = (fine_weight, 1.0)[column]
        assert scaled.mean().item() == pytest.approx(weight, rel=1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_what_differs_more_lies_higher(rule):
    made, (levels, restored) = residual(rule), pairs(1, seed=2)
    spoiled = [level.clone() for level in levels]
    for level, restored_level in zip(spoiled, restored, strict=True):
        height, width = level.shape[2] // 4, level.shape[3] // 3
        level[..., height : 2 * height, width : 2 * width] = (
            -3 * restored_level[..., height : 2 * height, width : 2 * width]
        )
    before, after = made(levels, restored)[0], made(spoiled, restored)[0]
    assert after[4:8, 8:16].mean() > 1.5 * before[4:8, 8:16].mean()
    if rule not in STRUCTURAL:  # their windows reach far
        torch.testing.assert_close(after[12:, 20:], before[12:, 20:], rtol=0.05, atol=0.05)


def test_mean_squared_error_by_numpy_and_scipy():
    made, (levels, restored) = residual("mse", smoothing=1.5), pairs(2, seed=3)
    total = 0.0
    for column, (level, other) in enumerate(zip(levels, restored, strict=True)):
        raw = (level - other).square().mean(1) / made.level_scale[0, column]
        total = total + torch.nn.Upsample((16, 24), mode="bilinear")(raw[:, None])[:, 0].numpy().astype(np.float64)
    for mine, given in zip(made(levels, restored).numpy(), total, strict=True):
        np.testing.assert_allclose(mine, gaussian_filter(given, 1.5, mode="nearest", radius=6), rtol=1e-4, atol=1e-5)


def test_the_authors_map_is_the_product_of_two():
    levels, restored = pairs(2, seed=3)
    product = residual("cosine")(levels, restored) * residual("mse")(levels, restored)
    both = residual("cosine_mse")
    torch.testing.assert_close(both(levels, restored), product, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("rule", STRUCTURAL)
def test_the_hybrid_map_is_the_weighted_sum_of_two(rule, weight):
    """Each divided by its mean over the fitting pictures, so that the weight means the same for any two."""
    given = pairs(2, seed=3)
    pixel, structure = rule.split("_")
    alone = Residual(ResidualSettings(rule="mse", border=0), LEVELS, SIZE)
    alone.rules[0] = torch.nn.ModuleList(StructureDistance(structure, level.shape(SIZE)) for level in LEVELS)
    alone.fit(lambda: iter([pairs()]))
    total = residual(pixel)(*given) + weight * alone(*given)
    torch.testing.assert_close(residual(rule, structure_weight=weight)(*given), total, rtol=1e-4, atol=1e-5)


def test_ignored_places_are_zero_and_say_nothing_beside_them():
    made, (levels, restored) = residual("full"), pairs(2, seed=4)
    places = torch.zeros(16, 24, dtype=torch.bool)
    places[4:8, 8:16] = True
    free = made(levels, restored)
    made.ignore(places)
    seen = made(levels, restored)
    assert not seen[:, places].any()
    torch.testing.assert_close(seen[:, 14:, 22:], free[:, 14:, 22:])
    # a level's cell covers 2 or 4 cells of the map: change only those that lie in the ignored part with a border
    spoiled = [level.clone() for level in levels]
    spoiled[0][..., 2:4, 4:8] += 100
    changed = (made(spoiled, restored) - seen).abs()
    made.ignore(torch.zeros_like(places))
    assert changed.max() < 0.6 * (made(spoiled, restored) - free).abs().max()


def test_what_is_ignored_in_full_changes_nothing():
    made, (levels, restored) = residual("mse"), pairs(2, seed=4)
    places = torch.zeros(16, 24, dtype=torch.bool)
    places[2:10, 6:18] = True
    made.ignore(places)
    before = made(levels, restored)
    # cells 2..3 x 4..7 of the finer level reach, interpolated, map cells 3..8 x 7..16: all ignored
    levels[0][..., 2:4, 4:8] += 100
    assert torch.equal(made(levels, restored), before)


@pytest.mark.parametrize("rule", RULES)
def test_statistics_come_from_what_was_given_to_fit_alone(rule):
    looked = residual(rule)
    before = state(looked)
    looked(*pairs(4, seed=8))
    assert state(looked) == before == state(residual(rule))
    if rule != "mse" and rule != "cosine":
        assert state(residual(rule, seed=5)) != before


@pytest.mark.parametrize("rule", RULES)
def test_the_state_is_as_large_for_10_pictures_as_for_60(rule):
    few, many = (state(residual(rule, count)) for count in (10, 60))
    assert {name: len(data) for name, data in few.items()} == {name: len(data) for name, data in many.items()}


@pytest.mark.parametrize("rule", RULES)
def test_one_picture_is_enough_to_fit(rule):
    assert residual(rule, 1)(*pairs(2, seed=1)).isfinite().all()


def test_a_perfect_restoration_gives_a_number():
    made = Residual(ResidualSettings(rule="mse", border=0), LEVELS, SIZE)
    levels, _ = pairs(2)
    made.fit(lambda: iter([(levels, levels)]))
    assert not made(levels, levels).any()


def test_the_state_travels():
    made, given = residual("full"), pairs(2, seed=6)
    other = Residual(ResidualSettings(directions=6), LEVELS, SIZE)
    other.load_state_dict(made.state_dict())
    assert torch.equal(made(*given), other(*given))


def test_the_border_is_measured_against_the_inside():
    usual = torch.ones(20, 24)
    usual[0], usual[:, -1] = 3.0, 2.0
    usual[:, 0] = 0.5  # calmer than the inside: never made louder
    usual[10, 12] = 50.0  # an odd place inside is not the border's business
    factor = border_factor(usual, torch.ones(20, 24), reach=4)
    assert factor.min() == 1
    assert factor[10, 12] == 1
    assert (factor[5:15, 6:18] == 1).all()
    inner_row, inner_column = usual[4].mean(), usual[:, 24 - 1 - 4].mean()
    torch.testing.assert_close(factor[0, 12], usual[0].mean() / inner_row)
    torch.testing.assert_close(factor[10, 23], usual[:, 23].mean() / inner_column)
    torch.testing.assert_close(factor[0, 23], usual[0].mean() / inner_row * usual[:, 23].mean() / inner_column)


@pytest.mark.parametrize("grid", [(1, 1), (3, 40), (8, 8)])
def test_the_border_of_a_small_map_leaves_an_inside(grid):
    factor = border_factor(torch.rand(grid, generator=torch.Generator().manual_seed(0)), torch.ones(grid), reach=8)
    assert factor.shape == grid
    assert factor.isfinite().all()
    assert factor[grid[0] // 2, grid[1] // 2] == 1


def test_places_left_out_say_nothing_about_the_border():
    usual, keep = torch.ones(16, 16), torch.ones(16, 16)
    usual[0, :8] = 9.0
    keep[0, :8] = 0
    assert (border_factor(usual, keep, reach=4) == 1).all()
    keep[0] = 0  # a whole row is left out: nothing is known of it
    assert (border_factor(usual, keep, reach=4) == 1).all()


def test_the_fitted_map_is_divided_by_what_the_border_has_more():
    levels, restored = pairs()
    levels[0][:, :, 0] += 3 * torch.randn(levels[0][:, :, 0].shape, generator=torch.Generator().manual_seed(1))
    pair = (levels, restored)
    maps = []
    for border in (0, 4):
        made = Residual(ResidualSettings(rule="mse", border=border, border_power=2.0), LEVELS, SIZE)
        made.fit(lambda: iter([pair]))
        maps.append(made(*pair))
    factor = border_factor(maps[0].mean(0), torch.ones(16, 24), reach=4)
    assert factor[0].min() > 1.3
    torch.testing.assert_close(maps[1], maps[0] / factor.square())
