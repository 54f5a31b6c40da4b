"""How an evaluation shows itself in a notebook: figures, kinds of defects, what was promised and what happened."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from restora.images.display import small_table
from restora.metrics.pixels import is_shown

if TYPE_CHECKING:
    from restora.evaluation.record import Evaluation

UNDEFINED = "–"
NAMES = {"auroc": "AUROC", "ap": "AP", "f1_max": "F1-max", "aupro_30": "AUPRO@0.3", "aupro_05": "AUPRO@0.05"}
NAMES |= {"aupimo": "AUPIMO", "spro_05": "sPRO@0.05"}


def evaluation_html(evaluation: Evaluation) -> str:
    """A small self-contained piece of HTML; colours are left to the page, light or dark."""
    counts = evaluation.dataset
    title = (
        f"<b>{escape(str(counts.get('name', 'Evaluation')))}</b>: {counts['good']} good and {counts['defective']} "
        "defective pictures"
    )
    if counts["errors"]:
        title += f"; {counts['errors']} of all {counts['pictures']} could not be read"
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in _sentences(evaluation))
    return f"<div><p>{title}</p>{said}{_figures(evaluation)}{_kinds(evaluation)}</div>"


def _figures(evaluation: Evaluation) -> str:
    image: dict[str, float | None] = evaluation.image.to_dict()
    pixel: dict[str, float | None] = evaluation.pixel.to_dict() if evaluation.pixel is not None else {}
    names = {name: words for name, words in NAMES.items() if is_shown(name, pixel.get(name))}
    rows = [(words, _figure(image.get(name)), _figure(pixel.get(name))) for name, words in names.items()]
    return small_table(("figure", "pictures", "pixels"), rows if pixel else rows[: len(image)])


def _kinds(evaluation: Evaluation) -> str:
    rows = [
        (kind, figures.n, f"{figures.found} of {figures.n}", _figure(figures.auroc))
        for kind, figures in evaluation.kinds.items()
    ]
    return small_table(("kind", "pictures", "called defect", "AUROC"), rows) if rows else ""


def _sentences(evaluation: Evaluation) -> list[str]:
    verdicts = evaluation.verdicts
    if verdicts.promised is None:
        said = ["Nothing was promised: the model has no calibration."]
    else:
        said = [f"Promised: at most {_percent(verdicts.promised)} of good pictures are called defect, on average."]
        if verdicts.range90 is not None:
            low, high = verdicts.range90
            said[0] += (
                f" With this calibration the rate lies in {_percent(low)} to {_percent(high)}, nine times in ten."
            )
    happened = []
    if verdicts.observed is not None:
        happened.append(f"{_percent(verdicts.observed)} of the good pictures were called defect")
        if verdicts.observed_range90 is not None:
            low, high = verdicts.observed_range90
            happened[0] += f" (90 % range {_percent(low)} to {_percent(high)})"
    if verdicts.review is not None:
        happened.append(f"{_percent(verdicts.review)} of them are for review")
    if verdicts.found is not None:
        happened.append(f"{_percent(verdicts.found)} of the defective pictures were called defect")
    return [*said, *([f"Happened: {', '.join(happened)}."] if happened else [])]


def _figure(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
