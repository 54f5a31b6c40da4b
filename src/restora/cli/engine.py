"""What looks at the pictures of `predict`: this process, or workers of Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from restora.errors import UsageError

if TYPE_CHECKING:
    from restora.detector.detector import Detector
    from restora.images.sources import Source
    from restora.report.parts import Job
    from restora.verdicts.prediction import Prediction

PROCESS, RAY = "process", "ray"


def check_engine(name: str, workers: int | None = None, runtime: str = "auto") -> str:
    """The same name. Raises UsageError for an unknown one or what it cannot do, MissingError for one not installed."""
    if name not in (PROCESS, RAY):
        raise UsageError(f"--engine is {name!r}; choose one of {PROCESS}, {RAY}.")
    if workers is not None and name == PROCESS:
        raise UsageError("--workers are those of Ray; add --engine ray, or see --threads.")
    if name == RAY and runtime == "torch":
        raise UsageError("Workers of Ray open no torch runtime; choose --runtime auto, onnx or openvino.")
    if name == RAY:
        from restora.detector.ray_pool import need_ray

        need_ray()
    return name


@contextmanager
def open_engine(
    name: str, detector: Detector, job: Job, *, workers: int | None, maps: bool
) -> Iterator[Callable[[Iterable[Source]], Iterator[Prediction]]]:
    """Something that gives predictions for sources, in their order, with the settings of the job."""
    if name == PROCESS:
        yield lambda sources: detector.predict(sources, maps=maps, false_alarms=job.false_alarms)
        return
    from restora.detector.ray_pool import Opening, looking_on_ray

    opening = Opening(
        model=detector.model.folder.absolute(),
        fingerprint=job.model,
        runtime=job.runtime,
        threads=job.threads or 1,
        batch=job.batch,
        false_alarms=job.false_alarms,
        maps=maps,
    )
    with looking_on_ray(opening, workers) as look:
        yield look
