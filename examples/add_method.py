"""A method of your own in one file: settings, network, a line in the table; everything else is there.

    python examples/add_method.py parts --out runs/subspace

The method restores every cell to the subspace in which the cells of good pictures lie: a bottleneck of a few channels,
learned. What no good picture has does not fit through, so it is missing from the restoration. Trunk, residual, map,
graph, parity, calibration and report are Restora's. The model folder holds the graph, so whoever looks at pictures with
it needs this file no more. Without a folder, pictures of a part are drawn.

A method that stays is a folder below src/restora/methods and a line in `methods/table.py` (docs/my-method.md), and then
`restora train --method NAME` and `restora benchmark` know it. From outside, the line is written into the table before
the settings of a training are first read, which are made of the table; that holds for this process alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

import restora
from restora.config import load_settings
from restora.demo import write_products
from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods import table
from restora.methods.contract import Restoration
from restora.methods.settings import FitSettings, MethodSettings, Preset

NAME = "subspace"


class SubspaceSettings(MethodSettings):
    """Settings of the method, beside those that all have: pyramid, residual and fit."""

    rank: Annotated[int, Field(ge=1)] = 16
    """Channels of the bottleneck."""
    fit: FitSettings = FitSettings(steps=300)


class Subspace(nn.Module):
    """One linear bottleneck a level, the same at every place; the calls are those of `methods/contract.py`."""

    def __init__(
        self, settings: SubspaceSettings, levels: tuple[Level, ...], size: tuple[int, int], pictures: int
    ) -> None:
        super().__init__()
        self.textures: list[Tensor] | None = None
        self.perceived: tuple[str, ...] = ()
        self.narrow = nn.ModuleList(nn.Conv2d(level.channels, settings.rank, 1) for level in levels)
        self.widen = nn.ModuleList(nn.Conv2d(settings.rank, level.channels, 1) for level in levels)

    def start(self, normal: Pyramid, rng: np.random.Generator) -> None:
        """Begin with the mean cell of some fitting pictures."""
        with torch.no_grad():
            for widen, level in zip(self.widen, normal.levels, strict=True):
                assert isinstance(widen, nn.Conv2d)
                assert widen.bias is not None
                widen.bias.copy_(level.mean((0, 2, 3)))

    def losses(self, pyramid: Pyramid, rng: np.random.Generator, progress: float) -> dict[str, Tensor]:
        """Squared distance of good cells from their restoration."""
        pairs = zip(self.restore(pyramid).levels, pyramid.levels, strict=True)
        return {"squared": torch.stack([(mine - level).square().mean() for mine, level in pairs]).sum()}

    def figures(self) -> dict[str, float]:
        """Nothing beside the loss."""
        return {}

    def draw(self, rng: np.random.Generator) -> None:
        """Prediction needs nothing random."""

    def restore(self, pyramid: Pyramid, mask: Tensor | None = None) -> Restoration:
        """Through the bottleneck and back; it perceives nothing, so a mask has nothing to override."""
        steps = zip(self.narrow, self.widen, pyramid.levels, strict=True)
        return Restoration([widen(narrow(level)) for narrow, widen, level in steps])


PRESETS = {"small": Preset(SubspaceSettings()), "paper": Preset(SubspaceSettings(), size="256x256")}
table.METHODS[NAME] = table.Method(PRESETS, f"{__name__}:Subspace")
table.NAMES = (*table.METHODS, *table.JOINED)


def main(argv: Sequence[str] | None = None) -> restora.Evaluation:
    """Train and evaluate the method; returns the figures."""
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    parts = args.parts or write_products(args.out / "drawn", "part", good=80, test_good=30, defective=3, size=128)
    config = load_settings(args.config) if args.config else None
    model = args.out / f"{NAME}.restora"
    detector = restora.train(parts, out=model, method=NAME, config=config, overwrite=True, say=print)
    evaluation = detector.evaluate(parts, report=args.out / "report.html")
    print(f"{args.out / 'report.html'}: {evaluation}")
    return evaluation


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", type=Path, nargs="?", help="folder of a data set that `restora data layouts` shows")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/add-method"))
    parser.add_argument("--config", type=Path, help="settings, as `restora config show` prints them, with [subspace]")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
