"""Any number of pictures through one graph: read ahead, fixed batches, order kept, memory bounded.

Reading and resizing happen in a few threads while the network works on the batch before. At most a few batches of
pictures are in memory, whatever the number of sources and however slow whoever takes the results. A batch always has
the size it was asked for: the last one is filled up, because a network run at another size may round differently.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from restora.bundle import InputSpec
from restora.errors import PictureError, StoppedError
from restora.images.prepare import prepare
from restora.images.read import Picture, read_picture
from restora.runtimes.contract import Runtime, count_cores


def reading_threads() -> int:
    """Threads that read ahead unless stated: half the cores, as large pictures decode slower than networks look."""
    return min(8, max(2, count_cores() // 2))


class Named(Protocol):
    """Anything with a name and a place to read it from: a `Source` of any kind."""

    @property
    def name(self) -> str:
        """Name of the picture."""

    @property
    def locator(self) -> Any:
        """What `read_picture` takes."""


@dataclass(frozen=True)
class Look:
    """What one picture gave.

    shape : (H, W) of the picture; picture : the picture itself where it was asked to be kept
    outputs : float32 arrays by name without the batch axis: "score" and "doubt" [], maps [h, w]
    error : one sentence where the picture could not be read; then shape, picture and outputs are None
    milliseconds : reading this picture, and its share of its batch in the network
    """

    name: str
    shape: tuple[int, int] | None = None
    picture: Picture | None = None
    outputs: dict[str, NDArray[np.float32]] | None = None
    error: str | None = None
    milliseconds: float = 0.0


@dataclass(frozen=True)
class _Read:
    look: Look
    pixels: NDArray[np.uint8] | None  # uint8 [h, w, 3] at the model's size


def look_through(
    runtime: Runtime,
    sources: Iterable[Named],
    spec: InputSpec,
    *,
    batch: int,
    workers: int | None = None,
    keep_pictures: bool = False,
) -> Iterator[Look]:
    """Look at every source, in order, lazily: sources are drawn as results are taken.

    batch : pictures in one run of the graph; workers : threads that read ahead, `reading_threads()` unless stated
    keep_pictures : hand the pictures out as well

    A picture that cannot be read gives a Look with `error`. Errors of the sources themselves pass through.
    """
    workers = workers or reading_threads()
    waiting: list[_Read] = []
    for read in _read_ahead(sources, spec, max(2 * batch, workers), workers, keep_pictures):
        waiting.append(read)
        readable = sum(entry.pixels is not None for entry in waiting)
        # error rows wait behind the picture before them; a long run of them must not pile up
        if readable in (0, batch) or len(waiting) >= 4 * batch:
            yield from _run(runtime, waiting, batch)
            waiting = []
    yield from _run(runtime, waiting, batch)


def score_items(
    runtime: Runtime, items: Iterable[Any], spec: InputSpec, *, batch: int = 8, workers: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`score_sources` of the items of a data set (each with `name` and `source`)."""
    return score_sources(runtime, sources_of(items), spec, batch=batch, workers=workers)


def score_sources(
    runtime: Runtime, sources: Iterable[Named], spec: InputSpec, *, batch: int = 8, workers: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) scores and (n,) doubts of n pictures, for a calibration.

    Raises PictureError for a picture that cannot be read, StoppedError for a score that is no number.
    """
    scores, doubts = [], []
    for look in look_through(runtime, sources, spec, batch=batch, workers=workers):
        if look.outputs is None:
            raise PictureError(look.error or f"{look.name} cannot be read.")
        score, doubt = float(look.outputs["score"]), float(look.outputs["doubt"])
        if not np.isfinite([score, doubt]).all():
            raise StoppedError(f"The network gave no number for {look.name}; the model cannot be calibrated.")
        scores.append(score)
        doubts.append(doubt)
    return np.array(scores, dtype=np.float64), np.array(doubts, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _ItemSource:
    name: str
    locator: Any


def sources_of(items: Iterable[Any]) -> Iterator[Named]:
    """Items of a data set as sources."""
    return (_ItemSource(item.name, item.source) for item in items)


def _read_ahead(sources: Iterable[Named], spec: InputSpec, ahead: int, workers: int, keep: bool) -> Iterator[_Read]:
    """Read in threads, hand out in order, never more than `ahead` beyond what was taken."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="restora-read")
    queue: deque[Future[_Read]] = deque()
    try:
        for source in sources:
            queue.append(pool.submit(_read, source, spec, keep))
            if len(queue) >= ahead:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(source: Named, spec: InputSpec, keep: bool) -> _Read:
    start = time.perf_counter()
    try:
        picture = read_picture(source.locator, name=source.name, depth=spec.depth)
        pixels = prepare(picture.pixels, spec.size)
    except PictureError as error:
        return _Read(Look(source.name, error=str(error), milliseconds=_since(start)), None)
    height, width = picture.pixels.shape[:2]
    look = Look(source.name, (height, width), picture if keep else None, milliseconds=_since(start))
    return _Read(look, pixels)


def _run(runtime: Runtime, reads: list[_Read], batch: int) -> Iterator[Look]:
    """Run one batch and put what it says back into the order of reading, errors in their places."""
    pictures = [read.pixels for read in reads if read.pixels is not None]
    if not pictures:
        yield from (read.look for read in reads)
        return
    start = time.perf_counter()
    filled = pictures + [pictures[-1]] * (batch - len(pictures))
    outputs = runtime(np.stack(filled))
    share = _since(start) / len(pictures)
    place = 0
    for read in reads:
        if read.pixels is None:
            yield read.look
            continue
        mine = {name: values[place].copy() for name, values in outputs.items()}
        yield replace(read.look, outputs=mine, milliseconds=read.look.milliseconds + share)
        place += 1


def _since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)
