"""restora export: further graphs beside the one of training, checked against it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Json, Model
from restora.cli.output import emit, emit_json
from restora.errors import UsageError, need


def export(
    model: Model,
    to: Annotated[str, typer.Option(help="The kind of graph: openvino.", show_default=False)],
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantise to 8 bits; smaller and faster, checked all the same.")
    ] = False,
    pictures: Annotated[Path | None, typer.Option(help="Good pictures to compare on; needed for 8 bits.")] = None,
    json: Json = False,
) -> None:
    """Write a further graph into the model folder, after comparing it with the first.

    Example: restora export part.restora --to openvino
    """
    if to != "openvino":
        raise UsageError(f"There is no export to {to!r}; the one known is openvino.")
    need("openvino", "openvino")
    from restora.export.openvino import to_openvino

    parity = to_openvino(model, int8=int8, pictures=pictures)
    if json:
        emit_json(parity, indent=2)
    else:
        emit(
            f"{model} has its OpenVINO graph; differences: "
            + ", ".join(f"{name} {gap:.1e}" for name, gap in parity.items())
        )
