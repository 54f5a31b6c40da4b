"""A run's page: the table, and of every category the figures, the scores, and best, median and worst pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from restora.bench.cells import Cell
from restora.bench.figures import FIGURE_NAMES
from restora.bench.folder import Record
from restora.bench.run import Benchmark
from restora.bench.scores import Scored, choose, read_scores, scores_of, write_scores
from restora.bench.table import overall
from restora.bundle import is_model
from restora.detector.detector import Detector
from restora.detector.examine import Examination
from restora.detector.stream import look_through
from restora.errors import RestoraError
from restora.images.dataset import Item
from restora.images.files import write_whole
from restora.images.layouts import read_dataset
from restora.images.layouts.folders import Folders
from restora.report.charts import strip
from restora.report.facts import model_facts
from restora.report.page import page_templates
from restora.report.pictures import ReportPicture
from restora.report.scale import Scale
from restora.report.view import picture_cards
from restora.verdicts.calibration import DEFAULT_RATE, Calibration
from restora.verdicts.prediction import Rule

LABELS = ("good", "defective")


def write_page(run: Benchmark, source: Callable[[Cell], Path | Folders], say: Callable[[str], None]) -> Path:
    """Write `index.html` (of ablations `ablations.html`) in the run's folder, one file with all it shows; its path.

    source : where a cell's pictures lie. The few that are shown are looked at once more, by the model of the first
    seed that has one in the folder; say: takes a sentence for each model whose pictures cannot be shown.
    """
    heads, *lines = run.grid()
    records = run.records()
    groups = {name: group for group in ("develop", "report") for name in getattr(run.plan, group)}
    sections: list[dict[str, Any]] = [
        {
            "name": name,
            "group": groups.get(name),
            "rows": _rows(run, [record for record in records if record.category == name], source, say),
        }
        for name in run.plan.categories
        if any(record.category == name for record in records)
    ]
    notes = dict.fromkeys(note for section in sections for row in section["rows"] for note in row.get("notes", ()))
    html = (
        page_templates("restora.bench")
        .get_template("index.html.jinja")
        .render(
            title=run.folder.root.absolute().name,
            notes=list(notes),
            state=run.state(),
            heads=heads,
            lines=lines,
            sections=sections,
            figures=list(FIGURE_NAMES.values()),
        )
    )
    path = run.folder.root / ("ablations.html" if run.ablations else "index.html")
    # names of files and folders may hold bytes that are no text
    write_whole(path, html.encode("utf-8", "backslashreplace").decode())
    return path


def _rows(
    run: Benchmark, records: Sequence[Record], source: Callable[[Cell], Path | Folders], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The rows of one category, with what the template needs of each."""
    cells = {cell.name: cell for cell in run.cells}
    rows = []
    for title in dict.fromkeys(map(run.title, records)):
        mine = [record for record in records if run.title(record) == title]
        row: dict[str, Any] = {
            "title": title,
            "seeds": [record.seed for record in mine],
            "figures": [overall(mine, [mine[0].category], figure) for figure in FIGURE_NAMES],
        }
        having = [cell for record in mine if is_model(run.folder.model(cell := cells[record.cell]))]
        if having:
            try:
                row |= _look(run, having[0], source(having[0]))
            except RestoraError as error:
                say(f"The page does not show pictures of {having[0].label}: {error}")
        rows.append(row)
    return rows


def _look(run: Benchmark, cell: Cell, source: Path | Folders) -> dict[str, Any]:
    """The scores of a cell's model as strips of dots, and its best, median and worst pictures as cards."""
    detector = Detector.load(run.folder.model(cell), threads=run.plan.threads)
    kept = run.folder.rows(cell)
    if not kept.exists():  # of a run from before scores were kept
        write_scores(kept, scores_of(detector.evaluate(source)))
    scores = read_scores(kept)
    wanted = choose(scores)
    dataset = read_dataset(source, None)
    pictures = _pictures(detector, [item for item in dataset.test if item.name in wanted])
    facts = model_facts(detector.model)
    made = {card["picture"].name: card for card in picture_cards(pictures, facts)}
    cards = [(f"{place} {LABELS[label]}", made[name]) for name, (place, label) in wanted.items() if name in made]
    scale = Scale.around([one.score for one in scores])
    return {
        "seed": cell.seed,
        "strips": [_strip(scores, label, scale, facts) for label in (0, 1)],
        "cards": cards,
        "notes": facts.get("notes", ()),
    }


def _strip(scores: Sequence[Scored], label: int, scale: Scale, facts: Mapping[str, Any]) -> str:
    mine = [one.score for one in scores if one.label == label]
    return strip(mine, scale, facts.get("threshold"), LABELS[label])


def _pictures(detector: Detector, items: Sequence[Item]) -> list[ReportPicture]:
    """What a report shows of these test pictures, their masks included."""
    manifest = detector.model.manifest
    facts = manifest.calibration
    calibration = None if facts is None else Calibration.fit(facts.scores, facts.doubts)
    asked = None if facts is None else facts.false_alarms
    rate = DEFAULT_RATE if calibration is None else calibration.rate(asked).rate
    # twice as many as there are, since half of the room is for good pictures and half for defective ones
    examination = Examination(Rule.at(calibration, rate), ignore=None, masks=True, most_shown=2 * len(items))
    examination.take_all(
        items,
        lambda sources: look_through(
            detector.runtime, sources, manifest.input, batch=detector.batch, keep_pictures=True
        ),
    )
    return examination.shown.pictures()
