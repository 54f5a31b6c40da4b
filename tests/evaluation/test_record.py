from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from restora.evaluation import Row, evaluate_rows, rate_range90
from restora.metrics import PixelScores
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction

KEYS = ["dataset", "image", "pixel", "kinds", "verdicts", "model", "apart"]


def row(name, verdict, score, label, kind="good"):
    return Row(Prediction(name, verdict, 0.5, score, 0.1), label, kind)


def ten_rows():
    return [
        row("g1", "ok", 0.1, 0),
        row("g2", "ok", 0.2, 0),
        row("g3", "review", 0.3, 0),
        row("g4", "defect", 0.6, 0),
        row("c1", "defect", 0.9, 1, "crack"),
        row("c2", "ok", 0.15, 1, "crack"),
        row("d1", "defect", 0.7, 1, "dent"),
        row("u1", "ok", 0.2, None, "unknown"),
        Row(Prediction.failed("g5", "g5: no picture"), 0, "good"),
        Row(Prediction.failed("d2", "d2: no picture"), 1, "dent"),
    ]


def promise():
    return Calibration.fit(np.arange(19.0), np.arange(19.0)).promise(0.1)


def some_maps():
    scores = PixelScores()
    scores.add_defective([[0.0, 5.0], [0.0, 0.0]], [[0, 1], [0, 0]])
    scores.close_defectives()
    scores.add_good([[0.0, 6.0], [1.0, 2.0]])
    return scores


def test_every_figure_by_hand():
    figures = evaluate_rows({"name": "parts"}, ten_rows(), promise=promise(), model={"method": "ura-net"}).to_dict()
    assert list(figures) == KEYS
    assert figures["dataset"] == {
        "name": "parts",
        "pictures": 10,
        "good": 5,
        "defective": 4,
        "unlabelled": 1,
        "errors": 2,
        "masked": 0,
    }
    # 0.9 and 0.7 beat all four goods, 0.15 beats one: 9 of 12
    assert figures["image"]["auroc"] == 9 / 12
    assert figures["kinds"] == {
        "crack": {"n": 2, "found": 1, "auroc": 5 / 8},
        "dent": {"n": 1, "found": 1, "auroc": 1.0},
    }
    verdicts = figures["verdicts"]
    assert (verdicts["promised"], verdicts["observed"], verdicts["review"]) == (0.1, 1 / 4, 1 / 4)
    assert verdicts["found"] == 2 / 3
    assert verdicts["range90"] == pytest.approx(stats.beta(2, 18).ppf([0.05, 0.95]))
    assert figures["model"] == {"method": "ura-net"}


def test_the_object_has_the_promised_keys_and_is_json():
    evaluation = evaluate_rows({}, ten_rows(), pixel=some_maps(), promise=promise())
    figures = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert list(figures["image"]) == ["auroc", "ap", "f1_max"]
    assert list(figures["pixel"]) == ["auroc", "ap", "f1_max", "aupro_30", "aupro_05", "aupimo", "spro_05"]
    assert figures["pixel"]["spro_05"] is None
    assert list(figures["verdicts"]) == ["promised", "observed", "range90", "review", "found"]
    assert figures["pixel"]["auroc"] == 6 / 7  # the 5 beats all normal pixels but the 6
    assert figures["dataset"]["masked"] == 1


def test_pixel_is_null_without_masks_and_never_zero():
    assert evaluate_rows({}, ten_rows()).to_dict()["pixel"] is None
    goods_only = PixelScores()
    goods_only.close_defectives()
    goods_only.add_good(np.ones((3, 3)))
    evaluation = evaluate_rows({}, ten_rows(), pixel=goods_only)
    assert evaluation.to_dict()["pixel"] is None
    assert set(evaluation.curves) == {"roc", "pr"}


def test_without_calibration_nothing_is_promised():
    rows = [row("g", "review", 0.1, 0), row("d", "review", 0.9, 1, "dent")]
    verdicts = evaluate_rows({}, rows).to_dict()["verdicts"]
    assert verdicts == {"promised": None, "observed": 0.0, "range90": None, "review": 1.0, "found": 0.0}


def test_without_goods_or_defects_their_figures_are_none():
    only_good = evaluate_rows({}, [row("g", "ok", 0.1, 0)]).to_dict()
    assert only_good["image"] == {"auroc": None, "ap": None, "f1_max": None}
    assert only_good["kinds"] == {}
    assert only_good["verdicts"]["found"] is None
    only_bad = evaluate_rows({}, [row("d", "defect", 0.9, 1, "dent")]).to_dict()
    assert only_bad["kinds"] == {"dent": {"n": 1, "found": 1, "auroc": None}}
    assert only_bad["verdicts"]["observed"] is None
    assert only_bad["verdicts"]["review"] is None
    assert evaluate_rows({}, []).curves == {}


def test_an_unreadable_defect_keeps_its_kind_out_of_the_figures_but_is_counted():
    rows = [row("g", "ok", 0.1, 0), Row(Prediction.failed("d", "d: no picture"), 1, "dent")]
    figures = evaluate_rows({}, rows).to_dict()
    assert figures["kinds"] == {}
    assert (figures["dataset"]["defective"], figures["dataset"]["errors"]) == (1, 1)


def test_predictions_keep_their_order_and_errors():
    rows = ten_rows()
    evaluation = evaluate_rows({}, rows)
    assert [prediction.name for prediction in evaluation.predictions] == [row.prediction.name for row in rows]
    assert evaluation.rows == tuple(rows)


def test_curves_are_thin_enough_to_draw():
    rng = np.random.default_rng(0)
    maps = PixelScores()
    maps.add_defective(rng.normal(size=(80, 80)), rng.random((80, 80)) < 0.5)
    evaluation = evaluate_rows({}, ten_rows(), pixel=maps)
    assert set(evaluation.curves) == {"roc", "pr", "pixel_roc", "pixel_pr", "pro"}
    assert all(curve.x.size == curve.y.size <= 1000 for curve in evaluation.curves.values())


@pytest.mark.parametrize(("count", "of"), [(0, 30), (1, 30), (7, 41), (41, 41)])
def test_the_range_of_a_rate_is_clopper_pearson(count, of):
    exact = stats.binomtest(count, of).proportion_ci(confidence_level=0.9, method="exact")
    assert rate_range90(count, of) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_those_met_in_training_are_left_out_of_figures_of_their_own():
    rows = ten_rows()
    whole = evaluate_rows({"name": "set"}, rows)
    assert whole.apart is None
    assert whole.to_dict()["apart"] is None
    apart = evaluate_rows({"name": "set"}, rows, shared={"g4": "p1", "c2": "p2", "g5": "p1"}).apart
    kept = evaluate_rows({"name": "set"}, [one for one in rows if one.prediction.name not in ("g4", "c2", "g5")])
    assert apart is not None
    assert (apart.groups, apart.pictures, apart.image) == (2, 3, kept.image)
    assert apart.to_dict()["image"]["auroc"] == 1.0
