"""One tally a family, and the table of all of them at the end of the run."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from .harness import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLIES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="the limits of time and memory are kept with Linux's own means")
    for item in items:
        if item.path.parent.name == "fuzz" and sys.platform != "linux":
            item.add_marker(skip)


@pytest.fixture(scope="session")
def tallies(request: pytest.FixtureRequest) -> dict[str, Tally]:
    """The tallies of all families that ran, by name."""
    return request.config.stash[TALLIES]


@pytest.fixture
def tally(tallies: dict[str, Tally]) -> Callable[[str], Tally]:
    """The tally of a family by its name."""
    return lambda family: tallies.setdefault(family, Tally(family))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tallies = config.stash[TALLIES].values()
    if not tallies:
        return
    write = terminalreporter.write_line
    write("")
    write(f"{'bad input':<14}{'cases':>7}{'seconds':>9}{'computed':>10}{'slowest':>9}{'growth MB':>11}  outcomes")
    for one in tallies:
        ends = ", ".join(f"{count} {outcome}" for outcome, count in sorted(one.outcomes.items()))
        figures = f"{one.seconds:>9.1f}{one.processor:>10.1f}{one.slowest:>9.2f}{one.growth / 1e6:>11.0f}"
        write(f"{one.family:<14}{one.cases:>7}{figures}  {ends}")
    sums = [sum(getattr(one, name) for one in tallies) for name in ("cases", "seconds", "processor")]
    write(f"{'all':<14}{sums[0]:>7}{sums[1]:>9.1f}{sums[2]:>10.1f}")
