"""restora evaluate: figures, curves and pictures on a data set with defects; promised and happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restora.cli.options import (
    Abnormal,
    Batch,
    FalseAlarms,
    Json,
    Layout,
    Masks,
    Model,
    Normal,
    NormalTest,
    RuntimeName,
    Threads,
    name_data,
)
from restora.cli.output import emit, emit_json, say

if TYPE_CHECKING:
    from restora.evaluation import Evaluation, VerdictFigures

NAMES = {
    "auroc": "AUROC",
    "ap": "AP",
    "f1_max": "F1-max",
    "aupro_30": "AUPRO@0.3",
    "aupro_05": "AUPRO@0.05",
    "aupimo": "AUPIMO",
    "spro_05": "sPRO@0.05",
}


def evaluate(
    model: Model,
    path: Annotated[Path, typer.Argument(help="A data set with good and defective test pictures.", show_default=False)],
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with figures, curves and pictures.")] = None,
    layout: Layout = None,
    normal: Normal = None,
    abnormal: Abnormal = None,
    normal_test: NormalTest = None,
    masks: Masks = None,
    false_alarms: FalseAlarms = None,
    runtime: RuntimeName = "auto",
    batch: Batch = None,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Figures on a data set with defects: what was promised and what happened. Ends with 1 when a picture failed.

    Example: restora evaluate part.restora parts/ --report report.html
    """
    from restora.cli.open_model import open_detector, say_promise

    detector = open_detector(model, runtime=runtime, threads=threads, batch=batch)
    if json:  # the lines for people hold the promise whole
        say_promise(detector, false_alarms)
    source = name_data(path, normal, abnormal, normal_test, masks)
    evaluation = detector.evaluate(source, report=report, layout=layout, false_alarms=false_alarms)
    for note in evaluation.dataset.get("notes", ()):
        say(note)
    if json:
        emit_json(evaluation.to_dict(), indent=2)
    else:
        emit("\n".join(_lines(evaluation)))
    if report is not None:
        say(f"{report}: the report is written.")
    return 1 if evaluation.dataset["errors"] else 0


def _lines(evaluation: Evaluation) -> Iterator[str]:
    facts, verdicts = evaluation.dataset, evaluation.verdicts
    yield f"pictures: {facts['good']} good, {facts['defective']} defective, {facts['errors']} that cannot be read"
    yield from figure_lines(evaluation.to_dict())
    if (apart := evaluation.apart) is not None:
        left = f"{apart.groups} groups ({apart.pictures} pictures) that training pictures are of as well"
        yield f"without {left}: image AUROC {_number(apart.image.auroc)}"
    for kind, figures in evaluation.kinds.items():
        yield f"  {kind}: {figures.found} of {figures.n} found, AUROC {_number(figures.auroc)}"
    yield from (f"promised: {sentence}" for sentence in (evaluation.promise.sentences if evaluation.promise else ()))
    yield f"happened: {_percent(verdicts.observed)} of the good pictures are called defect{_range(verdicts)}"
    yield f"happened: {_percent(verdicts.review)} of the good pictures are left for review"
    yield f"happened: {_percent(verdicts.found)} of the defective pictures are called defect"


def _range(verdicts: VerdictFigures) -> str:
    if verdicts.observed_range90 is None:
        return ""
    low, high = verdicts.observed_range90
    return f"; so few pictures tell the rate behind it to be {_percent(low)} to {_percent(high)}, nine times in ten"


def figure_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Lines with the image and pixel figures; one that is not defined is a dash, never 0, but sPRO is left out."""
    from restora.metrics.pixels import is_shown

    for part in ("image", "pixel"):
        figures = facts.get(part)
        if figures is None:
            yield f"{part}: none, there are no masks" if part == "pixel" else f"{part}: none"
        else:
            yield f"{part}: " + ", ".join(
                f"{NAMES.get(name, name)} {_number(value)}" for name, value in figures.items() if is_shown(name, value)
            )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
