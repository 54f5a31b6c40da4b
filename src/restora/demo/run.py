"""`restora demo`: draw the products, train, calibrate, evaluate, report; no data and no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restora.demo.draw import SHOWN
from restora.demo.overview import Exhibit, write_overview
from restora.demo.write import write_products
from restora.features.settings import TINY

if TYPE_CHECKING:
    from restora.detector.detector import Detector
    from restora.training.loop import Progress
    from restora.training.settings import RunSettings
    from restora.verdicts.prediction import Prediction


@dataclass(frozen=True)
class Extent:
    """How much is drawn and trained: good pictures, good and defective (of each kind) test pictures, and steps."""

    good: int
    test_good: int
    defective: int
    steps: int


WHOLE = Extent(good=200, test_good=100, defective=6, steps=300)
QUICK = Extent(good=40, test_good=10, defective=1, steps=20)


def run_demo(
    out: str | Path,
    *,
    quick: bool = False,
    weights: str | Path | None = None,
    trunk: str | None = None,
    report: Callable[[str], None] = print,
) -> dict[str, dict[str, Any]]:
    """Go the whole way for every product shown; returns its object of `evaluate --json`, and where things lie.

    out     : folder for pictures/PRODUCT, PRODUCT.restora, PRODUCT.html, and index.html, the way to them; what an
              earlier run left is replaced
    quick   : few pictures and steps: it shows the way, not the accuracy
    trunk   : another trunk than the one in the package
    weights : of the trunk: a file, "random", or None for those at hand
    report  : takes sentences for people
    Raises MissingError without torch, or where the weights of the trunk named are not there.
    """
    from restora.training.train import train

    out, extent = Path(out), QUICK if quick else WHOLE
    name = trunk or TINY  # whatever else is at hand: the demo is the same on every machine
    report(f"The trunk is {name}" + (f", with the weights {weights}." if weights is not None else "."))
    settings = _settings(extent)
    results: dict[str, dict[str, Any]] = {}
    exhibits: list[Exhibit] = []
    for product in SHOWN:
        report(f"{product}: drawing {extent.good} good pictures to learn from, and others to test on.")
        pictures = write_products(
            out / "pictures",
            product,
            good=extent.good,
            test_good=extent.test_good,
            defective=extent.defective,
        )
        detector = train(
            pictures,
            out=out / f"{product}.restora",
            trunk=name,
            weights=weights,
            overwrite=True,
            config=settings,
            progress=_steps_of(product, report),
            say=_about(product, report),
        )
        results[product], example = _examine(detector, pictures, out / f"{product}.html", report)
        exhibits.append(Exhibit(product, results[product], example))
    report(f"All of it at a glance: {write_overview(out / 'index.html', exhibits)}")
    return results


def _settings(extent: Extent) -> RunSettings:
    from restora.training.plan import resolve_settings

    return resolve_settings("small", None, {"ura_net.fit.steps": extent.steps})


def _about(product: str, report: Callable[[str], None]) -> Callable[[str], None]:
    return lambda sentence: report(f"{product}: {sentence}")


def _steps_of(product: str, report: Callable[[str], None]) -> Callable[[Progress], None]:
    """Says a sentence each quarter of the way."""
    said = 0

    def progress(now: Progress) -> None:
        nonlocal said
        quarter = 4 * now.step // max(now.steps, 1)
        if quarter > said:
            said = quarter
            report(f"{product}: step {now.step} of {now.steps}, loss {now.loss:.4g}.")

    return progress


def _examine(
    detector: Detector, pictures: Path, page: Path, report: Callable[[str], None]
) -> tuple[dict[str, Any], Prediction]:
    """The object of `evaluate --json`, and a defective picture with its map: the one of the middle score."""
    evaluation = detector.evaluate(pictures, report=page)
    record = evaluation.to_dict()
    for sentence in _sentences(pictures.name, record):
        report(sentence)
    report(f"{pictures.name}: the report is {page}.")
    defective = sorted((row.prediction for row in evaluation.rows if row.label == 1), key=lambda one: one.score or 0.0)
    name = defective[len(defective) // 2].name
    shown = replace(detector.look(pictures / name), name=name)
    return {**record, "report": str(page), "pictures": str(pictures)}, shown


def _sentences(product: str, record: Mapping[str, Any]) -> list[str]:
    """What came out, kind by kind."""
    auroc, verdicts = record["image"]["auroc"], record["verdicts"]
    kinds = ", ".join(f"{kind} {figures['found']}/{figures['n']}" for kind, figures in record["kinds"].items())
    said = [f"{product}: image AUROC {auroc:.3f}; found of each kind: {kinds}."]
    if verdicts["promised"] is not None:
        said.append(
            f"{product}: promised that at most {100 * verdicts['promised']:.3g} % of good pictures are called defect; "
            f"{100 * verdicts['observed']:.3g} % of the good test pictures were."
        )
    return said
