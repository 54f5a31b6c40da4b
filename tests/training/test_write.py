"""Verdicts that the graph and torch must agree on, those that are rounding, and which pictures are strangest."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from restora.bundle import CalibrationFacts, FittingFacts, InputSpec
from restora.errors import StoppedError
from restora.images.dataset import Item
from restora.images.split import Split
from restora.training import write
from restora.training.write import FITTING_LOOKED_AT, check_verdicts, look_at_fitting, near_verdicts
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


def test_of_many_fitting_pictures_a_sample_is_looked_at_and_lost_files_are_passed_over(tmp_path):
    items = tuple(Item(f"{n}.png", str(tmp_path / f"{n}.png"), "train", 0, "good") for n in range(450))
    for n in range(1, 450):
        Image.fromarray(np.full((4, 4, 3), n % 256, np.uint8)).save(tmp_path / f"{n}.png")
    split = Split(items, (), {item.name: f"{place:016x}{0:048x}" for place, item in enumerate(items)})

    def runtime(batch):
        grey = batch.mean(axis=(1, 2, 3), dtype=np.float32)
        return {"score": np.where(grey == 255, np.nan, grey), "doubt": grey, "map": batch[..., 0].astype(np.float32)}

    facts = look_at_fitting(
        runtime,
        SimpleNamespace(split=split),
        InputSpec(height=4, width=4, resize="any"),
        FittingFacts(count=450, fingerprint="f"),
    )
    places = {round(place) for place in np.linspace(0, 449, FITTING_LOOKED_AT)} - {0}
    assert facts.looked_at == len({place for place in places if place % 256 != 255})
    assert [one.score for one in facts.strangest] == sorted(
        (float(place % 256) for place in places if place % 256 != 255), reverse=True
    )[:5]
    assert [f"{int(one.digest, 16)}.png" for one in facts.strangest] == [one.name for one in facts.strangest]
