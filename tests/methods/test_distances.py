"""Distances against Mahalanobis distances computed place by place in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restora.methods.distances import (
    ContentGaussian,
    CosineDistance,
    PlaceGaussian,
    SquaredError,
    StructureDistance,
    strongest_directions,
)
from restora.methods.layers.ssim import Ssim
from restora.methods.settings import ResidualSettings

CHANNELS, HEIGHT, WIDTH, PICTURES = 5, 4, 6, 40


def residuals(count: int = PICTURES, seed: int = 0) -> np.ndarray:
    """[N, C, H, W] with a mean and a covariance of its own at every place."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(HEIGHT, WIDTH, CHANNELS, CHANNELS))
    offset = np.random.default_rng(8).normal(size=(CHANNELS, HEIGHT, WIDTH))
    white = rng.normal(size=(count, HEIGHT, WIDTH, CHANNELS))
    return (np.einsum("hwcd,nhwd->nchw", mixing, white) + offset).astype(np.float32)


def fitted(settings: ResidualSettings, given: np.ndarray, block: int = 1, batch: int = 16) -> PlaceGaussian:
    made = PlaceGaussian((CHANNELS, HEIGHT, WIDTH), block, settings)
    for start in range(0, len(given), batch):
        part = torch.from_numpy(given[start : start + batch])
        made.accumulate(2 * part, part)
    made.solve()
    return made


def distances(made: torch.nn.Module, given: np.ndarray) -> np.ndarray:
    part = torch.from_numpy(given)
    return made(part + 3, torch.full_like(part, 3)).numpy()


