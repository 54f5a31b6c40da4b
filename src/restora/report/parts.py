"""Parts of a large job: which pictures are a part's own, its file of rows, and what lies beside it to say which job.

Part i of n looks at every n-th source, beginning with the i-th, so that no part has to know how many there are. A part
is `part-00003-of-00064.csv` (or .jsonl, .parquet), and is there only when it is whole; `part-00003-of-00064.csv.json`
beside it holds a `PartFacts`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from restora.errors import DataError, UsageError
from restora.images.files import write_whole

#: Digits of a part's number in its name, so that names sort as parts do.
MOST_PARTS = 99_999


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(_Record):
    """What all parts of one job have in common, as it was asked for: rows of other settings are rows of another job.

    model : the model's fingerprint; runtime : the one in force; threads, false_alarms : None where nobody named them
    """

    model: str
    form: str
    runtime: str
    batch: int
    threads: int | None
    false_alarms: float | None
    timings: bool
    restora: str


class PartFacts(_Record):
    """What a finished part says about itself.

    part, parts    : i and n, i from 1
    rows, bytes    : of its file
    sources, names : number of sources of the whole job, and the hash of all their names in their order
    verdicts       : how many rows have each
    threads        : of the runtime, those in force
    """

    job: Job
    part: int = Field(ge=1)
    parts: int = Field(ge=1, le=MOST_PARTS)
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sources: int = Field(ge=0)
    names: str
    verdicts: dict[str, int]
    threads: int


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Name of the picture."""


N = TypeVar("N", bound=Named)


class Share:
    """The sources of part i of n, in their order, counting and hashing all of them on the way.

    part, parts : i and n, i from 1
    `sources` and `names` are those of the whole job once the share was drawn to its end, for `PartFacts`.
    """

    def __init__(self, part: int, parts: int) -> None:
        self.part, self.parts = part, parts
        self.sources = 0
        self._hash = hashlib.sha256()

    @property
    def names(self) -> str:
        """Hash of the names drawn so far."""
        return self._hash.hexdigest()

    def of(self, sources: Iterable[N]) -> Iterator[N]:
        """Every `parts`-th source: the parts share no picture, together have all, and keep the order."""
        for index, source in enumerate(sources):
            self.sources = index + 1
            self._hash.update(source.name.encode("utf-8", "backslashreplace") + b"\0")
            if index % self.parts == self.part - 1:
                yield source


def part_path(folder: Path, part: int, parts: int, form: str) -> Path:
    """Where the rows of a part lie."""
    return folder / f"part-{part:05d}-of-{parts:05d}.{form}"


def write_facts(path: Path, unfinished: Path, job: Job, share: Share, verdicts: Counter[str], threads: int) -> None:
    """Say beside `path` what its rows, which still lie in `unfinished`, are. Call it before they take their name."""
    facts = PartFacts(
        job=job,
        part=share.part,
        parts=share.parts,
        rows=verdicts.total(),
        bytes=unfinished.stat().st_size,
        sources=share.sources,
        names=share.names,
        verdicts=dict(sorted(verdicts.items())),
        threads=threads,
    )
    write_whole(_beside(path), facts.model_dump_json(indent=1) + "\n")


def finished_part(path: Path, job: Job) -> PartFacts | None:
    """What a finished part says, None where it is not finished. Raises UsageError where it is of another job."""
    if not path.exists():
        return None
    facts = read_facts(path)
    if facts.job != job:
        what = different(facts.job, job)
        raise UsageError(f"{path} is of another job ({what}); name another folder, or remove it.")
    return facts


def read_facts(path: Path) -> PartFacts:
    """What lies beside a part. Raises DataError where it is missing, damaged, or does not fit the part."""
    try:
        facts = PartFacts.model_validate_json(_beside(path).read_text(encoding="utf-8"))
        size = path.stat().st_size
    except (OSError, UnicodeDecodeError, ValidationError):
        raise DataError(f"{_beside(path)} cannot be read; remove {path.name}, and look at this part again.") from None
    if path.name != part_path(path.parent, facts.part, facts.parts, facts.job.form).name:
        raise DataError(f"{_beside(path)} is of another part; remove {path.name}, and look at this part again.")
    if size != facts.bytes:
        raise DataError(f"{path} has {size} bytes instead of {facts.bytes}; remove it, and look at this part again.")
    return facts


def different(one: Job, other: Job) -> str:
    """In which settings two jobs differ, in words."""
    mine, others = one.model_dump(), other.model_dump()
    return ", ".join(
        f"{key} {_short(mine[key])}, not {_short(others[key])}" for key in mine if mine[key] != others[key]
    )


def _short(value: object) -> str:
    return "unstated" if value is None else str(value)[:12]


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")
