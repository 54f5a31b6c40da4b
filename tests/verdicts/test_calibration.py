from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from restora.errors import UsageError
from restora.verdicts.calibration import Calibration, pictures_needed


def calibration(scores, doubts=None) -> Calibration:
    return Calibration.fit(scores, np.zeros(len(scores)) if doubts is None else doubts)


def test_p_values_by_hand():
    # of 1, 2, 2, 5: four are >= 0, three are >= 2, one is >= 5, none is >= 6; one more is counted, of five
    assert calibration([2, 5, 1, 2]).p_values([0, 2, 5, 6]).tolist() == [1.0, 0.8, 0.4, 0.2]


def test_threshold_by_hand():
    # n = 9, a = 0.2: k = ceil(0.8 x 10) = 8
    c = calibration(np.arange(1, 10))
    assert c.rank(0.2) == 8
    assert c.threshold(0.2) == 8
    assert c.threshold(0.05) == math.inf  # 1 / 10 is the smallest


@pytest.mark.parametrize(
    ("rate", "count", "rank", "low", "high", "confident"),
    [
        (0.05, 19, 19, 0.003, 0.146, None),
        (0.05, 50, 49, 0.007, 0.091, None),
        (0.05, 100, 96, 0.020, 0.089, 99),
        (0.05, 300, 286, 0.031, 0.072, 292),
        (0.05, 1000, 951, 0.039, 0.062, 962),
        (0.01, 300, 298, 0.003, 0.021, 300),
        (0.01, 1000, 991, 0.005, 0.016, 996),
        (0.001, 1000, 1000, 0.0001, 0.0030, None),
    ],
)
def test_ranks_and_ranges(rate, count, rank, low, high, confident):
    c = calibration(np.arange(count))
    assert c.rank(rate) == rank
    assert c.range90(rate) == pytest.approx((low, high), abs=6e-4)
    assert c.k_with_confidence(rate) == confident


def test_confident_rank_exists_from_the_known_count_on():
    # ceil(ln 0.05 / ln 0.95) = 59 pictures
    assert calibration(np.arange(58)).k_with_confidence(0.05) is None
    assert calibration(np.arange(59)).k_with_confidence(0.05) == 59


@given(
    scores=st.lists(st.integers(0, 8), min_size=1, max_size=60),
    rate=st.one_of(st.integers(1, 99).map(lambda i: i / 100), st.floats(0.001, 0.999)),
)
@settings(deadline=None, max_examples=200)
def test_the_threshold_is_the_p_value(scores, rate):
    c = calibration(scores)
    probes = np.arange(-0.5, 9, 0.5)
    assert ((probes > c.threshold(rate)) == (c.p_values(probes) <= rate)).all()


@given(scores=st.lists(st.integers(0, 8), min_size=1, max_size=40), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_order_is_no_matter(scores, seed):
    shuffled = np.random.default_rng(seed).permutation(scores)
    assert calibration(scores).promise().to_dict() == calibration(shuffled).promise().to_dict()


@given(n=st.integers(1, 40), rate=st.floats(0.01, 0.99), ties=st.booleans(), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=200)
def test_any_one_of_n_plus_one_alarms_at_most_at_the_rate(n, rate, ties, seed):
    # the guarantee itself, counted out: of n + 1 exchangeable scores each in turn is the new one
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, n + 1).astype(float) if ties else rng.normal(size=n + 1)
    alarms = sum(float(calibration(np.delete(scores, i)).p_values(scores[i])) <= rate for i in range(n + 1))
    assert alarms / (n + 1) <= rate


