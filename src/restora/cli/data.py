"""restora data: what is in a folder, and which layouts are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restora.cli.options import Abnormal, Json, Layout, Masks, Normal, NormalTest, name_data
from restora.cli.output import emit, emit_json, table

if TYPE_CHECKING:
    from restora.images.inspect import Inspection

app = typer.Typer(help="Look at a data set before anything is trained.", no_args_is_help=True)


@app.command(epilog="Example: restora data inspect parts/screw")
def inspect(
    path: Annotated[
        Path, typer.Argument(help="The data set: a folder, an archive or a table (CSV, Parquet).", show_default=False)
    ],
    layout: Layout = None,
    normal: Normal = None,
    abnormal: Abnormal = None,
    normal_test: NormalTest = None,
    masks: Masks = None,
    quick: Annotated[bool, typer.Option("--quick", help="Layout and counts by name alone; nothing is opened.")] = False,
    json: Json = False,
) -> int:
    """Counts, sizes, modes, broken files, duplicates, masks that do not fit. Ends with 1 when something is wrong."""
    from restora.images.inspect import inspect_dataset
    from restora.images.layouts import read_dataset

    inspection = inspect_dataset(
        read_dataset(name_data(path, normal, abnormal, normal_test, masks), layout), quick=quick
    )
    if json:
        emit_json(inspection.to_dict(), indent=2)
    else:
        emit("\n".join(_lines(inspection)))
    return 1 if inspection.problems else 0


def _lines(found: Inspection) -> Iterator[str]:
    rows = [("data set", f"{found.name}, layout {found.layout}")]
    for split, kinds in found.counts.items():
        rows.append((split, ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"))
    if not found.quick:
        rows.append(("sizes", ", ".join(f"{size} ({count})" for size, count in found.sizes.items()) or "none"))
        rows.append(("modes", ", ".join(f"{mode} ({count})" for mode, count in found.modes.items()) or "none"))
    if found.size is not None:
        rows.append(("input", f"{found.size[0]}x{found.size[1]} unless --size says otherwise"))
    yield table(rows)
    yield from (f"note: {sentence}" for sentence in found.notes)
    yield from (f"wrong: {sentence}" for sentence in found.problems)
    for name, sentence in (*found.unreadable, *found.bad_masks):
        yield f"  {name}: {sentence}"
    yield from (f"worth knowing: {sentence}" for sentence in found.warnings)
    if not found.problems and not found.warnings:
        yield "Nothing is wrong with it." if not found.quick else "Nothing is wrong with the names."


@app.command(epilog="Example: restora data layouts")
def layouts(json: Json = False) -> None:
    """The layouts of data sets that are understood: what lies where, under which terms, and where it was published."""
    from restora.images.layouts import LAYOUTS

    if json:
        told = [{"name": x.name, "sketch": x.sketch, "note": x.note, "source": x.source} for x in LAYOUTS.values()]
        emit_json(told, indent=2)
        return
    for layout in LAYOUTS.values():
        lines = [line for text in (layout.sketch, layout.note, layout.source) for line in text.strip().splitlines()]
        emit("\n  ".join([layout.name, *lines]))
