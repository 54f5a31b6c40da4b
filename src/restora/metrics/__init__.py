"""Exact metrics for anomaly scores and maps; numpy and scipy only, useful alone.

Scores: `auroc`, `average_precision`, `f1_max`, `roc_curve`, `pr_curve`.
Maps: `pixel_figures`, `aupro`, `aupimo`, `spro` of maps at hand; `PixelScores` one map at a time.
Regions: `label_regions` of a mask, `regions_above` a threshold.
"""

from restora.metrics.pixels import (
    PixelCurves,
    PixelFigures,
    PixelScores,
    aupimo,
    aupro,
    pixel_figures,
    pixel_scores,
    spro,
)
from restora.metrics.ranking import Curve, auroc, average_precision, f1_max, pr_curve, roc_curve
from restora.metrics.regions import Part, label_regions, regions_above

__all__ = [
    "Curve",
    "Part",
    "PixelCurves",
    "PixelFigures",
    "PixelScores",
    "aupimo",
    "aupro",
    "auroc",
    "average_precision",
    "f1_max",
    "label_regions",
    "pixel_figures",
    "pixel_scores",
    "pr_curve",
    "regions_above",
    "roc_curve",
    "spro",
]
