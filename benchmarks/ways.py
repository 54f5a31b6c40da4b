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
            time.sleep(pause)
            kills += process.poll() is None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.run(name)
        return kills

    def shards(self, name: str, parts: int) -> None:
        """The run of this name as parts in folders of their own, taken together."""
        for part in range(1, parts + 1):
            self.run(f"{name}-{part}", "--shard", f"{part}/{parts}")
        self.run(name, *(text for part in range(1, parts + 1) for text in ("--take", str(self.out / f"{name}-{part}"))))


Way = Callable[[], str | None]


def ways(grid: Grid, kills: int, parts: int, draws: random.Random, whole: Callable[[], float]) -> dict[str, Way]:
    """The ways by name, each a call that says what is worth saying of it."""

    def killed() -> str:
        most = 2 * whole() / max(kills, 1)
        return f"{grid.killed('killed', (draws.uniform(0, most) for _ in range(kills)))} kills met it"

    found: dict[str, Way] = {
        "whole": lambda: grid.run("whole", "--page"),
        "killed": killed,
        "shards": lambda: grid.shards("shards", parts),
    }
    if find_spec("ray") is None:
        print("Ray is not installed, so that it is not compared")
    else:
        found["ray"] = lambda: grid.run("ray", "--engine", "ray")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=Path(__file__).with_suffix(".toml"))
    parser.add_argument("--data", type=Path, required=True, help="folder that the categories' paths begin in")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--kills", type=int, default=20, help="(default 20)")
    parser.add_argument("--shards", type=int, default=3, help="(default 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills (default 0)")
    asked = parser.parse_args()
    if asked.out.exists() and any(asked.out.iterdir()):
        raise SystemExit(f"{asked.out} holds something; name a folder that is new, so that every way begins at nothing")
    grid, seconds = Grid(asked.file, asked.data, asked.out), dict[str, float]()
    different = []
    draws = random.Random(asked.seed)
    for name, way in ways(grid, asked.kills, asked.shards, draws, lambda: seconds["whole"]).items():
        begun = time.perf_counter()
        said = way()
        seconds[name] = time.perf_counter() - begun
        table = (asked.out / name / TABLE).read_bytes()
        same = table == (asked.out / "whole" / TABLE).read_bytes()
        if not same:
            different.append(name)
        rows = len(table.splitlines()) - 1
        print(f"{name:8}{seconds[name]:8.0f} s{rows:5} rows  {'the same bytes' if same else 'OTHER BYTES'}", end="")
        print(f"  ({said})" if said else "", flush=True)
    if different:
        raise SystemExit(f"{', '.join(different)}: not the bytes of the unbroken run")


if __name__ == "__main__":
    main()
