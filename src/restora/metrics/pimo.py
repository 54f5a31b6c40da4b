"""AUPIMO: how much of each anomalous picture is found while good pictures stay nearly free of alarms, exactly.

For one anomalous picture, recall(x) is the largest share of its anomalous pixels that some threshold finds while the
false-positive rate, averaged over *good pictures only* with equal weight, is at most x. AUPIMO of the picture is the
mean of recall over ln x from L = 1e-5 to U = 1e-4 (Bertoldo et al., BMVC 2024, arXiv 2401.01984).

A pixel of score s is found as soon as x reaches F(s), the rate at threshold s. So its share of the integral is the
part of [ln L, ln U] to the right of ln F(s), and the picture's figure is the mean of that over its pixels: no
thresholds to choose, no ends cut off. Where good pixels tie, no threshold has a rate in between, and recall stays
what it was (the authors' program draws a line instead; without heavy ties both agree).
"""

from __future__ import annotations

import numpy as np

from restora.metrics.ranking import Figures

LOWER, UPPER = 1e-5, 1e-4


def credit(rates: Figures, lower: float = LOWER, upper: float = UPPER) -> Figures:
    """Share of [ln lower, ln upper] in which an anomalous pixel counts as found.

    rates   : mean false-positive rate of the good pictures at the pixel's score, 0..1
    returns : the same shape, 1 where the pixel is found at `lower` already, 0 where not even at `upper`
    """
    found: Figures = np.log(upper / np.clip(rates, lower, upper)) / np.log(upper / lower)
    return found
