"""restora predict: a row with a verdict for every picture."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from restora.cli.options import Batch, FalseAlarms, Json, Model, RuntimeName, Threads
from restora.cli.output import Progress, check_folder_to_make, say, whole
from restora.errors import UsageError

if TYPE_CHECKING:
    from restora.images.sources import Source
    from restora.verdicts.prediction import Prediction

FORMATS = ("csv", "jsonl", "parquet")
MAP_FORMATS = ("npy", "png")
FAIL_ON = {"defect": ("defect",), "review": ("defect", "review")}


def predict(
    model: Model,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, archives, globs, CSV tables; - reads paths from standard input.",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="File for the rows; standard output unless stated.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv, jsonl or parquet.")] = "csv",
    json: Json = False,
    maps: Annotated[Path | None, typer.Option(help="Folder for the score maps, in the pictures' own pixels.")] = None,
    map_format: Annotated[str, typer.Option(help="npy (float32) or png (16 bit).")] = "npy",
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for the pictures with heat and outlines on them.")
    ] = None,
    false_alarms: FalseAlarms = None,
    runtime: RuntimeName = "auto",
    batch: Batch = None,
    threads: Threads = None,
    timings: Annotated[bool, typer.Option("--timings", help="Add the milliseconds of each picture.")] = False,
    fail_on: Annotated[str | None, typer.Option(help="End with 1 when there is a: defect, or review.")] = None,
    shard: Annotated[str | None, typer.Option(help="Only part i of n of the pictures, written i/n, i from 1.")] = None,
) -> int:
    """Judge pictures: a row each, in the order of the input. Ends with 1 when a picture could not be read.

    Example: restora predict part.restora line/ --out rows.csv --maps maps/
    """
    from restora.cli.open_model import open_detector, say_promise
    from restora.images.sources import expand_sources
    from restora.report.rows import write_rows

    form = _choose("--format", "jsonl" if json else form, FORMATS)
    map_format = _choose("--map-format", map_format, MAP_FORMATS)
    failing = FAIL_ON[_choose("--fail-on", fail_on, tuple(FAIL_ON))] if fail_on is not None else ()
    part = _parse_shard(shard) if shard is not None else (1, 1)
    for folder in (maps, overlays):
        if folder is not None:
            check_folder_to_make(folder)
    detector = open_detector(model, runtime=runtime, threads=threads, batch=batch)
    pictures = _take_shard(expand_sources(sources), *part)
    say_promise(detector, false_alarms)
    wants_maps = maps is not None or overlays is not None
    found = _first_drawn(detector.predict(pictures, maps=wants_maps, false_alarms=false_alarms, batch=batch))
    with _rows_to(out) as stream, Progress("pictures", quiet=out is None) as progress:
        kept = _keep_maps(_shown(found, progress), maps, map_format, overlays)
        seen = write_rows(stream, kept, form, timings, model=detector.model.fingerprint)
    if out is not None:
        say(f"{out}: {', '.join(f'{count} {verdict}' for verdict, count in sorted(seen.items())) or 'no pictures'}.")
    return 1 if seen["error"] or any(seen[verdict] for verdict in failing) else 0


def _choose(option: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageError(f"{option} is {value!r}; choose one of {', '.join(choices)}.")
    return value


def _parse_shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard is {text!r}; write i/n with i from 1 to n, for example 3/64.")
    return part, parts


def _take_shard(sources: Iterable[Source], part: int, parts: int) -> Iterator[Source]:
    """Every `parts`-th source: the parts share no picture, together have all, and keep the order."""
    return (source for index, source in enumerate(sources) if index % parts == part - 1)


@contextmanager
def _rows_to(out: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole(out) as path, path.open("wb") as stream:
        yield stream


def _first_drawn(predictions: Iterator[Prediction]) -> Iterator[Prediction]:
    """Have the first picture judged at once: what makes the command unusable shows before anything is written."""
    first = list(islice(predictions, 1))
    return chain(first, predictions)


def _shown(predictions: Iterable[Prediction], progress: Progress) -> Iterator[Prediction]:
    for done, prediction in enumerate(predictions, start=1):
        progress.update(done)
        yield prediction


def _keep_maps(
    predictions: Iterable[Prediction], maps: Path | None, map_format: str, overlays: Path | None
) -> Iterator[Prediction]:
    """Write what was asked for beside the rows, under the pictures' names and subfolders."""
    from restora.images import overlay

    taken: set[Path] = set()
    for prediction in predictions:
        if prediction.map is not None and maps is not None:
            with whole(_below(maps, prediction.name, "." + map_format, taken)) as path:
                overlay.write_map(path, prediction.map, map_format)
        if prediction.map is not None and overlays is not None:
            with whole(_below(overlays, prediction.name, ".png", taken)) as path:
                _write_overlay(path, prediction)
        yield prediction


def _write_overlay(path: Path, prediction: Prediction) -> None:
    from PIL import Image

    from restora.images.overlay import heat_overlay

    if prediction.pixels is None or prediction.map is None or prediction.colours is None:
        return
    heat = heat_overlay(prediction.pixels, prediction.map, *prediction.colours, prediction.regions)
    Image.fromarray(heat).save(path)


def _below(folder: Path, name: str, suffix: str, taken: set[Path]) -> Path:
    """A free path for a picture's file in an output folder; a name never leads out of it.

    Pictures of one name from two sources get ``name-2`` and so on: neither may overwrite the other.
    """
    stem = folder.joinpath(*(part for part in name.split("/") if part not in ("", ".", "..")))
    stem = stem.with_name(stem.stem)
    path, number = stem.with_name(stem.name + suffix), 1
    while path in taken:
        number += 1
        path = stem.with_name(f"{stem.name}-{number}{suffix}")
    taken.add(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
