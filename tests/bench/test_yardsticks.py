"""Simple detectors on a random trunk: what a memory, a coreset, a standardised place and a Gaussian must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, mahalanobis

from restora.bench import rows
from restora.bench.yardsticks.evaluate import (
    StoredMaps,
    evaluate_runtime,
    figures,
    input_spec,
    pixel_digest,
)
from restora.bench.yardsticks.fit import YARDSTICKS, fit_yardstick
from restora.bench.yardsticks.gaussian import CHANNELS, RIDGE, PlaceGaussian, place_gaussian
from restora.bench.yardsticks.memory import (
    FLOOR,
    Nearest,
    coreset_memory,
    floored,
    greedy_centres,
    random_memory,
    standardised_memory,
)
from restora.bench.yardsticks.patches import Patches, YardstickRuntime
from restora.errors import DataError, UsageError
from restora.features.pyramid import load_trunk
from restora.metrics.pixels import pixel_figures
from restora.metrics.ranking import auroc
from restora.training.plan import make_plan, prepared_batches, resolve_settings

SIDE = 64


def draw(rng: np.random.Generator, spot: bool) -> tuple[np.ndarray, np.ndarray]:
    """Stripes with grain, and what is wrong with them: a white square somewhere."""
    picture = 90 + 40 * np.sin(np.arange(SIDE) / 3)[:, None, None] + rng.normal(0, 6, (SIDE, SIDE, 3))
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    if spot:
        top, left = rng.integers(4, SIDE - 20, 2)
        mask[top : top + 16, left : left + 16] = True
        picture[mask] = 250
    return np.clip(picture, 0, 255).astype(np.uint8), mask


@pytest.fixture(scope="module")
def dataset(write_set):
    """12 good pictures to fit (before the calibration part is taken off), 5 good and 4 defective ones to look at."""
    rng = np.random.default_rng(0)
    counts = {"train/good": 12, "test/good": 5, "test/spot": 4}
    return write_set("stripes", counts, lambda spot, number: draw(rng, spot))


@pytest.fixture(scope="module")
def trunk():
    return load_trunk("resnet18", weights="random")


@pytest.fixture(scope="module")
def plan(dataset, trunk):
    settings = resolve_settings("small", None, {"trunk.name": "resnet18", "trunk.weights": "random"})
    return make_plan(settings, dataset, trunk)


@pytest.fixture(scope="module")
def patches(trunk) -> Patches:
    return Patches(trunk)


@pytest.fixture(scope="module")
def fitting(plan, patches) -> torch.Tensor:
    """Patches of all fitting pictures [N, 8, 8, C]."""
    return torch.cat(list(patches.of(plan)))


def test_patches_are_means_of_both_levels_on_the_finer_grid(trunk, plan, patches, fitting):
    batch = next(prepared_batches(plan.split.fitting, plan.size, None, 1))
    fine, coarse = trunk(torch.from_numpy(batch).permute(0, 3, 1, 2))
    assert fitting.shape == (len(plan.split.fitting), 8, 8, 128 + 256)
    torch.testing.assert_close(fitting[0, 3, 4, :128], fine[0, :, 2:5, 3:6].mean((1, 2)))
    torch.testing.assert_close(fitting[0, 0, 0, :128], fine[0, :, :2, :2].mean((1, 2)))  # no zeros beyond the border
    torch.testing.assert_close(fitting[0, 0, 0, 128:], coarse[0, :, :2, :2].mean((1, 2)))  # a corner is no mixture


def test_drawn_patches_are_those_of_the_pictures_said(plan, patches, fitting):
    bank, owners = patches.drawn(plan, 100)
    assert bank.shape == (100, patches.channels)
    for row, owner in zip(bank, owners, strict=True):
        assert (fitting[owner] == row).all(-1).any()
    again, _ = patches.drawn(plan, 100)
    assert torch.equal(bank, again)
    everything, _ = patches.drawn(plan, 10**6)
    assert torch.equal(everything, fitting.flatten(0, 2))


def test_nearest_distance_is_that_of_a_full_table_and_0_at_a_patch_of_the_memory(fitting):
    rng = np.random.default_rng(1)
    bank, asked = (torch.from_numpy(rng.normal(size=(n, 16)).astype(np.float32)) for n in (50, 2100))
    expected = cdist(asked.numpy(), bank.numpy()).min(1)
    np.testing.assert_allclose(Nearest(bank)(asked.view(3, 700, 16)).flatten(), expected, rtol=1e-4)
    left_out = torch.arange(50) < 20
    np.testing.assert_allclose(
        Nearest(bank).to_others(asked, left_out), cdist(asked.numpy(), bank.numpy()[20:]).min(1), rtol=1e-4
    )
    assert Nearest(bank)(bank).max() < 2e-3


def test_a_fitting_patch_is_near_and_a_foreign_one_is_far(plan, patches, fitting):
    distances = random_memory(plan, patches)
    near = distances(fitting)  # all patches are in the memory, there being fewer than 16,000
    assert near.max() < 1e-3 * fitting.norm(dim=-1).mean()
    assert distances(fitting + 1).min() > 10 * near.max()


def test_greedy_centres_cover_better_than_random_ones_and_no_row_is_taken_twice():
    rng = np.random.default_rng(0)
    # a crowd and a few rows far away, which a random choice misses
    rows_ = torch.from_numpy(np.concatenate([rng.normal(size=(600, 8)), 20 * rng.normal(size=(12, 8))])).float()
    chosen = greedy_centres(rows_, 30, seed=0)
    assert len(set(chosen.tolist())) == 30
    covered = Nearest(rows_[chosen])(rows_).max()
    assert (
        covered
        < 0.5 * Nearest(rows_[torch.randperm(612, generator=torch.Generator().manual_seed(0))[:30]])(rows_).max()
    )
    # the law of the greedy choice: every further centre is as far from those before as any row is from all in the end
    apart = torch.cdist(rows_[chosen], rows_[chosen]).fill_diagonal_(torch.inf).min()
    assert apart >= covered - 1e-3


def test_greedy_centres_of_equal_rows_and_of_many_channels():
    assert greedy_centres(torch.ones(5, 3), 5, seed=0).sort().values.tolist() == [0, 1, 2, 3, 4]
    rng = np.random.default_rng(0)
    groups = torch.from_numpy(rng.normal(size=(6, 300)).astype(np.float32)).repeat_interleave(20, 0)
    chosen = greedy_centres(groups + 1e-3 * torch.randn(groups.shape, generator=torch.Generator().manual_seed(0)), 6, 0)
    assert sorted(chosen.div(20, rounding_mode="floor").tolist()) == [0, 1, 2, 3, 4, 5]  # projected, and still one each


def test_the_coreset_is_1_percent_of_the_patches(plan, patches, fitting):
    distances = coreset_memory(plan, patches)
    rows_ = fitting.flatten(0, 2)
    assert (distances(rows_) < 1e-3 * rows_.norm(dim=-1).mean()).sum() == round(0.01 * len(rows_))


def test_a_good_picture_stands_at_0_everywhere_once_standardised(plan, patches, fitting):
    """Mean of the standardised distance of fitting pictures to all others: about 0 at each place, spread about 1."""
    distances = standardised_memory(plan, patches)
    bank, owners = patches.drawn(plan, 10**6)
    left_out = [Nearest(bank).to_others(mine, owners == number) for number, mine in enumerate(fitting)]
    standard = (torch.stack(left_out) - distances.mean) / distances.deviation
    assert abs(standard.mean()) < 0.15
    assert standard.mean(0).abs().max() < 1.5  # moments are those of 3 x 3 places
    assert 0.7 < standard.square().mean().sqrt() < 1.1
    plain = torch.stack(left_out)
    assert standard.mean(0).std() < plain.mean(0).std() / plain.std(0).mean()  # places are more alike than before


def test_a_place_where_nothing_differs_does_not_explode():
    variance = torch.tensor([[0.0, 1.0], [4.0, -1e-9]])
    found = floored(variance)
    assert found[0, 0] == found[1, 1] == pytest.approx(FLOOR * 1.25**0.5)  # mean variance 5 / 4
    assert found[1, 0] == 2
    assert floored(torch.zeros(2, 2)).tolist() == [[1, 1], [1, 1]]


def test_one_fitting_picture_cannot_be_standardised(plan, patches):
    alone = replace(plan, split=replace(plan.split, fitting=plan.split.fitting[:1]))
    with pytest.raises(DataError, match="at least two"):
        standardised_memory(alone, patches)


def test_the_gaussian_of_a_place_is_that_of_numpy(plan, patches, fitting):
    distances = place_gaussian(plan, patches)
    order = np.random.default_rng(plan.settings.seed).permutation(patches.channels)[:CHANNELS]
    here = fitting[:, 2, 5].double().numpy()[:, np.sort(order)]
    inverse = np.linalg.inv(np.cov(here, rowvar=False) + RIDGE * np.eye(CHANNELS))
    asked = fitting + 0.1
    found = distances(asked)[:, 2, 5]
    shifted = asked[:, 2, 5].double().numpy()[:, np.sort(order)]
    expected = [mahalanobis(row, here.mean(0), inverse) for row in shifted]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_gaussian_of_known_covariance():
    covariance = torch.tensor([[[4.0, 0.0], [0.0, 0.25]]])
    distances = PlaceGaussian(torch.tensor([0, 2]), torch.tensor([[1.0, 1.0]]), covariance)
    patch = torch.tensor([5.0, 99.0, 2.5]).view(
        1, 1, 1, 3
    )  # 4 / 2 = 2 and 1.5 / 0.5 = 3 deviations; 99 is not looked at
    assert distances(patch).item() == pytest.approx(13**0.5)


@pytest.mark.parametrize("name", YARDSTICKS)
def test_every_yardstick_answers_like_a_graph_and_finds_the_spots(name, plan, trunk, dataset):
    runtime = fit_yardstick(name, plan, trunk)
    batch = next(prepared_batches(dataset.test, plan.size, None, 3))
    answer = runtime(batch)
    assert {key: value.shape for key, value in answer.items()} == {"score": (3,), "doubt": (3,), "map": (3, 16, 16)}
    assert all(value.dtype == np.float32 for value in answer.values())
    np.testing.assert_array_equal(answer["score"], answer["map"].max((1, 2)))
    np.testing.assert_allclose(runtime(batch[1:2])["map"], answer["map"][1:2], rtol=1e-3, atol=1e-3)
    found = figures(evaluate_runtime(runtime, dataset, input_spec(plan.size)))
    assert found["image_auroc"] == 1
    assert found["pixel_auroc"] is not None
    assert found["pixel_auroc"] > 0.8
    again = fit_yardstick(name, plan, trunk)(batch)
    np.testing.assert_array_equal(again["map"], answer["map"])  # the seed decides


def test_the_table_lists_these_yardsticks():
    assert tuple(YARDSTICKS) == rows.YARDSTICKS


def test_an_unknown_yardstick_is_refused(plan, trunk):
    with pytest.raises(UsageError, match="nearest-neighbour-position"):
        fit_yardstick("nearest", plan, trunk)


def test_a_constant_distance_gives_a_constant_map(patches):
    flat = YardstickRuntime("flat", patches, lambda rows_: torch.full(rows_.shape[:3], 3.0))
    np.testing.assert_allclose(flat(np.zeros((1, 64, 96, 3), np.uint8))["map"], np.full((1, 16, 24), 3.0), rtol=1e-6)


def test_stored_maps_are_scored_as_they_are(dataset, tmp_path: Path):
    """Maps found by picture, at their own size; the figures are those of the metrics on the same maps and masks."""
    rng, maps, by_digest = np.random.default_rng(0), [], {}
    for number, picture in enumerate(prepared_batches(dataset.test, (64, 64), None, 1)):
        maps.append(rng.random((64, 64), dtype=np.float32))
        np.save(tmp_path / f"{number}.npy", maps[-1])
        by_digest[pixel_digest(picture[0])] = tmp_path / f"{number}.npy"
    evaluation = evaluate_runtime(StoredMaps("theirs", by_digest), dataset, input_spec((64, 64)))
    expected = pixel_figures(maps, [item.mask((64, 64)) for item in dataset.test])
    peaks = [
        [map.max() for map, item in zip(maps, dataset.test, strict=True) if item.label == label] for label in (0, 1)
    ]
    assert figures(evaluation) == {
        "image_auroc": auroc(*peaks),
        "pixel_auroc": expected.auroc,
        "aupro_30": expected.aupro_30,
    }
    with pytest.raises(DataError, match="made no map"):
        StoredMaps("theirs", {})(np.zeros((1, 64, 64, 3), np.uint8))


def test_figures_without_masks_are_left_open_and_no_test_pictures_are_an_error(dataset, plan, trunk):
    runtime = fit_yardstick("nearest-neighbour", plan, trunk)
    bare = replace(dataset, items=tuple(replace(item, masks=()) for item in dataset.items))
    found = figures(evaluate_runtime(runtime, bare, input_spec(plan.size)))
    assert found == {"image_auroc": 1, "pixel_auroc": None, "aupro_30": None}
    with pytest.raises(DataError, match="no test pictures"):
        evaluate_runtime(runtime, replace(dataset, items=dataset.train), input_spec(plan.size))
