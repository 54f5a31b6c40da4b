from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate, gaussian_filter, uniform_filter

from restora.methods.layers.ssim import GMS_CONSTANT, Gms, Ssim, window_taps

GRIDS = [(16, 20), (9, 4), (2, 3)]


def maps(grid: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two stacks [2, 3, H, W] of smooth maps that are partly alike."""
    rng = np.random.default_rng(seed)
    first = np.stack([[gaussian_filter(rng.normal(size=grid), 1.0) * 3 for _ in range(3)] for _ in range(2)])
    return first, 0.6 * first + 0.5 * rng.normal(size=first.shape) + 0.3


def by_loops(x: np.ndarray, y: np.ndarray, weights: np.ndarray, span: float) -> np.ndarray:
    """Equation 13 of Wang et al. 2004 on one map, a window at a time, in the border's repetition."""
    side = len(weights)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    padded = [np.pad(one, side // 2, mode="edge") for one in (x, y)]
    found = np.empty(x.shape)
    for row, column in np.ndindex(*x.shape):
        a, b = (one[row : row + side, column : column + side] for one in padded)
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
        covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
        light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        found[row, column] = light * (2 * covariance + c2) / (variance_a + variance_b + c2)
    return found


def gaussian_weights(side: int, sigma: float) -> np.ndarray:
    offsets = np.arange(side) - side // 2
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return weights / weights.sum()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("kind", "weights"), [("gaussian", gaussian_weights(11, 1.5)), ("mean", np.full((7, 7), 1 / 49))]
)
@pytest.mark.parametrize(("span", "middle"), [(1.0, 0.0), (6.0, 0.0), (6.0, 3.0)])
def test_structural_similarity_a_window_at_a_time(grid, kind, weights, span, middle):
    first, second = maps(grid)
    made = Ssim(grid, window_taps(kind, len(weights)), span=span, middle=middle)
    seen = made(torch.from_numpy(first).float(), torch.from_numpy(second).float()).numpy()
    for place in np.ndindex(2, 3):
        expected = by_loops(first[place] + middle, second[place] + middle, weights, span)
        np.testing.assert_allclose(seen[place], expected, atol=2e-4)


def test_structural_similarity_by_scipy_filters():
    first, second = (one[0, 0] for one in maps((16, 20), seed=3))
    mean_a, mean_b = (uniform_filter(one, 5, mode="nearest") for one in (first, second))
    moments = [uniform_filter(a * b, 5, mode="nearest") for a, b in ((first, first), (second, second), (first, second))]
    c1, c2 = 0.06**2, 0.18**2
    expected = (2 * mean_a * mean_b + c1) * (2 * (moments[2] - mean_a * mean_b) + c2)
    expected /= (mean_a**2 + mean_b**2 + c1) * (moments[0] + moments[1] - mean_a**2 - mean_b**2 + c2)
    given = [torch.from_numpy(one)[None, None].float() for one in (first, second)]
    np.testing.assert_allclose(Ssim((16, 20), window_taps("mean", 5))(*given)[0, 0].numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("grid", GRIDS)
def test_gradient_magnitude_similarity_by_scipy(grid):
    first, second = maps(grid, seed=1)
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    seen = Gms(grid, span=6.0)(torch.from_numpy(first).float(), torch.from_numpy(second).float()).numpy()
    constant = 0.0026144 * 36  # of pictures in 0..1: 170 / 255 / 255
    assert pytest.approx(0.0026144, rel=1e-3) == GMS_CONSTANT
    for place in np.ndindex(2, 3):
        sizes = [
            np.hypot(correlate(one, prewitt, mode="nearest"), correlate(one, prewitt.T, mode="nearest"))
            for one in (first[place], second[place])
        ]
        expected = (2 * sizes[0] * sizes[1] + constant) / (sizes[0] ** 2 + sizes[1] ** 2 + constant)
        np.testing.assert_allclose(seen[place], expected, atol=1e-5)


@pytest.mark.parametrize("make", [Ssim, Gms])
def test_laws(make):
    first, second = (torch.from_numpy(one).float() for one in maps((12, 10), seed=2))
    measure = make((12, 10))
    assert (measure(first, first) == 1).all()
    torch.testing.assert_close(measure(first, second), measure(second, first))
    assert measure(first, second).max() <= 1
    assert measure(first, second).min() >= -1
    near, far = (measure(first, first + scale * second).mean() for scale in (0.1, 1.0))
    assert 1 > near > far
    # the same structure in another range needs the other range's constants
    torch.testing.assert_close(make((12, 10), span=60.0)(10 * first, 10 * second), measure(first, second))


def test_a_map_turned_round_is_dissimilar_once_its_middle_is_that_of_the_range():
    first = torch.from_numpy(maps((12, 10), seed=2)[0]).float()
    assert Ssim((12, 10))(first, -first).mean() > 0.3  # lightness and structure both turn
    assert Ssim((12, 10), middle=3.0)(first, -first).mean() < -0.3
    torch.testing.assert_close(Gms((12, 10))(first, -first), torch.ones_like(first))


@pytest.mark.parametrize("make", [Ssim, Gms])
def test_flat_maps_have_finite_gradients(make):
    flat = torch.zeros(1, 2, 6, 6, requires_grad=True)
    (1 - make((6, 6))(flat, torch.ones(1, 2, 6, 6))).mean().backward()
    assert flat.grad.isfinite().all()
