"""From a look to a prediction."""

from __future__ import annotations

from dataclasses import replace

from restora.detector.stream import Look
from restora.verdicts.prediction import Prediction, Rule, judge


def answer(look: Look, rule: Rule) -> Prediction:
    """The prediction for one look: with maps where the look has kept its picture, an error row where it failed."""
    if look.outputs is None or look.shape is None:
        return Prediction.failed(look.name, look.error or f"{look.name} cannot be read.", look.milliseconds)
    prediction = replace(judge(look.name, look.outputs, look.shape, rule), milliseconds=look.milliseconds)
    if look.picture is None or prediction.error is not None:
        return prediction
    return prediction.with_maps(look.outputs, look.picture.pixels, rule.colours)
