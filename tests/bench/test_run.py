"""Finished cells stay, one that fails leaves the rest, and a run that was broken off gives the same table."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from restora.bench.cells import list_cells
from restora.bench.folder import RunFolder
from restora.bench.run import Benchmark, run_cells
from restora.bench.shards import take_cells
from restora.bench.table import write_tables
from restora.bundle import hold_folder
from restora.errors import CancelledError, DataError, StoppedError, UsageError


def silent(sentence: str) -> None:
    """Nobody reads it."""


@pytest.fixture
def cells(plan, toml):
    return list_cells(plan(toml))


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_every_cell_is_computed_once_in_order(cells, folder, counter):
    compute, said = counter(), []
    assert run_cells(cells, folder, compute, said.append) == {}
    assert compute.done == [cell.label for cell in cells]
    assert run_cells(cells, folder, compute, said.append) == {}
    assert len(compute.done) == len(cells)
    assert said[-1] == "8 cells, 8 of them finished before."
    assert not list((folder.root / "held").iterdir())


@pytest.mark.parametrize("broken", range(8))
def test_a_run_that_is_broken_off_repeats_nothing_and_gives_the_same_bytes(
    plan, toml, tmp_path, cells, counter, broken
):
    def tables(name: str) -> list[bytes]:
        run = Benchmark(plan(toml), RunFolder(tmp_path / name))
        run.write()
        return [path.read_bytes() for path in (run.table, run.table.with_name("runs.csv"))]

    run_cells(cells, RunFolder(tmp_path / "whole"), counter(), silent)
    first, second = counter(), counter()
    first.ends = {cells[broken].label: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run_cells(cells, RunFolder(tmp_path / "broken"), first, silent)
    run_cells(cells, RunFolder(tmp_path / "broken"), second, silent)
    assert first.done + second.done == [cell.label for cell in cells]
    assert tables("broken") == tables("whole")


def test_a_cell_that_fails_is_told_and_leaves_the_rest(cells, folder, counter):
    compute = counter()
    compute.ends = {cells[0].label: DataError("No pictures."), cells[3].label: ZeroDivisionError("division by zero")}
    failed = run_cells(cells, folder, compute, silent)
    assert failed[cells[0].label] == "No pictures."
    assert failed[cells[3].label].startswith("This is a fault of Restora (ZeroDivisionError: division by zero)")
    assert compute.done == [cell.label for number, cell in enumerate(cells) if number not in (0, 3)]
    assert folder.failure(cells[0]) == "No pictures."
    assert json.loads((folder.root / f"failed/{cells[0].name}.json").read_text())["cell"] == cells[0].label
    again = counter()
    assert run_cells(cells, folder, again, silent) == {}
    assert again.done == [cells[0].label, cells[3].label]
    assert folder.failure(cells[0]) is None


def test_an_interrupt_from_a_training_ends_the_run(cells, folder, counter):
    compute = counter()
    compute.ends = {cells[2].label: CancelledError("Interrupted.")}
    with pytest.raises(CancelledError):
        run_cells(cells, folder, compute, silent)
    assert len(compute.done) == 2


def test_what_is_made_of_a_cell_that_failed_fails_with_it(plan, toml, folder, counter):
    cells = list_cells(plan(toml.replace('["control", "ura-net"]', '["both"]').replace("[0, 1]", "[0]")))
    compute = counter()
    compute.ends = {"mfr-net resnet18 fabric 0": StoppedError("A loss is no number.")}
    failed = run_cells(cells, folder, compute, silent)
    assert failed == {
        "mfr-net resnet18 fabric 0": "A loss is no number.",
        "both resnet18 fabric 0": "It is made of mfr-net resnet18 fabric 0, which failed; see there.",
    }
    assert compute.done == ["ura-net resnet18 fabric 0"] + [
        f"{row} resnet18 cap 0" for row in ("ura-net", "mfr-net", "both")
    ]


def test_cells_of_other_settings_are_never_taken_for_these(plan, toml, tmp_path, cells, counter):
    folder = RunFolder(tmp_path)
    run_cells(cells, folder, counter(), silent)
    other = Benchmark(plan(toml.replace('steps" = 2', 'steps" = 3')), folder)
    compute = counter()
    run_cells(other.cells, folder, compute, silent)
    assert len(compute.done) == 8
    assert len(other.records()) == 8
    assert folder.others(other.cells) == 8
    assert {one.recipe for one in other.records()} == {cell.recipe for cell in other.cells}


def test_cells_that_the_table_has_are_not_computed_again(plan, toml, tmp_path, cells, counter):
    table = tmp_path / "results.csv"
    run_cells(cells[:5], RunFolder(tmp_path / "one"), counter(), silent)
    Benchmark(plan(toml), RunFolder(tmp_path / "one"), named=table).write()
    before = [path.read_bytes() for path in (table, tmp_path / "runs.csv")]

    run, compute = Benchmark(plan(toml), RunFolder(tmp_path / "other"), named=table), counter()
    take_cells(run.cells, run.folder, run.in_table())
    run.write()
    assert [path.read_bytes() for path in (table, tmp_path / "runs.csv")] == before
    run_cells(run.cells, run.folder, compute, silent)
    assert compute.done == [cell.label for cell in cells[5:]]
    changed = Benchmark(plan(toml.replace('steps" = 2', 'steps" = 3')), RunFolder(tmp_path / "other"), named=table)
    assert changed.in_table() == {}


def test_tables_and_cells_from_before_a_column_was_added_are_read(plan, toml, tmp_path, cells, counter):
    run = Benchmark(plan(toml), RunFolder(tmp_path / "run"))
    run_cells(cells[:1], run.folder, lambda cell: counter()(cell).model_copy(update={"cores": 4}), silent)
    run.write()
    assert run.in_table()[cells[0].name].cores == 4
    runs, kept = run.table.with_name("runs.csv"), run.folder.root / f"cells/{cells[0].name}.json"
    lines = [line.split(",") for line in runs.read_text().splitlines()]
    old = lines[0].index("weights_sha256")
    runs.write_text("".join(",".join(line[:old]) + "\n" for line in lines))
    record = json.loads(kept.read_text())
    kept.write_text(json.dumps({key: record[key] for key in lines[0][:old]} | figures_of(record)))
    assert run.in_table()[cells[0].name].cores is None
    assert run.folder.read(cells[0]).cores is None
    run.write()
    assert runs.read_text().splitlines()[0].split(",")[old] == "weights_sha256"


def figures_of(record: dict[str, object]) -> dict[str, object]:
    return {key: record[key] for key in ("image_auroc", "pixel_auroc", "aupro_30")}


@pytest.mark.parametrize("harm", ["missing", "cut", "figure"])
def test_a_table_that_no_benchmark_wrote_is_refused(plan, toml, tmp_path, cells, counter, harm):
    run = Benchmark(plan(toml), RunFolder(tmp_path))
    run_cells(cells[:2], run.folder, counter(), silent)
    run.write()
    runs = tmp_path / "runs.csv"
    text = runs.read_text()
    if harm == "missing":
        runs.unlink()
    else:
        runs.write_text(text.rpartition("\n")[0].rpartition("\n")[0] if harm == "cut" else text.replace("1.5", "fast"))
    with pytest.raises(UsageError, match="no cell can be taken" if harm == "missing" else "not what a benchmark wrote"):
        run.in_table()


def test_a_table_may_have_a_name_as_long_as_a_name_can_be(tmp_path):
    table = tmp_path / ("n" * 246 + ".csv")
    assert write_tables(table, []).name == "n" * 246 + "-runs.csv"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_damaged_cell_is_named(cells, folder, counter):
    run_cells(cells[:1], folder, counter(), silent)
    path = folder.root / f"cells/{cells[0].name}.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(UsageError, match="is damaged; remove it"):
        folder.read(cells[0])


def test_two_runs_of_one_folder_share_the_cells(cells, folder, counter):
    started, both = threading.Barrier(2), [counter(), counter()]

    def work(compute) -> None:
        def slowly(cell):
            if not compute.done:
                started.wait(10)  # each is in a cell of its own
            return compute(cell)

        run_cells(cells, folder, slowly, silent, wait=0.01)

    threads = [threading.Thread(target=work, args=(compute,)) for compute in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(both[0].done + both[1].done) == sorted(cell.label for cell in cells)
    assert both[0].done
    assert both[1].done


def hold_for_ever(place: str, held: multiprocessing.synchronize.Event) -> None:
    with hold_folder(Path(place)):
        held.set()
        threading.Event().wait()


def test_a_cell_whose_process_was_killed_is_free_again(cells, folder, counter):
    place = folder.root / "held" / cells[0].name
    place.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=hold_for_ever, args=(str(place), held))
    process.start()
    assert held.wait(60)
    with folder.hold(cells[0]) as ours:
        assert not ours
    process.kill()
    process.join()
    with folder.hold(cells[0]) as ours:
        assert ours


def test_what_a_cell_needs_is_asked_for_before_anything_is_written(plan, toml, folder):
    run = Benchmark(plan(toml.replace('{ drawn = "fabric"', '{ path = "a/b" } #')), folder)
    with pytest.raises(UsageError, match="Nobody named the folder that a/b lies in; add --data"):
        run.go(run.cells, root=None, device="cpu", say=silent)
    run = Benchmark(plan(toml.replace('["control", "ura-net"]', '["anomalib-stfpm"]')), folder)
    with pytest.raises(UsageError, match="anomalib-stfpm needs the Python of an environment"):
        run.go(run.cells, root=None, device="cpu", say=silent)
    assert not folder.root.exists()
