"""A trunk alone as a graph, and the timing of things in turns; what benchmarks of speed share."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restora.runtimes.contract import INPUT
from restora.runtimes.onnx import open_session


class BareTrunk:
    """A trunk alone, opened as the graph of a model is: normalised pictures float32 [N, 3, H, W] in, features out."""

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        self._session = open_session(graph, threads)

    def __call__(self, normalised: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return list(self._session.run(None, {INPUT: normalised}))


def export_trunk(graph: Path, name: str, weights: str | None, level: int, size: tuple[int, int]) -> None:
    """Write a trunk, alone, as ONNX: normalised pictures float32 [N, 3, H, W] -> its features at `level`."""
    import torch

    from restora.export.graph import quiet
    from restora.features.pyramid import load_trunk

    trunk = load_trunk(name, weights=weights, levels=(level,))
    example = torch.zeros(2, 3, *size)
    shapes = ({0: torch.export.Dim("pictures", min=1, max=4096)},)
    with warnings.catch_warnings(), quiet("torch.onnx"):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            trunk.body.eval(), (example,), str(graph), dynamo=True, input_names=[INPUT], output_names=["features"],
            dynamic_shapes=shapes, verbose=False,
        )  # fmt: skip


def in_turns(tasks: Sequence[Callable[[], object]], rounds: int) -> NDArray[np.float64]:
    """Seconds by the clock, and of the processor, of every task in every round; [rounds, tasks, 2].

    One round more is run before, and not counted.
    """
    found = np.zeros((rounds + 1, len(tasks), 2))
    for row in found:
        for number, task in enumerate(tasks):
            start = time.perf_counter(), time.process_time()
            task()
            row[number] = time.perf_counter() - start[0], time.process_time() - start[1]
    return found[1:]
