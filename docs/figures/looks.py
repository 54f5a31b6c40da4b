"""What the scripts of the two methods share: the pictures that are shown, and a trained network's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from panels import FalseColours, Pixels, coloured, save
from stage import SHOWN as NUMBER
from torch import Tensor

import restora
from restora.export.network import Network
from restora.features.pyramid import Pyramid
from restora.images.overlay import heat_overlay
from restora.images.read import read_picture
from restora.methods.branch import Branch
from restora.methods.contract import Restoration, Restorer

# Test pictures, which no training saw: those that are shown, and good ones that say what usual features are.
SHOWN = {kind: f"test/{kind}/{NUMBER:04d}.png" for kind in ("good", "scratch", "missing_hole", "stain")}
NORMAL = [f"test/good/{number:04d}.png" for number in range(10, 18)]


@dataclass(frozen=True)
class Way:
    """Everything on the way of one batch: pictures uint8 [N, H, W, 3], features, restoration, map [N, h, w]."""

    pictures: Pixels
    pyramid: Pyramid
    restoration: Restoration
    map: Tensor


def read_all(data: Path, names: list[str]) -> Pixels:
    """Pictures of a data set, uint8 [N, H, W, 3]."""
    return np.stack([read_picture(data / name).pixels for name in names])


def branch(network: Network) -> Branch:
    """What is behind the trunk of a model of one method."""
    if not isinstance(network.head, Branch):
        raise SystemExit("these pictures are of one method alone; name a model of it")
    return network.head


def features(network: Network, pictures: Pixels) -> Pyramid:
    """The pyramid that a method restores, of pictures uint8 [N, H, W, 3]."""
    raw = network.trunk(torch.from_numpy(pictures).permute(0, 3, 1, 2).float())
    pyramid: Pyramid = branch(network).aggregate(raw)
    return pyramid


def go(network: Network, pictures: Pixels) -> Way:
    """The way of pictures uint8 [N, H, W, 3] through a trained network."""
    pyramid, behind = features(network, pictures), branch(network)
    restoration = cast("Restorer", behind.restorer).restore(pyramid)
    return Way(pictures, pyramid, restoration, behind.residual(pyramid.levels, restoration.levels))


def plane(values: Tensor | None, row: int) -> NDArray[np.float32]:
    """One picture's map [h, w] of maps [N, 1, h, w]."""
    if values is None:
        raise SystemExit("this model perceives nothing; train one with perception on")
    shown: NDArray[np.float32] = values[row, 0].numpy()
    return shown


def show_way(
    out: Path, way: Way, usual: Way, colours: Sequence[FalseColours], more: Sequence[Mapping[str, Pixels]]
) -> None:
    """Picture, features, restoration, residual and map of each shown picture, and what else there is `more` of it."""
    residual = (way.pyramid.levels[0] - way.restoration.levels[0]).square().mean(1, keepdim=True)
    most, strange = float(residual.quantile(0.985)), 2 * float(usual.map.amax((1, 2)).max())
    for row, kind in enumerate(SHOWN):
        maps = {
            "picture": way.pictures[row],
            "features": colours[0](way.pyramid.levels[0][row].numpy()),
            "coarse": colours[1](way.pyramid.levels[1][row].numpy()),
            "restored": colours[0](way.restoration.levels[0][row].numpy()),
            "residual": coloured(plane(residual, row), 0, most),
            "map": coloured(way.map[row].numpy(), 0, strange),
            **more[row],
        }
        for name, pixels in maps.items():
            save(out / f"{kind}-{name}.png", pixels)


def show_verdicts(out: Path, detector: restora.Detector, pictures: Pixels) -> None:
    """Every shown picture with its heat and frames, and a line about it."""
    for kind, picture in zip(SHOWN, pictures, strict=True):
        found = detector.look(picture)
        if found.map is None or found.colours is None:
            raise SystemExit(f"{detector} has no calibration, so its maps have no colours")
        save(out / f"{kind}-verdict.png", heat_overlay(picture, found.map, *found.colours, found.regions))
        print(f"{kind}: {found.verdict}, p {found.p_value:.3f}, score {found.score:.2f}, doubt {found.doubt:.4f}")
