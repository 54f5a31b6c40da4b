"""The scores that a cell's model gave the test pictures, kept so that its page needs no second look; no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from restora.errors import UsageError
from restora.images.files import write_whole

if TYPE_CHECKING:
    from restora.evaluation import Evaluation

COLUMNS = ("name", "label", "score")
PLACES = ("best", "median", "worst")


class Scored(NamedTuple):
    """A test picture: its name, 0 good or 1 defective, and its score."""

    name: str
    label: int
    score: float


def scores_of(evaluation: Evaluation) -> list[Scored]:
    """Those of an evaluation that have a label and a score."""
    return [
        Scored(row.prediction.name, row.label, row.prediction.score)
        for row in evaluation.rows
        if row.label is not None and row.prediction.score is not None
    ]


def write_scores(path: Path, scores: Iterable[Scored]) -> None:
    """Write them as CSV, with the digits that give every float32 back."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    # names may hold bytes that are no text; such a picture is not found again, and not shown
    writer.writerows(
        (one.name.encode("utf-8", "backslashreplace").decode(), one.label, f"{one.score:.9g}") for one in scores
    )
    write_whole(path, stream.getvalue())


def read_scores(path: Path) -> list[Scored]:
    """What `write_scores` wrote. Raises UsageError where it was changed."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        return [Scored(line["name"], int(line["label"]), float(line["score"])) for line in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        raise UsageError(f"{path} is damaged; remove it, and the pictures are looked at anew.") from None


def choose(scores: Sequence[Scored]) -> dict[str, tuple[str, int]]:
    """Name of each picture to show -> (best, median or worst; its label), good ones first, each picture once.

    Of good pictures the best has the lowest score, of defective ones the highest. Ties go by name; of two pictures in
    the middle the worse one is the median.
    """
    chosen: dict[str, tuple[str, int]] = {}
    for label in (0, 1):
        mine = sorted((one for one in scores if one.label == label), key=lambda one: (one.score, one.name))
        if label == 1:
            mine.reverse()
        if mine:
            places = dict(zip(PLACES, (0, len(mine) // 2, len(mine) - 1), strict=True))
            for word in ("best", "worst", "median"):
                chosen.setdefault(mine[places[word]].name, (word, label))
    return dict(sorted(chosen.items(), key=lambda item: (item[1][1], PLACES.index(item[1][0]))))
