"""Several processes on this machine that share a run's folder: each takes the next cell that nobody holds; no torch.

They are processes of their own, not forks: torch's threads do not survive a fork, and one that is killed takes no lock
or queue of the others with it. They get their work as one line of JSON, and end when the end of their input tells them
that the process which started them is gone.
"""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE

from restora.bench.cells import Cell
from restora.bench.folder import RunFolder
from restora.bench.plan import BenchmarkSettings
from restora.methods.settings import Section

WORKER = ("-m", "restora.bench.worker")
LOOK_SECONDS = 0.5  # between two looks at what is finished
GRACE_SECONDS = 60.0  # for a training to keep its state


class Job(Section):
    """What a worker is to do: these cells (by name) of a benchmark, in this folder; see `run.Benchmark.go`."""

    plan: BenchmarkSettings
    folder: Path
    cells: tuple[str, ...]
    ablations: bool
    root: Path | None
    device: str


def run_jobs(
    job: Job,
    cells: Sequence[Cell],
    count: int,
    say: Callable[[str], None],
    *,
    after: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Compute what is not finished of `cells` in `count` worker processes; why cells failed or were left, by label.

    cells : those of the job; say: takes the workers' sentences; after: called here when cells have been finished

    An interrupt (KeyboardInterrupt) ends all workers, which keep the state of their trainings, and is raised again.
    """
    folder = RunFolder(job.folder)
    left = [cell for cell in cells if not folder.finished(cell)]
    say(f"{len(cells)} cells, {len(cells) - len(left)} of them finished before.")
    for cell in left:
        folder.forget(cell)  # what failed before is tried again, and what fails from now on is not tried by the next
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    workers: list[subprocess.Popen[str]] = []
    try:
        workers += (_start(job, told) for _ in range(min(count, len(left))))
        _follow(workers, told, say, lambda: sum(map(folder.finished, left)), after)
    finally:
        _end(workers)
    return {cell.label: why for cell in left if not folder.finished(cell) for why in [folder.failure(cell) or LEFT]}


LEFT = "It was left by a worker that ended; run the same command again."


def _start(job: Job, told: queue.SimpleQueue[str]) -> subprocess.Popen[str]:
    # in a session of its own: Ctrl-C on a terminal reaches this process alone, which then tells each worker once
    worker = subprocess.Popen(
        [sys.executable, *WORKER], stdin=PIPE, stdout=DEVNULL, stderr=PIPE, text=True, start_new_session=True
    )
    assert worker.stdin is not None
    worker.stdin.write(job.model_dump_json() + "\n")
    worker.stdin.flush()  # and stays open: its end is how the worker learns that this process is gone
    threading.Thread(target=_listen, args=(worker, told), daemon=True).start()
    return worker


def _listen(worker: subprocess.Popen[str], told: queue.SimpleQueue[str]) -> None:
    assert worker.stderr is not None
    with worker.stderr as lines:
        for line in lines:
            told.put(line.rstrip("\n"))


def _follow(
    workers: Sequence[subprocess.Popen[str]],
    told: queue.SimpleQueue[str],
    say: Callable[[str], None],
    finished: Callable[[], int],
    after: Callable[[], None],
) -> None:
    """Pass on what the workers say, each sentence once, until all have ended."""
    running, said, before = list(workers), set[str](), finished()
    while running or not told.empty():
        try:
            sentence = told.get(timeout=LOOK_SECONDS)
            if sentence not in said:
                said.add(sentence)
                say(sentence)
        except queue.Empty:
            pass
        for worker in [one for one in running if one.poll() is not None]:
            running.remove(worker)
            if worker.returncode:
                say(f"{_ending(worker.returncode)}; its cell is free for the others, {len(running)} of which go on.")
        if (now := finished()) != before:
            before = now
            after()


def _ending(status: int) -> str:
    how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
    return f"A worker {how}"


def _end(workers: Sequence[subprocess.Popen[str]]) -> None:
    """End the workers that still run, gently at first."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()
