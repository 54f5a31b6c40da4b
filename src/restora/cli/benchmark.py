"""restora benchmark: a grid of methods, trunks, categories and seeds from one TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restora.cli.engine import PROCESS, RAY, check_engine
from restora.cli.live import live_table
from restora.cli.options import Json
from restora.cli.output import check_folder_to_make, emit, emit_json, say
from restora.cli.shard import parse_shard
from restora.errors import UsageError, need

if TYPE_CHECKING:
    from restora.bench.cells import Cell
    from restora.bench.folder import RunFolder
    from restora.bench.run import Benchmark

#: Of a seed: numpy takes any whole number, people and file names do not.
MOST_DIGITS = 18

Some = Annotated[list[str] | None, typer.Option(help="Only these, with commas between; all unless stated.")]


def benchmark(
    file: Annotated[Path | None, typer.Argument(help="The benchmark, a TOML file.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run, which goes on where it was left; runs/NAME unless stated.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that the categories' paths begin in; or RESTORA_DATA.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write the figures there; results.csv in the run's folder unless stated.")
    ] = None,
    from_table: Annotated[
        bool, typer.Option("--from-table", help="Cells that the table has already, of the same recipe, are finished.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is to do, and write nothing.")] = False,
    methods: Some = None,
    categories: Some = None,
    seeds: Some = None,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Instead: each method with one part taken away at a time.")
    ] = False,
    shard: Annotated[
        str | None, typer.Option(help="Only part i of n of the cells, as i/n from 1; what is joined stays together.")
    ] = None,
    take: Annotated[
        list[Path] | None, typer.Option(help="Folder of another run, whose finished cells are taken; repeatable.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What computes: process, this one; ray, its tasks, which share the run's folder.")
    ] = PROCESS,
    device: Annotated[str, typer.Option(help="cpu or cuda, for trainings.")] = "cpu",
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes that share the cells; each cell has the file's threads all the same.")
    ] = 1,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="A B",
            help="Instead: how much higher B's figures are, and what is more than the spread; runs or results.csv.",
        ),
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="For --compare: the row of A and that of B, with a comma between.")
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Write index.html in the run's folder: tables, scores and pictures.")
    ] = False,
    json: Json = False,
) -> int:
    """Measure methods beside each other; what is finished is never repeated. Ends with 1 when a cell failed.

    Example: restora benchmark yardstick.toml --data sets --out runs/yardstick
    """
    if compare is not None:
        _compare(compare, file, rows, json)
        return 0
    from restora.bench.cells import choose_cells
    from restora.bench.folder import RunFolder
    from restora.bench.plan import BenchmarkSettings
    from restora.bench.run import Benchmark
    from restora.bench.shards import find_elsewhere, share_cells, take_cells
    from restora.config import read_settings

    file = _check_words(file, rows, table, jobs, engine)
    plan = read_settings(file, BenchmarkSettings).at(file.absolute().parent)
    run = Benchmark(plan, RunFolder(out or Path("runs") / file.stem), ablations, table)
    chosen = choose_cells(
        run.cells, methods=_names(methods), categories=_names(categories), seeds=_numbers(_names(seeds))
    )
    if shard is not None:
        asked = parse_shard(shard)
        chosen = chosen if len(asked.which) == asked.parts else share_cells(chosen, asked.which[0], asked.parts)
    elsewhere = find_elsewhere(run.cells, take or ())
    in_table = run.in_table() if from_table else {}
    if dry_run:
        there = {**dict.fromkeys(elsewhere, "to be taken"), **dict.fromkeys(in_table, "in the table")}
        _show(chosen, run, there, json)
        return 0
    check_engine(engine)
    made = {**in_table, **elsewhere}
    if left := [cell for cell in chosen if cell.name not in made and not run.folder.finished(cell)]:
        need("torch", "train")
    run.measure(plan.root(data), device, say).check(left)
    take_cells(run.cells, run.folder, made)
    with live_table(lambda: (run.state(), run.grid())):
        failed = _go(run, chosen, plan.root(data), device, jobs, engine)
    _tell(run, failed, json)
    if page:
        from restora.bench.page import write_page

        say(f"{write_page(run, run.measure(plan.root(data), device, say).source, say)}: the same with pictures.")
    return 1 if failed else 0


def _check_words(file: Path | None, rows: str | None, table: Path | None, jobs: int, engine: str) -> Path:
    """The benchmark's file. Raises UsageError where it is not named, or words do not go together."""
    if jobs > 1 and engine == RAY:
        raise UsageError("--jobs starts processes here and --engine ray has its own; leave one of them out.")
    if file is None:
        raise UsageError("There is no file that says what to run; name a TOML file, or two tables with --compare.")
    if rows is not None:
        raise UsageError("--rows names the rows of --compare; choose rows to run with --methods.")
    if table is not None:
        _check_table(table)
    return file


