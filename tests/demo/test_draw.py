from __future__ import annotations

import numpy as np
import pytest

from restora.demo import PRODUCTS, draw
from restora.errors import UsageError

EVERY = [(product, kind) for product, made in PRODUCTS.items() for kind in made.kinds]


@pytest.mark.parametrize(("product", "kind"), EVERY)
def test_a_mask_is_where_the_picture_differs_from_its_good_twin(product, kind):
    for seed in range(3):
        good, bad = draw(product, "good", seed, 96), draw(product, kind, seed, 96)
        differs = np.abs(good.pixels.astype(int) - bad.pixels.astype(int)).max(axis=2) > 8
        assert np.array_equal(bad.mask, differs)
        assert 96 * 96 / 6000 <= bad.mask.sum() <= 0.25 * 96 * 96
        assert not good.mask.any()


@pytest.mark.parametrize(("product", "kind"), EVERY)
def test_a_kind_has_hard_and_easy_ones(product, kind):
    contrast = []
    for seed in range(12):
        good, bad = draw(product, "good", seed, 96), draw(product, kind, seed, 96)
        contrast.append(np.abs(good.pixels.astype(float) - bad.pixels.astype(float)).sum())
    assert max(contrast) > 2 * min(contrast)


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_seed_decides_everything(product):
    first, again, other = (draw(product, "good", seed, 64).pixels for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other.astype(int)).mean() > 2


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("size", [48, 96, 200])
def test_any_size_is_drawn_unclipped_and_of_like_brightness(product, size):
    drawn = draw(product, "good", 1, size)
    assert drawn.pixels.shape == (size, size, 3)
    assert drawn.pixels.dtype == np.uint8
    assert drawn.mask.shape == (size, size)
    assert (drawn.pixels == 255).mean() < 0.02
    assert abs(drawn.pixels.mean() - draw(product, "good", 1, 128).pixels.mean()) < 8


def test_the_part_lies_in_every_direction():
    angles = [PRODUCTS["part"].plan(np.random.default_rng(seed)).angle for seed in range(200)]
    assert np.histogram(angles, bins=4, range=(0, 2 * np.pi))[0].min() > 30


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(UsageError, match="part, fabric"):
        draw("banana", "good", 0)
    with pytest.raises(UsageError, match="missing_thread"):
        draw("fabric", "missing_hole", 0)
    with pytest.raises(UsageError, match="32"):
        draw("fabric", "good", 0, 8)
