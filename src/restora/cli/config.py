"""restora config: every knob of a training, as a commented TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restora.cli.options import Json
from restora.cli.output import emit, emit_json, say
from restora.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from restora.training.settings import RunSettings

app = typer.Typer(help="Every knob of a training.", no_args_is_help=True)

# A file with one of these tables says what a benchmark is to do.
BENCHMARK = ("categories", "grid", "ablations")


@app.command(epilog="Example: restora config show --preset paper > run.toml")
def show(
    method: Annotated[str | None, typer.Option(help="ura-net (the one unless stated), mfr-net or both.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="small (two cores, the one unless stated) or paper (the published sizes).")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Instead: the settings that this model was made with.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Print all settings of a method and preset, or of a model, with what each may be, ready for train --config."""
    from restora.config import to_toml
    from restora.training.settings import DEFAULT_METHOD, run_preset

    if model is not None and (method is not None or preset is not None):
        raise UsageError("A model has its method and preset already; leave --method and --preset out.")
    settings = _of_model(model) if model is not None else run_preset(method or DEFAULT_METHOD, preset or "small")
    unused = settings.unused()
    if json:
        emit_json(settings.model_dump(mode="json", exclude=set(unused)), indent=2)
    else:
        emit(to_toml(settings, leave_out=unused).rstrip("\n"))


def _of_model(folder: Path) -> RunSettings:
    """A model's own settings; what it keeps by its hash alone is named."""
    from restora.bundle import read_model
    from restora.training.settings import read_stored

    manifest = read_model(folder).manifest
    if manifest.input.ignore is not None:
        say("The model leaves places out: name the file of its mask as ignore in [input].")
    return read_stored(manifest.settings)


@app.command(epilog="Example: restora config check run.toml")
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file of settings, or of a benchmark.", show_default=False)],
    json: Json = False,
) -> None:
    """Say every mistake in a file of settings or of a benchmark; ends with 2 when there is one."""
    from restora.config import load_settings, read_settings

    settings: BaseModel
    unused: tuple[str, ...] = ()
    if _is_benchmark(file):
        from restora.bench.plan import BenchmarkSettings

        settings = read_settings(file, BenchmarkSettings)
    else:
        settings = run = load_settings(file)
        unused = run.unused()
    if json:
        emit_json(settings.model_dump(mode="json", exclude=set(unused)), indent=2)
    else:
        emit(f"{file}: fine.")


def _is_benchmark(file: Path) -> bool:
    """Whether a file is one of a benchmark; what cannot be read at all is told as a file of settings is."""
    from restora.images.files import open_file

    try:
        with open_file(file) as stream:
            values: dict[str, Any] = tomllib.load(stream)
    except (OSError, ValueError, RecursionError):
        return False
    return any(name in values for name in BENCHMARK)