def pooled_moments(given: np.ndarray, block: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of every place over its own samples and those of its neighbours, one place at a time."""
    rows, columns = HEIGHT // block, WIDTH // block
    means = np.zeros((rows, columns, CHANNELS))
    covariances = np.zeros((rows, columns, CHANNELS, CHANNELS))
    for row in range(rows):
        for column in range(columns):
            near = slice(max(0, row - side // 2) * block, (row + side // 2 + 1) * block)
            beside = slice(max(0, column - side // 2) * block, (column + side // 2 + 1) * block)
            samples = given[:, :, near, beside].transpose(0, 2, 3, 1).reshape(-1, CHANNELS).astype(np.float64)
            means[row, column] = samples.mean(0)
            covariances[row, column] = np.cov(samples.T, bias=True)
    return means, covariances


def mahalanobis(given: np.ndarray, test: np.ndarray, settings: ResidualSettings, block: int, side: int) -> np.ndarray:
    means, covariances = pooled_moments(given, block, side)
    if settings.rule == "diagonal":
        covariances = covariances * np.eye(CHANNELS)
    overall = covariances.mean((0, 1))
    prior, floor = settings.prior_pictures, settings.floor * np.diagonal(overall).mean()
    found = np.zeros((len(test), HEIGHT, WIDTH))
    for row in range(HEIGHT):
        for column in range(WIDTH):
            place = row // block, column // block
            shrunk = (len(given) * covariances[place] + prior * overall) / (len(given) + prior)
            inverse = np.linalg.inv(shrunk + floor * np.eye(CHANNELS))
            away = test[:, :, row, column] - means[place]
            found[:, row, column] = np.einsum("nc,cd,nd->n", away, inverse, away) / CHANNELS
    return found


@pytest.mark.parametrize("rule", ["full", "diagonal"])
@pytest.mark.parametrize(("block", "neighbours"), [(1, 1), (1, 3), (2, 1), (2, 3)])
@pytest.mark.parametrize("prior", [0.0, 50.0])
def test_the_distance_is_mahalanobis_with_a_shrunk_covariance_a_place(rule, block, neighbours, prior):
    settings = ResidualSettings(
        rule=rule,
        directions=CHANNELS,
        neighbours=neighbours,
        block_neighbours=neighbours,
        prior_pictures=prior,
        floor=0.1,
    )
    given, test = residuals(), residuals(7, seed=1)
    expected = mahalanobis(given, test, settings, block, neighbours)
    # means and directions are kept in half precision
    np.testing.assert_allclose(distances(fitted(settings, given, block), test), expected, rtol=2e-2, atol=5e-3)


def test_fewer_directions_share_the_mean_of_the_remaining_variances():
    settings = ResidualSettings(directions=2, prior_pictures=0, floor=0.1, neighbours=1)
    given, test = residuals(), residuals(5, seed=1)
    means, covariances = pooled_moments(given, 1, 1)
    floor = 0.1 * np.diagonal(covariances.mean((0, 1))).mean()
    seen = distances(fitted(settings, given), test)
    for row, column in [(0, 0), (3, 5), (1, 2)]:
        values, vectors = np.linalg.eigh(covariances[row, column] + floor * np.eye(CHANNELS))
        values[:3] = values[:3].mean()
        inverse = vectors @ np.diag(1 / values) @ vectors.T
        away = test[:, :, row, column] - means[row, column]
        expected = np.einsum("nc,cd,nd->n", away, inverse, away) / CHANNELS
        np.testing.assert_allclose(seen[:, row, column], expected, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("rule", ["full", "diagonal"])
def test_a_distance_is_about_one_on_what_it_was_fitted_on(rule):
    given = np.random.default_rng(0).normal(3, 2, (400, CHANNELS, HEIGHT, WIDTH)).astype(np.float32)
    settings = ResidualSettings(rule=rule, directions=CHANNELS, prior_pictures=0, floor=1e-3, neighbours=1)
    assert distances(fitted(settings, given), given).mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kept", [1, 8, 64])
def test_no_distance_is_negative_however_stretched_the_cloud(kept):
    rng = np.random.default_rng(0)
    channels = 64
    stretched = rng.normal(size=(50, channels, 2, 2)) * np.geomspace(1e3, 1e-3, channels)[:, None, None]
    turned = np.linalg.qr(rng.normal(size=(channels, channels)))[0]
    given = torch.from_numpy(np.einsum("cd,ndhw->nchw", turned, stretched).astype(np.float32))
    made = PlaceGaussian((channels, 2, 2), 1, ResidualSettings(directions=kept))
    made.accumulate(given, torch.zeros_like(given))
    made.solve()
    assert made(given, torch.zeros_like(given)).min() >= 0


def test_batches_and_their_order_do_not_matter():
    given, settings = residuals(), ResidualSettings(directions=CHANNELS)
    one, many = fitted(settings, given, batch=40), fitted(settings, given[::-1].copy(), batch=7)
    np.testing.assert_allclose(distances(one, given), distances(many, given), rtol=1e-2)


def test_what_was_summed_up_is_let_go():
    made = fitted(ResidualSettings(), residuals())
    assert made.sums is None
    assert made.products is None


def test_solving_before_seeing_is_a_fault():
    with pytest.raises(RuntimeError, match="before it has seen"):
        PlaceGaussian((CHANNELS, HEIGHT, WIDTH), 1, ResidualSettings()).solve()


@pytest.mark.parametrize("rule", ["full", "diagonal", "content"])
def test_statistics_are_as_large_for_10_pictures_as_for_60(rule):
    def size_of(count):
        settings = ResidualSettings(rule=rule, directions=3, clusters=4)
        shape = (CHANNELS, HEIGHT, WIDTH)
        made = ContentGaussian(shape, settings) if rule == "content" else PlaceGaussian(shape, 1, settings)
        part = torch.from_numpy(residuals(count))
        made.accumulate(part, torch.zeros_like(part))
        made.solve()
        return {name: (tensor.shape, tensor.dtype) for name, tensor in made.state_dict().items()}

    assert size_of(10) == size_of(60)


def test_directions_by_hand():
    # variances 4 and 1 along the axes, floor 1: 5 and 2; one direction kept, so the rest is 2
    directions, precision = strongest_directions(torch.diag(torch.tensor([1.0, 4.0])), torch.tensor(1.0), 1)
    assert precision.item() == 0.5
    assert directions.abs().flatten().tolist() == pytest.approx([0, 0.6**0.5], abs=1e-3)
    # x = (0, 5): 0.5 (25 - 0.6 x 25) = 5 = 25 / 5
    assert 0.5 * (25 - (directions.float() @ torch.tensor([0.0, 5.0])).square().sum().item()) == pytest.approx(
        5, abs=0.01
    )


def test_plain_distances_by_numpy():
    rng = np.random.default_rng(0)
    ours, other = (rng.normal(size=(2, 3, 4, 5)).astype(np.float32) for _ in range(2))
    given = torch.from_numpy(ours), torch.from_numpy(other)
    np.testing.assert_allclose(SquaredError()(*given).numpy(), ((ours - other) ** 2).mean(1), rtol=1e-5)
    cosine = (ours * other).sum(1) / np.sqrt((ours**2).sum(1) * (other**2).sum(1))
    np.testing.assert_allclose(CosineDistance()(*given).numpy(), 1 - cosine, rtol=1e-4, atol=1e-6)


def test_the_cosine_of_nothing_is_a_number():
    nothing = torch.zeros(1, 3, 2, 2)
    assert CosineDistance()(nothing, nothing).isfinite().all()


# ------------------------------------------------------------------------------------------------ by content


def two_contents(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Restored cells of two kinds, dark and bright, in random places; residuals of deviation 0.1 and 1."""
    rng = np.random.default_rng(seed)
    bright = rng.random((count, 1, HEIGHT, WIDTH)) < 0.5
    restored = np.where(bright, 10.0, 0.0) + 0.01 * rng.normal(size=(count, CHANNELS, HEIGHT, WIDTH))
    residual = np.where(bright, 1.0, 0.1) * rng.normal(size=restored.shape)
    pair = torch.from_numpy((restored + residual).astype(np.float32)), torch.from_numpy(restored.astype(np.float32))
    return pair


def by_content(clusters: int = 2, **changes: float) -> ContentGaussian:
    settings = ResidualSettings(
        **{
            "rule": "content",
            "clusters": clusters,
            "directions": CHANNELS,
            "floor": 1e-4,
            "prior_pictures": 0,
            **changes,
        }
    )
    made = ContentGaussian((CHANNELS, HEIGHT, WIDTH), settings)
    for seed in range(4):
        made.accumulate(*two_contents(30, seed))
    made.solve()
    return made


def test_what_should_be_there_says_how_far_it_may_differ():
    made = by_content()
    feature, restored = two_contents(20, seed=9)
    bright = restored[:, 0] > 5
    seen = made(feature, restored)
    assert seen[bright].mean().item() == pytest.approx(1, abs=0.1)
    assert seen[~bright].mean().item() == pytest.approx(1, abs=0.1)
    # a step of 0.5 is nothing on bright content and five deviations on dark
    stepped = made(restored + 0.5, restored)
    assert stepped[bright].mean() < 0.5
    assert stepped[~bright].mean() > 20


def test_places_do_not_matter_to_content():
    made = by_content()
    feature, restored = two_contents(3, seed=5)
    moved = made(feature.roll((1, 2), (2, 3)), restored.roll((1, 2), (2, 3)))
    torch.testing.assert_close(moved, made(feature, restored).roll((1, 2), (1, 2)))


def test_between_two_contents_the_distance_goes_over_from_one_to_the_other():
    """Else rounding would decide it, and a graph could not be held to what torch says."""
    made = by_content()
    restored = torch.linspace(0, 10, 4001)[:, None, None, None].expand(-1, CHANNELS, HEIGHT, WIDTH)
    seen = made(restored + 0.5, restored)[:, 0, 0]
    span = seen[0] - seen[-1]
    assert span > 20  # dark content forgives less
    assert (seen[1:] - seen[:-1]).abs().max() < span / 25
    halfway = made.centres.mean(0)[None, :, None, None].expand(1, -1, HEIGHT, WIDTH)
    assert made(halfway + 0.5, halfway)[0, 0, 0].item() == pytest.approx((seen[0] + seen[-1]).item() / 2, rel=1e-3)


def test_one_cluster_is_one_gaussian():
    made = by_content(clusters=1, floor=0.1)
    cells = np.concatenate(
        [(a - b).permute(0, 2, 3, 1).reshape(-1, CHANNELS).numpy() for a, b in map(two_contents, [30] * 4, range(4))]
    )
    covariance = np.cov(cells.T, bias=True)
    inverse = np.linalg.inv(covariance + 0.1 * np.diagonal(covariance).mean() * np.eye(CHANNELS))
    feature, restored = two_contents(2, seed=7)
    away = (feature - restored).permute(0, 2, 3, 1).numpy() - cells.mean(0)
    expected = np.einsum("nhwc,cd,nhwd->nhw", away, inverse, away) / CHANNELS
    np.testing.assert_allclose(made(feature, restored).numpy(), expected, rtol=5e-3, atol=5e-3)


def test_more_clusters_than_kinds_of_content_do_no_harm():
    made = by_content(clusters=64)
    seen = made(*two_contents(5, seed=3))
    assert seen.isfinite().all()
    assert seen.min() >= 0


def test_every_picture_has_an_even_share_in_what_is_kept(monkeypatch):
    monkeypatch.setattr(ContentGaussian, "RESERVOIR", 500)
    made = ContentGaussian((1, 10, 10), ResidualSettings(rule="content", clusters=2))
    for number in range(80):
        cells = torch.full((1, 1, 10, 10), float(number))
        made.accumulate(cells, torch.zeros_like(cells))
    kept = torch.cat([part[0] for part in made.kept]).flatten()
    shares = torch.bincount(kept.long(), minlength=80)
    assert len(kept) <= 1000
    assert shares.min() > 0
    assert shares.max() <= 2 * shares.min()


@pytest.mark.parametrize("kind", ["ssim", "gms"])
def test_structure_does_not_ask_for_a_channels_size(kind):
    """Channels are standardised by the fitting pictures: their scale and offset change nothing."""
    rng = np.random.default_rng(0)
    feature, restored = (torch.from_numpy(rng.normal(size=(6, CHANNELS, 9, 7))).float() for _ in range(2))
    scale = torch.from_numpy(np.geomspace(0.01, 100, CHANNELS)).float()[:, None, None]
    seen = []
    for factor, offset in [(torch.ones_like(scale), 0.0), (scale, 3.0)]:
        made = StructureDistance(kind, (CHANNELS, 9, 7))
        for start in range(0, 6, 4):
            made.accumulate(*(factor * x[start : start + 4] + offset * factor for x in (feature, restored)))
        made.solve()
        seen.append(made(factor * feature + offset * factor, factor * restored + offset * factor))
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-3, atol=1e-4)
    assert seen[0].shape == (6, 9, 7)
    assert 0.1 < seen[0].mean() < 2


def test_structure_is_one_minus_the_mean_similarity_and_a_dead_channel_is_bearable():
    rng = np.random.default_rng(0)
    feature = torch.from_numpy(rng.normal(2, 3, size=(5, CHANNELS, 9, 7))).float()
    feature[:, 2] = 0
    restored = torch.from_numpy(rng.normal(2, 3, size=(5, CHANNELS, 9, 7))).float()
    made = StructureDistance("ssim", (CHANNELS, 9, 7))
    made.accumulate(feature, restored)
    made.solve()
    alive = [channel for channel in range(CHANNELS) if channel != 2]
    mean, deviation = feature.mean((0, 2, 3), keepdim=True), feature.std((0, 2, 3), correction=0, keepdim=True)
    deviation[:, 2] = 1
    similarity = Ssim((9, 7), span=6.0, middle=3.0)((feature - mean) / deviation, (restored - mean) / deviation)
    torch.testing.assert_close(made(feature, restored), 1 - similarity.mean(1), rtol=1e-4, atol=1e-4)
    assert similarity[:, alive].mean() > similarity[:, 2].mean()
    assert not made(feature, feature).any()
