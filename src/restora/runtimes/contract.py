"""The seam between pictures and the graph: what every runtime does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from restora.errors import ModelError

INPUT = "picture"
OUTPUTS = ("score", "doubt", "map", "probability", "aleatoric", "epistemic")


class Runtime(Protocol):
    """Runs the graph on prepared pictures.

    batch   : uint8 [N, H, W, 3], RGB, at the model's size
    returns : float32 "score" [N], "doubt" [N], "map" [N, h, w], and where the method has them "probability",
              "aleatoric", "epistemic" [N, h, w]
    """

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Look at one batch; what it says of a picture does not depend on the others in the batch."""


def check_outputs(outputs: Mapping[str, NDArray[np.float32]], count: int, graph: Path) -> None:
    """Raise ModelError where a graph does not give what `Runtime` promises for `count` pictures."""
    for name in ("score", "doubt", "map"):
        if name not in outputs:
            raise ModelError(f"{graph} is no graph of Restora: it must give '{name}'.")
    for name, values in outputs.items():
        sides = 0 if name in ("score", "doubt") else 2
        if values.dtype != np.float32 or values.ndim != 1 + sides or len(values) != count or not values.size:
            raise ModelError(
                f"{graph} is no graph of Restora: for {count} pictures, its '{name}' is {values.dtype} of shape "
                f"{list(values.shape)}."
            )


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
