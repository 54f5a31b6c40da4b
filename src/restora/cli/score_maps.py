"""restora score-maps: the exact metrics on anybody's score maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restora.cli.options import Json
from restora.cli.output import emit, emit_json


def score_maps(
    maps: Annotated[Path, typer.Argument(help="Folder of score maps: .npy, .tiff or 16-bit .png.", show_default=False)],
    masks: Annotated[Path, typer.Argument(help="Folder of masks, paired with the maps by name.", show_default=False)],
    json: Json = False,
) -> None:
    """AUROC, AP, F1-max, AUPRO and AUPIMO of anybody's score maps, exact, without bins.

    Example: restora score-maps their_maps/ parts/ground_truth/ --json
    """
    from restora.cli.evaluate import figure_lines
    from restora.evaluation import score_maps as score

    figures = score(maps, masks)
    if json:
        emit_json(figures, indent=2)
    else:
        emit("\n".join(figure_lines(figures)))
