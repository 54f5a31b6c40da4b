from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

import restora.metrics.levels as levels_module
from restora.errors import UsageError
from restora.metrics import PixelScores, aupimo, aupro, label_regions, pixel_figures, pixel_scores
from tests.metrics.by_hand import area_below


def tied_case(seed, count=3, side=6, steps=5):
    """Tiny maps with few distinct scores; the first picture always has a mark, the last never."""
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, steps, (count, side, side)).astype(np.float32)
    masks = rng.random((count, side, side)) < rng.uniform(0.05, 0.5)
    masks[0, 0, 0], masks[-1] = True, False
    return maps, masks


def aupro_by_thresholds(maps, masks, limit):
    """The definition word for word: every threshold, every region, and the area of the line through the points."""
    regions = [
        (i, labels == r) for i, m in enumerate(masks) for labels, n in [label_regions(m)] for r in range(1, n + 1)
    ]
    points = [(0.0, 0.0)]
    for t in sorted(set(maps.ravel().tolist()), reverse=True):
        called = maps >= t
        points.append((called[~masks].mean(), np.mean([called[i][region].mean() for i, region in regions])))
    return area_below(points, limit)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_is_the_brute_force_area(limit):
    for seed in range(100):
        maps, masks = tied_case(seed)
        assert aupro(maps, masks, limit=limit) == pytest.approx(aupro_by_thresholds(maps, masks, limit), abs=1e-12)


def test_aupro_is_the_curve_through_every_distinct_score():
    rng = np.random.default_rng(0)
    for limit in (0.05, 0.3, 1.0):
        maps, masks = rng.normal(size=(3, 24, 20)), rng.random((3, 24, 20)) < 0.1
        maps[masks] += 1
        assert aupro(maps, masks, limit=limit) == pytest.approx(aupro_by_thresholds(maps, masks, limit), abs=1e-12)


def test_pixels_pool_as_scikit_learn_has_them():
    for seed in range(50):
        maps, masks = tied_case(seed)
        figures = pixel_figures(maps, masks)
        assert figures.auroc == pytest.approx(peer.roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-12)
        assert figures.ap == pytest.approx(peer.average_precision_score(masks.ravel(), maps.ravel()), abs=1e-12)
        f1 = max(peer.f1_score(masks.ravel(), maps.ravel() >= t) for t in np.unique(maps))
        assert figures.f1_max == pytest.approx(f1, abs=1e-12)


def test_aupro_by_hand():
    # Regions: {9} and {9, 0}. Six normal pixels, two of them at 5. Before any false alarm PRO is (1 + 1/2) / 2.
    scores = np.array([[9, 1, 9, 0], [1, 1, 5, 5]], dtype=np.float32)
    mask = np.array([[1, 0, 1, 1], [0, 0, 0, 0]], dtype=bool)
    normal_at_1 = np.array([[9, 1, 9, 0], [1, 1, 1, 1]], dtype=np.float32)
    assert aupro([scores], [mask], limit=0.3) == 0.75
    assert aupro([normal_at_1], [mask], limit=1.0) == 0.75  # the 0 is found only when nothing normal is left


def test_a_limit_on_a_corner_and_inside_a_tie():
    # The region {3, 2} ties with one of four normals at 2: PRO rises from 1/2 at FPR 0 to 1 at FPR 1/4.
    scores = np.array([[3, 2, 2], [1, 1, 1]], dtype=np.float32)
    mask = np.array([[1, 1, 0], [0, 0, 0]], dtype=bool)
    assert aupro([scores], [mask], limit=1 / 4) == pytest.approx(3 / 4)  # on the corner
    assert aupro([scores], [mask], limit=1 / 8) == pytest.approx((1 / 2 + 3 / 4) / 2)  # half-way up the slant
    assert aupro([scores], [mask], limit=1 / 2) == pytest.approx((3 / 4 + 1) / 2)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_perfect_reversed_constant_and_random_maps(limit):
    rng = np.random.default_rng(0)
    mask = np.zeros((2, 128, 128), dtype=bool)
    mask[0, 10:40, 10:40] = mask[0, 60:64, 60:100] = True
    assert aupro(mask.astype(float), mask, limit=limit) == 1.0
    assert aupro(-mask.astype(float), mask, limit=limit) == 0.0
    assert aupro(np.full(mask.shape, 3.0), mask, limit=limit) == pytest.approx(limit / 2)
    assert aupro(rng.normal(size=mask.shape), mask, limit=limit) == pytest.approx(limit / 2, abs=0.02)
    assert pixel_figures(np.full(mask.shape, 3.0), mask).auroc == 0.5


