"""One picture's answer: verdict, p-value, where, and how sure; and the rule that gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from restora.images.prepare import carry_map
from restora.images.split import FEWEST_GOOD
from restora.metrics.regions import regions_above
from restora.verdicts.calibration import Calibration

Verdict = Literal["ok", "review", "defect", "error"]
Map = NDArray[np.float32]

MAPS = ("map", "probability", "aleatoric", "epistemic")


@dataclass(frozen=True, slots=True)
class Region:
    """One connected part of the map above the threshold, in the picture's own pixels.

    bbox : (x0, y0, x1, y1), x1 and y1 just behind the part; area : pixels; peak : largest value of the map in it
    """

    bbox: tuple[int, int, int, int]
    area: int
    peak: float


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    verdict : "ok", "review", "defect", or "error" where the picture could not be read (`error` says why)
    p_value : share of good pictures that look at least as strange, in (0, 1]; None without a calibration. It is not
        the probability that the part is good.
    score : maximum of the map; doubt : how unsure the network is, one figure a picture; None where there is an error
    regions : where, the strongest first; a defect has at least one
    reason : why the verdict is review, in words; None for any other verdict
    map, probability, aleatoric, epistemic : float32 [H, W] in the picture's own pixels, only where maps were asked for
    pixels : uint8 [H, W, 3], the picture itself, beside the maps; colours : map values where heat begins and is full,
        None without a calibration: a picture's own extremes would make every picture look hot
    milliseconds : the picture's share of the time, reading and network together
    """

    name: str
    verdict: Verdict
    p_value: float | None = None
    score: float | None = None
    doubt: float | None = None
    regions: tuple[Region, ...] = ()
    error: str | None = None
    map: Map | None = field(default=None, repr=False, compare=False)
    probability: Map | None = field(default=None, repr=False, compare=False)
    aleatoric: Map | None = field(default=None, repr=False, compare=False)
    epistemic: Map | None = field(default=None, repr=False, compare=False)
    milliseconds: float | None = field(default=None, compare=False)
    reason: str | None = None
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    colours: tuple[float, float] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def failed(cls, name: str, error: str, milliseconds: float | None = None) -> Self:
        """The row of a picture that could not be read."""
        return cls(name, "error", error=error, milliseconds=milliseconds)

    def with_maps(
        self, outputs: Mapping[str, NDArray[np.float32]], pixels: NDArray[np.uint8], colours: tuple[float, float] | None
    ) -> Prediction:
        """The same prediction with the graph's maps [h, w] carried to the pixels [H, W, 3] of its picture."""
        maps: dict[str, Any] = {key: carry_map(outputs[key], pixels.shape[:2]) for key in MAPS if key in outputs}
        return replace(self, pixels=pixels, colours=colours, **maps)

    def _repr_html_(self) -> str:
        from restora.verdicts.display import prediction_html

        return prediction_html(self)


@dataclass(frozen=True)
class Rule:
    """What turns scores into verdicts: a calibration at a rate, or no calibration, where all is for review.

    `threshold` and `doubt_threshold` are infinite without a calibration.
    """

    calibration: Calibration | None
    rate: float
    threshold: float = math.inf
    doubt_threshold: float = math.inf

    @classmethod
    def at(cls, calibration: Calibration | None, rate: float) -> Self:
        """The rule at one false-alarm rate; take it from `Calibration.rate`, so that it can be promised."""
        if calibration is None:
            return cls(None, rate)
        return cls(calibration, rate, calibration.threshold(rate), calibration.doubt_threshold(rate))

    @property
    def colours(self) -> tuple[float, float] | None:
        """Map values where heat begins and is full; None without a calibration."""
        return None if self.calibration is None else self.calibration.colours(self.rate)

    def verdict(self, score: float, doubt: float) -> tuple[Verdict, float | None, str | None]:
        """Verdict, p-value and, for a review, the reason.

        p <= a is a defect; a < p <= 2a, or a doubt above its own threshold at a, is for review.
        """
        if self.calibration is None:
            return "review", None, f"no calibration: the model saw fewer than {FEWEST_GOOD} good pictures"
        p_value = float(self.calibration.p_values(score))
        if p_value <= self.rate:
            return "defect", p_value, None
        if p_value <= 2 * self.rate:
            return "review", p_value, "the score is near the threshold"
        if doubt > self.doubt_threshold:
            return "review", p_value, "the network is unsure about this picture"
        return "ok", p_value, None


def judge(name: str, outputs: Mapping[str, NDArray[np.float32]], shape: tuple[int, int], rule: Rule) -> Prediction:
    """The verdict on one picture from what the graph says about it.

    outputs : "score" and "doubt" scalars, "map" float32 [h, w]; shape : (H, W) of the picture
    A score or a map that holds no number gives an error row: it must never pass as ok.
    """
    score, doubt = float(outputs["score"]), float(outputs["doubt"])
    if not (math.isfinite(score) and math.isfinite(doubt) and _finite(outputs)):
        return Prediction.failed(name, f"{name}: the network gave no number for this picture; look at the picture.")
    verdict, p_value, reason = rule.verdict(score, doubt)
    regions = find_regions(outputs["map"], shape, rule.threshold, at_least_one=verdict == "defect")
    return Prediction(name, verdict, p_value, score, doubt, regions, reason=reason)


def _finite(outputs: Mapping[str, NDArray[np.float32]]) -> bool:
    return all(bool(np.isfinite(outputs[name]).all()) for name in MAPS if name in outputs)


def find_regions(
    map: Map, shape: tuple[int, int], threshold: float, *, at_least_one: bool = False
) -> tuple[Region, ...]:
    """8-connected parts of a graph's map [h, w] above `threshold`, carried to a picture of `shape` (H, W).

    They are found on the graph's own cells, not on the enlarged map: enlarging lowers peaks, and a defect by its
    score could be left without a place. `at_least_one` gives the highest cell where nothing is above.
    """
    if not math.isfinite(threshold):
        return ()
    parts = regions_above(map, threshold)
    if not parts and at_least_one:
        parts = regions_above(map, float(np.nextafter(map.max(), np.float32(-np.inf))))
    down, across = shape[0] / map.shape[0], shape[1] / map.shape[1]
    regions = []
    for part in parts:
        x0, y0, x1, y1 = part.bbox
        box = math.floor(x0 * across), math.floor(y0 * down), math.ceil(x1 * across), math.ceil(y1 * down)
        regions.append(Region(box, max(1, round(part.area * down * across)), part.peak))
    return tuple(regions)
