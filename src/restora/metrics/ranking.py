"""How well scores put the bad above the good: AUROC, average precision, F1-max, and their curves, exactly.

A score says "the larger, the stranger"; "called bad at t" means score >= t. Nothing is binned: only the distinct
scores of the *bad* are ever a threshold worth looking at. A score held by goods alone adds false alarms and nothing
else, so no maximum, no step of precision and no corner of a curve is lost by leaving it out.

Every figure is None where it is undefined, that is, without a good or without a bad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restora.errors import UsageError

Scores = NDArray[np.floating]
Counts = NDArray[np.int64]
Figures = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """Goods and bads counted at each distinct score of the bad: all that the figures below need to know.

    levels     : (K,) float, the distinct scores of the bad, falling
    bad        : (K,) int64, bads that have exactly this score
    good_from  : (K,) int64, goods at this score or above
    good_above : (K,) int64, goods above this score
    goods      : number of goods
    """

    levels: Scores
    bad: Counts
    good_from: Counts
    good_above: Counts
    goods: int

    @property
    def bads(self) -> int:
        """Number of bads."""
        return int(self.bad.sum())

    @property
    def is_defined(self) -> bool:
        """Whether there is a good and a bad to compare."""
        return self.goods > 0 and self.levels.size > 0


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A line from corner to corner.

    x, y : (M,) float64
    """

    x: Figures
    y: Figures

    def thinned(self, points: int) -> Curve:
        """At most `points` of the corners, spread evenly along the line, both ends kept; for drawing, not for areas."""
        if self.x.size <= points:
            return self
        way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(self.x)) + np.abs(np.diff(self.y)))])
        chosen = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], points)).clip(max=self.x.size - 1))
        chosen[0], chosen[-1] = 0, self.x.size - 1
        return Curve(self.x[chosen], self.y[chosen])


def as_scores(values: ArrayLike, what: str) -> Scores:
    """`values` as float32 or float64, any shape; float64 where float32 would lose digits. NaN and infinity are refused.

    raises : UsageError naming `what` when a value is not a finite number
    """
    array = np.asarray(values)
    if array.dtype != np.float32:
        if array.dtype.kind not in "buif":
            raise UsageError(f"{what} must be numbers, but they are of type {array.dtype}.")
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    if not np.isfinite(array).all():
        raise UsageError(f"{what} hold NaN or infinity; look at what made them before any figure is taken from them.")
    return array


def count_from(levels: Scores, ordered: Scores) -> tuple[Counts, Counts]:
    """How many of `ordered` lie at or above, and how many above, each level.

    levels  : (K,) rising
    ordered : (N,) rising
    returns : two (K,) int64
    """
    if levels.size <= ordered.size:  # look up the few among the many, whichever side they are on
        below = np.searchsorted(ordered, levels, side="left")
        not_above = below.copy()
        tied = np.flatnonzero(ordered[np.minimum(below, ordered.size - 1)] == levels)
        not_above[tied] = np.searchsorted(ordered, levels[tied], side="right")
        return ordered.size - below, ordered.size - not_above
    reached = np.bincount(np.searchsorted(levels, ordered, side="right"), minlength=levels.size + 1)
    passed = np.bincount(np.searchsorted(levels, ordered, side="left"), minlength=levels.size + 1)
    return _sum_after(reached), _sum_after(passed)


def _sum_after(counts: Counts) -> Counts:
    """(K + 1,) -> (K,): the sum of everything behind each place."""
    return np.cumsum(counts[:0:-1])[::-1]


def rank(good: ArrayLike, bad: ArrayLike) -> Ranking:
    """Count goods and bads at each distinct bad score.

    good, bad : scores of any shape, larger is stranger
    raises    : UsageError on NaN or infinity
    """
    ordered = np.sort(as_scores(good, "The scores of the good").ravel())
    levels, counts = np.unique(as_scores(bad, "The scores of the bad").ravel(), return_counts=True)
    reaching, above = count_from(levels, ordered)
    return Ranking(levels[::-1], counts[::-1].astype(np.int64), reaching[::-1], above[::-1], ordered.size)


def auroc(good: ArrayLike, bad: ArrayLike) -> float | None:
    """Chance that a bad scores above a good, a tie counting half; 0..1, or None without a good or a bad."""
    return auroc_of(rank(good, bad))


def average_precision(good: ArrayLike, bad: ArrayLike) -> float | None:
    """Precision at each distinct score, weighted by the recall gained there (no interpolation); 0..1, or None."""
    return average_precision_of(rank(good, bad))


def f1_max(good: ArrayLike, bad: ArrayLike) -> float | None:
    """Largest F1 over all thresholds; an upper bound that no threshold chosen beforehand reaches; 0..1, or None."""
    return f1_max_of(rank(good, bad))


def roc_curve(good: ArrayLike, bad: ArrayLike) -> Curve | None:
    """Share of the goods called bad (x) against share of the bads called bad (y), from (0, 0) to (1, 1); or None."""
    return roc_of(rank(good, bad))


def pr_curve(good: ArrayLike, bad: ArrayLike) -> Curve | None:
    """Recall (x, rising) against precision (y) at each distinct bad score; or None."""
    return pr_of(rank(good, bad))


def auroc_of(ranking: Ranking) -> float | None:
    """AUROC of counted scores: each bad beats the goods below it, and half of those beside it."""
    if not ranking.is_defined:
        return None
    # doubled so that halves stay whole numbers; float64 before multiplying, since pixels would overflow int64
    beaten = (2 * ranking.goods - ranking.good_from - ranking.good_above).astype(np.float64)
    return float(beaten @ ranking.bad.astype(np.float64) / (2.0 * ranking.goods * ranking.bads))


def average_precision_of(ranking: Ranking) -> float | None:
    """Average precision of counted scores."""
    if not ranking.is_defined:
        return None
    found = np.cumsum(ranking.bad)
    return float(ranking.bad @ (found / (found + ranking.good_from)) / found[-1])


def f1_max_of(ranking: Ranking) -> float | None:
    """Largest F1 of counted scores."""
    if not ranking.is_defined:
        return None
    found = np.cumsum(ranking.bad)
    return float(np.max(2 * found / (found + ranking.good_from + found[-1])))


def roc_of(ranking: Ranking) -> Curve | None:
    """ROC curve of counted scores: level between two levels of the bad, slanted where good and bad are tied."""
    if not ranking.is_defined:
        return None
    return corners(ranking, np.cumsum(ranking.bad) / ranking.bads)


def pr_of(ranking: Ranking) -> Curve | None:
    """Precision over recall of counted scores, one corner a level."""
    if not ranking.is_defined:
        return None
    found = np.cumsum(ranking.bad)
    return Curve(found / found[-1], found / (found + ranking.good_from))


def corners(ranking: Ranking, reached: Figures) -> Curve:
    """Line of the goods' share (x) and `reached` (y) through every level, from (0, 0) to (1, 1).

    reached : (K,) float64, what y has come to at each level, rising to 1
    """
    x = np.empty(2 * reached.size + 2)
    y = np.empty_like(x)
    x[0], x[-1], y[0], y[1], y[-1] = 0.0, 1.0, 0.0, 0.0, 1.0
    x[1:-1:2] = ranking.good_above / ranking.goods
    x[2:-1:2] = ranking.good_from / ranking.goods
    y[2:-1:2] = reached
    y[3:-1:2] = reached[:-1]
    return Curve(x, y)