def test_a_diagonal_hairline_is_one_region():
    # One scratch of four pixels (missed) beside one pixel (found): 1/2. As five regions it would be 1/5.
    mask = np.eye(6, dtype=bool)
    mask[4:, 4:] = mask[1, 5] = False
    mask[0, 5] = True
    scores = np.where(mask & ~np.eye(6, dtype=bool), 9.0, 0.0) + np.where(mask, 0.0, 1.0)
    assert aupro([scores], [mask], limit=1.0) == pytest.approx(1 / 2)


def test_every_region_counts_alike_whatever_its_size():
    mask = np.zeros((8, 8), dtype=bool)
    mask[0, 0] = mask[3:8, 3:8] = True
    scores = np.where(mask, -1.0, 0.0)
    scores[0, 0] = 5.0  # the speck is found, the large part is not
    assert aupro([scores], [mask], limit=0.5) == 0.5


def test_one_pixel_and_full_picture_masks():
    one, full = np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)
    one[2, 2] = True
    scores = np.arange(16.0).reshape(4, 4)  # 5 of the 15 normals lie above the pixel's 10
    assert pixel_figures([scores], [one]).auroc == 10 / 15
    assert aupro([scores, scores - 100], [full, None], limit=0.3) == 1.0
    alone = pixel_figures([scores], [full])  # no normal pixel anywhere
    assert set(alone.to_dict().values()) == {None}


def test_without_a_region_nothing_is_defined():
    figures = pixel_figures(np.ones((2, 3, 3)), [None, np.zeros((3, 3))])
    assert set(figures.to_dict().values()) == {None}
    assert PixelScores().figures().auroc is None
    curves = PixelScores().curves()
    assert (curves.roc, curves.pr, curves.pro) == (None, None, None)


def test_without_a_good_picture_only_aupimo_is_undefined():
    maps, masks = tied_case(1, count=2)
    figures = pixel_figures(maps[:1], masks[:1])
    assert figures.aupimo is None
    undefined = [name for name, value in figures.to_dict().items() if value is None]
    assert undefined == ["aupimo", "spro_05"]  # no regions were stated either


def test_one_hot_pixel_counts_as_one_pixel_however_hot():
    rng = np.random.default_rng(3)
    maps, masks = rng.normal(size=(4, 64, 64)), np.zeros((4, 64, 64), dtype=bool)
    masks[:2, 20:30, 20:40] = True
    maps[masks] += 2
    cold = pixel_figures(maps, masks)
    maps[3, 5, 5] = maps.max() + 1
    hot = pixel_figures(maps, masks)
    maps[3, 5, 5] = 1e9
    assert pixel_figures(maps, masks) == hot
    # one of N normals rises to the top: no rate moves by more than 1 / N
    pixel = 1 / np.count_nonzero(~masks)
    assert 0 <= cold.auroc - hot.auroc <= pixel
    assert 0 <= cold.aupro_30 - hot.aupro_30 <= pixel / 0.3
    assert 0 <= cold.aupro_05 - hot.aupro_05 <= pixel / 0.05


@given(st.integers(0, 10_000))
def test_only_the_order_of_scores_and_not_of_pictures_counts(seed):
    maps, masks = tied_case(seed)
    figures = pixel_figures(maps, masks)
    assert pixel_figures(np.exp(maps.astype(float)) - 50, masks) == figures
    turned = pixel_figures(maps[::-1], masks[::-1])
    assert turned.to_dict() == pytest.approx(figures.to_dict(), abs=1e-12)


@given(st.integers(0, 10_000), st.sampled_from([1, 40, 10**9]))
def test_one_map_at_a_time_is_the_same_as_all_at_once(seed, heap):
    maps, masks = tied_case(seed, count=5)
    whole = pixel_figures(maps, masks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels_module, "HEAP", heap)
        scores = PixelScores()
        for index in np.random.default_rng(seed).permutation(len(maps)):
            if masks[index].any():
                scores.add_defective(maps[index], masks[index])
        scores.close_defectives()
        for index in range(len(maps)):
            if not masks[index].any():
                scores.add_good(maps[index])
        assert scores.figures().to_dict() == pytest.approx(whole.to_dict(), abs=1e-12)
        assert scores.aupro(0.7) == pytest.approx(aupro(maps, masks, limit=0.7), abs=1e-12)


