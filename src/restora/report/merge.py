"""Joins the parts of a job to the rows that one process would have written, byte for byte, in flat memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from restora.errors import DataError, UsageError, need
from restora.report.parts import PartFacts, different, part_path, read_facts
from restora.report.rows import PARQUET_GROUP

FORMS = ("csv", "jsonl", "parquet")

PART = re.compile(rf"part-[0-9]{{5}}-of-(?!00000)[0-9]{{5}}\.({'|'.join(FORMS)})")

# Of all parts together; a file is opened for each block of it, so that a system's limit of open files sets none.
BLOCKS = 8 << 20
SMALLEST_BLOCK = 4 << 10
MOST_NAMED = 8  # missing parts that a sentence lists


@dataclass(frozen=True)
class Parts:
    """All parts of one job, in order, found by `find_parts`."""

    paths: tuple[Path, ...]
    facts: tuple[PartFacts, ...]

    @property
    def form(self) -> str:
        """csv, jsonl or parquet."""
        return self.facts[0].job.form

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return self.facts[0].sources

    @property
    def threads(self) -> tuple[int, ...]:
        """Numbers of threads that parts were looked at with; more than one where nobody named a number."""
        return tuple(sorted({facts.threads for facts in self.facts}))

    def verdicts(self) -> dict[str, int]:
        """How many rows have each verdict."""
        names = sorted({name for facts in self.facts for name in facts.verdicts})
        return {name: sum(facts.verdicts.get(name, 0) for facts in self.facts) for name in names}


def find_parts(folder: Path) -> Parts:
    """The parts in a folder. Raises DataError where one is missing, damaged or of another job than the others."""
    found = sorted(filter(PART.fullmatch, _listed(folder)))
    if not found:
        raise DataError(
            f"{folder} holds no part of a job; parts are written by restora predict with --shard and --out."
        )
    kinds = {path.partition("-of-")[2] for path in found}
    if len(kinds) > 1:
        raise DataError(
            f"{folder} holds parts of several jobs (of {' and of '.join(sorted(kinds))}); keep those of one."
        )
    parts, form = int(found[0][14:19]), found[0][20:]
    paths = [part_path(folder, part, parts, form) for part in range(1, parts + 1)]
    there = set(found)
    _refuse_missing(folder, [part for part, path in enumerate(paths, 1) if path.name not in there], parts)
    facts = [read_facts(path) for path in paths]
    for path, one in zip(paths, facts, strict=True):
        _check(path, one, facts[0])
    return Parts(tuple(paths), tuple(facts))


def merge_parts(parts: Parts, stream: BinaryIO) -> None:
    """Write the rows of all parts in the order of the sources.

    stream : open for bytes. Raises DataError where a part does not hold the rows that it should, MissingError for
    Parquet without the extra `tables`.
    """
    if parts.form == "parquet":
        _merge_parquet(parts, stream)
        return
    readers = [_records(path, parts.form, max(SMALLEST_BLOCK, BLOCKS // len(parts.paths))) for path in parts.paths]
    if parts.form == "csv":
        heads = {next(reader, b"") for reader in readers}
        if len(heads) > 1:
            raise DataError(f"The parts beside {parts.paths[0]} do not have the same first line; look at them again.")
        stream.write(heads.pop())
    for index in range(parts.rows):
        stream.write(_next(readers[index % len(readers)], parts.paths[index % len(readers)]))
    for reader, path in zip(readers, parts.paths, strict=True):
        if next(reader, None) is not None:
            raise _changed(path)


def _listed(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be listed ({error.strerror}); name the folder that holds the parts."
        ) from None


def _refuse_missing(folder: Path, missing: list[int], parts: int) -> None:
    if not missing:
        return
    named = ", ".join(f"{part}/{parts}" for part in missing[:MOST_NAMED])
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    raise DataError(f"{folder} lacks {len(missing)} of {parts} parts; run those of --shard {named}{more}.")


def _check(path: Path, facts: PartFacts, first: PartFacts) -> None:
    if facts.job != first.job:
        raise DataError(
            f"{path} is of another job than part 1 ({different(facts.job, first.job)}); look at one of them again."
        )
    if (facts.sources, facts.names) != (first.sources, first.names):
        raise DataError(
            f"{path} is of other sources than part 1 ({facts.sources} of other names or order, not {first.sources}); "
            "look at one of them again."
        )
    if facts.rows != len(range(facts.part - 1, facts.sources, facts.parts)):
        raise _changed(path)


def _changed(path: Path) -> DataError:
    return DataError(f"{path} does not hold the rows that it was written with; remove it, and look at this part again.")


def _next(reader: Iterator[bytes], path: Path) -> bytes:
    row = next(reader, None)
    if row is None:
        raise _changed(path)
    return row


def _records(path: Path, form: str, block: int) -> Iterator[bytes]:
    """The records of a file with their line ends; a name in a CSV table may hold line ends of its own, in quotes."""
    if form == "jsonl":
        yield from _lines(path, block)
        return
    held = b""
    for line in _lines(path, block):
        held += line
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""
    if held:
        raise _changed(path)


def _lines(path: Path, block: int) -> Iterator[bytes]:
    offset, rest = 0, b""
    while True:
        with path.open("rb") as stream:
            stream.seek(offset)
            read = stream.read(block)
        if not read:
            break
        offset += len(read)
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        raise _changed(path)


def _merge_parquet(parts: Parts, stream: BinaryIO) -> None:
    """In rounds: a row group of each part, and their rows dealt out in turn."""
    need("pyarrow", "tables")
    parquet = need("pyarrow.parquet", "tables")
    schema = parquet.read_schema(parts.paths[0])
    written = 0
    with parquet.ParquetWriter(stream, schema) as writer:
        for number in count():
            tables = [_group(path, number) for path in parts.paths]
            dealt = _deal(tables, parts.paths[0])
            if dealt is None:
                break
            writer.write_table(dealt, row_group_size=PARQUET_GROUP)
            written += dealt.num_rows
    if written != parts.rows:
        raise _changed(parts.paths[0])


def _group(path: Path, number: int) -> Any:
    """A row group of a file, None behind its last."""
    parquet = need("pyarrow.parquet", "tables")
    with parquet.ParquetFile(path) as file:
        return file.read_row_group(number) if number < file.num_row_groups else None


def _deal(tables: Sequence[Any], path: Path) -> Any:
    """The rows of several tables in turn, one of each; None where there are no rows."""
    arrow = need("pyarrow", "tables")
    there = [table for table in tables if table is not None]
    if not there:
        return None
    sizes = [table.num_rows for table in there]
    if sorted(sizes, reverse=True) != sizes or sizes[0] - sizes[-1] > 1 or (len(there) < len(tables) and sizes[0] > 1):
        raise _changed(path)
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    order = [start + row for row in range(sizes[0]) for start, size in zip(starts, sizes, strict=True) if row < size]
    return arrow.concat_tables(there).take(order)
