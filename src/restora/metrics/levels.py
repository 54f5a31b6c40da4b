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

HEAP = 4_000_000  # scores, 16 MB in float32; measured: heaps of 1 million take half as long again, of 16 no less


@dataclass(frozen=True, eq=False, slots=True)
class Marked:
    """The anomalous pixels of one picture.

    scores  : (P,) float
    regions : (P,) int32, 1..R, the region that each pixel belongs to
    """

    scores: Scores
    regions: NDArray[np.int32]


class Levels:
    """Counts at each distinct anomalous score, rising, and what the figures need of the anomalous pixels."""

    def __init__(self, pictures: Sequence[Marked]) -> None:
        scores = np.concatenate([picture.scores for picture in pictures]) if pictures else np.empty(0, np.float32)
        self._values, self._place, self._anomalous = np.unique(scores, return_inverse=True, return_counts=True)
        self._ends = np.cumsum([picture.scores.size for picture in pictures], dtype=np.int64)
        weights = np.concatenate([_weights(picture.regions) for picture in pictures]) if pictures else np.empty(0)
        self._share = np.bincount(self._place, weights, minlength=self._values.size).astype(np.float64, copy=False)
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
        if self._heaped >= HEAP:
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

    def aupimo(self) -> tuple[float | None, ...]:
        """One AUPIMO a defective picture, None where nothing is marked; all None if 1e-5 is less than one pixel."""
        self._count_heaps()
        if self._good_pixels * LOWER < 1.0:
            return (None,) * self._ends.size
        found = credit(self._good_rates / self._good_pictures)[self._place]
        pictures = np.split(found, self._ends[:-1]) if self._ends.size else []
        return tuple(float(pixels.mean()) if pixels.size else None for pixels in pictures)


def _weights(regions: NDArray[np.int32]) -> Figures:
    """(P,) regions -> (P,) 1 / area of each pixel's region, so that each region weighs one."""
    areas = np.bincount(regions)[regions]
    return 1.0 / areas.astype(np.float64)
