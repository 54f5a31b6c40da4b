"""Cells that workers compute elsewhere give the tables of one process, whichever workers die."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec

import pytest

from restora.bench.folder import RunFolder
from restora.bench.ray_cells import compute_group, run_groups
from restora.bench.run import Benchmark, run_cells
from restora.cli.run import run
from restora.detector.engine import TRIES, LostWorkerError
from restora.errors import DataError


def silent(sentence: str) -> None:
    """Nobody reads it."""


@dataclass
class Workers:
    """A pool in this process. `losses`: how often the worker of a cell is lost, by label, before the cell is done."""

    folder: RunFolder
    compute: object
    losses: dict[str, int] = field(default_factory=dict)

    def submit(self, cells):
        return cells

    def result(self, cells):
        def measure(cell):
            if self.losses.get(cell.label, 0):
                self.losses[cell.label] -= 1
                raise KeyboardInterrupt  # leaves the group where it is, as a kill does
            return self.compute(cell)

        try:
            return compute_group(cells, self.folder, measure, [])
        except KeyboardInterrupt:
            raise LostWorkerError("out of memory") from None


@pytest.fixture
def benchmark(plan, toml, tmp_path) -> Benchmark:
    text = toml.replace('["control", "ura-net"]', '["both", "control"]')
    return Benchmark(plan(text), RunFolder(tmp_path / "run"))


def whole(benchmark, tmp_path, counter) -> list[bytes]:
    one = Benchmark(benchmark.plan, RunFolder(tmp_path / "whole"))
    run_cells(one.cells, one.folder, counter(), silent)
    one.write()
    return tables(one)


def tables(one: Benchmark) -> list[bytes]:
    return [path.read_bytes() for path in (one.table, one.table.with_name("runs.csv"))]


def test_lost_workers_cost_no_cell_and_give_the_same_tables(benchmark, tmp_path, counter):
    compute, said = counter(), []
    losses = {"both resnet18 fabric 0": TRIES - 1, "control resnet18 cap 1": 1}
    assert run_groups(benchmark, benchmark.cells, Workers(benchmark.folder, compute, losses), said.append) == {}
    assert tables(benchmark) == whole(benchmark, tmp_path, counter)
    assert sorted(compute.done) == sorted(cell.label for cell in benchmark.cells)  # parts of the lost group: once
    assert said[0] == "16 cells, 0 of them finished before."
    again = counter()
    assert run_groups(benchmark, benchmark.cells, Workers(benchmark.folder, again), said.append) == {}
    assert again.done == []


def test_a_cell_that_loses_every_worker_fails_alone(benchmark, counter):
    label = "both resnet18 fabric 0"
    workers = Workers(benchmark.folder, counter(), {label: TRIES})
    failed = run_groups(benchmark, benchmark.cells, workers, silent)
    assert failed == {label: "Its worker was lost 4 times (out of memory); give workers more memory."}
    assert len(benchmark.records()) == 15
    (cell,) = [cell for cell in benchmark.cells if cell.label == label]
    assert benchmark.folder.failure(cell) == failed[label]


def test_a_cell_that_fails_is_told_once(benchmark, counter):
    compute = counter()
    compute.ends = {"control resnet18 cap 0": DataError("No pictures.")}
    said: list[str] = []
    failed = run_groups(benchmark, benchmark.cells, Workers(benchmark.folder, compute), said.append)
    assert failed == {"control resnet18 cap 0": "No pictures."}
    assert sum("No pictures." in sentence for sentence in said) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own are not ours
def test_rays_tasks_give_the_figures_of_one_process(write, toml, tmp_path, monkeypatch):
    if find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    text = toml.replace('["control", "ura-net"]', '["nearest-neighbour", "position-gaussian"]')
    file = write(text.replace("[0, 1]", "[0]"))
    line = ["benchmark", str(file), "--out"]
    assert run([*line, str(tmp_path / "one")]) == 0
    assert run([*line, str(tmp_path / "ray"), "--engine", "ray"]) == 0
    assert (tmp_path / "ray/results.csv").read_bytes() == (tmp_path / "one/results.csv").read_bytes()
