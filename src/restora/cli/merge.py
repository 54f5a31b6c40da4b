"""restora merge: the parts of a large job as one file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Json
from restora.cli.output import emit_json, rows_to, say
from restora.cli.parts import told
from restora.errors import UsageError


def merge(
    folder: Annotated[Path, typer.Argument(help="Where predict --shard wrote the parts.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File for the rows; standard output unless stated.")] = None,
    json: Json = False,
) -> int:
    """Join the parts that predict --shard wrote, all of them, to the rows of one process, byte for byte.

    Ends as that process would have: with 1 when a picture could not be read.

    Example: restora merge parts/ --out rows.csv
    """
    from restora.report.merge import FORMS, find_parts, merge_parts

    if json and out is None:
        raise UsageError("--json prints what was joined, so the rows need a file of their own; name one with --out.")
    parts = find_parts(folder)
    suffix = "" if out is None else out.suffix.casefold()[1:]
    if suffix in FORMS and suffix != parts.form:
        raise UsageError(f"The parts in {folder} are {parts.form}; name a file that ends so, not {out}.")
    if len(parts.threads) > 1:
        threads = " and ".join(map(str, parts.threads))
        say(f"The parts were made with {threads} threads, so last digits may differ; --threads makes them alike.")
    with rows_to(out) as stream:
        merge_parts(parts, stream)
    seen = Counter(parts.verdicts())
    if json:
        emit_json({"parts": len(parts.paths), "rows": parts.rows, "verdicts": seen, "threads": parts.threads})
    elif out is not None:
        say(f"{out}: {told(seen)}, from {len(parts.paths)} parts.")
    return 1 if seen["error"] else 0
