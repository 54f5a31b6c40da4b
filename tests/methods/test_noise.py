from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from restora.methods.layers.blur import gaussian_blur, gaussian_kernel
from restora.methods.layers.noise import blob_mask, perlin, perlin_mask, random_mask, square_mask
from restora.methods.layers.positions import sine_positions


def test_two_thousand_masks_are_never_empty_and_within_their_area():
    rng = np.random.default_rng(0)
    shares, soft = [], 0
    for _ in range(2000):
        mask = random_mask((8, 12), rng)
        assert mask.dtype == np.float32
        assert mask.shape == (8, 12)
        assert mask.min() >= 0
        assert mask.max() <= 1
        shares.append(mask.mean(dtype=np.float64))
        soft += bool(((mask > 0) & (mask < 1)).any())
    assert min(shares) >= 0.01
    assert max(shares) <= 0.4
    assert max(shares) > 0.3  # large ones too
    assert soft > 1900  # edges hold shares between 0 and 1


@pytest.mark.parametrize("area", [(0.0, 0.4), (0.0, 0.0), (0.39, 0.4)])
def test_a_mask_is_not_empty_whatever_the_area(area):
    rng = np.random.default_rng(1)
    assert all(random_mask((4, 4), rng, area=area).max() > 0 for _ in range(200))


def test_a_draw_outside_the_area_gives_the_smallest_square_in_the_end():
    # nothing that is drawn covers between 99 % and all
    mask = random_mask((8, 8), np.random.default_rng(0), area=(0.99, 1.0))
    assert mask.mean() >= 0.99


def test_a_square_covers_its_share_at_a_random_place():
    rng = np.random.default_rng(0)
    masks = [square_mask(20, 30, 0.1, rng) for _ in range(50)]
    assert all(0.1 <= mask.mean() < 0.13 for mask in masks)
    assert len({mask.tobytes() for mask in masks}) > 40


def test_masks_depend_on_the_generator_alone():
    def draws(seed):
        rng = np.random.default_rng(seed)
        return np.stack([random_mask((9, 9), rng) for _ in range(5)])

    np.testing.assert_array_equal(draws(3), draws(3))
    assert not np.array_equal(draws(3), draws(4))


def test_perlin_noise_is_zero_at_its_lattice_and_smooth_between():
    noise = perlin(64, 96, (4, 6), np.random.default_rng(0))
    assert noise.shape == (64, 96)
    np.testing.assert_allclose(noise[::16, ::16], 0, atol=1e-6)
    assert np.abs(np.diff(noise, axis=0)).max() < 0.25
    assert 0.5 < np.abs(noise).max() <= 1.0


def test_both_kinds_of_mask_have_many_shapes():
    rng = np.random.default_rng(0)
    for draw in (perlin_mask, blob_mask):
        masks = [draw(64, 64, rng) for _ in range(200)]
        shares = np.array([mask.mean() for mask in masks])
        assert shares.min() < 0.02
        assert shares.max() > 0.15
        assert masks[0].dtype == bool


@pytest.mark.parametrize("sigma", [0.7, 1.0, 4.0])
def test_smoothing_is_scipys(sigma):
    maps = np.random.default_rng(0).random((2, 1, 24, 31), dtype=np.float32)
    kernel = gaussian_kernel(sigma)
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    ours = gaussian_blur(torch.from_numpy(maps), kernel).numpy()
    radius = len(kernel) // 2
    for mine, given in zip(ours[:, 0], maps[:, 0], strict=True):
        expected = gaussian_filter(given.astype(np.float64), sigma, mode="nearest", radius=radius)
        np.testing.assert_allclose(mine, expected, atol=1e-5)


def test_smoothing_leaves_a_flat_map_flat():
    flat = torch.full((1, 1, 6, 6), 3.0)
    torch.testing.assert_close(gaussian_blur(flat, gaussian_kernel(4.0)), flat)


def test_every_place_has_a_code_of_its_own():
    codes = sine_positions(9, 7, 32)
    assert codes.shape == (63, 32)
    distances = torch.cdist(codes, codes) + torch.eye(63) * 9
    assert distances.min() > 0.1
    # the first half tells rows only, the second columns only
    square = codes.view(9, 7, 32)
    assert torch.equal(square[:, :1, :16].expand(-1, 7, -1), square[:, :, :16])
    assert torch.equal(square[:1, :, 16:].expand(9, -1, -1), square[:, :, 16:])


def test_codes_need_channels_in_fours():
    with pytest.raises(ValueError, match="divisible by 4, not 30"):
        sine_positions(2, 2, 30)
