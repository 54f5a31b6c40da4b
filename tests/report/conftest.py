"""An evaluation of drawn products by a made-up detector, for the tests of the page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from restora.demo import PRODUCTS, draw
from restora.evaluation import Evaluation, Row, evaluate_rows
from restora.metrics.pixels import PixelScores
from restora.report.page import ReportPicture
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction, Rule, judge


def smooth(mask, side):
    small = Image.fromarray(mask.astype(np.float32)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side)).reduce(1), dtype=np.float32)


def made_up(product="part", each=2, goods=12, size=64, extra_rows=0) -> tuple[Evaluation, list[ReportPicture], dict]:
    rng = np.random.default_rng(0)
    side = size // 4
    calibration = Calibration.fit(rng.gamma(20, 0.035, (199, side * side)).max(axis=1), rng.gamma(9, 0.01, 199))
    rule = Rule.at(calibration, calibration.rate().rate)
    rows, pictures, scores = [], [], PixelScores()
    for kind, count in [*((kind, each) for kind in PRODUCTS[product].kinds), ("good", goods)]:
        if kind == "good":
            scores.close_defectives()
        for index in range(count):
            drawn = draw(product, kind, index, size)
            noise = rng.gamma(20, 0.035, (side, side)).astype(np.float32)
            map = noise + 6 * smooth(drawn.mask, side) * np.float32(rng.uniform(0.05, 1.2))
            doubt = np.float32(rng.gamma(9, 0.01))
            outputs = {"score": map.max(), "doubt": doubt, "map": map}
            prediction = judge(f"test/{kind}/{index:03d}.png", outputs, (size, size), rule)
            rows.append(Row(prediction, int(kind != "good"), kind))
            large = np.asarray(Image.fromarray(map).resize((size, size)), dtype=np.float32)
            scores.add_defective(large, drawn.mask) if kind != "good" else scores.add_good(large)
            pictures.append(_picture(prediction, drawn, kind, map))
    rows.append(
        Row(Prediction.failed("test/good/broken.png", "test/good/broken.png: cut off after 12 bytes"), 0, "good")
    )
    for index in range(extra_rows):
        rows.append(Row(Prediction(f"more/{index}.png", "ok", 0.5, float(rng.gamma(20, 0.05)), 0.1), None, "unknown"))
    promise = calibration.promise()
    evaluation = evaluate_rows({"name": f"drawn {product}"}, rows, pixel=scores, promise=promise, model={"method": "x"})
    facts = {
        "title": f"Drawn {product}",
        "card": {
            "method": "ura-net, preset small",
            "trunk": "restora-tiny (sha256 0123456789ab)",
            "input": "256 x 256",
        },
        "terms": "Random weights; nobody's terms apply.",
        "reproduce": "restora train drawn/part --out part.restora --seed 0",
        "colours": calibration.colours(promise.rate),
        "review_from": calibration.threshold(2 * promise.rate),
        "strangest": [picture for picture in pictures if picture.label == 0][:5],
        "notes": ["The trunk has random weights."],
    }
    return evaluation, pictures, facts


def _picture(prediction, drawn, kind, map) -> ReportPicture:
    probability = np.clip(map / 4, 0, 1).astype(np.float32)
    return ReportPicture(
        name=prediction.name,
        kind=kind,
        label=int(kind != "good"),
        verdict=prediction.verdict,
        p_value=prediction.p_value,
        score=prediction.score,
        doubt=prediction.doubt,
        pixels=drawn.pixels,
        map=map,
        probability=probability,
        aleatoric=probability * (1 - probability),
        epistemic=probability * np.float32(0.02),
        regions=prediction.regions,
        mask=drawn.mask if kind != "good" else None,
        reason=prediction.reason,
    )


@pytest.fixture(scope="session", name="made_up")
def _made_up():
    return made_up
