"""The report: one HTML page that holds everything it shows and asks no network for anything."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined

from restora.evaluation import Evaluation
from restora.images.overlay import heat_overlay
from restora.report.charts import Line, Scale, line_chart, percent, promise_chart, score_chart, strip
from restora.report.pictures import ReportPicture, coloured, common_scale, outline, photo, worst_first

__all__ = ["ReportPicture", "write_report"]

FIGURES = (
    ("image", "auroc", "Image AUROC", "chance that a defective picture scores above a good one"),
    ("image", "ap", "Image AP", "average precision when pictures are called in the order of their scores"),
    ("image", "f1_max", "Image F1-max", "F1 at its best threshold: an upper bound, not what the verdicts reach"),
    ("pixel", "auroc", "Pixel AUROC", "chance that a defective pixel scores above a sound one"),
    ("pixel", "ap", "Pixel AP", "average precision of pixels"),
    ("pixel", "aupro_30", "AUPRO@0.3", "mean share of each defect found, up to 30 % false-positive pixels"),
    ("pixel", "aupro_05", "AUPRO@0.05", "the same up to 5 %"),
    ("pixel", "aupimo", "AUPIMO", "share of each defect found at 1e-5 to 1e-4 false-positive pixels a good picture"),
)
# dark to light, so that a value's rank survives grey printing
UNSURE = np.array([(13, 17, 42), (33, 62, 110), (46, 125, 140), (120, 190, 140), (246, 243, 190)], dtype=np.float64)


def write_report(
    path: str | os.PathLike[str], evaluation: Evaluation, pictures: Sequence[ReportPicture], *, facts: Mapping[str, Any]
) -> Path:
    """Write the page of an evaluation; the file appears under its name only when it is whole.

    pictures : those shown, in any order; the page puts mistakes first
    facts    : what else is known, all optional; `report.facts.model_facts` gives those of a model folder:
        title            heading of the page
        card             mapping of names to texts: what the model is made of
        terms, reproduce terms of the trunk's weights; the command that makes this model again
        sentences        what is promised, in words
        threshold, review_from, colours (low, high)   of the score and of the heat
        calibration_scores   scores of the calibration pictures
        strangest        ReportPictures of fitting and calibration that look least like the others
        notes            sentences the reader should know (a trunk of random weights, say)
    """
    target = Path(path)
    html = render_report(evaluation, pictures, facts)
    handle, unfinished = tempfile.mkstemp(dir=target.parent or None, prefix=f".{target.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(html)
        os.chmod(unfinished, 0o644)  # mkstemp keeps everybody else out; a report is for others to read
        os.replace(unfinished, target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return target


def render_report(evaluation: Evaluation, pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> str:
    """The page as text; arguments as in `write_report`."""
    environment = Environment(
        loader=PackageLoader("restora.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["figure"] = lambda value, digits=3: "–" if value is None else f"{value:.{digits}f}"
    environment.filters["short"] = lambda value: "–" if value is None else f"{value:.4g}"
    strange = list(facts.get("strangest", ()))
    shown = _cards([*worst_first(pictures), *strange], facts)
    return environment.get_template("page.html.jinja").render(
        title=facts.get("title") or f"Report on {evaluation.dataset.get('name', 'a data set')}",
        evaluation=evaluation.to_dict(),
        headline=_headline(evaluation),
        figures=_figures(evaluation),
        sentences=tuple(evaluation.promise.sentences if evaluation.promise else facts.get("sentences", ())),
        notes=tuple(facts.get("notes", ())),
        charts=_charts(evaluation, facts),
        kinds=_kinds(evaluation, facts),
        cards=shown[: len(pictures)],
        strangest=shown[len(pictures) :],
        rows=_rows(evaluation),
        card=_card(evaluation, facts),
        terms=facts.get("terms"),
        reproduce=facts.get("reproduce"),
    )


def _headline(evaluation: Evaluation) -> list[str]:
    """What happened, in sentences that can be read aloud."""
    counts, verdicts = evaluation.dataset, evaluation.verdicts
    called = [row for row in evaluation.rows if row.prediction.verdict == "defect"]
    said = []
    if counts["defective"]:
        found = sum(row.label == 1 for row in called)
        said.append(f"{found} of {counts['defective']} defective pictures were called defect.")
    if counts["good"]:
        alarms = sum(row.label == 0 for row in called)
        promised = (
            "nothing is promised" if verdicts.promised is None else f"promised at most {percent(verdicts.promised)}"
        )
        said.append(
            f"{alarms} of {counts['good']} good pictures {'was' if alarms == 1 else 'were'} called defect, "
            f"{percent(verdicts.observed)}; {promised}."
        )
    if verdicts.review:
        said.append(f"{percent(verdicts.review)} of the good pictures are left for review.")
    if counts["errors"]:
        said.append(f"{counts['errors']} pictures could not be read; the table says why.")
    return said


def _figures(evaluation: Evaluation) -> list[dict[str, Any]]:
    record = evaluation.to_dict()
    shown = [(part, key, name, words) for part, key, name, words in FIGURES if record[part] is not None]
    return [{"name": name, "value": record[part][key], "words": words} for part, key, name, words in shown]


def _threshold(evaluation: Evaluation, facts: Mapping[str, Any]) -> float | None:
    return evaluation.promise.threshold if evaluation.promise else facts.get("threshold")


def _scores(evaluation: Evaluation, label: int, kind: str | None = None) -> list[float]:
    return [
        row.prediction.score
        for row in evaluation.rows
        if row.label == label and row.prediction.score is not None and kind in (None, row.kind)
    ]


def _scale(evaluation: Evaluation, facts: Mapping[str, Any]) -> Scale:
    threshold = _threshold(evaluation, facts)
    scores = [row.prediction.score for row in evaluation.rows if row.prediction.score is not None]
    return Scale.around([*scores, *([threshold] if threshold is not None else [])])


def _charts(evaluation: Evaluation, facts: Mapping[str, Any]) -> dict[str, Any]:
    threshold, review_from = _threshold(evaluation, facts), facts.get("review_from")
    good, bad = _scores(evaluation, 0), _scores(evaluation, 1)
    charts: dict[str, Any] = {"curves": [], "counts": (len(good), len(bad))}
    if good or bad:
        charts["scores"] = score_chart(good, bad, _scale(evaluation, facts), threshold, review_from)
    verdicts = evaluation.verdicts
    if verdicts.promised is not None:
        charts["promise"] = promise_chart(
            verdicts.promised, verdicts.range90, verdicts.observed, verdicts.observed_range90
        )
    plans = (
        ("ROC", "false-positive rate", "true-positive rate", (("roc", "pictures"), ("pixel_roc", "pixels")), 1.0),
        ("Precision and recall", "recall", "precision", (("pr", "pictures"), ("pixel_pr", "pixels")), 1.0),
        (
            "Share of each defect found (PRO)",
            "false-positive rate of pixels",
            "mean overlap",
            (("pro", "pixels"),),
            0.3,
        ),
    )
    for title, x_label, y_label, names, end in plans:
        lines = [
            Line(name, thin.x, thin.y, name)
            for key, name in names
            if key in evaluation.curves
            for thin in [evaluation.curves[key].thinned(240)]
        ]
        if lines:
            charts["curves"].append(
                (title, line_chart(title, x_label, y_label, lines, x_end=end), [n.name for n in lines])
            )
    return charts


def _kinds(evaluation: Evaluation, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    scale, threshold = _scale(evaluation, facts), _threshold(evaluation, facts)
    rows: list[dict[str, Any]] = [
        {"name": kind, **figures.to_dict(), "strip": strip(_scores(evaluation, 1, kind), scale, threshold, "defective")}
        for kind, figures in evaluation.kinds.items()
    ]
    good = _scores(evaluation, 0)
    if good:
        called = sum(row.label == 0 and row.prediction.verdict == "defect" for row in evaluation.rows)
        dots = strip(good, scale, threshold, "good")
        rows.insert(0, {"name": "good", "n": len(good), "found": called, "auroc": None, "strip": dots})
    return rows


def _cards(pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each picture as the template needs it; the colours of a map mean the same in all of them."""
    low, high = facts.get("colours") or (0.0, common_scale(picture.map for picture in pictures))
    heat, unsure = _heat_table(), _table(UNSURE)
    ends = {
        "probability": 1.0,
        "aleatoric": common_scale(picture.aleatoric for picture in pictures),
        "epistemic": common_scale(picture.epistemic for picture in pictures),
    }
    cards = []
    for picture in pictures:
        maps = [
            {"name": name, "src": coloured(map, 0.0, end, unsure), "end": end}
            for name, end in ends.items()
            if (map := getattr(picture, name)) is not None
        ]
        cards.append(
            {
                "picture": replace(picture, map=None, probability=None, aleatoric=None, epistemic=None, mask=None),
                "mistake": picture.mistake,
                "width": picture.pixels.shape[1],
                "height": picture.pixels.shape[0],
                "photo": photo(picture.pixels),
                "heat": None if picture.map is None else coloured(picture.map, low, high, heat),
                "truth": outline(picture.mask) if picture.mask is not None and picture.mask.any() else None,
                "maps": maps,
            }
        )
    return cards


