"""The charts and the table of the page "My threshold".

    python docs/figures/promise.py                                     # table and chart of the rates
    python docs/figures/promise.py part.restora parts                  # and the scores of a model on a data set

Writes SVG files into docs/figures/promise/ and prints the table. Needs no torch.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from panels import HERE, Chart

import restora
from restora.images.dataset import Item
from restora.images.layouts import read_dataset
from restora.images.split import FEWEST, MOST, SHARE
from restora.verdicts.calibration import Calibration, percent

OUT = HERE / "promise"
BAND_RATE = 0.05  # as the command above the chart asks for
GOOD = (8, 20, 50, 100, 200, 500, 1000, 2000, 5000)
BLUE, RED, AMBER, GREY = "#0969da", "#cf222e", "#9a6700", "#6e7781"
SMALL = 'font-size="12"'
RIGHT, MIDDLE = 'text-anchor="end"', 'text-anchor="middle"'


def kept_back(good: int) -> int:
    """How many of so many good pictures the training keeps back (all different, no groups)."""
    return min(max(round(SHARE * good), FEWEST), min(MOST, good // 2))


def calibrated(count: int) -> Calibration:
    """A calibration of so many pictures; only their number matters here."""
    return Calibration.fit(np.arange(count), np.arange(count))


def table() -> str:
    """Markdown: good pictures, kept back, the smallest rate, the rate used, its range."""
    rows = [
        "| good pictures in the folder | kept back | smallest rate | used unless asked | this calibration, 9 in 10 |",
        "|---|---|---|---|---|",
    ]
    for good in GOOD:
        ruled = calibrated(kept_back(good))
        used = ruled.rate().rate
        low, high = ruled.range90(used)
        rows.append(
            f"| {good:,} | {ruled.count:,} | {percent(ruled.smallest_rate)} | {percent(used)} "
            f"| {100 * low:.2g} to {100 * high:.2g} % |"
        )
    return "\n".join(rows)


def rates() -> None:
    """A row for every number of good pictures: the rate promised (dot) and where this calibration's lies (bar)."""
    left, right, top, row = 150, 690, 56, 30
    chart = Chart(
        720, top + row * len(GOOD) + 46, "Promised false-alarm rate and its range, by number of good pictures"
    )
    chart.text((16, 28), "good pictures", 'font-weight="600"')
    chart.text((left, 28), "share of good pictures called defect: promised (dot), this one calibration (bar)", SMALL)

    def at(share: float) -> float:
        return left + (right - left) * (math.log10(max(share, 0.0005)) - math.log10(0.0005)) / 3.0414

    bottom = top + row * len(GOOD) - 6
    for share in (0.001, 0.01, 0.1, 0.5):
        chart.line((at(share), top - 12), (at(share), bottom), 'stroke="#d0d7de"')
        chart.text((at(share), bottom + 18), percent(share), f'{SMALL} {MIDDLE} fill="{GREY}"')
    for number, good in enumerate(GOOD):
        ruled, y = calibrated(kept_back(good)), top + row * number
        used = ruled.rate().rate
        low, high = ruled.range90(used)
        chart.text((90, y + 5), f"{good:,}", RIGHT)
        chart.line((at(low), y), (at(high), y), f'stroke="{BLUE}" stroke-opacity=".35" stroke-width="10"')
        chart.dot((at(used), y), 6, f'fill="{BLUE}"')
    chart.text(
        (left, bottom + 36),
        "with the fifth that training keeps back; 1 % unless asked otherwise",
        f'{SMALL} fill="{GREY}"',
    )
    chart.save(OUT / "rates.svg")


def bands(model: str, data: str) -> None:
    """Scores of good and defective test pictures, with the threshold and the review band of the model."""
    detector = restora.Detector.load(model)
    promise = detector.promise(BAND_RATE)
    if promise is None:
        raise SystemExit(f"{model} has no calibration")
    facts = detector.model.manifest.calibration
    test = read_dataset(data).test
    rows = {
        "kept back": np.array(facts.scores if facts is not None else ()),
        "good": _scores(detector, [item for item in test if item.label == 0]),
        "defective": _scores(detector, [item for item in test if item.label == 1]),
    }
    ruled = Calibration.fit(rows["kept back"], rows["kept back"])
    start = ruled.threshold(2 * promise.rate)
    low, high = min(scores.min() for scores in rows.values()), 2.2 * promise.threshold
    left, right = 110, 690
    chart = Chart(720, 250, "Scores of good and defective pictures, the threshold and the review band")

    def at(score: float) -> float:
        return left + (right - left) * (math.log(min(score, high)) - math.log(low)) / (math.log(high) - math.log(low))

    chart.box((at(start), 44), (at(promise.threshold) - at(start), 160), 'fill="#fff8c5"')
    chart.line((at(promise.threshold), 44), (at(promise.threshold), 204), f'stroke="{RED}" stroke-width="2"')
    chart.text((at(start) - 6, 34), "ok", RIGHT)
    # a narrow band has no room for its name between the others
    above = 34 if at(promise.threshold) - at(start) > 60 else 18
    chart.text(((at(start) + at(promise.threshold)) / 2, above), "review", f'{MIDDLE} fill="{AMBER}"')
    chart.text((at(promise.threshold) + 6, 34), "defect", f'fill="{RED}"')
    rng = np.random.default_rng(0)
    for (name, scores), y, colour in zip(rows.items(), (72, 124, 176), (GREY, BLUE, RED), strict=True):
        chart.text((96, y + 5), name, f'{RIGHT} fill="{colour}"')
        for score in scores:
            chart.dot((at(float(score)), y + rng.uniform(-14, 14)), 4, f'fill="{colour}" fill-opacity=".55"')
    chart.text(
        (left, 232),
        f"score (logarithmic; what lies beyond {high:.0f} stands at the right edge)",
        f'{SMALL} fill="{GREY}"',
    )
    chart.save(OUT / "bands.svg")


def _scores(detector: restora.Detector, items: list[Item]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = detector.predict([item.source for item in items])
    return np.array([one.score for one in found if one.score is not None])


def main() -> None:
    """Write the charts and print the table."""
    rates()
    print(table())
    if len(sys.argv) > 2:
        bands(sys.argv[1], str(Path(sys.argv[2])))


if __name__ == "__main__":
    main()
