from __future__ import annotations

import numpy as np
import pytest

from restora.demo import PRODUCTS, SHOWN, draw
from restora.errors import UsageError

POSES = ("part", "loose_part")
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
def test_strength_makes_a_defect_plain(product, kind):
    def change(strength, seed):
        good, bad = draw(product, "good", seed, 96), draw(product, kind, seed, 96, strength=strength)
        assert bad.strength == strength
        return np.abs(good.pixels.astype(float) - bad.pixels.astype(float)).max(axis=2)

    weak, clear = ([change(strength, seed) for seed in range(4)] for strength in (0.1, 0.6))
    assert np.median([each.sum() for each in clear]) > 1.6 * np.median([each.sum() for each in weak])
    assert np.median([(each > 32).mean() for each in clear]) >= 1 / 700
    assert min((each > 32).mean() for each in clear) >= 1 / 1500


def test_strength_is_taken_from_the_seed_unless_it_is_said():
    strengths = [draw("part", "stain", seed, 48).strength for seed in range(20)]
    assert min(strengths) < 0.25
    assert max(strengths) > 0.75
    assert draw("part", "good", 0, 48).strength == 0
    with pytest.raises(UsageError, match="from 0 to 1"):
        draw("part", "stain", 0, 48, strength=1.5)


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


def test_a_fixture_holds_the_part_and_nothing_the_loose_one():
    held, loose = ([PRODUCTS[name].plan(np.random.default_rng(seed)) for seed in range(200)] for name in POSES)
    assert max(abs(plan.angle) for plan in held) <= np.radians(3)
    assert max(abs(v) for plan in held for v in plan.centre) <= 0.04
    assert np.histogram([plan.angle for plan in loose], bins=4, range=(0, 2 * np.pi))[0].min() > 30


def test_a_clear_misplaced_hole_is_off_by_its_radius_at_least():
    made = PRODUCTS["part"]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        plan = made.plan(rng)
        moved = made.makes["misplaced_hole"](plan, 0.4, rng)
        off = [np.hypot(a.x - b.x, a.y - b.y) / a.radius for a, b in zip(plan.holes, moved.holes, strict=True)]
        assert sorted(off)[:-1] == [0] * (len(off) - 1)
        assert max(off) >= 1


def test_every_shown_product_has_six_kinds_and_no_research_product_is_shown():
    assert "loose_part" not in SHOWN
    assert set(SHOWN) < set(PRODUCTS)
    assert all(len(PRODUCTS[name].kinds) >= 6 for name in SHOWN)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(UsageError, match="part, fabric"):
        draw("banana", "good", 0)
    with pytest.raises(UsageError, match="missing_thread"):
        draw("fabric", "missing_hole", 0)
    with pytest.raises(UsageError, match="32"):
        draw("fabric", "good", 0, 8)
