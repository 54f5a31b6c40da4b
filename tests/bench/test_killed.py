"""A run that is killed with -9 at random moments, and run again each time, gives the table of an unbroken one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import restora

# A run whose cells compute nothing, slowly; they leave files on their way as a training does.
STUB = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from restora.bench.folder import RunFolder
from restora.bench.plan import BenchmarkSettings
from restora.bench.run import Benchmark
from restora.config import from_toml
from tests.bench.conftest import SMALL, record_of

run = Benchmark(from_toml(SMALL, BenchmarkSettings), RunFolder(Path(sys.argv[1])))

class Slow:
    def check(self, cells): pass
    def __call__(self, cell):
        for step in range(4):
            time.sleep(0.01)
            (run.folder.root / f"step{{step}}").touch()
        return record_of(cell)

type(run).measure = lambda *rest: Slow()
run.go(run.cells, root=None, device="cpu", say=print)
"""

Command = Callable[[Path], subprocess.Popen[bytes]]


def seen(folder: Path) -> set[tuple[str, int]]:
    """Every file below with the time of its last change; what goes meanwhile is left out."""
    found = set()
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found.add((f"{place}/{name}", os.stat(f"{place}/{name}").st_mtime_ns))
            except FileNotFoundError:
                continue
    return found


def kill_after(changes: int, command: Command, folder: Path, pause: float) -> bool:
    """Run until the folder has changed so often, wait, kill; whether it had not ended by itself."""
    process = command(folder)
    before = seen(folder)
    while process.poll() is None and changes > 0:
        now = seen(folder)
        changes -= now != before
        before = now
        time.sleep(0.001)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    return process.wait(60) == -signal.SIGKILL


def break_off(command: Command, kills: int, folder: Path) -> list[Path]:
    """Kill runs until there were so many kills; the folders they were in, finished ones all."""
    draws, folders = random.Random(), [folder / "broken0"]
    while kills:
        if kill_after(draws.randrange(8), command, folders[-1], draws.uniform(0, 0.05)):
            kills -= 1
        else:
            folders.append(folder / f"broken{len(folders)}")
    assert command(folders[-1]).wait(600) == 0
    return folders


def test_a_run_killed_at_some_moments_gives_the_same_bytes(tmp_path):
    paths = [str(Path(restora.__file__).parents[1]), str(Path(__file__).parents[2])]
    stub = tmp_path / "stub.py"
    stub.write_text(STUB.format(paths=paths))

    def command(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(stub), str(folder)], stdout=subprocess.DEVNULL)

    assert command(tmp_path / "whole").wait(60) == 0
    for folder in break_off(command, 4, tmp_path):
        assert (folder / "results.csv").read_bytes() == (tmp_path / "whole/results.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_benchmark_killed_at_20_moments_gives_the_same_bytes(small, write, tmp_path, jobs):
    text = small.replace('"ura_net.fit.steps" = 2', '"ura_net.fit.steps" = 6\n"ura_net.fit.save_every" = 1')
    file = write(text)

    def command(folder: Path, jobs: int = jobs) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "restora", "benchmark", str(file), "--out", str(folder), "--jobs", str(jobs)]
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    assert command(tmp_path / "whole", jobs=1).wait(600) == 0
    for folder in break_off(command, 20, tmp_path):
        assert (folder / "results.csv").read_bytes() == (tmp_path / "whole/results.csv").read_bytes()
