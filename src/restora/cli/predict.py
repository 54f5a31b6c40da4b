"""restora predict: a row with a verdict for every picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restora.cli.engine import check_engine, open_engine
from restora.cli.options import Batch, FalseAlarms, Json, Model, RuntimeName, Threads
from restora.cli.output import Progress, check_folder_to_make, rows_to, say, whole
from restora.cli.parts import PartsFolder, check_parts_folder, told
from restora.cli.shard import Shard, parse_shard
from restora.errors import UsageError

if TYPE_CHECKING:
    from restora.detector.detector import Detector
    from restora.images.sources import Source
    from restora.report.parts import Job
    from restora.verdicts.prediction import Prediction

FORMATS = ("csv", "jsonl", "parquet")
MAP_FORMATS = ("npy", "png")
Shards = Annotated[
    str | None,
    typer.Option(help="Only part i of n of the pictures, as i/n from 1; all/n, one by one. --out is their folder."),
]
FAIL_ON = {"defect": ("defect",), "review": ("defect", "review")}


def predict(
    model: Model,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, archives, globs, tables (CSV, Parquet); - reads paths from standard input.",
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
    shard: Shards = None,
    engine: Annotated[str, typer.Option(help="What looks: process, this one; ray, its workers.")] = "process",
    workers: Annotated[int | None, typer.Option(min=1, help="Workers of Ray; one for all cores of --threads.")] = None,
) -> int:
    """Judge pictures: a row each, in the order of the input. Ends with 1 when a picture could not be read.

    Example: restora predict part.restora line/ --out rows.csv --maps maps/
    """
    from restora.cli.open_model import open_detector, say_promise
    from restora.images.sources import expand_sources

    form = _choose("--format", "jsonl" if json else form, FORMATS)
    map_format = _choose("--map-format", map_format, MAP_FORMATS)
    failing = FAIL_ON[_choose("--fail-on", fail_on, tuple(FAIL_ON))] if fail_on is not None else ()
    part = parse_shard(shard) if shard is not None else None
    parts_folder = _parts_folder(part, out)
    for folder in (maps, overlays):
        if folder is not None:
            check_folder_to_make(folder)
    engine = check_engine(engine, workers, runtime)
    threads = threads or (1 if engine == "ray" else None)
    detector = open_detector(model, runtime=runtime, threads=threads, batch=batch)
    say_promise(detector, false_alarms)
    job = _job(detector, form, timings, threads, false_alarms)
    wanted = maps is not None or overlays is not None
    with open_engine(engine, detector, job, workers=workers, maps=wanted) as look:

        def judge(pictures: Iterable[Source]) -> Iterator[Prediction]:
            return _keep_maps(_first_drawn(look(pictures)), maps, map_format, overlays)

        if parts_folder is not None and part is not None:
            seen = PartsFolder(parts_folder, part, job).write(lambda: expand_sources(sources), judge)
        else:
            seen = _write_file(out, judge(_taken(expand_sources(sources), part)), job)
    return 1 if seen["error"] or any(seen[verdict] for verdict in failing) else 0


def _choose(option: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageError(f"{option} is {value!r}; choose one of {', '.join(choices)}.")
    return value


def _parts_folder(part: Shard | None, out: Path | None) -> Path | None:
    """The folder for parts, None where rows go to standard output or, by its name, to a file of rows."""
    if part is None or (len(part.which) == 1 and (out is None or out.suffix.casefold()[1:] in FORMATS)):
        return None
    if out is None:
        raise UsageError("--shard all/n writes a file for each part; name a folder for them with --out.")
    check_parts_folder(out, part)
    return out


def _taken(sources: Iterable[Source], part: Shard | None) -> Iterable[Source]:
    from restora.report.parts import Share

    return sources if part is None else Share(part.which[0], part.parts).of(sources)


def _job(detector: Detector, form: str, timings: bool, threads: int | None, false_alarms: float | None) -> Job:
    from restora import __version__
    from restora.report.parts import Job

    return Job(
        model=detector.model.fingerprint,
        form=form,
        runtime=detector.runtime.name,
        batch=detector.batch,
        threads=threads,
        false_alarms=false_alarms,
        timings=timings,
        restora=__version__,
    )


def _write_file(out: Path | None, found: Iterator[Prediction], job: Job) -> Counter[str]:
    """Write all rows to a file, or to standard output; the count of each verdict."""
    from restora.report.rows import write_rows

    with rows_to(out) as stream, Progress("pictures", quiet=out is None) as progress:
        seen = write_rows(stream, progress.through(found), job.form, job.timings, model=job.model)
    if out is not None:
        say(f"{out}: {told(seen)}.")
    return seen


def _first_drawn(predictions: Iterator[Prediction]) -> Iterator[Prediction]:
    """Have the first picture judged at once: what makes the command unusable shows before anything is written."""
    first = list(islice(predictions, 1))
    return chain(first, predictions)


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
