"""The table that keeps itself up to date: silent off a terminal, and names are shown as they are."""

from __future__ import annotations

import io
import sys

from rich.console import Console

from restora.cli.live import _table, live_table
from restora.errors import UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(table) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return console.file.getvalue()


def test_nothing_is_shown_off_a_terminal_and_nothing_asked_for(capsys):
    with live_table(lambda: 1 / 0):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_the_table_at_the_last(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with live_table(lambda: ("1 of 2 cells finished", [["row", "cap"], ["control", "0.900"]])):
        pass
    assert "1 of 2 cells finished" in terminal.getvalue()
    assert "0.900" in terminal.getvalue()


def test_brackets_are_no_markup_and_a_damaged_file_is_told():
    assert "[bold]cap" in shown(_table(lambda: ("2 cells", [["row", "[bold]cap"], ["control", "-"]])))

    def damaged():
        raise UsageError("cells/x.json is damaged.")

    assert "cells/x.json is damaged." in shown(_table(damaged))