def test_figures_may_be_asked_for_on_the_way():
    maps, masks = tied_case(5)
    scores = PixelScores()
    scores.add_defective(maps[0], masks[0])
    assert scores.figures() == pixel_figures(maps[:1], masks[:1])
    scores.add_good(maps[2])
    assert scores.figures().auroc == pixel_figures(maps[[0, 2]], masks[[0, 2]]).auroc


def test_float32_and_float64_give_the_same_and_may_be_mixed():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 8, 8)).astype(np.float32)
    _, masks = tied_case(0, side=8)
    exact = pixel_figures(maps, masks)
    assert pixel_figures(maps.astype(np.float64), masks) == exact
    assert pixel_figures([maps[0], maps[1].astype(np.float64), maps[2]], masks) == exact
    assert pixel_figures(maps.astype(np.float16), masks).auroc == pytest.approx(exact.auroc, abs=0.01)


def test_float64_is_not_rounded_to_float32():
    scores = np.array([[1.0, 1.0 + 1e-12]])
    assert pixel_figures([scores], [np.array([[0, 1]])]).auroc == 1.0


def test_curves_carry_the_figures():
    maps, masks = tied_case(7)
    scores = pixel_scores(maps, masks)
    curves, figures = scores.curves(), scores.figures()
    assert np.trapezoid(curves.roc.y, curves.roc.x) == pytest.approx(figures.auroc, abs=1e-12)
    assert np.trapezoid(curves.pro.y, curves.pro.x) == pytest.approx(scores.aupro(1.0), abs=1e-12)


def aupimo_by_steps(maps, mask_of_one, goods, one):
    """Recall under a rate budget, stepped through every threshold and integrated over ln x."""
    thresholds = sorted(set(np.concatenate([m.ravel() for m in [*goods, one]]).tolist()), reverse=True)
    steps = [(np.mean([(good >= t).mean() for good in goods]), (one[mask_of_one] >= t).mean()) for t in thresholds]
    corners = [1e-5, *[x for x, _ in steps if 1e-5 < x < 1e-4], 1e-4]
    area = 0.0
    for low, high in itertools.pairwise(corners):
        recall = max([y for x, y in steps if x <= low], default=0.0)
        area += recall * np.log(high / low)
    return area / np.log(10)


def test_aupimo_is_the_brute_force_integral():
    rng = np.random.default_rng(0)
    goods = [np.round(rng.normal(size=shape), 2) for shape in [(300, 300), (300, 300), (100, 250)]]
    ones = [np.round(rng.normal(3.5, 0.6, (20, 20)), 2) for _ in range(3)]
    masks = [rng.random((20, 20)) < share for share in (0.1, 0.5, 1.0)]
    found = aupimo([*goods, *ones], [None, None, None, *masks])
    expected = [aupimo_by_steps(None, mask, goods, one) for mask, one in zip(masks, ones, strict=True)]
    assert found == pytest.approx(expected, abs=1e-12)
    assert all(0.05 < figure < 0.95 for figure in found)
    assert pixel_figures([*goods, *ones], [None, None, None, *masks]).aupimo == pytest.approx(np.mean(expected))


def test_aupimo_by_hand():
    # 250,000 good pixels; a false-positive rate of 1e-5 is 2.5 of them, of 1e-4 25. Scores above k goods are found
    # from the rate k / 250,000 on: 0 goods -> at once (1), 25 goods -> at the very end (0), 8 goods in between.
    good = np.zeros((500, 500))
    good.flat[:30] = np.arange(30, 0, -1)
    one = np.array([[30.5, 5.5, 22.5, 0.0]])
    [found] = aupimo([good, one], [None, [[1, 1, 1, 0]]])
    assert found == pytest.approx((1 + 0 + np.log10(1e-4 / (8 / 250_000))) / 3)


