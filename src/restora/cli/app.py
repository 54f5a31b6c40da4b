"""The table of verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from restora.cli import (
    benchmark,
    calibrate,
    config,
    data,
    demo,
    doctor,
    evaluate,
    export,
    info,
    merge,
    predict,
    score_maps,
    train,
    weights,
)

app = typer.Typer(
    name="restora",
    help="Find defects after seeing only good pictures.",
    epilog="Begin with: restora demo   or: restora train PATH/TO/GOOD --out part.restora",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from restora import __version__

        typer.echo(f"restora {__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works behind any verb.")
    ] = False,
) -> None:
    """Find defects after seeing only good pictures."""


app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.command()(train.train)
app.command()(calibrate.calibrate)
app.command()(predict.predict)
app.command()(merge.merge)
app.command()(evaluate.evaluate)
app.command("score-maps")(score_maps.score_maps)
app.command()(info.info)
app.command()(doctor.doctor)
app.command()(export.export)
app.command()(benchmark.benchmark)
app.add_typer(config.app, name="config")
app.add_typer(weights.app, name="weights")
