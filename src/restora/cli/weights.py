"""restora weights: the trunks' weights at hand, taking in a file, and fetching one when asked to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restora.cli.options import Json
from restora.cli.output import Progress, emit, emit_json, say, size, table
from restora.errors import CancelledError, UsageError, need

if TYPE_CHECKING:
    from restora.features.fetch import Offer

app = typer.Typer(help="Weights of the frozen trunks.", no_args_is_help=True)


def at_hand() -> list[dict[str, Any]]:
    """Weights found on this machine, each as a JSON-ready object."""
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
    """Weights at hand: in RESTORA_WEIGHTS, in the user's own folder and in the package."""
    found = at_hand()
    if json:
        emit_json(found, indent=2)
    else:
        rows = [
            (facts["name"], f"{facts['file']}  sha256 {facts['sha256'][:12]}  licence: {facts['licence']}")
            for facts in found
        ]
        emit(table(rows))


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
    need("torch", "train")
    from restora.features.weights import import_weights

    found = import_weights(file, name, licence=licence, terms=terms, overwrite=overwrite)
    if json:
        emit_json(_facts(found), indent=2)
    else:
        emit(f"{found.trunk}: {found.path}")


@app.command("fetch", epilog="Example: restora weights fetch resnet18")
def fetch(
    name: Annotated[
        str,
        typer.Argument(help="A trunk: resnet18, resnet34, resnet50, wide_resnet50_2, vgg16 or timm/NAME."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Fetch without asking.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace weights that are there.")] = False,
    json: Json = False,
) -> None:
    """Fetch a trunk's weights from timm's hub: says what, how large and under which terms, asks, then fetches."""
    need("torch", "train")
    from restora.features.fetch import fetch_weights, find_offer

    offer = find_offer(name, overwrite=overwrite)
    say(table(_offered(offer)))
    if not yes:
        _ask()
    with Progress("fetched MB", quiet=json) as bar:
        bar.update(0, round(offer.file.size / 1e6))
        found = fetch_weights(
            offer,
            overwrite=overwrite,
            progress=lambda done, whole: bar.update(round(done / 1e6), round(whole / 1e6)),
        )
    if os.environ.get("RESTORA_WEIGHTS"):
        say("RESTORA_WEIGHTS is set: weights for the same trunk that it names come before these.")
    if json:
        emit_json(_facts(found), indent=2)
    else:
        emit(f"{found.trunk}: {found.path}")


def _offered(offer: Offer) -> list[tuple[str, str]]:
    return [
        ("trunk", offer.trunk),
        ("source", f"{offer.file.page}, {offer.file.name}, commit {offer.file.commit[:12]}"),
        ("size", size(offer.file.size)),
        ("licence", offer.licence),
        ("terms", offer.terms),
        ("sha256", offer.file.sha256),
        ("kept as", str(offer.target)),
    ]


def _ask() -> None:
    """Return when the user wants it; CancelledError when not, UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("Nothing was fetched, since nobody can be asked here; say --yes to fetch it.")
    if not typer.confirm("Fetch it?", err=True):
        raise CancelledError("Nothing was fetched.")
