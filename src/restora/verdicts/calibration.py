"""Conformal calibration: from the scores of held-back good pictures to a false-alarm rate that can be promised.

A good picture that is exchangeable with the n calibration pictures has p-value `(1 + #{c_i >= s}) / (n + 1)`, and
`P(p <= a) <= a` for every a, any score, any n (Bates, Candes, Lei, Romano, Sesia, arXiv 2104.08279). That holds on
average over calibrations; the rate that one calibration really has follows `Beta(n + 1 - k, k)`, with
`k = ceil((1 - a)(n + 1))`, when scores do not tie, and lies below that law when they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv

from restora.errors import UsageError
from restora.images.split import FEWEST_GOOD

DEFAULT_RATE = 0.01
NO_CALIBRATION = (
    f"This model has no calibration (it saw fewer than {FEWEST_GOOD} good pictures), so nothing is promised and every "
    "verdict is review; add good pictures with restora calibrate."
)


@dataclass(frozen=True)
class Rate:
    """The false-alarm rate in use. `sentence` says why it is not the one asked for (or usual), None where it is."""

    rate: float
    asked: float | None
    reachable: bool
    sentence: str | None
    missing_pictures: int


@dataclass(frozen=True)
class Promise:
    """What is promised at one rate, in numbers and in `sentences`.

    rate : at most this share of good pictures is called defect, on average over calibrations
    range90 : where the rate of this one calibration lies, nine times in ten (scores without ties)
    threshold, doubt_threshold : a score above the first is a defect, a doubt above the second is for review
    not_ok : at most about this share of good pictures is not ok (defect or review)
    confident_k, confident_threshold : rank and score above which at most `rate` of the good pictures lies with 95 %
        confidence; None where the calibration is too small for that
    """

    rate: float
    asked: float | None
    pictures: int
    range90: tuple[float, float]
    threshold: float
    doubt_threshold: float
    not_ok: float
    confident_k: int | None
    confident_threshold: float | None
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and strings, ready for JSON."""
        fields = dict(self.__dict__)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}

    def with_notes(self, notes: Sequence[str]) -> Promise:
        """The same promise, its sentences preceded by remarks on how it came about."""
        return replace(self, sentences=(*notes, *self.sentences))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores and doubts of n calibration pictures, each sorted upwards; made by `Calibration.fit`."""

    scores: NDArray[np.float64]
    doubts: NDArray[np.float64]

    @classmethod
    def fit(cls, scores: ArrayLike, doubts: ArrayLike) -> Self:
        """Learn from the (n,) scores and doubts of good pictures the model was not fitted on; their order is no matter.

        Raises UsageError for none at all, for numbers that do not pair, and for NaN or infinity.
        """
        pair = [np.sort(np.asarray(values, dtype=np.float64).ravel()) for values in (scores, doubts)]
        if pair[0].size == 0 or pair[0].size != pair[1].size:
            raise UsageError(
                f"A calibration needs one doubt for every score and at least one picture; it got {pair[0].size} scores "
                f"and {pair[1].size} doubts."
            )
        if not all(np.isfinite(values).all() for values in pair):
            raise UsageError("The calibration scores or doubts hold NaN or infinity; the model is broken, train again.")
        return cls(*pair)

    @property
    def count(self) -> int:
        """Number n of calibration pictures."""
        return int(self.scores.size)

    @cached_property
    def smallest_rate(self) -> float:
        """The smallest false-alarm rate that n pictures can promise, 1 / (n + 1)."""
        return 1 / (self.count + 1)

    def p_values(self, scores: ArrayLike) -> NDArray[np.float64]:
        """(m,) scores -> (m,) p-values in [1 / (n + 1), 1]."""
        return _p_values(self.scores, scores)

    def doubt_p_values(self, doubts: ArrayLike) -> NDArray[np.float64]:
        """(m,) doubts -> (m,) p-values in [1 / (n + 1), 1]."""
        return _p_values(self.doubts, doubts)

    def rank(self, rate: float) -> int:
        """k = ceil((1 - rate)(n + 1)): a score above the k-th smallest has p <= rate; n + 1 where none has."""
        return self.count + 1 - _ranks_allowed(check_rate(rate), self.count)

    def threshold(self, rate: float) -> float:
        """Score above which p <= rate; infinity where the rate is smaller than can be promised."""
        return self._at_rank(self.scores, self.rank(rate))

    def doubt_threshold(self, rate: float) -> float:
        """Doubt above which a picture is for review, by the same rule as the score's."""
        return self._at_rank(self.doubts, self.rank(rate))

    def rate(self, asked: float | None = None) -> Rate:
        """The rate to use: the one asked for (default 0.01), or the smallest one that n pictures can promise.

        Raises UsageError for a rate that is not between 0 and 1.
        """
        wanted = DEFAULT_RATE if asked is None else check_rate(asked)
        if self.rank(wanted) <= self.count:
            return Rate(wanted, asked, True, None, 0)
        missing = pictures_needed(wanted) - self.count
        who = "cannot be promised" if asked is not None else "would need more"
        sentence = (
            f"A false-alarm rate of {percent(wanted)} {who}: {self.count} calibration pictures allow "
            f"{percent(self.smallest_rate)} at the least, which is used; {missing} more good pictures are missing."
        )
        return Rate(self.smallest_rate, asked, False, sentence, missing)

    def range90(self, rate: float) -> tuple[float, float]:
        """5 % and 95 % quantiles of Beta(n + 1 - k, k), the law of the rate that this one calibration really has."""
        k = self.rank(rate)
        if k > self.count:
            return 0.0, 0.0
        low, high = betaincinv(self.count + 1 - k, k, [0.05, 0.95])
        return float(low), float(high)

    def k_with_confidence(self, rate: float, confidence: float = 0.95) -> int | None:
        """Smallest k whose score is exceeded by at most `rate` of good pictures with this confidence, or None."""
        ranks = np.arange(1, self.count + 1)
        sure = betainc(self.count + 1 - ranks, ranks, check_rate(rate)) >= confidence
        return int(ranks[sure.argmax()]) if sure.any() else None

    def colours(self, rate: float) -> tuple[float, float]:
        """Map values where heat colours begin and are full: the median score and twice the threshold."""
        low, high = float(np.median(self.scores)), 2 * self.threshold(rate)
        return low, high if high > low else low + max(abs(low), 1e-6)

    def promise(self, asked: float | None = None) -> Promise:
        """The promise at the rate that `rate(asked)` gives."""
        used = self.rate(asked)
        k = self.k_with_confidence(used.rate)
        return Promise(
            rate=used.rate,
            asked=used.asked,
            pictures=self.count,
            range90=self.range90(used.rate),
            threshold=self.threshold(used.rate),
            doubt_threshold=self.doubt_threshold(used.rate),
            not_ok=min(1.0, 3 * used.rate),
            confident_k=k,
            confident_threshold=None if k is None else float(self.scores[k - 1]),
            sentences=self._sentences(used, k),
        )

    def _sentences(self, used: Rate, k: int | None) -> tuple[str, ...]:
        low, high = self.range90(used.rate)
        said = [
            f"At most {percent(used.rate)} of good pictures like the {self.count} it was calibrated on are called "
            "defect, on average over calibrations.",
            f"The rate of this one calibration lies between {percent(low)} and {percent(high)} nine times in ten.",
            f"At most about {percent(min(1.0, 3 * used.rate))} of good pictures are not ok (defect or review).",
        ]
        if k is None:
            needed = math.ceil(math.log(0.05) / math.log1p(-used.rate))
            said.append(f"At most {percent(used.rate)} with 95 % confidence needs {needed} calibration pictures.")
        else:
            score = float(self.scores[k - 1])
            said.append(f"A score above {score:.6g} (rank {k}) keeps to {percent(used.rate)} with 95 % confidence.")
        return tuple(said if used.sentence is None else [used.sentence, *said])

    @staticmethod
    def _at_rank(values: NDArray[np.float64], k: int) -> float:
        return float(values[k - 1]) if k <= values.size else math.inf


