"""restora train: from a folder of good pictures to a model folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restora.cli.options import (
    Abnormal,
    FalseAlarms,
    Json,
    Layout,
    Masks,
    Normal,
    NormalTest,
    Trunk,
    Weights,
    name_data,
)
from restora.cli.output import Progress, duration, emit, emit_json, say
from restora.errors import UsageError, need

if TYPE_CHECKING:
    from restora.detector.detector import Detector
    from restora.training.loop import Progress as Step

# A training makes many steps a second; machines need not read each of them.
JSON_SECONDS = 0.5


def train(
    path: Annotated[
        Path,
        typer.Argument(
            help="Good pictures: a folder, a data set, an archive or a table (CSV, Parquet).", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="The model folder to make, NAME.restora.", show_default=False)],
    method: Annotated[str | None, typer.Option(help="ura-net (the one unless stated), mfr-net or both joined.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="small (two cores, the one unless stated) or paper (the published sizes).")
    ] = None,
    trunk: Trunk = None,
    weights: Weights = None,
    size: Annotated[
        str | None, typer.Option(help="Input size HEIGHTxWIDTH, multiples of 32; from the pictures unless stated.")
    ] = None,
    pixels: Annotated[
        int | None, typer.Option(min=1024, help="At most so many input pixels; 110592 unless stated.")
    ] = None,
    ignore: Annotated[
        Path | None, typer.Option(help="Mask of places that do not count, in the pictures' shape.")
    ] = None,
    depth: Annotated[int | None, typer.Option(min=9, max=16, help="Bits that 16-bit pictures really use.")] = None,
    false_alarms: FalseAlarms = None,
    layout: Layout = None,
    normal: Normal = None,
    abnormal: Abnormal = None,
    normal_test: NormalTest = None,
    masks: Masks = None,
    textures: Annotated[
        Path | None, typer.Option(help="Folder of pictures to make anomalies of; drawn ones unless stated.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all randomness; 0 unless stated.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Train about so long; turned into steps once.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted training stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing model.")] = False,
    join: Annotated[
        list[Path] | None,
        typer.Option(help="A finished model to join, given once for each; nothing is trained.", show_default=False),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings, see: restora config show.")] = None,
    json: Json = False,
) -> None:
    """Make a detector from good pictures: fit, export, check, calibrate.

    Example: restora train parts/good --out part.restora
    """
    if config is not None and preset is not None:
        raise UsageError("--config and --preset both say where the settings begin; name the preset in the file.")
    source = name_data(path, normal, abnormal, normal_test, masks)
    if join:
        no_use = {
            "--method": method, "--preset": preset, "--trunk": trunk, "--size": size, "--pixels": pixels,
            "--ignore": ignore, "--depth": depth, "--false-alarms": false_alarms, "--textures": textures,
            "--seed": seed, "--minutes": minutes, "--config": config, "--resume": resume or None,
        }  # fmt: skip
        _refuse([option for option, value in no_use.items() if value is not None])
        need("torch", "train")
        from restora.training.join import join as join_models

        _tell(join_models(join, source, out=out, weights=weights, layout=layout, overwrite=overwrite, say=say), json)
        return
    need("torch", "train")
    from restora.config import load_settings
    from restora.training.train import train as run_training

    settings = load_settings(config) if config is not None else None
    with Progress("training", quiet=json) as bar:
        detector = run_training(
            source,
            out=out,
            method=method,
            preset=preset or "small",
            trunk=trunk,
            weights=weights,
            size=size,
            pixels=pixels,
            ignore=ignore,
            depth=depth,
            false_alarms=false_alarms,
            layout=layout,
            textures=textures,
            device=device,
            seed=seed,
            minutes=minutes,
            resume=resume,
            overwrite=overwrite,
            config=settings,
            progress=_JsonLines() if json else lambda step: _show(bar, step),
            say=say,
        )
    _tell(detector, json)


def _refuse(options: list[str]) -> None:
    """Raise UsageError where options were given that finished models have settled already."""
    if options:
        raise UsageError(f"With --join nothing is trained, the models have settled {', '.join(options)}; leave it out.")


def _tell(detector: Detector, json: bool) -> None:
    """Print the summary of a model that was made."""
    summary = detector.info()
    if json:
        emit_json(summary)
    else:
        from restora.cli.info import card_lines, trunk_sentences

        emit("\n".join(card_lines(summary)))
        if not list(trunk_sentences(summary["trunk"])):  # else the card has said it
            say(
                f"The trunk was {summary['trunk']['name']}; 'restora weights list' shows what else is at hand, "
                "'restora weights fetch NAME' gets another."
            )


class _JsonLines:
    """Prints progress as one JSON object a line, not more often than somebody can read."""

    def __init__(self) -> None:
        self._last = -JSON_SECONDS

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if now - self._last >= JSON_SECONDS or step.step == step.steps:
            self._last = now
            emit_json(_facts(step))


def _facts(step: Step) -> dict[str, Any]:
    return {"step": step.step, "steps": step.steps, "loss": step.loss, "seconds_left": step.seconds_left}


def _show(bar: Progress, step: Step) -> None:
    bar.update(step.step, step.steps, f"loss {step.loss:.4f}, {duration(step.seconds_left)} left")
