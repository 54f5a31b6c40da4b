from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction, Region, Rule, find_regions, judge

NINE = Calibration.fit(np.arange(1.0, 10.0), np.arange(1.0, 10.0) / 10)  # smallest rate 0.1


def outputs(peak: float, doubt: float = 0.0, shape=(8, 8)) -> dict[str, np.ndarray]:
    values = np.zeros(shape, np.float32)
    values[2, 3] = peak
    return {"score": np.float32(peak), "doubt": np.float32(doubt), "map": values}


@pytest.mark.parametrize(
    ("score", "doubt", "verdict", "p_value"),
    [
        (9.5, 0.0, "defect", 0.1),  # none of nine is as high: 1 / 10
        (9.0, 0.0, "review", 0.2),  # one is: 2 / 10, which is 2 a
        (8.0, 0.0, "ok", 0.3),
        (8.0, 0.9, "ok", 0.3),  # a doubt at its threshold is not above it
        (8.0, 0.95, "review", 0.3),
        (9.5, 0.95, "defect", 0.1),
    ],
)
def test_verdicts_by_hand(score, doubt, verdict, p_value):
    prediction = judge("a.png", outputs(score, doubt), (32, 32), Rule.at(NINE, 0.1))
    assert (prediction.verdict, prediction.p_value) == (verdict, p_value)
    assert bool(prediction.regions) == (verdict == "defect")
    assert (prediction.reason is not None) == (verdict == "review")


def test_without_a_calibration_all_is_for_review_and_says_why():
    prediction = judge("a.png", outputs(100.0), (32, 32), Rule.at(None, 0.01))
    assert (prediction.verdict, prediction.p_value, prediction.regions) == ("review", None, ())
    assert "fewer than 8 good pictures" in prediction.reason


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_number_is_an_error_never_ok(bad):
    prediction = judge("a.png", outputs(bad), (32, 32), Rule.at(NINE, 0.1))
    assert prediction.verdict == "error"
    assert prediction.error


@pytest.mark.parametrize("name", ["map", "epistemic"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_map_that_holds_no_number_is_an_error_too(name, bad):
    found = outputs(5.0) | {name: np.full((8, 8), bad, np.float32)}
    assert judge("a.png", found, (32, 32), Rule.at(NINE, 0.1)).verdict == "error"


def test_at_most_three_times_the_rate_of_good_pictures_is_not_ok():
    rng = np.random.default_rng(0)
    n, tests, rate = 199, 4000, 0.05
    not_ok = 0
    for _ in range(20):
        rule = Rule.at(Calibration.fit(rng.random(n), rng.random(n)), rate)
        seen = rng.random((tests // 20, 2))
        not_ok += sum(rule.verdict(score, doubt)[0] != "ok" for score, doubt in seen)
    assert not_ok / tests <= 3 * rate + 4 * math.sqrt(0.15 * 0.85 / tests)


def test_regions_are_carried_to_the_picture():
    # a 4 x 8 map of a 40 x 160 picture: a cell is 10 high, 20 wide
    values = np.zeros((4, 8), np.float32)
    values[1, 2], values[2, 3] = 5, 7  # touch at a corner: one region
    values[0, 7] = 9
    assert find_regions(values, (40, 160), 4.0) == (
        Region((140, 0, 160, 10), 200, 9.0),
        Region((40, 10, 80, 30), 400, 7.0),
    )
    assert find_regions(values, (40, 160), 9.0) == ()  # above, not at
    assert find_regions(values, (40, 160), math.inf) == ()


def test_a_region_is_at_least_a_pixel_and_within_the_picture():
    values = np.zeros((8, 8), np.float32)
    values[7, 7] = 1
    (region,) = find_regions(values, (3, 5), 0.5)
    assert region.area == 1
    x0, y0, x1, y1 = region.bbox
    assert 0 <= x0 < x1 <= 5
    assert 0 <= y0 < y1 <= 3


def test_a_defect_has_a_region_even_if_the_score_is_not_the_maximum():
    seen = outputs(3.0) | {"score": np.float32(50)}
    prediction = judge("a.png", seen, (32, 32), Rule.at(NINE, 0.1))
    assert [region.peak for region in prediction.regions] == [3.0]


def test_regions_agree_with_a_count_of_their_own():
    rng = np.random.default_rng(3)
    values = ndimage.gaussian_filter(rng.normal(size=(24, 32)), 1.5).astype(np.float32)
    regions = find_regions(values, (24, 32), 0.1)
    labels, count = ndimage.label(values > 0.1, np.ones((3, 3)))
    assert len(regions) == count
    assert sum(region.area for region in regions) == (labels > 0).sum()


def test_maps_come_in_the_pixels_of_the_picture():
    rule = Rule.at(NINE, 0.1)
    seen = outputs(9.5) | {"probability": np.full((8, 8), 0.5, np.float32)}
    plain = judge("a.png", seen, (32, 48), rule)
    assert plain.map is None
    shown = plain.with_maps(seen, np.zeros((32, 48, 3), np.uint8), NINE.colours(0.1))
    assert shown.map.shape == shown.probability.shape == (32, 48)
    assert shown.aleatoric is None
    assert shown.map.max() <= 9.5
    assert shown == plain  # maps are a view of the answer, not part of it


def test_a_notebook_shows_verdict_and_pictures_and_trusts_no_name():
    seen = outputs(9.5)
    prediction = judge("<b>.png", seen, (32, 32), Rule.at(NINE, 0.1))
    assert "&lt;b&gt;.png" in prediction._repr_html_()
    assert "<img" not in prediction._repr_html_()
    shown = prediction.with_maps(seen, np.zeros((32, 32, 3), np.uint8), NINE.colours(0.1))._repr_html_()
    assert "defect" in shown
    assert shown.count("data:image/png;base64,") == 2
    assert "unreadable" in Prediction.failed("b.png", "b.png is unreadable")._repr_html_()
