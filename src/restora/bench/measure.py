"""Computes one cell: a training, a joined model, a yardstick or a model of anomalib; torch comes when it is called."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restora.bench.cells import Cell
from restora.bench.folder import Record, RunFolder
from restora.bench.machine import machine_facts
from restora.bench.plan import DATA_VARIABLE, BenchmarkSettings
from restora.bench.rows import ANOMALIB, WHOLE, Kind
from restora.bench.scores import scores_of, write_scores
from restora.bundle import hash_settings, hold_folder, is_model
from restora.errors import UsageError
from restora.training.settings import stored_settings

if TYPE_CHECKING:
    from restora.evaluation import Evaluation
    from restora.features.pyramid import Trunk
    from restora.images.dataset import Dataset
    from restora.images.layouts.folders import Folders
    from restora.training.plan import Plan

# Of the trunk, for yardsticks, whatever a method of ours restores.
LEVELS = (2, 3)


@dataclass(frozen=True)
class Measured:
    """What a cell is found to be.

    size : (height, width) of the prepared pictures; figures : the three of the table
    more : further fields of its `Record`
    """

    size: tuple[int, int]
    figures: dict[str, float | None]
    look_seconds: float
    fit_seconds: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """Computes cells, one at a call.

    root   : the data root, None where every category is drawn; device : of trainings, cpu or cuda
    keep_models : whether a finished cell's model stays in the folder; that of a whole method always does
    """

    plan: BenchmarkSettings
    folder: RunFolder
    root: Path | None
    say: Callable[[str], None]
    device: str = "cpu"
    keep_models: bool = True

    def __call__(self, cell: Cell) -> Record:
        """The record of one cell. Raises what its making raises."""
        import torch

        makers: dict[Kind, Callable[[Cell, Path | Folders], Measured]] = {
            "trained": self._trained,
            "joined": self._joined,
            "refitted": self._refitted,
            "yardstick": self._yardstick,
            "anomalib": self._anomalib,
        }
        with _threads(self.plan.threads):
            found = makers[cell.row.kind](cell, self.source(cell))
        return Record.model_validate(
            {
                "cell": cell.name,
                "method": cell.row.name,
                "part": cell.row.part,
                "change": cell.row.change,
                "trunk": cell.trunk,
                "size": f"{found.size[0]}x{found.size[1]}",
                "category": cell.category,
                "seed": cell.seed,
                **found.figures,
                "recipe": cell.recipe,
                "steps": 0,
                "fit_seconds": None if found.fit_seconds is None else round(found.fit_seconds, 1),
                "look_seconds": round(found.look_seconds, 1),
                "threads": self.plan.threads,
                "torch": torch.__version__,
                "settings": hash_settings(stored_settings(cell.settings)),
                **machine_facts(),
                **found.more,
            }
        )

    def check(self, cells: Iterable[Cell]) -> None:
        """Raise UsageError where something that a cell needs was not named."""
        for cell in cells:
            if cell.source.path is not None and self.root is None:
                raise UsageError(
                    f"Nobody named the folder that {cell.source.path} lies in; add --data, or set {DATA_VARIABLE}."
                )
            if cell.row.kind == "anomalib" and self.plan.anomalib.python is None:
                raise UsageError(
                    f"{cell.row.name} needs the Python of an environment with anomalib; name it as python in "
                    "[anomalib], or leave such rows out with --methods."
                )

    def source(self, cell: Cell) -> Path | Folders:
        """Where the cell's pictures lie; a drawn product is drawn on first use."""
        wanted = cell.source
        if wanted.drawn is not None:
            from restora.demo.write import write_products

            wishes = {key: wish for key, wish in wanted.facts().items() if key != "drawn"}
            drawn = self.folder.drawn(cell)
            drawn.mkdir(parents=True, exist_ok=True)
            with hold_folder(drawn):  # others wait for the pictures instead of drawing them as well
                return write_products(drawn, wanted.drawn, **wishes)
        path = (self.root or Path()) / str(wanted.path)
        if not wanted.folders:
            return path
        from restora.images.layouts.folders import Folders

        return Folders(path, **wanted.folders)

    def _trained(self, cell: Cell, source: Path | Folders) -> Measured:
        return self._looked_at(cell, source, fit_seconds=self._fit(cell, source))

    def _fit(self, cell: Cell, source: Path | Folders) -> float | None:
        """Train a cell's model unless it is there; the seconds, None where they are not all of this call's."""
        from restora.training.train import train

        model = self.folder.model(cell)
        unfinished = model.with_name(model.name + ".partial")
        if is_model(model) and not unfinished.exists():
            self.say(f"{model} is there already.")
            return None
        anew = not unfinished.exists()
        model.parent.mkdir(parents=True, exist_ok=True)

        def fit(resume: bool) -> None:
            train(
                source,
                out=model,
                config=cell.settings,
                device=self.device,
                resume=resume,
                overwrite=True,
                say=lambda sentence: self.say(f"{cell.label}: {sentence}"),
            )

        start = time.perf_counter()
        try:
            fit(resume=True)
        except UsageError as error:
            if anew:
                raise
            self.say(f"{cell.label} cannot go on, and begins anew: {error}")
            fit(resume=False)
        return time.perf_counter() - start if anew else None

    def _joined(self, cell: Cell, source: Path | Folders) -> Measured:
        from restora.training.join import join

        parts = self._parts(cell, source)
        start = time.perf_counter()
        if not is_model(self.folder.model(cell)):
            join(parts, source, out=self.folder.model(cell), weights=cell.settings.trunk.weights)
        return self._looked_at(cell, source, fit_seconds=time.perf_counter() - start)

    def _refitted(self, cell: Cell, source: Path | Folders) -> Measured:
        from restora.training.refit import refit

        (base,) = self._parts(cell, source)
        start = time.perf_counter()
        if not is_model(self.folder.model(cell)):
            refit(base, source, cell.settings, out=self.folder.model(cell))
        return self._looked_at(cell, source, fit_seconds=time.perf_counter() - start)

    def _parts(self, cell: Cell, source: Path | Folders) -> list[Path]:
        """The models that a cell is made of. One whose figures came from a table has none yet, and is trained."""
        for part in cell.parts:
            self._fit(part, source)
        return [self.folder.model(part) for part in cell.parts]

    def _looked_at(self, cell: Cell, source: Path | Folders, fit_seconds: float | None) -> Measured:
        """Figures of a model by the graph that its users run."""
        from restora.bench.yardsticks.evaluate import figures
        from restora.detector.detector import Detector

        model = self.folder.model(cell)
        detector = Detector.load(model, threads=self.plan.threads)
        start = time.perf_counter()
        evaluation = detector.evaluate(source)
        seconds = time.perf_counter() - start
        self._tell_errors(evaluation)
        write_scores(self.folder.rows(cell), scores_of(evaluation))
        manifest = detector.model.manifest
        spec = manifest.input
        more = {
            "steps": manifest.settings.get("steps", 0),
            "weights_sha256": manifest.trunk.sha256,
            "fingerprint": manifest.fitting.fingerprint,
            "megabytes": round(sum(path.stat().st_size for path in model.iterdir()) / 1e6, 1),
        }
        if not (self.keep_models or cell.row.change == WHOLE):
            shutil.rmtree(model)
        return Measured((spec.height, spec.width), figures(evaluation), seconds, fit_seconds, more)

    def _yardstick(self, cell: Cell, source: Path | Folders) -> Measured:
        from restora.bench.yardsticks.evaluate import evaluate_runtime, figures, input_spec
        from restora.bench.yardsticks.fit import fit_yardstick

        trunk, plan, dataset = _prepare(cell, source)
        start = time.perf_counter()
        runtime = fit_yardstick(cell.row.name, plan, trunk)
        fitted = time.perf_counter()
        evaluation = evaluate_runtime(runtime, dataset, input_spec(plan.size, plan.settings.input.depth))
        looked = time.perf_counter()
        self._tell_errors(evaluation)
        return Measured(plan.size, figures(evaluation), looked - fitted, fitted - start, _made_from(trunk, plan))

    def _anomalib(self, cell: Cell, source: Path | Folders) -> Measured:
        from restora.bench.anomalib import Elsewhere, run_anomalib
        from restora.features.weights import find_weights

        weights = find_weights(cell.trunk, cell.settings.trunk.weights)
        if weights is None:
            raise UsageError(f"anomalib's rows need real weights of {cell.trunk}, not random ones; name a file.")
        python = Path(str(self.plan.anomalib.python))
        elsewhere = Elsewhere(python, weights, self.plan.anomalib.minutes, self.plan.threads)
        trunk, plan, dataset = _prepare(cell, source)
        found = run_anomalib(cell.row.name.removeprefix(ANOMALIB), plan, dataset, elsewhere)
        cut = found["cut"]
        more = {
            "steps": None,
            "anomalib": found["versions"]["anomalib"],
            "cut": None if cut is None else f"{cut['what']}: {cut['kept']} of {cut['of']}",
            "own_image_auroc": found["own_image_auroc"],
            **_made_from(trunk, plan),
        }
        figures = {name: found[name] for name in ("image_auroc", "pixel_auroc", "aupro_30")}
        return Measured(plan.size, figures, found["look_seconds"], found["fit_seconds"], more)

    def _tell_errors(self, evaluation: Evaluation) -> None:
        if count := evaluation.dataset["errors"]:
            self.say(f"{count} test pictures of {evaluation.dataset['name']} cannot be read and are in no figure.")


def _prepare(cell: Cell, source: Path | Folders) -> tuple[Trunk, Plan, Dataset]:
    """The trunk, the same fitting part and size as a training of ours has, and the data set."""
    from restora.features.pyramid import load_trunk
    from restora.training.plan import make_plan, open_source

    settings = cell.settings
    trunk = load_trunk(cell.trunk, weights=settings.trunk.weights, levels=LEVELS, seed=settings.seed)
    dataset = open_source(source, None)
    return trunk, make_plan(settings, dataset, trunk), dataset


def _made_from(trunk: Trunk, plan: Plan) -> dict[str, Any]:
    """Which weights and fitting pictures these were."""
    return {"weights_sha256": trunk.weights.sha256, "fingerprint": plan.fingerprint}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many processor threads for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
