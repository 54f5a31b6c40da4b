"""The cells of a benchmark by workers elsewhere, each in a process of its own against the shared folder; as Ray tasks.

`run_groups` knows no engine; the rest is Ray's, and needs the extra `ray`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from restora.bench.cells import Cell
from restora.bench.folder import Record, RunFolder
from restora.bench.measure import Measure
from restora.bench.run import Benchmark, run_cells
from restora.bench.shards import group_cells
from restora.detector.engine import TRIES, LostWorkerError, Pool, in_order
from restora.detector.ray_pool import most_cores, ray_running, wait_for


@dataclass(frozen=True)
class Told:
    """What a worker has to tell of a group of cells: its sentences, and those of the cells that failed, by label."""

    said: tuple[str, ...]
    failed: dict[str, str]


def compute_group(cells: Sequence[Cell], folder: RunFolder, measure: Callable[[Cell], Record], said: list[str]) -> Told:
    """Compute a group where this is called; cells that are finished stay. `said` takes the sentences."""
    failed = run_cells(cells, folder, measure, said.append)
    return Told(tuple(said[1:]), failed)  # the first counts the cells


def run_groups(
    run: Benchmark, cells: Sequence[Cell], pool: Pool[list[Cell], Told], say: Callable[[str], None]
) -> dict[str, str]:
    """Let a pool compute what is not finished of `cells`; the sentences of those that failed, by label.

    A worker that is lost loses no more than the cell it was in: the group is handed out anew, and when that was in
    vain too, its cells are failed ones and the rest goes on.
    """
    groups = [group for group in group_cells(cells) if not all(run.folder.finished(cell) for cell in group)]
    left = sum(not run.folder.finished(cell) for group in groups for cell in group)
    say(f"{len(cells)} cells, {len(cells) - left} of them finished before.")
    failed: dict[str, str] = {}
    for told in in_order(pool, groups, ahead=len(groups) + 1, give_up=partial(_give_up, run.folder)):
        for sentence in told.said:
            say(sentence)
        failed |= told.failed
        run.write()
    run.write()
    run.write_forms()
    return failed


def _give_up(folder: RunFolder, group: Sequence[Cell], error: LostWorkerError) -> Told:
    sentence = f"Its worker was lost {TRIES} times ({error}); give workers more memory."
    lost = [cell for cell in group if not folder.finished(cell)]
    for cell in lost:
        folder.fail(cell, sentence)
    return Told((), {cell.label: sentence for cell in lost})


class RayTasks:
    """Each group as a task with a process of its own. A `Pool` of groups of cells."""

    def __init__(self, ray: Any, measure: Measure) -> None:
        self._ray = ray
        self._measure = measure
        cores = min(measure.plan.threads, most_cores(ray))
        gpus = 0 if measure.device == "cpu" else 1
        # tried again by us; a process is used once, as what a training leaves in memory is no part of the next
        self._task = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=0, max_calls=1)(_compute)

    def submit(self, cells: list[Cell]) -> Any:
        """Hand out a group; Ray waits for free cores by itself."""
        return self._task.remote(cells, self._measure)

    def result(self, ticket: Any) -> Told:
        """Wait for a group."""
        told: Told = wait_for(self._ray, ticket)
        return told


def _compute(cells: list[Cell], measure: Measure) -> Told:
    said: list[str] = []
    return compute_group(cells, measure.folder, replace(measure, say=said.append), said)


def go_on_ray(
    run: Benchmark, cells: Sequence[Cell], *, root: Path | None, device: str, say: Callable[[str], None]
) -> dict[str, str]:
    """`Benchmark.go` on Ray; the run's folder, the data and the weights must be where every node sees them."""
    here = replace(run, folder=RunFolder(run.folder.root.absolute()))
    measure = here.measure(root.absolute() if root else None, device, print)
    measure.check(cell for cell in cells if not run.folder.finished(cell))
    with ray_running() as ray:
        failed = run_groups(run, cells, RayTasks(ray, measure), say)
    return failed
