"""Figures of a whole test set: of a model's verdicts (`record`), and of anybody's score maps (`maps`)."""

from restora.evaluation.maps import score_maps
from restora.evaluation.record import (
    ApartFigures,
    Evaluation,
    ImageFigures,
    KindFigures,
    Row,
    VerdictFigures,
    evaluate_rows,
    rate_range90,
)

__all__ = [
    "ApartFigures",
    "Evaluation",
    "ImageFigures",
    "KindFigures",
    "Row",
    "VerdictFigures",
    "evaluate_rows",
    "rate_range90",
    "score_maps",
]