def _check_table(table: Path) -> None:
    """Raise UsageError where the table cannot be written there, before anything is written elsewhere."""
    if table.suffix != ".csv":  # its other forms lie beside it, under its name with their ending
        raise UsageError(f"--table is {table}, and the table is CSV; name a file that ends in .csv.")
    check_folder_to_make(table.parent)
    for place in (table, table.with_stem(f"{table.stem}-runs")):  # asking raises OSError for a name that is too long
        if place.exists() and not place.is_file():
            raise UsageError(f"{place} is a folder, a pipe or a device; name a file.")


def _tell(run: Benchmark, failed: Mapping[str, str], json: bool) -> None:
    if json:
        emit_json({"cells": [one.model_dump(mode="json") for one in run.records()], "failed": failed}, indent=2)
    else:
        emit(run.markdown())
    for label, sentence in failed.items():
        say(f"{label} failed: {sentence}")
    say(f"{run.table}: the figures; what they took is beside it.")


def _compare(tables: tuple[Path, Path], file: Path | None, rows: str | None, json: bool) -> None:
    from restora.bench.compare import compare, comparison_markdown
    from restora.bench.figures import read_cells

    if file is not None:
        raise UsageError(f"--compare has its two tables already; leave {file} out, or --compare.")
    named = None if rows is None else _names([rows])
    if named is not None and len(named) != 2:
        raise UsageError(f"--rows is {rows!r}; name the row of A and that of B, with a comma between.")
    a, b = map(read_cells, tables)
    found = compare(a, b, None if named is None else (named[0], named[1]))
    if json:
        emit_json({"a": str(tables[0]), "b": str(tables[1]), **found.to_dict()}, indent=2)
    else:
        emit(comparison_markdown(found))
    say(f"{found.pairs} pairs of cells; {found.alone[0]} cells are in A only, {found.alone[1]} in B only.")
    if found.sizes:
        say(f"In {found.sizes} pairs A's pictures are not of B's size; part of a difference may be that.")


def _go(
    run: Benchmark, cells: Sequence[Cell], root: Path | None, device: str, jobs: int, engine: str
) -> dict[str, str]:
    """Compute cells by the engine that was asked for; the sentences of those that failed."""
    if engine != RAY:
        return run.go(cells, root=root, device=device, say=say, jobs=jobs)
    from restora.bench.ray_cells import go_on_ray

    return go_on_ray(run, cells, root=root, device=device, say=say)


def _names(words: Sequence[str] | None) -> list[str]:
    return [name.strip() for word in words or () for name in word.split(",") if name.strip()]


def _numbers(words: Sequence[str]) -> list[int]:
    for word in words:
        if not word.isdecimal() or len(word) > MOST_DIGITS:
            raise UsageError(f"--seeds has {word[:40]!r}, which is no whole number from 0; separate seeds with commas.")
    return [int(word) for word in words]


def _show(cells: Sequence[Cell], run: Benchmark, there: Mapping[str, str], json: bool) -> None:
    """The cells in the order in which they would be run, with what is known of each.

    there : the state of those that need not be computed, by name
    """
    states = [there.get(cell.name) or _state(cell, run.folder) for cell in cells]
    if json:
        emit_json(
            [
                {"method": cell.row.name, "trunk": cell.trunk, "category": cell.category, "seed": cell.seed}
                | {"recipe": cell.recipe, "name": cell.name, "state": state}
                for cell, state in zip(cells, states, strict=True)
            ],
            indent=2,
        )
        return
    for cell, state in zip(cells, states, strict=True):
        emit(f"{state:<12} {cell.label}")
    done = sum(state == "finished" or cell.name in there for cell, state in zip(cells, states, strict=True))
    say(f"{len(cells)} cells, {done} of them finished; nothing was written.")


def _state(cell: Cell, folder: RunFolder) -> str:
    if folder.finished(cell):
        return "finished"
    return "failed, again" if folder.failure(cell) is not None else "to do"
