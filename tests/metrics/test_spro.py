"""sPRO against its definition, worked by hand and on tiny tied cases with regions that overlap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import restora.metrics.levels as levels_module
from restora.errors import UsageError
from restora.metrics import PixelScores, aupro, label_regions, pixel_figures, spro
from tests.metrics.by_hand import area_below

LIMITS = (0.05, 0.3, 1.0)


def overlapping_case(seed, count=4, side=6, steps=5):
    """Tiny maps with few distinct scores, up to three regions in all but the last; a first region in the first."""
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, steps, (count, side, side)).astype(np.float32)
    regions: list[list[tuple[np.ndarray, int]]] = []
    for index in range(count):
        masks = [rng.random((side, side)) < rng.uniform(0.05, 0.4) for _ in range(rng.integers(0, 4))]
        masks = masks if index else [*masks, np.eye(side, dtype=bool)]
        regions.append([(mask, int(rng.integers(1, mask.sum() + 1))) for mask in masks if mask.any()])
    regions[-1] = []
    return maps, regions


def union(map, regions):
    return np.logical_or.reduce([np.zeros(map.shape, dtype=bool), *(mask for mask, _ in regions)])


def spro_by_thresholds(maps, regions, limit, ignore=None):
    """The definition word for word: every threshold, every region, and the area of the line through the points."""
    keep = np.ones(maps[0].shape, dtype=bool) if ignore is None else ~ignore
    normal = [keep & ~union(map, marked) for map, marked in zip(maps, regions, strict=True)]
    left = [(map, mask & keep, enough) for map, marked in zip(maps, regions, strict=True) for mask, enough in marked]
    left = [(map, mask, min(enough, mask.sum())) for map, mask, enough in left if mask.any()]
    points = [(0.0, 0.0)]
    for t in sorted({float(score) for map in maps for score in map[keep]}, reverse=True):
        alarms = sum(int((map[good] >= t).sum()) for map, good in zip(maps, normal, strict=True))
        found = [min(int((map[mask] >= t).sum()) / enough, 1.0) for map, mask, enough in left]
        points.append((alarms / sum(int(good.sum()) for good in normal), sum(found) / len(found)))
    return area_below(points, limit)


def streamed(maps, regions, order=None, ignore=None):
    """One map at a time, the defective ones in some order."""
    scores = PixelScores()
    for index in order if order is not None else range(len(maps)):
        if regions[index]:
            mask = union(maps[index], regions[index])
            scores.add_defective(maps[index], mask, ignore=ignore, regions=regions[index])
    scores.close_defectives()
    for map, marked in zip(maps, regions, strict=True):
        if not marked:
            scores.add_good(map, ignore=ignore)
    return scores


@pytest.mark.parametrize("limit", LIMITS)
def test_it_is_the_brute_force_area(limit):
    overlaps = 0
    for seed in range(150):
        maps, regions = overlapping_case(seed)
        assert spro(maps, regions, limit=limit) == pytest.approx(spro_by_thresholds(maps, regions, limit), abs=1e-12)
        overlaps += any((a & b).any() for marked in regions for (a, _), (b, _) in itertools.combinations(marked, 2))
    assert overlaps > 100


@pytest.mark.parametrize("limit", LIMITS)
def test_with_few_ties_too(limit):
    rng = np.random.default_rng(0)
    for seed in range(20):
        _, regions = overlapping_case(seed, side=16)
        maps = rng.normal(size=(4, 16, 16)) + [union(np.zeros((16, 16)), marked) for marked in regions]
        assert spro(maps, regions, limit=limit) == pytest.approx(spro_by_thresholds(maps, regions, limit), abs=1e-12)


@pytest.mark.parametrize("limit", LIMITS)
def test_where_all_of_each_part_is_asked_for_it_is_aupro(limit):
    rng = np.random.default_rng(1)
    for _ in range(50):
        maps, masks = rng.integers(0, 6, (3, 7, 7)), rng.random((3, 7, 7)) < 0.3
        masks[-1] = False
        parts = [
            [(labels == r, (labels == r).sum()) for r in range(1, n + 1)] for labels, n in map(label_regions, masks)
        ]
        assert spro(maps, parts, limit=limit) == pytest.approx(aupro(maps, masks, limit=limit), abs=1e-12)


def test_by_hand():
    # Region A is {9, 9, 4, 2} of which 2 are enough, region B {9, 4, 1} of which 3 are; the 4 is in both, as is one 9.
    # Five normals, one of them at 4. A is whole at 9; B comes by thirds: at 9, at 4 and at 1.
    scores = np.array([[9, 9, 4, 2, 1], [4, 0, 0, 0, 0]])
    a, b, ignore = np.zeros((3, 2, 5), dtype=bool)
    a[0, :4], b[0, 1:3], b[0, 4], ignore[1, 0] = True, True, True, True
    # FPR is 0 until the 9s are in: (1 + 1/3) / 2; inside the tie at 4 it runs to 1/5, sPRO to (1 + 2/3) / 2;
    # from there on B grows to 1 at no cost, and the zeros are behind it
    assert spro([scores], [[(a, 2), (b, 3)]], limit=0.2) == pytest.approx((4 / 6 + 5 / 6) / 2)
    assert spro([scores], [[(a, 2), (b, 3)]], limit=1.0) == pytest.approx(0.2 * (4 / 6 + 5 / 6) / 2 + 0.8 * 1)
    assert spro([scores], [[(a, 2), (b, 3)]], limit=1.0, ignore=ignore) == 1.0
    # AUPRO knows one part, {9, 9, 4, 2, 1}: 2/5 before the tie, 3/5 at its end, then all
    assert aupro([scores], [a | b], limit=0.2) == pytest.approx((2 / 5 + 3 / 5) / 2)


@pytest.mark.parametrize("limit", LIMITS)
def test_perfect_reversed_and_constant_maps(limit):
    maps, regions = overlapping_case(9, side=20)
    perfect = [union(map, marked).astype(float) for map, marked in zip(maps, regions, strict=True)]
    assert spro(perfect, regions, limit=limit) == pytest.approx(1.0)
    assert spro([-map for map in perfect], regions, limit=limit) == 0.0
    assert spro(np.full(maps.shape, 3.0), regions, limit=limit) == pytest.approx(limit / 2)


def test_with_saturation_one_only_the_peak_of_each_region_counts():
    rng = np.random.default_rng(2)
    for seed in range(20):
        maps, regions = overlapping_case(seed)
        maps = rng.permutation(maps.size).reshape(maps.shape)
        ones = [[(mask, 1) for mask, _ in marked] for marked in regions]
        peaks = [
            map * mask == (map * mask).max() for map, marked in zip(maps, regions, strict=True) for mask, _ in marked
        ]
        assert all(peak.sum() == 1 for peak in peaks)
        normals = np.concatenate([map[~union(map, one)] for map, one in zip(maps, ones, strict=True)])
        tops = [map[mask].max() for map, marked in zip(maps, regions, strict=True) for mask, _ in marked]
        # with every rate allowed the area is how many normals a peak beats, on average
        assert spro(maps, ones, limit=1.0) == pytest.approx(
            np.mean([(normals < top).mean() for top in tops]), abs=1e-12
        )


def test_more_enough_is_never_found_sooner():
    for seed in range(20):
        maps, regions = overlapping_case(seed)
        figures = [
            spro(maps, [[(mask, step) for mask, _ in marked] for marked in regions], limit=0.3)
            for step in (1, 2, 5, 99)
        ]
        assert figures == sorted(figures, reverse=True)
        assert figures[0] > figures[-1]


def test_under_one_counts_as_one_and_more_than_all_as_all():
    maps, regions = overlapping_case(3)

    def asked(enough):
        return spro(maps, [[(mask, enough(mask)) for mask, _ in marked] for marked in regions], limit=0.3)

    assert asked(lambda mask: 0) == asked(lambda mask: -7) == asked(lambda mask: 1)
    assert asked(lambda mask: 10**9) == asked(lambda mask: np.count_nonzero(mask)) < asked(lambda mask: 1)


@given(st.integers(0, 10_000))
def test_only_the_order_of_scores_and_not_of_pictures_or_regions_counts(seed):
    maps, regions = overlapping_case(seed)
    figure = spro(maps, regions, limit=0.3)
    assert spro(np.exp(maps.astype(float)) - 50, regions, limit=0.3) == figure
    turned = [marked[::-1] for marked in regions[::-1]]
    assert spro(maps[::-1], turned, limit=0.3) == pytest.approx(figure, abs=1e-12)


@given(st.integers(0, 10_000), st.sampled_from([1, 40, 10**9]))
def test_one_map_at_a_time_is_the_same_in_any_order(seed, heap):
    maps, regions = overlapping_case(seed, count=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels_module, "HEAP", heap)
        scores = streamed(maps, regions, np.random.default_rng(seed).permutation(len(maps)))
        for limit in LIMITS:
            assert scores.spro(limit) == pytest.approx(spro(maps, regions, limit=limit), abs=1e-12)


@pytest.mark.parametrize("limit", LIMITS)
def test_of_a_region_what_is_left_counts(limit):
    rng = np.random.default_rng(5)
    for seed in range(50):
        maps, regions = overlapping_case(seed)
        ignore = rng.random(maps[0].shape) < 0.4
        ignore[0, 0] = False  # the first region keeps something
        maps[:, ignore] = rng.normal(0, 100, maps[:, ignore].shape)
        expected = spro_by_thresholds(maps, regions, limit, ignore)
        assert spro(maps, regions, limit=limit, ignore=ignore) == pytest.approx(expected, abs=1e-12)


def test_a_region_of_which_nothing_is_left_is_no_region():
    scores = np.array([[9.0, 0.0, 5.0, 1.0]])
    found, lost = np.array([[1, 0, 0, 0]]), np.array([[0, 1, 0, 0]])
    regions = [[(found, 1), (lost, 1)]]
    assert spro([scores], regions, limit=1.0) == 0.5
    assert spro([scores], regions, limit=1.0, ignore=lost) == 1.0
    assert spro([scores], [[*regions[0], (np.zeros((1, 4)), 1)]], limit=1.0) == 0.5


def test_the_figures_hold_it_and_the_curve_carries_it():
    maps, regions = overlapping_case(7)
    scores = streamed(maps, regions)
    figures, curve = scores.figures(), scores.curves().spro
    assert figures.spro_05 == scores.spro(0.05) == pytest.approx(spro(maps, regions), abs=1e-12)
    assert list(figures.to_dict())[-1] == "spro_05"
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(scores.spro(1.0), abs=1e-12)
    assert (curve.y[0], curve.y[-1]) == (0.0, 1.0)
    assert (np.diff(curve.y) >= 0).all()
    # nothing else is changed by it
    masks = [union(map, marked) for map, marked in zip(maps, regions, strict=True)]
    plain = pixel_figures(maps, masks)
    assert {**figures.to_dict(), "spro_05": None} == pytest.approx(plain.to_dict(), abs=1e-12)
    assert plain.spro_05 is None


def test_it_is_undefined_as_soon_as_one_marked_picture_does_not_state_it():
    maps, regions = overlapping_case(8)
    mask = union(maps[0], regions[0])
    scores = PixelScores()
    scores.add_defective(maps[0], mask, regions=regions[0])
    scores.add_defective(maps[1], np.zeros_like(mask))  # nothing marked: nothing to state
    scores.add_defective(maps[1], mask, ignore=np.ones_like(mask))
    assert scores.figures().spro_05 is not None
    scores = PixelScores()
    scores.add_defective(maps[0], mask, regions=regions[0])
    scores.add_defective(maps[1], mask)
    assert (scores.figures().spro_05, scores.spro(0.3), scores.curves().spro) == (None, None, None)
    assert scores.figures().aupro_05 is not None


def test_without_a_region_or_a_sound_pixel_it_is_undefined():
    maps, _ = overlapping_case(0)
    assert spro(maps, [None, [], None, ()]) is None
    assert spro(maps[:1], [[(np.ones((6, 6)), 3)]]) is None
    assert PixelScores().spro(0.05) is None


def test_float32_and_float64_may_be_mixed():
    maps, regions = overlapping_case(11)
    maps[0, 0, 0] = -0.0  # equals 0.0
    mixed = [map.astype(np.float64) if index % 2 else map for index, map in enumerate(maps)]
    assert spro(mixed, regions, limit=0.3) == spro(maps, regions, limit=0.3)
    assert spro([np.array([[1.0, 1.0 + 1e-12]])], [[([[0, 1]], 1)]]) == 1.0


def test_a_wrong_call_says_what_is_wrong():
    scores, map, mask = PixelScores(), np.zeros((2, 2)), np.eye(2)
    with pytest.raises(UsageError, match="mark together what its mask marks"):
        scores.add_defective(map, mask, regions=[(np.array([[1, 0], [0, 0]]), 1)])
    with pytest.raises(UsageError, match=r"mask of a region is of shape \(1, 2\)"):
        scores.add_defective(map, mask, regions=[(np.ones((1, 2)), 1)])
    with pytest.raises(UsageError, match=r"whole number, but it is 0\.3"):
        scores.add_defective(map, mask, regions=[(mask, 0.3)])
    assert scores.masked == 0
    with pytest.raises(UsageError, match="equally many"):
        spro([map, map], [[(mask, 1)]])
    with pytest.raises(UsageError, match="limit of AUPRO or AU-sPRO"):
        spro([map], [[(mask, 1)]], limit=0.0)
