"""Runs a command line inside this process as a shell would, and checks what every command keeps to."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run

from .harness import Fault, wrong_sentence

STATUSES = (0, 1, 2, 3, 4, 130)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: bytes
    err: str

    @property
    def outcome(self) -> str:
        """What the tally counts."""
        if self.status == 0:
            return "verdict"
        return "error row" if self.status == 1 else f"sentence {self.status}"


def command(arguments: Sequence[str], stdin: bytes = b"") -> Ended:
    """Run `restora ARGUMENTS`; a status, a traceback or a sentence that may not be is a Fault."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        status = run(arguments)
        out.flush()
    ended = Ended(status, out.buffer.getvalue(), err.buffer.getvalue().decode())
    check_ended(ended)
    return ended


def check_ended(ended: Ended) -> None:
    """The status is one of ours, and what is said is a sentence: no traceback, no fault of ours."""
    if ended.status not in STATUSES:
        raise Fault(f"the status is {ended.status}")
    said = ended.err.strip()
    if "Traceback" in said or "fault of Restora" in said or "Exception ignored" in said:
        raise Fault(said)
    if ended.status >= 2 and said:  # a bare `restora data` prints its help, which is all there is to say
        problem = wrong_sentence(said.splitlines()[-1])
        if problem or len(said.splitlines()) > 3:
            raise Fault(problem or f"not one sentence: {said}")
    if ended.status >= 2 and not said and b"Usage" not in ended.out:
        raise Fault(f"status {ended.status} and not a word")


def check_json(ended: Ended) -> None:
    """Standard output under --json: one value, or one a line; no NaN."""
    if not ended.out:
        return
    try:
        json.loads(ended.out, parse_constant=_refuse)
    except ValueError:
        for line in ended.out.decode().splitlines():
            json.loads(line, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise Fault(f"{word} is not JSON")


def check_rows(text: bytes) -> int:
    """A CSV of verdicts that is whole; returns the number of its rows."""
    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    if not text.endswith(b"\n") or rows[0][:2] != ["name", "verdict"] or len({len(row) for row in rows}) > 1:
        raise Fault(f"half a table: {text[:300]!r}")
    return len(rows) - 1


def check_whole(path: Path) -> None:
    """What a command has written under its name is whole."""
    if path.suffix == ".npy":
        np.load(path)
    elif path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
    elif path.suffix == ".html" and not path.read_text().rstrip().endswith("</html>"):
        raise Fault(f"half a page: {path}")


def check_nothing_unfinished(folder: Path) -> None:
    """No file of a write that did not end."""
    left = [path.name for path in folder.rglob("*") if ".unfinished" in path.name or path.name.endswith(".partial")]
    if left:
        raise Fault(f"left unfinished: {left}")
