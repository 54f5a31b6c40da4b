"""Where a value lies on an axis, and which round numbers stand beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Where a value lies between `low` (0) and `high` (1); by its logarithm where `log`."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Sequence[float]) -> Scale:
        """A scale for all finite `values`; logarithmic where they are positive and spread over more than 8-fold."""
        finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        if low > 0 and high / low > 8:
            return cls(low / 1.1, high * 1.1, log=True)
        room = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
        return cls(low - room, high + room)

    def place(self, values: npt.ArrayLike) -> Figures:
        """0..1 for values on the scale, beyond it for others."""
        numbers = np.asarray(values, dtype=np.float64)
        if self.log:
            share: Figures = np.log(np.maximum(numbers, 1e-300) / self.low) / math.log(self.high / self.low)
            return share
        return np.asarray((numbers - self.low) / (self.high - self.low), dtype=np.float64)

    def value(self, place: float) -> float:
        """The value that lies at a place, 0..1: the other way round."""
        if self.log:
            return float(self.low * (self.high / self.low) ** place)
        return float(self.low + place * (self.high - self.low))

    def ticks(self, about: int = 6) -> list[float]:
        """Round numbers on the scale."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
            inside = [mark for mark in marks if self.low <= mark <= self.high]
            return inside if len(inside) <= 2 * about else [mark for mark in inside if f"{mark:e}"[0] == "1"]
        raw = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(raw))
        step = min((digit * power for digit in (1, 2, 5, 10) if digit * power >= raw), default=10 * power)
        first = math.ceil(self.low / step)
        return [index * step for index in range(first, math.floor(self.high / step + 1e-9) + 1)]
