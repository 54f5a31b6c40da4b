"""Ray's workers: each an actor that holds an open model and looks at blocks of pictures. Needs the extra `ray`."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restora.detector.detector import Detector
from restora.detector.engine import LostWorkerError, predict_in_blocks
from restora.errors import ModelError, RestoraError, need
from restora.images.sources import Source
from restora.verdicts.prediction import Prediction

Look = Callable[[Iterable[Source]], Iterator[Prediction]]

AHEAD = 4  # blocks a worker: the fast ones go on while a slow one has the block that is waited for
RESTART_SECONDS = 60.0
PAUSE_SECONDS = 0.1


def need_ray() -> Any:
    """Ray itself. Raises MissingError where it is not installed.

    It reads the environment when it is imported: nothing is reported to anybody, and unless RAY_ADDRESS names a cluster
    the loopback address is the node's own (the variable for that is called after the systems that it is for).
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if not os.environ.get("RAY_ADDRESS"):
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    return need("ray", "ray")


@contextmanager
def ray_running() -> Iterator[Any]:
    """Ray, connected to the cluster that RAY_ADDRESS names, or started on this machine for a while, for it alone."""
    ray = need_ray()
    alone = {"address": "local", "_node_ip_address": "127.0.0.1", "include_dashboard": False}
    handler = signal.getsignal(signal.SIGTERM)
    ray.init(**({} if os.environ.get("RAY_ADDRESS") else alone), log_to_driver=False, logging_level="ERROR")
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray takes it, and would end the process in its own way
        yield ray
    finally:
        ray.shutdown()


def most_cores(ray: Any) -> int:
    """Cores of the node that has most: who asks for more waits for ever."""
    return max(1, *(int(node["Resources"].get("CPU", 0)) for node in ray.nodes()))


@dataclass(frozen=True)
class Opening:
    """What a worker opens, and how it looks.

    model : the folder, which every worker must see at this path; fingerprint : what it must be
    false_alarms, maps : as in `Detector.predict`; here : where relative paths of pictures begin
    """

    model: Path
    fingerprint: str
    runtime: str
    threads: int
    batch: int
    false_alarms: float | None = None
    maps: bool = False
    here: Path = field(default_factory=Path.cwd)


@dataclass
class Worker:
    """What lives in an actor. The model is opened at the first look, so that what is wrong with it comes back."""

    opening: Opening
    _detector: Detector | None = field(default=None, init=False)

    def look(self, sources: list[Source]) -> list[Prediction]:
        """Predictions for the sources, in their order."""
        how = self.opening
        if self._detector is None:
            os.chdir(how.here)  # the process is this actor's alone
            found = Detector.load(how.model, runtime=how.runtime, threads=how.threads, batch=how.batch)
            if found.model.fingerprint != how.fingerprint:
                raise ModelError(f"{how.model} is another model where a worker sees it; give all the same folder.")
            self._detector = found
        return list(self._detector.predict(sources, maps=how.maps, false_alarms=how.false_alarms))


class RayPool:
    """Actors, each of which is started anew by Ray where it dies. A `Pool` of blocks of sources."""

    def __init__(self, ray: Any, opening: Opening, workers: int) -> None:
        self._ray = ray
        actor = ray.remote(num_cpus=min(opening.threads, most_cores(ray)), max_restarts=-1, max_task_retries=0)(Worker)
        self._actors = [actor.remote(opening) for _ in range(workers)]
        self._busy: dict[Any, int] = {}

    def submit(self, sources: list[Source]) -> Any:
        """Hand a block to the worker that has the fewest."""
        if self._busy:
            done, _ = self._ray.wait(list(self._busy), num_returns=len(self._busy), timeout=0)
            for reference in done:
                del self._busy[reference]
        load = list(self._busy.values())
        least = min(range(len(self._actors)), key=load.count)
        reference = self._actors[least].look.remote(sources)
        self._busy[reference] = least
        return reference, least

    def result(self, ticket: Any) -> list[Prediction]:
        """Wait for the predictions of a block, and, where its worker died, for that to be started anew."""
        reference, worker = ticket
        try:
            found: list[Prediction] = wait_for(self._ray, reference)
        except LostWorkerError:
            self._wait_until_back(self._actors[worker])
            raise
        return found

    def _wait_until_back(self, actor: Any) -> None:
        """Until an actor answers, or for a minute; Ray refuses at once what is handed to one that is being started."""
        until = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < until:
            try:
                self._ray.get(actor.__ray_ready__.remote())
            except self._ray.exceptions.RayActorError:
                time.sleep(PAUSE_SECONDS)
            else:
                return


def wait_for(ray: Any, ticket: Any) -> Any:
    """What a task gave. Raises LostWorkerError where its process died, and the error that the task itself raised."""
    try:
        return ray.get(ticket)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, RestoraError | MemoryError | OSError) else error) from None
    except ray.exceptions.RayError as error:
        raise LostWorkerError(str(error).partition("\n")[0].rstrip(".")) from None


@contextmanager
def looking_on_ray(opening: Opening, workers: int | None) -> Iterator[Look]:
    """Something that gives predictions for sources, in their order: the same that one process makes.

    workers : as many as the cluster has cores for unless stated
    """
    with ray_running() as ray:
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // opening.threads)
        pool = RayPool(ray, opening, count)
        yield lambda sources: predict_in_blocks(pool, sources, batch=opening.batch, ahead=AHEAD * count)