def test_aupimo_on_the_histogram_of_the_published_tests():
    # A million pixels, 10^k of them at 7 - k or above. Between the rates 1e-5 (score 6) and 1e-4 (score 5) there is no
    # threshold, so recall there stays that of score 6: 10 of 10^6 pixels, and 10 of the 10^5 of the second mask.
    # (aupimo's tests join the two ends by a line and get 5.5 times that.)
    scores = np.ones(1_000_000, dtype=np.float32)
    for k in range(6):
        scores[: 10**k] += 1
    scores = scores.reshape(1000, 1000)
    first = np.arange(1_000_000).reshape(1000, 1000) < 100_000
    assert aupimo([scores] * 3, [None, np.ones_like(first), first]) == pytest.approx((1e-5, 1e-4), rel=1e-9)


def test_aupimo_needs_good_pictures_of_a_hundred_thousand_pixels():
    one, mask = np.ones((4, 4)), np.eye(4)
    assert aupimo([np.zeros((316, 316)), one], [None, mask]) == (None,)
    assert aupimo([np.zeros((317, 317)), one], [None, mask]) == (1.0,)


def test_ignored_pixels_might_as_well_not_exist():
    rng = np.random.default_rng(4)
    maps, masks = tied_case(4, count=4, side=8)
    ignore = np.zeros((8, 8), dtype=bool)
    ignore[:, 5:] = True
    masks[:, :, 4] = False  # so that cutting splits no region
    spoiled = maps.copy()
    spoiled[:, :, 5:] = rng.normal(0, 100, (4, 8, 3))
    assert pixel_figures(spoiled, masks, ignore=ignore) == pixel_figures(maps[:, :, :5], masks[:, :, :5])


def test_a_region_cut_in_two_by_the_ignore_mask_stays_one_region():
    mask = np.array([[1, 1, 1, 0, 1, 0]], dtype=bool)
    ignore = np.array([[0, 1, 0, 0, 0, 0]], dtype=bool)
    scores = np.array([[9, 0, 0, 1, 0, 1]], dtype=float)
    # one half of the first region is found, none of the second: 1/4; as three regions it would be 1/3
    assert aupro([scores], [mask], limit=1.0) == pytest.approx((1 / 3) / 2)
    assert pixel_scores([scores], [mask], ignore=ignore).aupro(1.0) == pytest.approx(1 / 4)


def test_a_picture_ignored_altogether_counts_for_nothing():
    maps, masks = tied_case(2)
    scores = PixelScores()
    scores.add_defective(maps[0], masks[0])
    scores.add_defective(maps[1], masks[1], ignore=np.ones((6, 6)))
    scores.close_defectives()
    scores.add_good(maps[2], ignore=np.ones((6, 6)))
    figures = scores.figures()
    assert figures.to_dict() == pixel_figures(maps[:1], masks[:1]).to_dict()
    assert figures.aupimo_pictures == (None, None)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_in_both_phases(wrong):
    bad = np.array([[0.0, wrong]])
    scores = PixelScores()
    with pytest.raises(UsageError, match="NaN or infinity"):
        scores.add_defective(bad, [[0, 1]])
    scores.close_defectives()
    with pytest.raises(UsageError, match="NaN or infinity"):
        scores.add_good(bad)


def test_a_wrong_call_says_what_is_wrong():
    scores = PixelScores()
    with pytest.raises(UsageError, match=r"mask is of shape \(2, 3\), its map \(2, 2\)"):
        scores.add_defective(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(UsageError, match="before close_defectives"):
        scores.add_good(np.zeros((2, 2)))
    scores.close_defectives()
    scores.close_defectives()
    with pytest.raises(UsageError, match="after close_defectives"):
        scores.add_defective(np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(UsageError, match=r"\(H, W\)"):
        scores.add_good(np.zeros((1, 2, 2)))
    with pytest.raises(UsageError, match="ignore mask"):
        scores.add_good(np.zeros((2, 2)), ignore=np.zeros((3, 3)))
    with pytest.raises(UsageError, match="equally many"):
        pixel_figures(np.zeros((2, 2, 2)), [None])


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.1, float("nan")])
def test_a_limit_outside_its_range_is_refused(limit):
    maps, masks = tied_case(0)
    with pytest.raises(UsageError, match="limit of AUPRO"):
        aupro(maps, masks, limit=limit)
