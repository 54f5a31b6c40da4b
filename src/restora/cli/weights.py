"""restora weights: the trunks' weights at hand, and taking in a file. Nothing is ever fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restora.cli.options import Json
from restora.cli.output import emit, emit_json, table

app = typer.Typer(help="Weights of the frozen trunks.", no_args_is_help=True)


def at_hand() -> list[dict[str, Any]]:
    """Weights found on this machine, each as a JSON-ready object."""
    from restora.errors import need

    need("torch", "train")
    from restora.features.weights import list_weights

    return [_facts(found) for found in list_weights()]


def _facts(found: Any) -> dict[str, Any]:
    return {
        "name": found.trunk,
        "file": str(found.path),
        "sha256": found.sha256,
        "licence": found.licence,
        "terms": found.terms,
    }


@app.command("list", epilog="Example: restora weights list")
def list_(json: Json = False) -> None:
    """Weights at hand: in RESTORA_WEIGHTS and in the user's own folder."""
    found = at_hand()
    if json:
        emit_json(found, indent=2)
    elif found:
        emit(
            table(
                [
                    (facts["name"], f"{facts['file']}  sha256 {facts['sha256'][:12]}  licence: {facts['licence']}")
                    for facts in found
                ]
            )
        )
    else:
        emit("None at hand; take in a file with: restora weights import FILE --name resnet18")


@app.command("import", epilog="Example: restora weights import resnet18.safetensors --name resnet18")
def import_(
    file: Annotated[Path, typer.Argument(help="A checkpoint, .safetensors or .pth.", show_default=False)],
    name: Annotated[str, typer.Option(help="The trunk that the weights are for.", show_default=False)],
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, kept beside them.")] = None,
    terms: Annotated[str | None, typer.Option(help="Terms of the pictures they were taught with.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace weights that are there.")] = False,
    json: Json = False,
) -> None:
    """Check that a checkpoint fits a trunk and copy it to the user's own folder."""
    from restora.errors import need

    need("torch", "train")
    from restora.features.weights import import_weights

    found = import_weights(file, name, licence=licence, terms=terms, overwrite=overwrite)
    if json:
        emit_json(_facts(found), indent=2)
    else:
        emit(f"{found.trunk}: {found.path}")
