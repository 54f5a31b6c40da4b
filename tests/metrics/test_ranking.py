from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from restora.errors import UsageError
from restora.metrics import Curve, auroc, average_precision, f1_max, pr_curve, roc_curve
from restora.metrics.ranking import count_from

scores = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=30)


def both(good, bad):
    return np.r_[np.zeros(len(good)), np.ones(len(bad))], np.r_[good, bad]


def test_auroc_by_hand():
    # 0.9 beats all three goods; 0.4 beats one and ties one: (3 + 1.5) / 6
    assert auroc([0.1, 0.4, 0.6], [0.9, 0.4]) == 0.75


def test_average_precision_by_hand():
    # at 0.9 half of the bads at precision 1; at 0.4 the other half at precision 2 / 4
    assert average_precision([0.1, 0.4, 0.6], [0.9, 0.4]) == 0.75


def test_f1_max_by_hand():
    # at 0.9: 2 * 1 / (1 + 0 + 2) = 2/3; at 0.4: 2 * 2 / (2 + 2 + 2) = 2/3; with a bad at 0.7 instead: 4 / 4
    assert f1_max([0.1, 0.4, 0.6], [0.9, 0.4]) == pytest.approx(2 / 3)
    assert f1_max([0.1, 0.4, 0.6], [0.9, 0.7]) == 1.0


def test_all_scores_equal():
    assert auroc([2.0] * 3, [2.0] * 5) == 0.5
    assert average_precision([2.0] * 3, [2.0] * 5) == 5 / 8


@pytest.mark.parametrize("figure", [auroc, average_precision, f1_max, roc_curve, pr_curve])
@pytest.mark.parametrize(("good", "bad"), [([], [1.0]), ([1.0], []), ([], [])])
def test_without_goods_or_bads_nothing_is_defined(figure, good, bad):
    assert figure(good, bad) is None


@pytest.mark.parametrize("figure", [auroc, average_precision, f1_max])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(figure, wrong):
    with pytest.raises(UsageError, match="scores of the bad"):
        figure([0.0], [1.0, wrong])
    with pytest.raises(UsageError, match="scores of the good"):
        figure([0.0, wrong], [1.0])


def test_words_are_no_scores():
    with pytest.raises(UsageError, match="must be numbers"):
        auroc(["a"], [1.0])


@given(scores, scores)
def test_equal_to_scikit_learn_with_many_ties(good, bad):
    truth, values = both(good, bad)
    assert auroc(good, bad) == pytest.approx(peer.roc_auc_score(truth, values), abs=1e-14)
    assert average_precision(good, bad) == pytest.approx(peer.average_precision_score(truth, values), abs=1e-14)
    precision, recall, _ = peer.precision_recall_curve(truth, values)
    best = max(2 * p * r / (p + r) for p, r in zip(precision, recall, strict=True) if p + r > 0)
    assert f1_max(good, bad) == pytest.approx(best, abs=1e-14)


@given(scores, scores)
def test_curves_agree_with_the_figures(good, bad):
    roc, pr = roc_curve(good, bad), pr_curve(good, bad)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(auroc(good, bad), abs=1e-12)
    assert np.diff(pr.x, prepend=0.0) @ pr.y == pytest.approx(average_precision(good, bad), abs=1e-12)
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1], pr.x[-1]) == (0, 0, 1, 1, 1)
    assert (np.diff(roc.x) >= 0).all()
    assert (np.diff(roc.y) >= 0).all()


@given(scores, scores)
def test_only_the_order_counts(good, bad):
    def bent(values):
        return np.exp(np.array(values)) * 3 - 7

    for figure in (auroc, average_precision, f1_max):
        assert figure(bent(good), bent(bad)) == figure(good, bad)


@given(scores, scores)
def test_turning_scores_round_mirrors_auroc(good, bad):
    assert auroc(np.negative(good), np.negative(bad)) == pytest.approx(1 - auroc(good, bad), abs=1e-12)


@given(st.lists(st.integers(-4, 4), unique=True).map(sorted), st.lists(st.integers(-5, 5)).map(sorted))
def test_counting_is_the_same_whichever_is_longer(levels, ordered):
    levels, ordered = np.array(levels, np.float32), np.array(ordered, np.float32)
    reaching, above = count_from(levels, ordered)
    assert reaching.tolist() == [(ordered >= level).sum() for level in levels]
    assert above.tolist() == [(ordered > level).sum() for level in levels]


def test_both_zeros_are_one_score():
    assert auroc([0.0], [-0.0]) == 0.5
    assert f1_max(np.float32([-0.0, 0.0]), np.float32([0.0, -0.0])) == pytest.approx(2 / 3)


def test_whole_numbers_keep_their_digits():
    # 2**24 and 2**24 + 1 are one number in float32
    assert auroc(np.array([2**24]), np.array([2**24 + 1])) == 1.0


def test_a_thinned_curve_keeps_its_ends_and_its_way():
    x = np.linspace(0, 1, 10_001)
    thin = Curve(x, np.sqrt(x)).thinned(200)
    assert thin.x.size <= 200
    assert (thin.x[0], thin.x[-1]) == (0, 1)
    assert np.abs(np.interp(x, thin.x, thin.y) - np.sqrt(x)).max() < 0.01
    assert Curve(x[:5], x[:5]).thinned(200).x.size == 5
