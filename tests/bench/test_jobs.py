"""Worker processes that compute nothing share a run's folder; some are killed, some fail, all are ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import restora
from restora.bench import jobs
from restora.bench.folder import RunFolder
from restora.bench.jobs import LEFT, Job
from restora.bench.run import Benchmark, run_cells

# A worker whose cells end as ENDS says, by label; each that begins is a line in `begun`.
STUB = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from restora.bench import run, worker
from restora.errors import DataError
from tests.bench.conftest import record_of

ENDS, FOLDER = json.loads({ends!r}), Path({folder!r})

def measure(cell):
    with (FOLDER / "begun").open("a") as begun:
        begun.write(f"{{cell.label}}:{{os.getpid()}}\\n")
    end = ENDS.get(cell.label, "")
    if end == "kill" or (end == "kill once" and not (FOLDER / "killed").exists()):
        (FOLDER / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "fail":
        raise DataError("No pictures.")
    time.sleep(100 if end == "sleep" else 0.05)
    return record_of(cell)

run.Benchmark.measure = lambda *rest: measure
sys.exit(worker.main())
"""


class Stub:
    """The command of such workers; `begun` are the labels of the cells they began, in order, and their processes."""

    def __init__(self, folder: Path, ends: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir()
        paths = [str(Path(restora.__file__).parents[1]), str(Path(__file__).parents[2])]
        text = STUB.format(paths=paths, ends=json.dumps(ends), folder=str(folder))
        (folder / "stub.py").write_text(text)

    @property
    def command(self) -> tuple[str, ...]:
        return (str(self.folder / "stub.py"),)

    @property
    def begun(self) -> list[tuple[str, int]]:
        lines = (self.folder / "begun").read_text().splitlines()
        return [(label, int(pid)) for label, _, pid in (line.partition(":") for line in lines)]


@pytest.fixture
def go(plan, toml, tmp_path, monkeypatch):
    """Run all cells in two workers: what failed, what was said, the benchmark and the workers' command."""

    def gone(say=None, **ends: str):
        stub = Stub(tmp_path / "stub", {label.replace("__", " ").replace("_", "-"): end for label, end in ends.items()})
        monkeypatch.setattr(jobs, "WORKER", stub.command)
        run, said = Benchmark(plan(toml), RunFolder(tmp_path / "run")), []
        monkeypatch.setattr(Benchmark, "measure", lambda *rest: Unasked())
        failed = run.go(run.cells, root=None, device="cpu", say=say or said.append, jobs=2)
        return failed, said, run, stub

    return gone


class Unasked:
    """The measure of the process that only starts others."""

    def check(self, cells) -> None:
        assert list(cells)


def test_each_cell_is_computed_once_and_the_table_is_that_of_one_process(go, plan, toml, tmp_path, counter):
    failed, said, run, stub = go()
    assert failed == {}
    assert sorted(label for label, _ in stub.begun) == sorted(cell.label for cell in run.cells)
    assert said[0] == "8 cells, 0 of them finished before."
    assert len(said) == len(set(said))
    alone = Benchmark(plan(toml), RunFolder(tmp_path / "alone"))
    run_cells(alone.cells, alone.folder, counter(), lambda sentence: None)
    alone.write()
    assert run.table.read_bytes() == alone.table.read_bytes()
    assert (run.folder.root / "results.md").exists()


def test_the_cell_of_a_worker_that_was_killed_is_computed_by_another(go):
    failed, said, run, stub = go(control__resnet18__cap__0="kill once")
    assert failed == {}
    assert len(run.records()) == 8
    assert [label for label, _ in stub.begun].count("control resnet18 cap 0") == 2
    assert "A worker was ended by signal 9; its cell is free for the others, 1 of which go on." in said


def test_a_cell_that_kills_every_worker_is_left_and_told(go):
    failed, _, run, stub = go(control__resnet18__cap__0="kill")
    assert failed["control resnet18 cap 0"] == LEFT
    assert [label for label, _ in stub.begun].count("control resnet18 cap 0") == 2
    assert {cell.label for cell in run.cells if not run.folder.finished(cell)} == set(failed)
    assert set(failed.values()) == {LEFT}


def test_a_cell_that_fails_is_tried_once_by_all_and_again_by_the_next_run(go, tmp_path):
    sentence = {"control resnet18 cap 0": "No pictures."}
    failed, said, run, stub = go(control__resnet18__cap__0="fail")
    assert failed == sentence
    assert [label for label, _ in stub.begun].count("control resnet18 cap 0") == 1
    assert said.count("control resnet18 cap 0 failed: No pictures.") == 1
    assert run.go(run.cells, root=None, device="cpu", say=said.append, jobs=2) == sentence
    assert [label for label, _ in stub.begun].count("control resnet18 cap 0") == 2


def test_an_interrupt_ends_all_workers(go, tmp_path):
    begun: list[str] = []

    def say(sentence: str) -> None:
        begun.extend([sentence] if sentence.endswith("begins.") else [])
        if len(begun) == 2:
            while len(lines()) < 2:  # a worker says it before it does it
                time.sleep(0.01)
            raise KeyboardInterrupt

    def lines() -> list[str]:
        path = tmp_path / "stub/begun"
        return path.read_text().splitlines() if path.exists() else []

    with pytest.raises(KeyboardInterrupt):
        go(say, control__resnet18__fabric__0="sleep", ura_net__resnet18__fabric__0="sleep")
    assert len(lines()) == 2
    for line in lines():
        with pytest.raises(ProcessLookupError):
            os.kill(int(line.partition(":")[2]), 0)
    assert not (tmp_path / "run/cells").exists()


def test_a_worker_whose_starter_is_gone_ends(plan, toml, tmp_path):
    stub = Stub(tmp_path / "stub", {"control resnet18 fabric 0": "sleep"})
    run = Benchmark(plan(toml), RunFolder(tmp_path / "run"))
    names = tuple(cell.name for cell in run.cells)
    job = Job(plan=run.plan, folder=run.folder.root, cells=names, ablations=False, root=None, device="cpu")
    worker = subprocess.Popen(
        [sys.executable, *stub.command], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    worker.stdin.write(job.model_dump_json() + "\n")
    worker.stdin.flush()
    while not (tmp_path / "stub/begun").exists():
        assert worker.poll() is None
        time.sleep(0.01)
    worker.stdin.close()
    assert worker.wait(60) == 130
    with run.folder.hold(run.cells[0]) as ours:
        assert ours
