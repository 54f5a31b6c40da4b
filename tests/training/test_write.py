"""Verdicts that the graph and torch must agree on, and those that are rounding."""

from __future__ import annotations

import numpy as np
import pytest

from restora.bundle import CalibrationFacts
from restora.errors import StoppedError
from restora.training import write
from restora.training.write import check_verdicts, near_verdicts
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Rule

FACTS = CalibrationFacts(
    scores=tuple(float(n) for n in range(1, 101)), doubts=tuple(n / 100 for n in range(1, 101)), fingerprint="x"
)


def rule():
    calibration = Calibration.fit(FACTS.scores, FACTS.doubts)
    return Rule.at(calibration, calibration.rate(None).rate)


def outputs(score, doubt):
    return {"score": np.array([score], np.float32), "doubt": np.array([doubt], np.float32)}


def agree(monkeypatch, ours, theirs):
    monkeypatch.setattr(write, "torch_outputs", lambda network, batch: ours)
    check_verdicts(None, lambda batch: theirs, [np.zeros((1, 1, 1, 3), np.uint8)], FACTS)


def test_a_score_on_the_threshold_has_two_verdicts_and_one_away_from_it_has_one():
    # 100 scores, rate 1/101: the largest, 100, is the threshold, and only above it is a defect
    assert near_verdicts(rule(), 100.0, 0.5, 0.0) == {"review", "defect"}
    assert near_verdicts(rule(), 110.0, 0.5, 0.0) == {"defect"}
    assert near_verdicts(rule(), 50.0, 0.5, 0.0) == {"ok"}


def test_rounding_on_the_threshold_is_no_reason_to_refuse_a_model(monkeypatch):
    agree(monkeypatch, outputs(100.0, 0.5), outputs(100.002, 0.5))


def test_a_verdict_that_differs_away_from_the_threshold_is_refused(monkeypatch):
    with pytest.raises(StoppedError, match="different verdicts"):
        agree(monkeypatch, outputs(50.0, 0.5), outputs(110.0, 0.5))
