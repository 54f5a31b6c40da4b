"""What the page's template is given: an evaluation, pictures and facts, as texts, numbers and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from restora.evaluation import Evaluation
from restora.report.charts import Line, line_chart, percent, promise_chart, score_chart, strip
from restora.report.colours import heat_table, unsure_table
from restora.report.pictures import ReportPicture, coloured, common_scale, outline, photo, worst_first
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
)


def build_view(evaluation: Evaluation, pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> dict[str, Any]:
    """All that `page.html.jinja` names; arguments as in `page.write_report`."""
    strangest = list(facts.get("strangest", ()))
    cards = _cards([*worst_first(pictures), *strangest], facts)
    return {
        "title": facts.get("title") or f"Report on {evaluation.dataset.get('name', 'a data set')}",
        "evaluation": evaluation.to_dict(),
        "headline": _headline(evaluation),
        "figures": _figures(evaluation),
        "sentences": tuple(evaluation.promise.sentences if evaluation.promise else facts.get("sentences", ())),
        "notes": tuple(facts.get("notes", ())),
        "charts": _charts(evaluation, facts),
        "kinds": _kinds(evaluation, facts),
        "cards": cards[: len(pictures)],
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
    if verdicts.review:
        said.append(f"{percent(verdicts.review)} of the good pictures are left for review.")
    if counts["errors"]:
        said.append(f"{_pictures(counts['errors'])} could not be read; the table says why.")
    return said


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


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
    heat, unsure = heat_table(), unsure_table()
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
