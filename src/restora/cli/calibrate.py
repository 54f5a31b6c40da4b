"""restora calibrate: a new calibration from good pictures, the network untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Batch, FalseAlarms, Json, Layout, Model, RuntimeName, Threads
from restora.cli.output import emit, emit_json


def calibrate(
    model: Model,
    path: Annotated[Path, typer.Argument(help="Good pictures that the model was not fitted on.", show_default=False)],
    false_alarms: FalseAlarms = None,
    layout: Layout = None,
    runtime: RuntimeName = "auto",
    batch: Batch = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Calibrate a model anew from good pictures; the network is not touched.

    Example: restora calibrate part.restora parts/more_good --false-alarms 0.005
    """
    from restora.cli.open_model import open_detector

    detector = open_detector(model, runtime=runtime, threads=threads, batch=batch)
    promise = detector.calibrate(path, false_alarms=false_alarms, layout=layout)
    if json:
        emit_json(promise.to_dict(), indent=2)
    else:
        emit("\n".join([f"{model} is calibrated on {promise.pictures} good pictures.", *promise.sentences]))
