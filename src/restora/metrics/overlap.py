"""AUPRO: how much of each true region is found, averaged over regions, for the false alarms that are allowed.

PRO(t) is the mean over all regions of all pictures of the share of the region with score >= t; FPR(t) is the share
of all defect-free pixels, those of good pictures included, with score >= t. AUPRO(L) is the area under PRO over FPR
from 0 to L, divided by L: 1 is perfect, L / 2 is what random scores get. This is the definition of MVTec AD
(Bergmann et al., IJCV 2021) with its usual L = 0.3, evaluated at every distinct score: between two scores of the
anomalous pixels PRO cannot change, so their levels are all the corners the curve has.
"""

from __future__ import annotations

import numpy as np

from restora.errors import UsageError
from restora.metrics.ranking import Curve, Figures, Ranking, corners


def overlap_of(ranking: Ranking, share: Figures | None) -> Curve | None:
    """PRO (y) over FPR (x), from (0, 0) to (1, 1); None without regions or without defect-free pixels.

    share : (K,) float64, at each level the sum over its pixels of 1 / (area of the pixel's region); of sPRO, what
            `Levels.saturated_share` says, None where it says nothing
    """
    if share is None or not ranking.is_defined:
        return None
    reached = np.cumsum(share)
    return corners(ranking, reached / reached[-1])


def area_up_to(curve: Curve, limit: float) -> float:
    """Area under the curve from x = 0 to x = limit, divided by limit; linear on the piece that crosses the limit.

    limit  : above 0 and at most 1
    raises : UsageError for another limit
    """
    if not 0.0 < limit <= 1.0:
        raise UsageError(f"The limit of AUPRO or AU-sPRO must be above 0 and at most 1, but it is {limit}.")
    inside = int(np.searchsorted(curve.x, limit, side="right"))
    x, y = curve.x[:inside], curve.y[:inside]
    area = float(np.trapezoid(y, x))
    if inside < curve.x.size:
        part = (limit - x[-1]) / (curve.x[inside] - x[-1])
        at_limit = y[-1] + part * (curve.y[inside] - y[-1])
        area += float((limit - x[-1]) * (y[-1] + at_limit) / 2)
    return area / limit
