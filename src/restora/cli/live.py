"""A table that keeps itself up to date below what is said, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from restora.errors import RestoraError

if TYPE_CHECKING:
    from rich.console import Group

REFRESH_SECONDS = 2.0

# A title, the heads, and the lines.
Look = tuple[str, Sequence[Sequence[str]]]


@contextmanager
def live_table(look: Callable[[], Look]) -> Iterator[None]:
    """Show what `look` gives, title and lines (the first are heads), every two seconds; nothing off a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    shown = Live(
        console=Console(stderr=True),
        get_renderable=lambda: _table(look),
        refresh_per_second=1 / REFRESH_SECONDS,
        transient=True,  # the whole table is printed at the end
    )
    with shown:
        yield


def _table(look: Callable[[], Look]) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    try:
        title, (heads, *lines) = look()
    except RestoraError as error:  # of a file that is damaged; whoever needs it says so and ends the command
        title, heads, lines = str(error), [], []
    table = Table()
    for head in heads:
        table.add_column(Text(head))  # as it is: a name may have brackets, which are markup elsewhere
    for line in lines:
        table.add_row(*map(Text, line))
    return Group(Text(title), table) if heads else Group(Text(title))
