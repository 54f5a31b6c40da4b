"""A runtime that needs no network, and one that really is a graph."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest


@dataclass
class Brightness:
    """A stand-in runtime: the map is the grey value of each 4 x 4 cell, the score its maximum, the doubt its spread."""

    name: str = "brightness"
    sizes: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def __call__(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        self.sizes.append(len(batch))
        self.threads.add(threading.current_thread().name)
        count, height, width, _ = batch.shape
        grey = batch.mean(axis=3, dtype=np.float32)
        cells = grey.reshape(count, height // 4, 4, width // 4, 4).mean(axis=(2, 4))
        return {"score": cells.max(axis=(1, 2)), "doubt": cells.std(axis=(1, 2)), "map": cells}


@pytest.fixture
def runtime() -> Brightness:
    return Brightness()
