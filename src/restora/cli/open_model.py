"""Opens a model folder with the runtime that a command asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from restora.cli.output import say
from restora.errors import UsageError, need

if TYPE_CHECKING:
    from restora.detector.detector import Detector

RUNTIMES = ("auto", "onnx", "openvino", "torch")


def open_detector(
    model: Path, *, runtime: str = "auto", threads: int | None = None, batch: int | None = None
) -> Detector:
    """Open `model`; raises ModelError, UsageError for an unknown runtime, MissingError for one not installed."""
    from restora.detector.detector import Detector

    if runtime not in RUNTIMES:
        raise UsageError(f"There is no runtime named {runtime!r}; choose one of {', '.join(RUNTIMES)}.")
    if runtime != "torch":
        return Detector.load(model, runtime=runtime, threads=threads, batch=batch)
    need("torch", "train")
    from restora.bundle import read_model
    from restora.export.torch_runtime import open_torch_runtime

    return Detector.load(model, runtime=open_torch_runtime(read_model(model), "cpu"), threads=threads, batch=batch)


def say_promise(detector: Detector, false_alarms: float | None) -> None:
    """Say when the verdicts promise something else than was asked for, or nothing; UsageError for a rate of 0."""
    from restora.verdicts.calibration import DEFAULT_RATE, NO_CALIBRATION

    promise = detector.promise(false_alarms)
    if promise is None:
        say(NO_CALIBRATION)
    elif promise.rate != (DEFAULT_RATE if promise.asked is None else promise.asked):
        say(promise.sentences[0])
