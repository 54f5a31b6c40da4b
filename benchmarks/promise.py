"""The promise, checked: 10,000 simulated calibrations against the Beta law, and models on good test pictures.

    python benchmarks/promise.py
    python benchmarks/promise.py --model screw.restora screw/ --model elpv.restora elpv/

A model was calibrated on held-back good training pictures; it is asked here about the good pictures of the test part,
which nobody has seen. Where these are photographed otherwise, the rate observed leaves its range: that is shown too.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from restora.detector.detector import Detector
from restora.detector.stream import score_items
from restora.images.layouts import read_dataset
from restora.verdicts.calibration import Calibration

DRAWS = 10_000
CASES = ((19, 0.05), (50, 0.05), (64, 1 / 65), (100, 0.01), (100, 0.05), (300, 0.01), (1000, 0.01), (1000, 0.001))
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
LEVELS = 10  # whole-number scores 0..9, so that calibrations are full of ties


def simulate(count: int, rate: float, rng: np.random.Generator, *, ties: bool) -> NDArray[np.float64]:
    """(10,000,) true false-alarm rates of as many calibrations on `count` scores each.

    Scores are uniform in 0..1, or with `ties` whole numbers 0..9: so the true rate is known without more draws.
    """
    rank = Calibration.fit(np.arange(count), np.zeros(count)).rank(rate)
    rates = []
    for draws in np.array_split(np.arange(DRAWS), 10):  # 1,000 at a time: flat memory
        shape = (len(draws), count)
        scores = rng.integers(0, LEVELS, shape) if ties else rng.random(shape)
        threshold = np.partition(scores, rank - 1, axis=1)[:, rank - 1]
        rates.append((LEVELS - 1 - threshold) / LEVELS if ties else 1 - threshold)
    return np.concatenate(rates).astype(np.float64)


def simulation_lines(repeats: int = 10, seed: int = 0) -> Iterator[str]:
    """A row a case, all its repeats together, beside the law; then how often chance alone would look like this."""
    yield f"{repeats} times {DRAWS} simulated calibrations a row; z: standard errors between the mean and the law's;"
    yield "p: Kolmogorov-Smirnov against the Beta law, the smallest of the repeats; ties: mean on 10 whole numbers"
    yield ""
    yield "|    n | asked % | mean % | law %  |    z | 5-95 % seen   | 5-95 % law    | smallest p | ties: mean % |"
    yield "|---|---|---|---|---|---|---|---|---|"
    rng = np.random.default_rng(seed)
    chances: list[float] = []
    for count, rate in CASES:
        calibration = Calibration.fit(np.arange(count), np.zeros(count))
        k = calibration.rank(rate)
        law = stats.beta(count + 1 - k, k)
        runs = [simulate(count, rate, rng, ties=False) for _ in range(repeats)]
        tied = simulate(count, rate, rng, ties=True)
        found = [float(stats.kstest(rates, law.cdf).pvalue) for rates in runs]
        chances += found
        rates = np.concatenate(runs)
        z = (rates.mean() - law.mean()) * math.sqrt(rates.size) / law.std()
        low, high = 100 * np.quantile(rates, [0.05, 0.95])
        law_low, law_high = (100 * edge for edge in calibration.range90(rate))
        yield (
            f"| {count:4d} | {100 * rate:7.2f} | {100 * rates.mean():6.3f} | {100 * law.mean():6.3f} | {z:+4.1f} "
            f"| {low:5.2f} - {high:5.2f} | {law_low:5.2f} - {law_high:5.2f} | {min(found):10.4f} "
            f"| {100 * tied.mean():12.3f} |"
        )
    low_ones, uniform = sum(p < 0.05 for p in chances), stats.kstest(chances, "uniform").pvalue
    yield ""
    yield f"{low_ones} of {len(chances)} comparisons have p < 0.05 (by chance {len(chances) / 20:.0f})"
    yield f"where the Beta law holds these p are uniform, and a test of that gives {uniform:.3f}"


def model_lines(model: str, data: str) -> Iterator[str]:
    """A row a rate: what the model promises, and how many good test pictures it calls defect."""
    detector = Detector.load(model)
    facts = detector.model.manifest.calibration
    good = read_dataset(data).good("test")
    if facts is None or not good:
        yield f"{model}: {'no calibration' if facts is None else 'no good test pictures'}, so nothing to compare"
        return
    calibration = Calibration.fit(facts.scores, facts.doubts)
    scores, doubts = score_items(detector.runtime, good, detector.model.manifest.input, batch=detector.batch)
    p_values, doubtful = calibration.p_values(scores), calibration.doubt_p_values(doubts)
    yield f"{model}: {calibration.count} calibration pictures, {len(good)} good test pictures of {data}"
    yield ""
    yield "| promised % | range of this calibration % | called defect | observed % | 90 % range % | not ok % |"
    yield "|---|---|---|---|---|---|"
    for rate in sorted({calibration.rate(asked).rate for asked in RATES}):
        alarms = int((p_values <= rate).sum())
        not_ok = ((p_values <= 2 * rate) | (doubtful <= rate)).mean()
        low, high = binomial_range(alarms, len(good))
        own_low, own_high = calibration.range90(rate)
        yield (
            f"| {100 * rate:.2f} | {100 * own_low:.2f} - {100 * own_high:.2f} | {alarms} of {len(good)} "
            f"| {100 * alarms / len(good):.2f} | {100 * low:.2f} - {100 * high:.2f} | {100 * not_ok:.1f} |"
        )


def binomial_range(hits: int, trials: int) -> tuple[float, float]:
    """90 % range of the rate behind `hits` of `trials` (Clopper and Pearson)."""
    found = stats.binomtest(hits, trials).proportion_ci(0.9, method="exact")
    return float(found.low), float(found.high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs=2, action="append", default=[], metavar=("MODEL", "DATA"))
    parser.add_argument("--repeats", type=int, default=10, help="times 10,000 calibrations (default 10)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for line in simulation_lines(options.repeats, options.seed):
        print(line)
    for model, data in options.model:
        print()
        for line in model_lines(model, data):
            print(line)


if __name__ == "__main__":
    main()
