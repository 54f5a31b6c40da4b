"""ONNX Runtime on the processor: the runtime that verdicts are calibrated with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.errors import ModelError
from restora.runtimes.contract import INPUT, check_outputs, count_cores


class OnnxRuntime:
    """A graph opened by ONNX Runtime.

    graph   : path of the .onnx file; it is opened by path because its large numbers lie in a file beside it
    threads : processor threads, None for one a core

    Raises ModelError for a file that is not a graph of ours.
    """

    name = "onnx"

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        self._session = open_session(graph, threads)
        self._graph = graph
        self._outputs = [output.name for output in self._session.get_outputs()]
        if [given.name for given in self._session.get_inputs()] != [INPUT] or "score" not in self._outputs:
            raise ModelError(f"{graph} is no graph of Restora: it must take '{INPUT}' and give 'score'.")

    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> float32 arrays by name, N first. Raises ModelError where the graph fails."""
        try:
            outputs = dict(zip(self._outputs, self._session.run(self._outputs, {INPUT: batch}), strict=True))
        except Exception as error:
            raise ModelError(f"{self._graph} cannot be run ({_first_line(error)}); train the model again.") from error
        check_outputs(outputs, len(batch), self._graph)
        return outputs


def open_session(graph: Path, threads: int | None = None) -> Any:
    """Open any graph as verdicts are made with it, an `onnxruntime.InferenceSession`; ModelError where it is none."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or count_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: its remarks on optimisation are no use to whoever looks at parts
    # waiting threads spin by default and take the cores away from reading the next pictures
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise ModelError(
            f"{graph} cannot be opened as a graph ({_first_line(error)}); train the model again."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
