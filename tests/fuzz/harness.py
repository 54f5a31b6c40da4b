"""What all families of bad input share: how a case is run and judged, and the counts of how the cases ended."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy, integers

from restora.errors import RestoraError

#: Changing it tries other cases; a release keeps one, so that a run can be repeated.
SEED = 9_2026
#: No case takes a second of a processor; what takes this long hangs, however busy the machine is.
LIMIT_SECONDS = 60.0
#: Bytes of memory that a family may take above those of its start; torch, loaded by some, takes half of it.
LIMIT_GROWTH = 500_000_000


class Fault(AssertionError):
    """A case that ended otherwise than a command may."""


class Hang(BaseException):
    """Raised inside a case that takes too long."""


@dataclass
class Tally:
    """How the cases of one family ended.

    seconds, processor : by the clock, and those that were computed; on a busy machine far fewer
    slowest : seconds of the slowest case; growth : bytes of memory above those of its start, at the most
    """

    family: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    processor: float = 0.0
    slowest: float = 0.0
    growth: int = 0

    @property
    def cases(self) -> int:
        """Number of cases run."""
        return self.outcomes.total()

    def run(self, case: Any, body: Callable[[Any], str]) -> None:
        """Run one case; `body` says how it ended, or raises: a RestoraError is a sentence, all else a fault."""
        start = time.perf_counter()
        try:
            with limited():
                outcome = body(case)
        except RestoraError as error:
            outcome = self._checked_sentence(case, error)
        except Hang:
            outcome = self._fault(case, f"hangs for more than {LIMIT_SECONDS:g} s")
        except Exception as error:
            outcome = self._fault(case, f"{type(error).__name__}: {error}")
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, time.perf_counter() - start)

    def _checked_sentence(self, case: Any, error: RestoraError) -> str:
        problem = wrong_sentence(str(error))
        return self._fault(case, problem) if problem else f"sentence {error.exit_status}"

    def _fault(self, case: Any, what: str) -> str:
        kind = what.removeprefix("This is a fault of Restora, not yours")[:60]
        self.faults.setdefault(kind, f"{what[:600]}\n    case: {case!r:.1500}")
        return "FAULT"


def explore(
    tally: Tally, cases: SearchStrategy[Any], body: Callable[[Any], str], count: int, growth: int = LIMIT_GROWTH
) -> None:
    """Run `count` different cases, the same ones at every call, and fail with all kinds of faults that they showed."""
    begin, spent, base = time.perf_counter(), time.process_time(), _reset_peak()
    wanted, known = tally.cases + count, set[str]()

    def one(case: Any) -> None:
        name = repr(case)
        if name not in known and tally.cases < wanted:
            known.add(name)
            tally.run(case, body)

    number = SEED
    while tally.cases < wanted:
        _draw(cases, one, number, wanted - tally.cases + 20)  # the first of every draw is the simplest, known already
        number += 1
    tally.seconds += time.perf_counter() - begin
    tally.processor += time.process_time() - spent
    tally.growth = max(tally.growth, _peak() - base)
    assert not tally.faults, f"{tally.family}: {len(tally.faults)} kinds of faults\n" + "\n".join(tally.faults.values())
    assert tally.growth < growth, f"{tally.family}: memory grew by {tally.growth:,} bytes"


def _draw(cases: SearchStrategy[Any], take: Callable[[Any], None], number: int, count: int) -> None:
    """Hand `count` cases to `take`, drawn one independent of the other.

    Hypothesis follows every case with up to five slight changes of it, to come nearer to a failure. Here no case
    fails, since failures are collected, and five of six cases would hardly differ. It also mixes in what numbers and
    words stand in the source of all loaded modules: cases would change with every line of ours.
    """

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def each(case: Any) -> None:
        take(case)

    with (
        mock.patch.object(ConjectureRunner, "generate_mutations_from", return_value=None),
        mock.patch.object(providers, "_get_local_constants", return_value=Constants()),
    ):
        each()


def mostly(often: SearchStrategy[Any], seldom: SearchStrategy[Any], times: int = 5) -> SearchStrategy[Any]:
    """`often` so many times as often as `seldom`; `one_of` gives each of its different strategies the same share."""
    return integers(0, 5 * (times + 1) - 1).flatmap(lambda number: seldom if number % (times + 1) == 2 else often)


def wrong_sentence(text: str) -> str | None:
    """What keeps a text from being one sentence for people; None where nothing does."""
    if not text.strip() or "\n" in text.strip():
        return f"not one line: {text!r}"
    if "Traceback" in text or "fault of Restora" in text:
        return text
    return None


@contextmanager
def limited(seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """Raise Hang inside the block after so long, and again every second, should somebody catch it."""
    expired = False

    def end(number: int, frame: object) -> None:
        nonlocal expired
        expired = True
        raise Hang

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if expired:
            raise Hang


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def _peak() -> int:
    return _status("VmHWM")


def _reset_peak() -> int:
    """Let the kernel forget the largest memory so far; returns the memory now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")
