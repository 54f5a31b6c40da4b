"""restora demo: the whole way on drawn product pictures; no data and no network needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Json, Trunk, Weights
from restora.cli.output import emit, emit_json, say
from restora.errors import need


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures, models and reports.")] = Path("demo-products"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer pictures and steps: shows the way, not the accuracy.")
    ] = False,
    trunk: Trunk = None,
    weights: Weights = None,
    json: Json = False,
) -> None:
    """Draw pictures of four products, train, calibrate, evaluate and write reports; needs no data and no network.

    Example: restora demo --out demo-products
    """
    need("torch", "train")
    from restora.demo.run import run_demo

    results = run_demo(out, quick=quick, weights=weights, trunk=trunk, report=say)
    if json:
        emit_json(results, indent=2)
    else:
        emit(f"Look at {out / 'index.html'}, which leads to the reports.")