def check_rate(rate: float) -> float:
    """The rate itself, or UsageError where it is not between 0 and 1."""
    if not 0 < rate < 1:
        raise UsageError(
            f"A false-alarm rate lies between 0 and 1, not at {rate:g}: no number of pictures can promise 0; "
            "ask for example for 0.01 (one good picture in a hundred)."
        )
    return float(rate)


def pictures_needed(rate: float) -> int:
    """The smallest n whose calibration can promise `rate`: 1 / (n + 1) <= rate."""
    exact = math.ceil(1 / Fraction(rate)) - 1
    # 1 / (n + 1) is compared rounded, as p-values are: where it rounds to the rate, one picture fewer may do
    return exact - 1 if exact > 1 and 1 / exact <= rate else max(1, exact)


def percent(share: float) -> str:
    """A share in words, three figures of it: 0.015385 -> "1.54 %"."""
    return f"{100 * share:.3g} %"


def _p_values(calibration: NDArray[np.float64], values: ArrayLike) -> NDArray[np.float64]:
    below = np.searchsorted(calibration, np.asarray(values, dtype=np.float64), side="left")
    return np.asarray((1 + calibration.size - below) / (calibration.size + 1), dtype=np.float64)


def _ranks_allowed(rate: float, count: int) -> int:
    """The largest j with j / (n + 1) <= rate, compared as p-values are: as rounded quotients.

    `floor(rate * (n + 1))` would lose a rank where the product rounds down (0.07 * 100 and the like).
    """
    ranks = math.floor(rate * (count + 1))
    while (ranks + 1) / (count + 1) <= rate:
        ranks += 1
    while ranks / (count + 1) > rate:
        ranks -= 1
    return ranks
