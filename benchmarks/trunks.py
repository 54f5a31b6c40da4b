"""Times trunks alone in ONNX Runtime, in turns: restora-tiny beside ResNet-18, both up to level 3.

    python benchmarks/trunks.py

Numbers do not change how long a network takes, so random ones stand in for weights that may not be at hand.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from bare_trunk import BareTrunk, export_trunk, in_turns

from restora.features.settings import PREFERRED, RANDOM, TINY
from restora.runtimes.contract import count_cores

LEVEL = 3
TARGET = 2.0
PICTURES = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunk", default=TINY)
    parser.add_argument("--beside", default=PREFERRED)
    parser.add_argument("--side", type=int, default=256, help="of the pictures, in pixels")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))
    names = (asked.trunk, asked.beside)
    with tempfile.TemporaryDirectory(prefix="restora-trunks-") as scratch:
        trunks = []
        for name in names:
            graph = Path(scratch) / f"{name.replace('/', '-')}.onnx"
            export_trunk(graph, name, RANDOM, LEVEL, (asked.side, asked.side))
            trunks.append(BareTrunk(graph))
        for batch in (1, 8):
            pictures = np.random.default_rng(0).standard_normal((batch, 3, asked.side, asked.side), dtype=np.float32)

            def repeat(trunk: BareTrunk, pictures: np.ndarray) -> None:
                for _ in range(PICTURES // len(pictures)):
                    trunk(pictures)

            tasks: list[Callable[[], object]] = [partial(repeat, trunk, pictures) for trunk in trunks]
            found = in_turns(tasks, asked.rounds)[:, :, 0]
            times, ratio = 1000 * np.median(found, 0) / PICTURES, float(np.median(found[:, 1] / found[:, 0]))
            said = ", ".join(f"{name} {time:.1f} ms a picture" for name, time in zip(names, times, strict=True))
            verdict = "met" if ratio >= TARGET else "MISSED"
            print(
                f"batch {batch}, {count_cores()} threads: {said}; {ratio:.2f} times as fast, bar {TARGET:g}: {verdict}"
            )
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