def realised_rates(draws: int, n: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """True false-alarm rate of each of `draws` calibrations on uniform scores: the chance above the threshold."""
    scores = rng.random((draws, n))
    k = calibration(scores[0]).rank(rate)
    ordered = np.partition(scores, k - 1, axis=1)
    assert calibration(scores[0]).threshold(rate) == ordered[0, k - 1]
    return 1 - ordered[:, k - 1]


@pytest.mark.parametrize(("n", "rate"), [(19, 0.05), (64, 1 / 65), (100, 0.05), (300, 0.01)])
def test_ten_thousand_calibrations_follow_the_beta_law(n, rate):
    draws = 10_000
    rates = realised_rates(draws, n, rate, np.random.default_rng(n))
    k = calibration(np.arange(n)).rank(rate)
    law = stats.beta(n + 1 - k, k)
    assert abs(rates.mean() - law.mean()) < 4 * law.std() / math.sqrt(draws)
    # Kolmogorov's bound: exceeded once in 10,000 runs, were the law the right one
    assert stats.kstest(rates, law.cdf).statistic < stats.kstwobign.isf(1e-4) / math.sqrt(draws)
    low, high = calibration(np.arange(n)).range90(rate)
    assert np.mean((rates >= low) & (rates <= high)) == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / draws))


@pytest.mark.parametrize(("n", "rate"), [(19, 0.05), (100, 0.05), (300, 0.01)])
def test_ties_only_lower_the_rate(n, rate):
    # whole numbers 0..9, all equally likely: above threshold t lie (9 - t) of 10
    draws, rng = 10_000, np.random.default_rng(1)
    scores = np.sort(rng.integers(0, 10, (draws, n)), axis=1)
    k = calibration(scores[0]).rank(rate)
    rates = (9 - scores[:, k - 1]) / 10
    law = stats.beta(n + 1 - k, k)
    assert rates.mean() <= rate + 4 * rates.std() / math.sqrt(draws)
    for edge in (0.1, 0.2, 0.3):  # stochastically below the law of scores without ties
        assert np.mean(rates >= edge) <= law.sf(edge) + 4 * math.sqrt(0.25 / draws)


def test_a_rate_too_small_names_the_smallest_and_what_is_missing():
    rate = calibration(np.arange(64)).rate(0.001)
    assert (rate.rate, rate.reachable, rate.missing_pictures) == (1 / 65, False, 999 - 64)
    assert "1.54 %" in rate.sentence
    assert "935 more" in rate.sentence


def test_the_default_rate_is_the_smallest_possible_where_one_in_a_hundred_is_not():
    assert calibration(np.arange(98)).rate().rate == 1 / 99
    assert calibration(np.arange(99)).rate().rate == 0.01
    assert calibration(np.arange(99)).rate().sentence is None


@pytest.mark.parametrize("rate", [0, -0.1, 1, 1.5, math.nan])
def test_no_rate_but_between_0_and_1(rate):
    with pytest.raises(UsageError, match="between 0 and 1"):
        calibration([1, 2]).rate(rate)


@pytest.mark.parametrize("count", range(1, 200))
def test_one_over_n_plus_one_is_always_reachable(count):
    c = calibration(np.arange(count))
    assert c.rank(c.smallest_rate) == count
    assert pictures_needed(c.smallest_rate) == count


@pytest.mark.parametrize("rate", [1e-17, 1e-300, 5e-324])
def test_the_smallest_of_rates_still_ends(rate):
    needed = pictures_needed(rate)
    assert 1 / (needed + 1) <= rate * (1 + 1e-15)
    assert not calibration([1, 2]).rate(rate).reachable


@pytest.mark.parametrize(("scores", "doubts"), [([], []), ([1], []), ([1, math.nan], [0, 0]), ([1, 2], [0, math.inf])])
def test_what_cannot_be_calibrated_is_refused(scores, doubts):
    with pytest.raises(UsageError):
        Calibration.fit(scores, doubts)


def test_colours_are_fixed_by_the_calibration():
    low, high = calibration(np.arange(1, 10)).colours(0.2)
    assert (low, high) == (5, 16)


def test_the_promise_in_words_and_numbers():
    promise = calibration(np.arange(1000.0)).promise(0.01)
    assert (promise.pictures, promise.threshold, promise.not_ok) == (1000, 990.0, 0.03)
    assert promise.to_dict()["range90"] == list(promise.range90)
    assert any("1 %" in sentence and "1000" in sentence for sentence in promise.sentences)
