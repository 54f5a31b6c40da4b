"""Work handed out to workers that may die, and taken back in order; knows no engine by name.

A pool is what an engine has to offer: it takes a task, and later gives its result, or says that the worker is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol, TypeVar

from restora.errors import StoppedError
from restora.images.sources import Source
from restora.verdicts.prediction import Prediction

#: How often a task is handed out before it is given up: a picture that kills its worker must not kill all of them.
TRIES = 4
#: Batches in a block: enough that handing it out costs little beside looking at it.
BATCHES = 16

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class LostWorkerError(Exception):
    """The worker died, or cannot be reached; its task was not done, or nobody knows of it."""


class Pool(Protocol[T_contra, R_co]):
    """Workers of one kind."""

    def submit(self, task: T_contra) -> Any:
        """Hand out a task; a ticket that `result` takes."""

    def result(self, ticket: Any) -> R_co:
        """Wait for what came of it. Raises LostWorkerError, and whatever the work itself raised."""


def give_up(task: object, error: LostWorkerError) -> Any:
    """Raise StoppedError."""
    raise StoppedError(f"A worker was lost {TRIES} times over the same pictures ({error}); give workers more memory.")


def in_order(
    pool: Pool[T, R],
    tasks: Iterable[T],
    *,
    ahead: int,
    give_up: Callable[[T, LostWorkerError], R] = give_up,
) -> Iterator[R]:
    """What comes of the tasks, in their order, lazily: they are drawn as results are taken.

    ahead : tasks that are handed out at a time; give_up : what stands for a task whose worker was lost `TRIES` times
    A task whose worker was lost is handed out anew.
    """
    out: deque[tuple[T, Any]] = deque()
    for task in tasks:
        out.append((task, pool.submit(task)))
        if len(out) >= ahead:
            yield _result(pool, *out.popleft(), give_up)
    while out:
        yield _result(pool, *out.popleft(), give_up)


def _result(pool: Pool[T, R], task: T, ticket: Any, give_up: Callable[[T, LostWorkerError], R]) -> R:
    for left in reversed(range(TRIES)):
        try:
            return pool.result(ticket)
        except LostWorkerError as error:
            if not left:
                return give_up(task, error)
            ticket = pool.submit(task)
    raise AssertionError("unreachable")


def predict_in_blocks(
    pool: Pool[list[Source], list[Prediction]], sources: Iterable[Source], *, batch: int, ahead: int
) -> Iterator[Prediction]:
    """Predictions for the sources, in their order, by workers that take a block of them at a time.

    batch : of each worker; ahead : blocks that are handed out at a time
    """
    named = iter(sources)
    blocks = iter(lambda: list(islice(named, BATCHES * batch)), [])
    for found in in_order(pool, blocks, ahead=ahead):
        yield from found
