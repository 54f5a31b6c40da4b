"""What `--shard` says, spelt and parsed once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from restora.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """Parts of a job.

    parts : n; which : those that are asked for, from 1
    """

    which: Sequence[int]
    parts: int


def parse_shard(text: str) -> Shard:
    """`i/n`, i from 1, or `all/n`. Raises UsageError for anything else."""
    if every := re.fullmatch(r"all/([1-9][0-9]{0,8})", text):
        return Shard(range(1, int(every[1]) + 1), int(every[1]))
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard is {text[:40]!r}; write i/n with i from 1 to n, for example 3/64.")
    return Shard((part,), parts)
