"""Judged pictures and what is true of them -> the figures behind `evaluate --json` and the report.

Nothing here chooses anything: the threshold is the one that calibration promised, and AUROC, AP and the rest need none.
A figure that is undefined (no masks, no good pictures, no calibration) is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import betaincinv

from restora.metrics.pixels import PixelFigures, PixelScores
from restora.metrics.ranking import Curve, auroc, average_precision, f1_max, pr_curve, roc_curve
from restora.verdicts.calibration import Promise
from restora.verdicts.prediction import Prediction

# corners of a curve that is drawn; a pixel curve has one for every anomalous pixel, and no screen shows more
DRAWN = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A judged picture and what is true of it.

    label : 0 good, 1 defective, None unknown (kept, but counted in no figure)
    kind  : the kind of defect, "good" for a good picture
    """

    prediction: Prediction
    label: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class ImageFigures:
    """Figures of the picture scores, each 0..1, None without a good or without a defective picture."""

    auroc: float | None
    ap: float | None
    f1_max: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The three figures by name."""
        return {"auroc": self.auroc, "ap": self.ap, "f1_max": self.f1_max}


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of defect.

    n     : its pictures that could be read
    found : how many of them are called defect
    auroc : of their scores against those of all good pictures; None without a good picture
    """

    n: int
    found: int
    auroc: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The three figures by name."""
        return {"n": self.n, "found": self.found, "auroc": self.auroc}


@dataclass(frozen=True, slots=True)
class VerdictFigures:
    """What was promised and what happened; shares are of the pictures that could be read.

    promised      : false-alarm rate that the calibration promises, None without a calibration
    observed      : share of the good pictures that are called defect, None without good pictures
    range90       : 90 % range of the true rate of this one calibration, None without one
    review        : share of the good pictures that are left for review
    found         : share of the defective pictures that are called defect
    observed_range90 : 90 % range (Clopper-Pearson) of the rate behind `observed`; not in the JSON object
    """

    promised: float | None
    observed: float | None
    range90: tuple[float, float] | None
    review: float | None
    found: float | None
    observed_range90: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """The five figures of the JSON object by name."""
        return {
            "promised": self.promised,
            "observed": self.observed,
            "range90": list(self.range90) if self.range90 else None,
            "review": self.review,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class ApartFigures:
    """Figures without the test pictures of patients, or parts, that training pictures are of as well.

    groups, pictures : how many are left out; image : figures of the others
    """

    groups: int
    pictures: int
    image: ImageFigures

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {"groups": self.groups, "pictures": self.pictures, "image": self.image.to_dict()}


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """Everything one test of a model says.

    dataset : facts about the data, with the counts `pictures`, `good`, `defective`, `unlabelled`, `errors`, `masked`
    pixel   : None where no defective picture has a mask
    kinds   : one entry a kind of defect, sorted by name
    model   : facts about the model
    curves  : for drawing, at most 1000 corners each: "roc", "pr", and with masks "pixel_roc", "pixel_pr", "pro"
    rows    : every picture in the order it came, unreadable ones too
    promise : the whole promise with its sentences, None without a calibration
    apart   : figures without those who are met in training too, None where nobody is
    """

    dataset: Mapping[str, Any]
    image: ImageFigures
    pixel: PixelFigures | None
    kinds: Mapping[str, KindFigures]
    verdicts: VerdictFigures
    model: Mapping[str, Any]
    curves: Mapping[str, Curve]
    rows: tuple[Row, ...]
    promise: Promise | None
    apart: ApartFigures | None = None

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The predictions of all rows, in order."""
        return tuple(row.prediction for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The object of `evaluate --json`: plain dictionaries, lists, numbers and None."""
        return {
            "dataset": dict(self.dataset),
            "image": self.image.to_dict(),
            "pixel": self.pixel.to_dict() if self.pixel else None,
            "kinds": {kind: figures.to_dict() for kind, figures in self.kinds.items()},
            "verdicts": self.verdicts.to_dict(),
            "model": dict(self.model),
            "apart": self.apart.to_dict() if self.apart else None,
        }

    def __repr__(self) -> str:
        """One line: the rows and curves of thousands of pictures are no help on a terminal."""
        auroc = "none" if self.image.auroc is None else f"{self.image.auroc:.3f}"
        name = self.dataset.get("name", "pictures")
        return f"<Evaluation of {name}: {len(self.rows)} pictures, image AUROC {auroc}>"

    def _repr_html_(self) -> str:
        from restora.evaluation.display import evaluation_html

        return evaluation_html(self)


def evaluate_rows(
    dataset: Mapping[str, Any],
    rows: Sequence[Row],
    *,
    pixel: PixelScores | None = None,
    promise: Promise | None = None,
    model: Mapping[str, Any] | None = None,
    shared: Mapping[str, str] | None = None,
) -> Evaluation:
    """Figures of judged pictures.

    dataset, model : facts for the record, JSON-ready
    rows           : every picture, unreadable ones too; those count in `dataset["errors"]` and in no other figure
    pixel          : the maps' scores, all handed in; None or without any marked pixel: there are no pixel figures
    promise        : of the calibration the verdicts were made with; None when there was none
    shared         : by a picture's name its group, of groups that training pictures are of as well
    """
    readable = [row for row in rows if row.prediction.score is not None]
    good = [row for row in readable if row.label == 0]
    bad = [row for row in readable if row.label == 1]
    masked = pixel.masked if pixel is not None else 0
    return Evaluation(
        dataset={**dataset, **_counts(rows), "masked": masked},
        image=image_figures(_scores(good), _scores(bad)),
        pixel=pixel.figures() if pixel is not None and masked else None,
        kinds={kind: _kind(kind, good, bad) for kind in sorted({row.kind for row in bad})},
        verdicts=_verdicts(good, bad, promise),
        model=dict(model or {}),
        curves=_curves(_scores(good), _scores(bad), pixel if masked else None),
        rows=tuple(rows),
        promise=promise,
        apart=_apart(good, bad, shared) if shared else None,
    )


def _apart(good: Sequence[Row], bad: Sequence[Row], shared: Mapping[str, str]) -> ApartFigures:
    others = [_scores([row for row in rows if row.prediction.name not in shared]) for rows in (good, bad)]
    return ApartFigures(len(set(shared.values())), len(shared), image_figures(*others))


def _scores(rows: Sequence[Row]) -> list[float]:
    return [row.prediction.score for row in rows if row.prediction.score is not None]


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    labels = [row.label for row in rows]
    return {
        "pictures": len(rows),
        "good": labels.count(0),
        "defective": labels.count(1),
        "unlabelled": labels.count(None),
        "errors": sum(row.prediction.verdict == "error" for row in rows),
    }


def image_figures(good: Sequence[float], bad: Sequence[float]) -> ImageFigures:
    """Figures of the scores of good and of defective pictures."""
    return ImageFigures(auroc(good, bad), average_precision(good, bad), f1_max(good, bad))


def _kind(kind: str, good: Sequence[Row], bad: Sequence[Row]) -> KindFigures:
    rows = [row for row in bad if row.kind == kind]
    return KindFigures(len(rows), _called(rows, "defect"), auroc(_scores(good), _scores(rows)))


def _called(rows: Sequence[Row], verdict: str) -> int:
    return sum(row.prediction.verdict == verdict for row in rows)


def _share(rows: Sequence[Row], verdict: str) -> float | None:
    return _called(rows, verdict) / len(rows) if rows else None


def _verdicts(good: Sequence[Row], bad: Sequence[Row], promise: Promise | None) -> VerdictFigures:
    return VerdictFigures(
        promised=promise.rate if promise else None,
        observed=_share(good, "defect"),
        range90=promise.range90 if promise else None,
        review=_share(good, "review"),
        found=_share(bad, "defect"),
        observed_range90=rate_range90(_called(good, "defect"), len(good)) if good else None,
    )


def rate_range90(count: int, of: int) -> tuple[float, float]:
    """90 % range (Clopper-Pearson) of the rate behind `count` events among `of` independent trials, of > 0."""
    low = float(betaincinv(count, of - count + 1, 0.05)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 0.95)) if count < of else 1.0
    return low, high


def _curves(good: Sequence[float], bad: Sequence[float], pixel: PixelScores | None) -> dict[str, Curve]:
    curves = {"roc": roc_curve(good, bad), "pr": pr_curve(good, bad)}
    if pixel is not None:
        exact = pixel.curves()
        curves |= {"pixel_roc": exact.roc, "pixel_pr": exact.pr, "pro": exact.pro}
    return {name: curve.thinned(DRAWN) for name, curve in curves.items() if curve is not None}
