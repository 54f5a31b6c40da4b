"""`restora demo`: draw the products, train, calibrate, evaluate, report; no data and no network."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restora.demo.draw import SHOWN
from restora.demo.write import write_products
from restora.errors import MissingError

if TYPE_CHECKING:
    from restora.detector.detector import Detector
    from restora.training.loop import Progress
    from restora.training.settings import RunSettings

TRUNK = "resnet18"
RANDOM = "random"


@dataclass(frozen=True)
class Extent:
    """How much is drawn and trained: good pictures, good and defective (of each kind) test pictures, and steps."""

    good: int
    test_good: int
    defective: int
    steps: int


WHOLE = Extent(good=160, test_good=40, defective=6, steps=300)
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

    out     : folder for pictures/PRODUCT, PRODUCT.restora and PRODUCT.html; what an earlier run left is replaced
    quick   : few pictures and steps: it shows the way, not the accuracy
    weights : of the trunk: a file, "random", or None for those at hand, and random ones where none are
    report  : takes sentences for people
    Raises MissingError without torch, or where the weights named are not there.
    """
    from restora.training.train import train

    out, extent = Path(out), QUICK if quick else WHOLE
    name = trunk or TRUNK
    taken = _weights(name, weights, report)
    settings = _settings(extent)
    results: dict[str, dict[str, Any]] = {}
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
            weights=taken,
            overwrite=True,
            config=settings,
            progress=_steps_of(product, report),
            say=_about(product, report),
        )
        results[product] = _examine(detector, pictures, out / f"{product}.html", report)
    return results


def _settings(extent: Extent) -> RunSettings:
    from restora.training.settings import PRESETS

    small = PRESETS["small"]
    return small.model_copy(update={"fit": small.fit.model_copy(update={"steps": extent.steps})})


def _weights(trunk: str, weights: str | Path | None, report: Callable[[str], None]) -> str:
    """The weights to use, said aloud; random ones only where nothing was named and nothing is at hand."""
    from restora.features.weights import find_weights

    try:
        found = find_weights(trunk, weights)
    except MissingError:
        named = os.environ.get("RESTORA_WEIGHTS")
        if weights is not None or (named and not Path(named).expanduser().exists()):
            raise
        report(
            f"No weights for {trunk} are at hand, so the trunk has random ones: the demo shows the way, but finds "
            "less; set RESTORA_WEIGHTS to a file of weights, or get some with 'restora weights fetch', for better eyes."
        )
        return RANDOM
    report(f"The trunk is {trunk}, " + (f"with the weights of {found}." if found else "with random weights."))
    return RANDOM if found is None else str(found)


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


def _examine(detector: Detector, pictures: Path, page: Path, report: Callable[[str], None]) -> dict[str, Any]:
    evaluation = detector.evaluate(pictures, report=page)
    record = evaluation.to_dict()
    for sentence in _sentences(pictures.name, record):
        report(sentence)
    report(f"{pictures.name}: the report is {page}.")
    return {**record, "report": str(page), "pictures": str(pictures)}


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