def _heat_table() -> npt.NDArray[np.uint8]:
    """The overlay's colours as [256, 4], found by laying its whole range over black and over white."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    black, white = (
        heat_overlay(np.full((1, 256, 3), value, dtype=np.uint8), ramp, 0.0, 1.0)[0].astype(np.float64)
        for value in (0, 255)
    )
    cover = 1 - (white - black).mean(axis=1, keepdims=True) / 255
    return np.round(np.hstack([black / np.maximum(cover, 1 / 255), cover * 255]).clip(0, 255)).astype(np.uint8)


def _table(stops: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    at, places = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    return np.stack([np.interp(at, places, stops[:, band]) for band in range(3)], axis=1).round().astype(np.uint8)


def _rows(evaluation: Evaluation) -> list[list[Any]]:
    """Rows of the verdict table, as the page's script reads them."""

    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.6g}")

    return [
        [
            row.prediction.name.encode("utf-8", "backslashreplace").decode(),
            row.kind,
            row.label,
            row.prediction.verdict,
            short(row.prediction.p_value),
            short(row.prediction.score),
            short(row.prediction.doubt),
            len(row.prediction.regions),
            row.prediction.error or row.prediction.reason or "",
        ]
        for row in evaluation.rows
    ]


def _card(evaluation: Evaluation, facts: Mapping[str, Any]) -> dict[str, str]:
    """The model card: the folder's facts, or what the evaluation itself knows of the model."""
    if facts.get("card"):
        return {str(name): str(value) for name, value in facts["card"].items()}
    return {str(name): str(value) for name, value in evaluation.model.items() if not isinstance(value, dict | list)}
