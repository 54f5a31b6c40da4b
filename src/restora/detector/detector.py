"""The everyday API: load a model, look at pictures, calibrate, evaluate. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from restora.bundle import CalibrationFacts, Model, read_model, write_model
from restora.detector.answer import answer
from restora.detector.strangest import choose_strangest, strangest
from restora.detector.stream import Look, Named, look_through, score_sources
from restora.errors import DataError, UsageError
from restora.images.groups import shared_pictures
from restora.images.layouts import is_data_set, read_dataset
from restora.images.layouts.folders import Folders
from restora.images.read import PictureSource
from restora.images.sources import Source, expand_sources
from restora.images.split import FEWEST_GOOD, content_digest, fingerprint
from restora.runtimes.contract import Runtime
from restora.runtimes.runtime import open_runtime
from restora.verdicts.calibration import DEFAULT_RATE, NO_CALIBRATION, Calibration, Promise, check_rate
from restora.verdicts.prediction import Prediction, Rule

if TYPE_CHECKING:
    from restora.evaluation import Evaluation
    from restora.images.dataset import Dataset

#: Pictures a run at the most: twice as many are read ahead, so a number mistyped would fill the memory.
MOST_BATCH = 1024

Sources = PictureSource | Source | Iterable[PictureSource | Source]


class Detector:
    """A model and what runs it; made by `Detector.load` or by `restora.train`.

    model : the model folder, read and verified; runtime : what runs its graph
    batch : pictures a run; the model's own unless stated
    """

    def __init__(self, model: Model, runtime: Runtime, *, batch: int | None = None) -> None:
        self.runtime = runtime
        self.batch = _check_batch(model.manifest.batch if batch is None else batch)
        self._use(model)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        runtime: str | Runtime = "auto",
        threads: int | None = None,
        batch: int | None = None,
    ) -> Self:
        """Open a model folder; every byte of it is verified.

        runtime : "auto", "onnx", "openvino", or a runtime that was opened already
        threads : processor threads of the runtime, None for one a core

        Raises ModelError for a damaged, incomplete or too new folder, UsageError for an unknown runtime, MissingError
        for one that is not installed.
        """
        model = read_model(path)
        opened = open_runtime(model, runtime, threads) if isinstance(runtime, str) else runtime
        return cls(model, opened, batch=batch)

    def look(self, picture: PictureSource, *, maps: bool = True, false_alarms: float | None = None) -> Prediction:
        """The verdict on one picture: a path, bytes, an array [H, W(, C)] or a Pillow image.

        maps : make the maps too, in the picture's pixels; false_alarms : as in `predict`
        A picture that cannot be read gives the verdict "error".
        """
        name = Path(picture).name if isinstance(picture, (str, Path)) else "picture"
        # alone, and so at batch 1: filling up would only make one picture wait for copies of itself
        predictions = self.predict(Source(name, picture), maps=maps, false_alarms=false_alarms, batch=1)
        return next(predictions)

    def predict(
        self, sources: Sources, *, maps: bool = False, false_alarms: float | None = None, batch: int | None = None
    ) -> Iterator[Prediction]:
        """Verdicts one by one, in the order of the sources, in flat memory.

        sources : a picture file, folder, archive, pattern, table, array, Pillow image, or any number of them; a
            generator is drawn from as verdicts are taken
        maps : make the maps too, in the pictures' pixels
        false_alarms : rate to promise, from the stored scores; the model's own unless stated. One that cannot be
            promised is replaced by the smallest that can (`promise` says so).

        Raises UsageError for a rate outside 0..1 or a batch below 1, DataError where nothing is named by `sources`.
        """
        rule = self._rule(false_alarms)
        size = self.batch if batch is None else _check_batch(batch)
        looks = self._looks(expand_sources(sources), size, keep_pictures=maps)
        return (answer(look, rule) for look in looks)

    def promise(self, false_alarms: float | None = None) -> Promise | None:
        """What verdicts promise at this rate (the model's own unless stated), None without a calibration."""
        asked = self._asked(false_alarms)
        return None if self._calibration is None else self._calibration.promise(asked)

    def calibrate(
        self, source: str | Path | Folders | Sources, *, false_alarms: float | None = None, layout: str | None = None
    ) -> Promise:
        """Calibrate anew on good pictures the model was not fitted on, and write that into the model folder.

        source : a folder of good pictures, a data set (the good pictures of its training part), a table, `Folders`
            named one by one, or pictures
        false_alarms : the rate that verdicts use from now on; 0.01 or the smallest possible unless stated

        Pictures the model was fitted on are left out: their scores are lower than those of pictures to come. The old
        calibration is in force until the new one is written whole.

        Raises DataError for fewer than 8 pictures, PictureError for one that cannot be read.
        """
        if false_alarms is not None:
            check_rate(false_alarms)
        sources = _good_sources(source, layout)
        digests = {f"{place} {one.name}": _digest(one.locator) for place, one in enumerate(sources)}
        fitted = set(self.model.manifest.fitting.digests)
        kept = [
            (one, digest) for one, digest in zip(sources, digests.values(), strict=True) if digest[:16] not in fitted
        ]
        fresh = [one for one, _ in kept]
        _check_enough(len(fresh), len(sources))
        scores, doubts = score_sources(self.runtime, fresh, self.model.manifest.input, batch=self.batch)
        facts = CalibrationFacts(
            scores=tuple(scores.tolist()),
            doubts=tuple(doubts.tolist()),
            false_alarms=false_alarms,
            fingerprint=fingerprint({key: digest for key, digest in digests.items() if digest[:16] not in fitted}),
            strangest=choose_strangest([(one.name, digest) for one, digest in kept], scores.tolist()),
        )
        promise = Calibration.fit(scores, doubts).promise(false_alarms)  # a calibration that cannot be is not written
        manifest = self.model.manifest.model_copy(update={"calibration": facts})
        self._use(write_model(self.model.folder, manifest))
        return promise.with_notes(_left_out(len(sources) - len(fresh)))

    def evaluate(
        self,
        source: str | Path | Folders,
        *,
        report: str | Path | None = None,
        layout: str | None = None,
        false_alarms: float | None = None,
    ) -> Evaluation:
        """Figures on a data set with defects: what was promised and what happened.

        source : the path of a data set, or `Folders` named one by one
        report : write an HTML page there as well

        Defective pictures come first, so that good ones need not be kept: memory is that of the defective masks.
        Raises DataError for a data set without test pictures, or a mask that does not fit its picture.
        """
        from restora.detector.examine import MOST_SHOWN, Examination
        from restora.evaluation import evaluate_rows

        if report is not None and not Path(report).absolute().parent.is_dir():
            raise UsageError(f"There is no folder for the report {report}; make it, or name another path.")
        if report is not None and Path(report).exists() and not Path(report).is_file():
            raise UsageError(f"The report {report} is a folder, a pipe or a device; name a file.")
        dataset = read_dataset(source, layout)
        if not dataset.test:
            raise DataError(
                f"{source} has no test pictures; evaluate needs good and defective ones, as restora data layouts shows."
            )
        spec = self.model.manifest.input
        examination = Examination(
            self._rule(false_alarms),
            ignore=self.model.path(spec.ignore) if spec.ignore is not None else None,
            masks=dataset.has_masks,
            most_shown=MOST_SHOWN if report is not None else 0,
        )
        examination.take_all(
            dataset.test, lambda sources: self._looks(sources, self.batch, keep_pictures=report is not None)
        )
        evaluation = evaluate_rows(
            {"name": dataset.name, "layout": dataset.layout, "notes": list(dataset.notes)},
            examination.rows(),
            pixel=examination.pixels,
            promise=self.promise(false_alarms),
            model=self._model_facts(),
            shared=shared_pictures(dataset),
        )
        if report is not None:
            self._write_report(Path(report), evaluation, examination.shown.pictures(), dataset, false_alarms)
        return evaluation

    def info(self) -> dict[str, Any]:
        """The model's card, ready for JSON."""
        manifest = self.model.manifest
        promise = self.promise()
        card = manifest.model_dump(mode="json", exclude={"calibration", "settings", "files", "fitting"})
        return {
            "model": self.model.folder.name,
            "fingerprint": self.model.fingerprint,
            **card,
            "fitting": {"count": manifest.fitting.count, "fingerprint": manifest.fitting.fingerprint},
            "calibration": None
            if manifest.calibration is None
            else {"count": len(manifest.calibration.scores), "fingerprint": manifest.calibration.fingerprint},
            "promise": None if promise is None else promise.to_dict(),
            "promise_sentences": list(self._sentences()),
            "strangest": [{"name": one.name, "part": part, "score": one.score} for part, one in strangest(manifest)],
            "settings": manifest.settings,
            "files": {role: {"name": entry.name, "size": entry.size} for role, entry in manifest.files.items()},
        }

    def _repr_html_(self) -> str:
        manifest = self.model.manifest
        rows = {
            "model": self.model.folder.name,
            "method": f"{manifest.method}, preset {manifest.preset}, trunk {manifest.trunk.name}",
            "input": f"{manifest.input.height} x {manifest.input.width} pixels",
            "fitted on": f"{manifest.fitting.count} good pictures",
            "promise": "\n".join(self._sentences()),
        }
        left = "text-align:left;vertical-align:top;white-space:pre-line"  # notebooks align the cells of a table right
        cells = "".join(
            f"<tr><th style='{left}'>{key}</th><td style='{left}'>{escape(value)}</td></tr>"
            for key, value in rows.items()
        )
        return f"<table>{cells}</table>"

    def __repr__(self) -> str:
        return f"Detector({str(self.model.folder)!r}, runtime={self.runtime.name!r}, batch={self.batch})"

    def _use(self, model: Model) -> None:
        facts = model.manifest.calibration
        self.model = model
        self._calibration = None if facts is None else Calibration.fit(facts.scores, facts.doubts)

    def _asked(self, false_alarms: float | None) -> float | None:
        """The rate asked for: now, or when the model was calibrated. Checked also where nothing can be promised."""
        if false_alarms is not None:
            return check_rate(false_alarms)
        facts = self.model.manifest.calibration
        return None if facts is None else facts.false_alarms

    def _rule(self, false_alarms: float | None) -> Rule:
        asked = self._asked(false_alarms)
        if self._calibration is None:
            return Rule.at(None, asked or DEFAULT_RATE)
        return Rule.at(self._calibration, self._calibration.rate(asked).rate)

    def _looks(self, sources: Iterable[Named], batch: int, *, keep_pictures: bool) -> Iterator[Look]:
        return look_through(self.runtime, sources, self.model.manifest.input, batch=batch, keep_pictures=keep_pictures)

    def _sentences(self) -> tuple[str, ...]:
        promise = self.promise()
        return (NO_CALIBRATION,) if promise is None else promise.sentences

    def _model_facts(self) -> dict[str, Any]:
        manifest = self.model.manifest
        return {
            "name": self.model.folder.name,
            "fingerprint": self.model.fingerprint,
            "method": manifest.method,
            "preset": manifest.preset,
            "settings_hash": manifest.settings_hash,
            "trunk": manifest.trunk.name,
            "input": [manifest.input.height, manifest.input.width],
            "runtime": self.runtime.name,
            "batch": self.batch,
            "package_version": manifest.package_version,
        }

    def _write_report(
        self, path: Path, evaluation: Evaluation, pictures: list[Any], dataset: Dataset, asked: float | None
    ) -> None:
        from restora.detector.strangest import show_strangest
        from restora.report.facts import model_facts
        from restora.report.page import write_report

        found = show_strangest(self.runtime, self.model.manifest, dataset.good("train"), self._rule(asked))
        write_report(path, evaluation, pictures, facts={**model_facts(self.model, asked), **found})


def _good_sources(source: Any, layout: str | None) -> list[Source]:
    """The good pictures that `source` names; those of the training part where it is a data set."""
    if isinstance(source, (str, Path, Folders)) and is_data_set(source):
        good = read_dataset(source, layout).good("train")
        return [Source(item.name, item.source) for item in good]
    return list(expand_sources(source))


def _digest(locator: Any) -> str:
    return content_digest(np.asarray(locator) if isinstance(locator, Image.Image) else locator)


def _check_enough(fresh: int, found: int) -> None:
    if fresh < FEWEST_GOOD:
        also = f" ({found - fresh} others were fitted on and cannot be used)" if found > fresh else ""
        raise DataError(
            f"A calibration needs at least {FEWEST_GOOD} good pictures that the model was not fitted on, and there are "
            f"{fresh}{also}; add good pictures."
        )


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} pictures that the model was fitted on were left out.",) if count else ()


def _check_batch(batch: int) -> int:
    if not 1 <= batch <= MOST_BATCH:
        raise UsageError(f"--batch is {batch}; it must be 1 to {MOST_BATCH}.")
    return batch
