from __future__ import annotations

from pathlib import Path

import pytest

from restora.bundle import CalibrationFacts, FittingFacts, InputSpec, Manifest, Model, TrunkCard
from restora.report.facts import model_facts


def model(scores=(), licence="BSD-3-Clause") -> Model:
    calibration = CalibrationFacts(scores=scores, doubts=scores, fingerprint="c" * 64) if scores else None
    manifest = Manifest(
        package_version="1.2.3",
        method="ura-net",
        preset="small",
        settings={},
        settings_hash="5" * 64,
        trunk=TrunkCard(name="resnet18", sha256="a" * 64, licence=licence, terms="terms of the weights"),
        input=InputSpec(height=96, width=128, resize="so"),
        outputs=("score",),
        fitting=FittingFacts(count=80, fingerprint="f" * 64),
        calibration=calibration,
        parity={"map": 2.5e-6},
        reproduce="restora train x",
    )
    return Model(Path("x.restora"), manifest, "0123")


def test_thresholds_come_from_the_stored_scores():
    facts = model_facts(model(tuple(float(score) for score in range(1, 100))), 0.05)
    assert facts["threshold"] == 95  # 5 of 100 ranks lie above the 95th of 99 scores
    assert facts["review_from"] == 90
    assert facts["colours"] == (50, 190)  # the median, and twice the threshold
    assert facts["sentences"][0].startswith("At most 5 %")


def test_the_card_says_what_the_model_is_made_of():
    facts = model_facts(model((1.0, 2.0)))
    assert facts["card"]["input"] == "96 x 128 pixels"
    assert facts["card"]["calibrated on"].startswith("2 good pictures")
    assert facts["card"]["parity"] == "map 2.5e-06"
    assert facts["terms"] == "terms of the weights"
    assert facts["reproduce"] == "restora train x"
    assert "notes" not in facts


def test_without_calibration_nothing_is_promised():
    facts = model_facts(model())
    assert "threshold" not in facts
    assert "nothing is promised" in facts["sentences"][0]


def test_random_weights_are_said_aloud():
    assert "random weights" in model_facts(model(licence="none: random numbers"))["notes"][0]


@pytest.mark.parametrize("scores", [(1.0,), (1.0, 2.0, 3.0)])
def test_few_pictures_still_give_a_review_band_below_the_threshold(scores):
    facts = model_facts(model(scores))
    assert facts["review_from"] <= facts["threshold"] == max(scores)
