"""restora config: every knob of a training, as a commented TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Json
from restora.cli.output import emit, emit_json

app = typer.Typer(help="Every knob of a training.", no_args_is_help=True)


@app.command(epilog="Example: restora config show --preset paper > run.toml")
def show(
    method: Annotated[str, typer.Option(help="ura-net, mfr-net or both.")] = "ura-net",
    preset: Annotated[str, typer.Option(help="small (two cores) or paper (the published sizes).")] = "small",
    json: Json = False,
) -> None:
    """Print all settings of a method and preset, with what each may be, ready for train --config."""
    from restora.config import to_toml
    from restora.training.settings import run_preset

    settings = run_preset(method, preset)
    unused = settings.unused()
    if json:
        emit_json(settings.model_dump(mode="json", exclude=set(unused)), indent=2)
    else:
        emit(to_toml(settings, leave_out=unused).rstrip("\n"))


@app.command(epilog="Example: restora config check run.toml")
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file of settings.", show_default=False)],
    json: Json = False,
) -> None:
    """Say every mistake in a file of settings; ends with 2 when there is one."""
    from restora.config import load_settings

    settings = load_settings(file)
    if json:
        emit_json(settings.model_dump(mode="json", exclude=set(settings.unused())), indent=2)
    else:
        emit(f"{file}: fine.")
