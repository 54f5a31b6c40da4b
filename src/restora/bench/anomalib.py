"""Models of anomalib as rows of the same table: fitted in an environment and process of their own, scored here.

anomalib is never imported. `anomalib_worker.py` is run by the Python of an environment that holds it; it gets the
prepared fitting and test pictures as PNG files of exactly the size that our own rows use, and writes raw maps.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from restora.bench.yardsticks.evaluate import StoredMaps, evaluate_runtime, figures, input_spec, pixel_digest
from restora.errors import MissingError, StoppedError
from restora.images.dataset import Dataset, Item
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.metrics.ranking import auroc

if TYPE_CHECKING:
    from restora.training.plan import Plan

# torch's own switch: large blocks in large pages, without which getting them took most of the time of a greedy search
LARGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1"}
WORKER = Path(__file__).with_name("anomalib_worker.py")


@dataclass(frozen=True)
class Elsewhere:
    """The other environment and what it may use.

    python : its interpreter; weights : safetensors of resnet18, at least up to layer3
    minutes : limit of one fit in processor time; threads : of one process; script : what is run
    """

    python: Path
    weights: Path
    minutes: float = 15.0
    threads: int = 1
    script: Path = WORKER


def check_elsewhere(elsewhere: Elsewhere) -> None:
    """Raise MissingError unless there is an interpreter, which finds anomalib, and a file of weights."""
    advice = "make an environment of its own for anomalib 2.7 and name its Python"
    if not os.access(elsewhere.python, os.X_OK) or not elsewhere.python.is_file():
        raise MissingError(f"There is no Python at {elsewhere.python} to run anomalib with; {advice}.")
    found = subprocess.run(
        [elsewhere.python, "-I", "-c", "import importlib.util as u; raise SystemExit(u.find_spec('anomalib') is None)"],
        check=False,
        capture_output=True,
    )
    if found.returncode:
        raise MissingError(f"The Python {elsewhere.python} has no anomalib; {advice}.")
    if not elsewhere.weights.is_file():
        raise MissingError(f"There are no weights at {elsewhere.weights} for anomalib's trunk; name an existing file.")


def run_anomalib(model: str, plan: Plan, dataset: Dataset, elsewhere: Elsewhere) -> dict[str, Any]:
    """Fit a model on the plan's fitting pictures, look at the test pictures, and score its raw maps.

    model   : one of `rows.ANOMALIB_MODELS`
    returns : `image_auroc`, `pixel_auroc`, `aupro_30` by our metrics (image score: maximum of the raw map),
              `own_image_auroc` of the model's own raw score, and of the run `cut`, `epochs`, `fit_seconds`,
              `fit_cpu_seconds`, `look_seconds`, `versions`; see `anomalib_worker.py`

    Raises MissingError without the other environment, StoppedError with its last line where the other process fails,
    PictureError for a picture that cannot be read.
    """
    check_elsewhere(elsewhere)
    with tempfile.TemporaryDirectory(prefix="restora-anomalib-") as folder:
        work = Path(folder)
        depth = plan.settings.input.depth
        write_pictures(plan.split.fitting, plan.size, depth, work / "fitting")
        digests = write_pictures(dataset.test, plan.size, depth, work / "test")
        result = _run_worker(model, plan, work, elsewhere)
        maps = {digest: work / "maps" / f"{place:06d}.npy" for place, digest in enumerate(digests)}
        evaluation = evaluate_runtime(StoredMaps(f"anomalib-{model}", maps), dataset, input_spec(plan.size, depth))
    return {
        **figures(evaluation),
        "own_image_auroc": own_auroc(dataset.test, result["scores"]),
        "cut": result["cut"],
        "epochs": result["epochs"],
        "fit_seconds": result["fit_seconds"],
        "fit_cpu_seconds": result["fit_cpu_seconds"],
        "look_seconds": result["score_seconds"],
        "versions": result["versions"],
    }


def write_pictures(items: Iterable[Item], size: tuple[int, int], depth: int | None, folder: Path) -> list[str]:
    """Prepared pictures as PNG files 000000.png, 000001.png ... of `size`; the digests of their pixels."""
    folder.mkdir(parents=True)
    digests = []
    for place, item in enumerate(items):
        pixels = prepare(read_picture(item.source, name=item.name, depth=depth).pixels, size)
        Image.fromarray(pixels).save(folder / f"{place:06d}.png", compress_level=1)
        digests.append(pixel_digest(pixels))
    return digests


def own_auroc(items: Iterable[Item], scores: Iterable[float]) -> float | None:
    """Image AUROC of the model's own scores, in the order of the items."""
    labelled = list(zip(items, scores, strict=True))
    good, bad = ([score for item, score in labelled if item.label == label] for label in (0, 1))
    return auroc(np.array(good), np.array(bad))


def _run_worker(model: str, plan: Plan, work: Path, elsewhere: Elsewhere) -> dict[str, Any]:
    """Run the other process to its end; what it wrote."""
    (work / "maps").mkdir()
    job = {
        "model": model,
        "weights": str(elsewhere.weights.absolute()),
        "size": list(plan.size),
        "fitting": str(work / "fitting"),
        "test": str(work / "test"),
        "maps": str(work / "maps"),
        "scratch": str(work / "scratch"),
        "result": str(work / "result.json"),
        "seed": plan.settings.seed,
        "threads": elsewhere.threads,
        "minutes": elsewhere.minutes,
    }
    (work / "job.json").write_text(json.dumps(job), encoding="utf-8")
    ended = subprocess.run(
        # isolated: else this folder, whose anomalib.py is not the package, would lead the other Python's path
        [elsewhere.python, "-I", "-W", "ignore", elsewhere.script, work / "job.json"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=work,
        env={**os.environ, **LARGE_PAGES, "OMP_NUM_THREADS": str(elsewhere.threads), "HF_HUB_OFFLINE": "1"},
    )
    if ended.returncode or not (work / "result.json").is_file():
        raise StoppedError(f"anomalib's {model} on {plan.dataset} failed: {_last_words(ended)}")
    result: dict[str, Any] = json.loads((work / "result.json").read_text(encoding="utf-8"))
    return result


def _last_words(ended: subprocess.CompletedProcess[str]) -> str:
    """The last line that the other process wrote, or how it ended."""
    if ended.returncode < 0:
        return f"it was ended by signal {-ended.returncode}, which a lack of memory does as well"
    lines = ended.stderr.strip().splitlines()
    return lines[-1].strip() if lines else f"it wrote no result, and said nothing (exit status {ended.returncode})"
