"""Compares one worker with two, as shards and on Ray, on work that one core bounds; and times the joining of parts.

    python benchmarks/scaling.py part.restora part/test/good --count 2000
    python benchmarks/scaling.py                                 (draws pictures and makes a model of them)
    python benchmarks/scaling.py --merge 1000000                 (rows of no pictures, in 64 parts: merge alone)

Every worker has one thread. What a start takes is measured with a single picture and taken off, so that the ratio is
that of long jobs. The rows of all ways are compared byte for byte. Anything else that runs on the machine shows in the
load average: wait until two cores are idle.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from copy import copy
from importlib.util import find_spec
from pathlib import Path

from speed import subject

from restora.report.merge import find_parts, merge_parts
from restora.report.parts import Job, Share, part_path, write_facts
from restora.report.rows import write_rows
from restora.verdicts.prediction import Prediction

TARGET = 1.6
PARTS = 64

Command = list[str]


def timed(commands: Sequence[Command]) -> float:
    """Seconds until the last of the commands, started together, has ended."""
    start = time.perf_counter()
    line = [sys.executable, "-m", "restora"]
    running = [subprocess.Popen([*line, *command], stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate()[1] for process in running]
    for process, words, command in zip(running, said, commands, strict=True):
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {words.strip()}")
    return time.perf_counter() - start


class Ways:
    """The ways to look at the pictures of a table, each into files of its own below a folder."""

    def __init__(self, model: Path, scratch: Path) -> None:
        self.model, self.scratch = model, scratch

    def commands(self, way: str, table: Path) -> list[Command]:
        """What is started together."""
        out = self.scratch / f"{way}-{table.stem}"
        common = ["predict", str(self.model), str(table), "--threads", "1"]
        if way == "shards":
            return [[*common, "--shard", f"{part}/2", "--out", str(out)] for part in (1, 2)]
        rows = ["--out", f"{out}.csv"]
        return [[*common, *rows] if way == "one" else [*common, *rows, "--engine", "ray", "--workers", way[-1]]]

    def seconds(self, way: str, tables: tuple[Path, Path]) -> float:
        """What the second table takes longer than the first, which has a single picture."""
        short, long = (timed(self.commands(way, table)) for table in tables)
        return long - short

    def rows(self, way: str, table: Path) -> bytes:
        """What was written."""
        out = self.scratch / f"{way}-{table.stem}.csv"
        if way == "shards":
            timed([["merge", str(out.with_suffix("")), "--out", str(out)]])
        return out.read_bytes()


def compare(model: Path, paths: list[str], scratch: Path) -> bool:
    """Print seconds and ratios; whether both ratios reach the target."""
    tables = scratch / "single.csv", scratch / "all.csv"
    for table, some in zip(tables, (paths[:1], paths), strict=True):
        table.write_text("\n".join(["path", *(os.path.abspath(path) for path in some)]) + "\n", encoding="utf-8")
    ways = Ways(model.absolute(), scratch)
    pairs = [("one", "shards")]
    if find_spec("ray") is None:
        print("Ray is not installed, so that it is not measured")
    else:
        pairs.append(("ray1", "ray2"))
    met = True
    for one, two in pairs:
        alone, together = (ways.seconds(way, tables) for way in (one, two))
        if any(ways.rows(way, tables[1]) != ways.rows("one", tables[1]) for way in (one, two)):
            raise SystemExit(f"{one} and {two} did not give the rows of one process")
        ratio = alone / together
        met &= ratio >= TARGET
        print(f"{one} {alone:.1f} s, {two} {together:.1f} s for {len(paths)} pictures, the same bytes", end="; ")
        print(f"ratio {ratio:.2f}, target at least {TARGET}: {'met' if ratio >= TARGET else 'MISSED'}")
    return met


def made_up(numbers: range) -> Iterator[Prediction]:
    """Rows of no pictures."""
    return (Prediction(f"line/{n:09d}.png", "ok", 0.5, n / 7, n / 11) for n in numbers)


def time_merge(rows: int, scratch: Path) -> None:
    """Print what joining takes, in time of the processor and in memory beyond what the process had before."""
    job = Job(
        model="none", form="csv", runtime="onnx", batch=8, threads=1, false_alarms=None, timings=False, restora="0"
    )
    whole = Share(1, PARTS)
    deque(whole.of(made_up(range(rows))), maxlen=0)
    for part in range(1, PARTS + 1):
        share, path = copy(whole), part_path(scratch, part, PARTS, "csv")
        share.part = part
        with path.open("wb") as stream:
            seen = write_rows(stream, made_up(range(part - 1, rows, PARTS)))
        write_facts(path, path, job, share, seen, 1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with (scratch / "rows.csv").open("wb") as stream:
        merge_parts(find_parts(scratch), stream)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    grown = (after.ru_maxrss - before.ru_maxrss) / 1024
    print(f"merge: {rows} rows of {PARTS} parts, {(scratch / 'rows.csv').stat().st_size / 1e6:.0f} MB", end=", ")
    print(f"{used:.1f} s of the processor, {grown:.0f} MB of memory more than before")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("pictures", nargs="?", help="folder of pictures to look at")
    parser.add_argument("--weights", default="random", help="of the trunk (default random: no less work)")
    parser.add_argument("--count", type=int, default=2000, help="pictures (default 2000)")
    parser.add_argument("--merge", type=int, default=None, help="instead: join so many rows")
    asked = parser.parse_args()
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))
    with tempfile.TemporaryDirectory(prefix="restora-scaling-") as scratch:
        if asked.merge is not None:
            time_merge(asked.merge, Path(scratch))
            return
        with subject(asked) as (model, paths):
            met = compare(model, paths, Path(scratch))
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))
    if not met:
        raise SystemExit("some targets were missed")


if __name__ == "__main__":
    main()
