"""Runs a benchmark in one go, killed and gone on with, as shards, and on Ray; compares the tables.

    python benchmarks/ways.py --data ROOT --out runs/ways
    python benchmarks/ways.py grid.toml --data ROOT --out runs/ways --kills 20 --shards 3

ROOT holds the data sets of benchmarks/ways.toml in their published trees. Kills are -9 to the whole process group, at
random moments; what a kill meets depends on the machine. `results.csv` must have the same bytes each way; times are
those of a machine that may do other things.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

TABLE = "results.csv"


class Grid:
    """One benchmark file, run into folders below `out`."""

    def __init__(self, file: Path, data: Path, out: Path) -> None:
        self.line = [sys.executable, "-m", "restora", "benchmark", str(file), "--data", str(data)]
        self.out = out

    def start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        """Begin, or go on with, the run of this name; what it says goes to a file beside it."""
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / f"{name}.log").open("ab") as log:
            line = [*self.line, "--out", str(self.out / name), *options]
            return subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True)

    def run(self, name: str, *options: str) -> None:
        """The run of this name, to its end. Raises SystemExit where it fails."""
        status = self.start(name, *options).wait()
        if status:
            raise SystemExit(f"{name} ended with {status}; see {self.out / name}.log")

    def killed(self, name: str, pauses: Iterator[float]) -> int:
        """The run of this name, killed after each of the pauses and then left alone; how many kills met it running."""
        kills = 0
        for pause in pauses:
            process = self.start(name)
            try:
                process.wait(pause)
                break  # it ended before it could be killed
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
        self.run(name)
        return kills

    def shards(self, name: str, parts: int) -> None:
        """The run of this name as parts in folders of their own, taken together."""
        for part in range(1, parts + 1):
            self.run(f"{name}-{part}", "--shard", f"{part}/{parts}")
        self.run(name, *(text for part in range(1, parts + 1) for text in ("--take", str(self.out / f"{name}-{part}"))))


Way = Callable[[], str | None]


def ways(grid: Grid, pauses: Iterator[float], parts: int) -> dict[str, Way]:
    """The ways by name, each a call that says what is worth saying of it."""
    return {
        "whole": lambda: grid.run("whole", "--page"),
        "killed": lambda: f"killed {grid.killed('killed', pauses)} times",
        "shards": lambda: grid.shards("shards", parts),
        "ray": lambda: grid.run("ray", "--engine", "ray"),
    }


def compare(found: dict[str, Way], out: Path) -> list[str]:
    """Go the ways and print what became of each; those whose table is not that of the whole run."""
    different = []
    for name, way in found.items():
        begun = time.perf_counter()
        said = way()
        seconds = time.perf_counter() - begun
        table = (out / name / TABLE).read_bytes()
        if table != (out / "whole" / TABLE).read_bytes():
            different.append(name)
        says = [f"{name:8}{seconds:6.0f} s", f"{len(table.splitlines()) - 1} rows"]
        says += ["OTHER BYTES" if name in different else "the same bytes", *([said] if said else [])]
        print(", ".join(says), flush=True)
    return different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=Path(__file__).with_suffix(".toml"))
    parser.add_argument("--data", type=Path, required=True, help="folder that the categories' paths begin in")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs; a way that lies there goes on")
    parser.add_argument("--ways", default="whole,killed,shards,ray", help="(default whole,killed,shards,ray)")
    parser.add_argument("--kills", type=int, default=20, help="(default 20)")
    parser.add_argument("--pause", type=float, default=30.0, help="mean seconds before a kill (default 30)")
    parser.add_argument("--shards", type=int, default=3, help="(default 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills (default 0)")
    asked = parser.parse_args()
    draws = random.Random(asked.seed)
    pauses = (draws.uniform(0, 2 * asked.pause) for _ in range(asked.kills))
    found = ways(Grid(asked.file, asked.data, asked.out), pauses, asked.shards)
    chosen = {name: found[name] for name in asked.ways.split(",")}
    if "ray" in chosen and find_spec("ray") is None:
        print("Ray is not installed, so that it is not compared")
        del chosen["ray"]
    different = compare(chosen, asked.out)
    if different:
        raise SystemExit(f"{', '.join(different)}: not the bytes of the unbroken run")


if __name__ == "__main__":
    main()
