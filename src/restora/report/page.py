"""The report: one HTML page that holds everything it shows and asks no network for anything."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from restora.errors import MissingError, UsageError
from restora.evaluation import Evaluation
from restora.images.files import write_whole
from restora.report.charts import percent
from restora.report.pictures import ReportPicture
from restora.report.view import build_view

__all__ = ["ReportPicture", "page_templates", "render_report", "write_report"]


def write_report(
    path: str | os.PathLike[str], evaluation: Evaluation, pictures: Sequence[ReportPicture], *, facts: Mapping[str, Any]
) -> Path:
    """Write the page of an evaluation; the file appears under its name only when it is whole.

    pictures : those shown, in any order; the page puts mistakes first
    facts    : what else is known, all optional; `report.facts.model_facts` gives those of a model folder:
        title                heading of the page
        card                 mapping of names to texts: what the model is made of
        terms, reproduce     terms of the trunk's weights; the command that makes this model again
        sentences            what is promised, in words
        threshold            the score above which a picture is called defect
        review_from          the score above which it is for review
        colours (low, high)  the map's values where heat begins and is full
        strangest            ReportPictures of fitting and calibration (their `kind`) that look least like the others
        strangest_elsewhere  (name, part, score) of further ones, whose pictures are not at hand
        strangest_of         among how many pictures, in words
        notes                sentences the reader should know (a trunk of random weights, say)
    Raises UsageError where the file cannot be written, MissingError where the disk is full.
    """
    target = Path(path)
    html = render_report(evaluation, pictures, facts)
    try:
        write_whole(target, html)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise MissingError(f"{target}: the disk is full; make room and evaluate again.") from None
        raise UsageError(f"{target}: the report cannot be written there ({error.strerror or error}).") from None
    return target


def render_report(evaluation: Evaluation, pictures: Sequence[ReportPicture], facts: Mapping[str, Any]) -> str:
    """The page as text; arguments as in `write_report`."""
    html = page_templates().get_template("page.html.jinja").render(build_view(evaluation, pictures, facts))
    # names of files and folders may hold bytes that are no text; they are written as \udcXX, as in the rows of predict
    return html.encode("utf-8", "backslashreplace").decode()


def page_templates(*packages: str) -> Environment:
    """Templates of the report and of further packages, which may include the report's style (`page.css`)."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "") for package in ("restora.report", *packages)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["figure"] = lambda value: "–" if value is None else f"{value:.3f}"
    environment.filters["short"] = lambda value: "–" if value is None else f"{value:.4g}"
    return environment
