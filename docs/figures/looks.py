"""What the scripts of the two methods share: the pictures that are shown, and a trained network's parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from panels import Pixels, save
from stage import SHOWN as NUMBER
from torch import Tensor

import restora
from restora.export.network import Network
from restora.features.pyramid import Pyramid
from restora.images.overlay import heat_overlay
from restora.images.read import read_picture
from restora.methods.branch import Branch

# Test pictures, which no training saw: those that are shown, and good ones that say what usual features are.
SHOWN = {kind: f"test/{kind}/{NUMBER:04d}.png" for kind in ("good", "scratch", "missing_hole", "stain")}
NORMAL = [f"test/good/{number:04d}.png" for number in range(10, 18)]


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


def plane(values: Tensor | None, row: int) -> NDArray[np.float32]:
    """One picture's map [h, w] of maps [N, 1, h, w]."""
    if values is None:
        raise SystemExit("this model perceives nothing; train one with perception on")
    shown: NDArray[np.float32] = values[row, 0].numpy()
    return shown


def show_verdicts(out: Path, detector: restora.Detector, pictures: Pixels) -> None:
    """Every shown picture with its heat and frames, and a line about it."""
    for kind, picture in zip(SHOWN, pictures, strict=True):
        found = detector.look(picture)
        if found.map is None or found.colours is None:
            raise SystemExit(f"{detector} has no calibration, so its maps have no colours")
        save(out / f"{kind}-verdict.png", heat_overlay(picture, found.map, *found.colours, found.regions))
        print(f"{kind}: {found.verdict}, p {found.p_value:.3f}, score {found.score:.2f}, doubt {found.doubt:.4f}")
