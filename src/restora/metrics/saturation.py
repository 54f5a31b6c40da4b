"""sPRO: how much of each true region is found, where a stated number of its pixels counts as all of it.

sPRO(t) is the mean over all regions of min(pixels of the region with score >= t / saturation, 1): a part that is
missing is found as soon as one place where it might have been is. AU-sPRO(L) is the area under sPRO over the
false-positive rate as AUPRO has it, from 0 to L, divided by L. This is the definition of MVTec LOCO AD (Bergmann et
al., IJCV 2022) with its usual L = 0.05. Regions may overlap: a pixel then counts in each of them.

The k-th highest score of a region adds 1 / saturation while k is at most the saturation, and nothing after that. So
of a region only as many of its scores are kept as are enough, and ties need no care: equals add at one level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restora.errors import UsageError
from restora.metrics.ranking import Scores

SaturatedRegion = tuple[ArrayLike, int]
"""Mask (H, W), above 0 on the region's pixels, and how many of them are enough. Under 1 counts as 1."""


def highest(scores: Scores, regions: Iterable[tuple[NDArray[np.bool_], int]]) -> tuple[Scores, ...]:
    """The scores of each region that count, in no order: its highest, as many as are enough.

    scores  : (H, W) float
    regions : (H, W) bool and how many of its pixels are enough, at least 1 and at most all of them
    returns : (s,) float for each region that marks anything
    raises  : UsageError when a number is not whole
    """
    found = []
    for mask, enough in regions:
        if not isinstance(enough, (int, np.integer)):
            raise UsageError(f"How many pixels of a region are enough must be a whole number, but it is {enough}.")
        inside = scores[mask]
        if inside.size:
            kept = min(max(int(enough), 1), inside.size)
            found.append(np.partition(inside, -kept)[-kept:].copy())  # a view would keep the whole region
    return tuple(found)


def weights(peaks: Sequence[Scores]) -> NDArray[np.float64]:
    """What each score of `highest` adds to the share found of its region, all regions in a row."""
    sizes = np.array([one.size for one in peaks])
    return np.repeat(1.0 / sizes, sizes)
