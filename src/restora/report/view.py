"""What the page's template is given: an evaluation, pictures and facts, as texts, numbers and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from restora.evaluation import Evaluation
from restora.metrics.pixels import is_shown
from restora.report.advice import advise, outcomes
from restora.report.charts import Line, line_chart, percent, promise_chart, score_chart, strip
from restora.report.colours import heat_table, unsure_table
from restora.report.pictures import LEVELS_BESIDE, ReportPicture, coloured, common_scale, outline, photo, worst_first
from restora.report.scale import Scale

FIGURES = (
    ("image", "auroc", "Image AUROC", "chance that a defective picture scores above a good one"),
    ("image", "ap", "Image AP", "average precision when pictures are called in the order of their scores"),
    ("image", "f1_max", "Image F1-max", "F1 at its best threshold: an upper bound, not what the verdicts reach"),
    ("pixel", "auroc", "Pixel AUROC", "chance that a defective pixel scores above a sound one"),
    ("pixel", "ap", "Pixel AP", "average precision of pixels"),
    ("pixel", "aupro_30", "AUPRO@0.3", "mean share of each defect found, up to 30 % false-positive pixels"),
    ("pixel", "aupro_05", "AUPRO@0.05", "the same up to 5 %"),
    ("pixel", "aupimo", "AUPIMO", "share of each defect found at 1e-5 to 1e-4 false-positive pixels a good picture"),
    ("pixel", "spro_05", "sPRO@0.05", "AUPRO@0.05 where a part of each region, as its data set states, is enough"),
)

ROC, PR = "ROC", "Precision and recall"
PRO = "Share of each defect found (PRO)"
AUPRO_ENDS = (0.05, 0.3)

# what a map of the page is called
MAP_WORDS = {"probability": "perception", "aleatoric": "aleatoric", "epistemic": "epistemic"}


def build_view(evaluation: Evaluation, pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> dict[str, Any]:
    """All that `page.html.jinja` names; arguments as in `page.write_report`."""
    strangest = list(facts.get("strangest", ()))
    shown = [*worst_first(pictures), *strangest]
    cards = picture_cards(shown, facts)
    return {
        "title": facts.get("title") or f"Report on {evaluation.dataset.get('name', 'a data set')}",
        "evaluation": evaluation.to_dict(),
        "headline": _headline(evaluation),
        "outcomes": outcomes(evaluation),
        "advice": advise(evaluation, facts),
        "figures": _figures(evaluation),
        "sentences": tuple(evaluation.promise.sentences if evaluation.promise else facts.get("sentences", ())),
        "notes": tuple(facts.get("notes", ())),
        "charts": _charts(evaluation, facts),
        "kinds": _kinds(evaluation, facts),
        "threshold": _threshold(evaluation, facts),
        "cards": cards[: len(pictures)],
        "heat_ends": _heat_ends(shown, facts),
        "calibrated": bool(facts.get("colours")),
        "maps_shown": ", ".join(
            MAP_WORDS[name] for name in MAP_WORDS if any(getattr(one, name) is not None for one in shown)
        ),
        "ramps": {"heat": _ramp(heat_table()), "unsure": _ramp(unsure_table())},
        "strangest": cards[len(pictures) :],
        "strangest_elsewhere": list(facts.get("strangest_elsewhere", ())),
        "strangest_of": facts.get("strangest_of", ""),
        "rows": _rows(evaluation),
        "card": _card(evaluation, facts),
        "terms": facts.get("terms"),
        "reproduce": facts.get("reproduce"),
    }


def _headline(evaluation: Evaluation) -> list[str]:
    """What happened, in sentences that can be read aloud."""
    counts, verdicts = evaluation.dataset, evaluation.verdicts
    called = [row for row in evaluation.rows if row.prediction.verdict == "defect"]
    said = []
    if counts["defective"]:
        found = sum(row.label == 1 for row in called)
        said.append(f"{found} of {counts['defective']} defective pictures {_were(found)} called defect.")
    if counts["good"]:
        alarms, promised = sum(row.label == 0 for row in called), "nothing is promised"
        if verdicts.promised is not None:
            promised = f"promised: at most {percent(verdicts.promised)}"
        share = f"{percent(verdicts.observed)}; {promised}"
        said.append(f"{alarms} of {counts['good']} good pictures {_were(alarms)} called defect ({share}).")
    if counts["errors"]:
        said.append(f"{_pictures(counts['errors'])} could not be read; the table says why.")
    return said


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _figures(evaluation: Evaluation) -> list[dict[str, Any]]:
    record = evaluation.to_dict()
    return [
        {"name": name, "value": record[part][key], "words": words}
        for part, key, name, words in FIGURES
        if record[part] is not None
        if is_shown(key, record[part][key])
    ]


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
    charts["curves"] = _curves(evaluation)
    return charts


def _curves(evaluation: Evaluation) -> list[tuple[str, Any, list[str], str]]:
    """(title, chart, names of its lines, its areas in words) of each curve there is."""
    places, words = _places(evaluation), _areas(evaluation)
    plans = (
        (ROC, "false-positive rate", "true-positive rate", (("roc", "pictures"), ("pixel_roc", "pixels")), 1.0),
        (PR, "recall", "precision", (("pr", "pictures"), ("pixel_pr", "pixels")), 1.0),
        (PRO, "false-positive rate of pixels", "mean overlap", (("pro", "pixels"),), 0.3),
    )
    drawn = []
    for title, x_label, y_label, names, end in plans:
        lines = [
            Line(name, thin.x, thin.y, name, AUPRO_ENDS if key == "pro" else ())
            for key, name in names
            if key in evaluation.curves
            for thin in [evaluation.curves[key].thinned(240)]
        ]
        if lines:
            lines += places.get(title, [])
            chart = line_chart(title, x_label, y_label, lines, x_end=end)
            drawn.append((title, chart, [line.name for line in lines], words[title]))
    return drawn


def _areas(evaluation: Evaluation) -> dict[str, str]:
    """The area under each curve, as the figures have it: a sentence a chart."""

    def said(name: str, key: str) -> str:
        values = {"pictures": record["image"][key], "pixels": (record["pixel"] or {}).get(key)}
        return f"{name}: " + ", ".join(f"{one} {value:.3f}" for one, value in values.items() if value is not None) + "."

    record = evaluation.to_dict()
    pixel = record["pixel"] or {}
    ends = {"AUPRO@0.3": pixel.get("aupro_30"), "of its darker part AUPRO@0.05": pixel.get("aupro_05")}
    heights = ", ".join(f"{name} {value:.3f}" for name, value in ends.items() if value is not None)
    return {
        ROC: said("Area, AUROC", "auroc"),
        PR: said("Area, AP", "ap"),
        PRO: f"Mean height of the shaded area: {heights}.",
    }


def _places(evaluation: Evaluation) -> dict[str, list[Line]]:
    """Where the verdicts stand on the curves of pictures: at the threshold that was promised, not at the best one."""
    verdicts = evaluation.verdicts
    if verdicts.promised is None or verdicts.observed is None or verdicts.found is None:
        return {}
    called = [row.label for row in evaluation.rows if row.prediction.verdict == "defect" and row.label is not None]
    places = {ROC: [Line("verdicts", [verdicts.observed], [verdicts.found], "verdicts")]}
    if called:
        precision = called.count(1) / len(called)
        places[PR] = [Line("verdicts", [verdicts.found], [precision], "verdicts")]
    return places


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


def picture_cards(pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each picture as `show` of `card.html.jinja` needs it; the colours of a map mean the same in all of them.

    facts : of `page.write_report`; `colours` are used
    """
    low, high = _heat_ends(pictures, facts)
    heat, unsure = heat_table(), unsure_table()
    ends = {
        "probability": 1.0,
        "aleatoric": common_scale(picture.aleatoric for picture in pictures),
        "epistemic": common_scale(picture.epistemic for picture in pictures),
    }
    cards = []
    for picture in pictures:
        maps = [
            {"name": MAP_WORDS[name], "src": coloured(map, 0.0, end, unsure, LEVELS_BESIDE), "end": end}
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


def _heat_ends(pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> tuple[float, float]:
    """The map's values where heat begins and is full."""
    low, high = facts.get("colours") or (0.0, common_scale(picture.map for picture in pictures))
    return float(low), float(high)


def _ramp(table: npt.NDArray[np.uint8]) -> str:
    """A colour table as a CSS gradient; what is clear is shown over a middle grey."""
    stops = table[np.linspace(0, 255, 9).astype(int)].astype(float)
    cover = stops[:, 3:] / 255 if table.shape[1] == 4 else 1.0
    colours = np.round(stops[:, :3] * cover + 150 * (1 - cover)).astype(int)
    return f"linear-gradient(to right, {', '.join('rgb({} {} {})'.format(*colour) for colour in colours)})"


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
