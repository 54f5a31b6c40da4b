"""OpenVINO on the processor, in full precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.errors import ModelError, need
from restora.runtimes.contract import OUTPUTS, check_outputs, count_cores


class OpenvinoRuntime:
    """A graph opened by OpenVINO.

    graph   : path of an .onnx or an OpenVINO .xml file
    weights : path of the .bin file of an .xml, whose name OpenVINO could not guess
    threads : processor threads, None for one a core

    Raises MissingError without the openvino package, ModelError for a file that is not a graph.
    """

    name = "openvino"

    def __init__(self, graph: Path, threads: int | None = None, *, weights: Path | None = None) -> None:
        openvino: Any = need("openvino", "openvino")
        settings = {
            # OpenVINO computes in bfloat16 wherever the processor can; that moves maps by 0.01 to 0.02, enough to
            # flip verdicts near the threshold, so full precision is asked for by name
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads or count_cores(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        core = openvino.Core()
        try:
            network = core.read_model(str(graph)) if weights is None else core.read_model(str(graph), str(weights))
            self._compiled = core.compile_model(network, "CPU", settings)
        except RuntimeError as error:
            first = str(error).partition("\n")[0]
            raise ModelError(f"{graph} cannot be opened by OpenVINO ({first}); export the model again.") from error
        self._graph = graph
        self._request = self._compiled.create_infer_request()
        # where OpenVINO folds a node away, one tensor bears its own name and that of the output
        self._names = [sorted(output.get_names() & set(OUTPUTS)) for output in self._compiled.outputs]
        if not any("score" in names for names in self._names):
            raise ModelError(f"{graph} is no graph of Restora: it must give 'score'.")

    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> float32 arrays by name, N first. Raises ModelError where the graph fails."""
        try:
            self._request.infer([batch], share_inputs=True)
        except RuntimeError as error:
            first = str(error).partition("\n")[0]
            raise ModelError(f"{self._graph} cannot be run by OpenVINO ({first}); export the model again.") from error
        # the request writes into the same memory next time, so its results are copied out
        outputs = {
            name: np.array(self._request.get_output_tensor(place).data, dtype=np.float32)
            for place, names in enumerate(self._names)
            for name in names
        }
        check_outputs(outputs, len(batch), self._graph)
        return outputs
