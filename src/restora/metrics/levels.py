"""Everything counted at the distinct scores of the anomalous pixels; the scores of normal pixels are never kept.

Normal scores are gathered into heaps before they are sorted and counted, because every counting looks up each level:
few large heaps are faster than one a picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restora.metrics.pimo import LOWER, credit
from restora.metrics.ranking import Figures, Ranking, Scores, count_from
from restora.metrics.saturation import weights

HEAP = 4_000_000  # scores, 16 MB in float32; measured: heaps of 1 million take half as long again, of 16 no less


@dataclass(frozen=True, eq=False, slots=True)
class Marked:
    """The anomalous pixels of one picture.

    scores  : (P,) float
    regions : (P,) int32, 1..R, the region that each pixel belongs to
    peaks   : what `saturation.highest` gives of the regions whose saturation is stated, None where none is
    """

    scores: Scores
    regions: NDArray[np.int32]
    peaks: tuple[Scores, ...] | None = None


class Levels:
    """Counts at each distinct anomalous score, rising, and what the figures need of the anomalous pixels."""

    def __init__(self, pictures: Sequence[Marked]) -> None:
        self._sizes = np.array([picture.scores.size for picture in pictures], dtype=np.int64)
        scores = np.concatenate([picture.scores for picture in pictures]) if pictures else np.empty(0, np.float32)
        shares = np.concatenate([_weights(picture.regions) for picture in pictures]) if pictures else np.empty(0)
        order, starts = _tied(scores)
        scores = scores[order]
        self._values = scores[starts]
        self._anomalous = np.diff(starts, append=scores.size)
        self._share = np.add.reduceat(shares[order], starts) if scores.size else shares
        self._saturated = _saturated(self._values, pictures)
        self._picture = np.repeat(np.arange(len(pictures), dtype=np.int32), self._sizes)[order]
        self._normals = 0
        self._from = np.zeros(self._values.size, dtype=np.int64)
        self._above = np.zeros(self._values.size, dtype=np.int64)
        self._good_pictures = 0
        self._good_pixels = 0
        self._good_rates = np.zeros(self._values.size)  # sum over good pictures of the share of each at or above
        self._heaps: defaultdict[int, list[Scores]] = defaultdict(list)
        self._heaped = 0

    def count_defective(self, normal: Scores) -> None:
        """Count the normal pixels of a defective picture; (N,), kept by the caller no longer."""
        self._gather(0, normal)

    def count_good(self, normal: Scores) -> None:
        """Count the pixels of a good picture; (N,). One of which everything is ignored counts for nothing."""
        if normal.size:
            self._good_pictures += 1
            self._good_pixels += normal.size
            self._gather(normal.size, normal)

    def _gather(self, size: int, normal: Scores) -> None:
        """Put scores on the heap of good pictures of `size` pixels (they weigh alike), or on heap 0."""
        self._normals += normal.size
        self._heaps[size].append(normal)
        self._heaped += normal.size
        if self._heaped >= max(HEAP, 2 * self._values.size):  # or the levels would cost more than the scores
            self._count_heaps()

    def _count_heaps(self) -> None:
        while self._heaps:
            size, arrays = self._heaps.popitem()
            heap = np.concatenate(arrays)
            heap.sort()
            reaching, above = count_from(self._values, heap)
            self._from += reaching
            self._above += above
            if size:
                self._good_rates += reaching / size
        self._heaped = 0

    def ranking(self) -> Ranking:
        """Normal pixels as the goods, anomalous pixels as the bads."""
        self._count_heaps()
        return Ranking(
            levels=self._values[::-1],
            bad=self._anomalous[::-1],
            good_from=self._from[::-1],
            good_above=self._above[::-1],
            goods=self._normals,
        )

    def share(self) -> Figures:
        """(K,) at falling levels: the sum over the pixels at this level of 1 / (area of the pixel's region)."""
        return self._share[::-1]

    def saturated_share(self) -> Figures | None:
        """(K,) at falling levels: the sum over the regions of what is found of their saturation at this level alone.

        None where a picture in which something is marked does not state it.
        """
        return None if self._saturated is None else self._saturated[::-1]

    def aupimo(self) -> tuple[float | None, ...]:
        """One AUPIMO a defective picture, None where nothing is marked; all None if 1e-5 is less than one pixel."""
        self._count_heaps()
        if self._good_pixels * LOWER < 1.0:
            return (None,) * len(self._sizes)
        found = np.repeat(credit(self._good_rates / self._good_pictures), self._anomalous)
        sums = np.bincount(self._picture, found, minlength=self._sizes.size)
        return tuple(float(total / size) if size else None for total, size in zip(sums, self._sizes, strict=True))


def rising_order(scores: Scores) -> NDArray[np.integer]:
    """The places of (P,) finite scores from the lowest to the highest, equals in the order they came.

    Score and place of a float32 make one uint64, and sorting that is several times faster than `argsort`.
    """
    if scores.dtype != np.float32 or scores.size >= 2**32:
        return np.argsort(scores, kind="stable")
    bits = (scores + np.float32(0)).view(np.uint32)  # adding turns -0.0, which equals 0.0, into it
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(2**31))
    keys = rising.astype(np.uint64) << np.uint64(32) | np.arange(scores.size, dtype=np.uint64)
    keys.sort()
    return keys.astype(np.uint32)  # the lower half


def _tied(scores: Scores) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """`rising_order`, and where in it each distinct score begins."""
    order = rising_order(scores)
    return order, np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)


def _saturated(levels: Scores, pictures: Sequence[Marked]) -> Figures | None:
    """`Levels.saturated_share` at rising levels; each score of `peaks` is one of them."""
    marked = [picture.peaks for picture in pictures if picture.scores.size]
    peaks = [one for stated in marked if stated is not None for one in stated]
    if not peaks or any(stated is None for stated in marked):
        return None
    scores = np.concatenate(peaks)
    order, starts = _tied(scores)
    found = np.zeros(levels.size)
    found[np.searchsorted(levels, scores[order[starts]])] = np.add.reduceat(weights(peaks)[order], starts)
    return found


def _weights(regions: NDArray[np.int32]) -> Figures:
    """(P,) regions -> (P,) 1 / area of each pixel's region, so that each region weighs one."""
    areas = np.bincount(regions)[regions]
    return 1.0 / areas.astype(np.float64)
