"""Which runtime is taken for a model's graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from restora.bundle import Model
from restora.errors import UsageError
from restora.runtimes.contract import Runtime

#: More than any machine has cores; each thread asked for is really started.
MOST_THREADS = 1024


def open_runtime(model: Model, name: str = "auto", threads: int | None = None) -> Runtime:
    """Open a model's graph.

    name    : "onnx", "openvino", or "auto": ONNX Runtime, because verdicts were calibrated with it
    threads : processor threads, None for one a core

    Raises UsageError for an unknown name, MissingError for a package that is not installed, ModelError for a graph
    that cannot be opened.
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--threads is {threads}; it must be 1 to {MOST_THREADS}.")
    opener = RUNTIMES.get("onnx" if name == "auto" else name)
    if opener is None:
        raise UsageError(f"There is no runtime '{name}'; take one of: auto, {', '.join(RUNTIMES)}.")
    return opener(model, threads)


def _open_onnx(model: Model, threads: int | None) -> Runtime:
    from restora.runtimes.onnx import OnnxRuntime

    return OnnxRuntime(model.path("graph"), threads)


def _open_openvino(model: Model, threads: int | None) -> Runtime:
    from restora.runtimes.openvino import OpenvinoRuntime

    # the ONNX graph itself can be read as well; files converted beforehand only open faster
    own = "openvino" in model.manifest.files
    weights = model.path("openvino_weights") if own else None
    return OpenvinoRuntime(model.path("openvino" if own else "graph"), threads, weights=weights)


def _open_torch(model: Model, threads: int | None) -> Runtime:
    raise UsageError(
        "The torch runtime is handed in as an object: Detector.load(path, "
        "runtime=restora.export.torch_runtime.open_torch_runtime(model, device))."
    )


RUNTIMES: dict[str, Callable[[Model, Any], Runtime]] = {
    "onnx": _open_onnx,
    "openvino": _open_openvino,
    "torch": _open_torch,
}
