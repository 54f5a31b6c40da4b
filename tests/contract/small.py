"""What the contract is tried with: small settings of every method, drawn pictures, a random ResNet-18.

A further method adds one entry to `SMALL`: sizes at which it trains in a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restora.features.pyramid import Pyramid, Trunk, load_trunk
from restora.methods.branch import Branch
from restora.methods.contract import Restorer, as_restorer
from restora.methods.head import Frame, build_branch
from restora.methods.settings import MethodSettings
from restora.methods.table import METHODS, parts, section
from restora.training.settings import RunSettings

SMALL: dict[str, dict[str, Any]] = {
    "ura-net": {
        "perception": {"projection": 32, "hidden": (32,), "samples": 4},
        "attention": {"global_tokens": 4},
        "restorer": {"width": 32, "heads": 2},
        "synthesis": {"textures": 4},
    },
    "mfr-net": {
        "masks": {"sides": (1, 2)},
        "network": {"directions": 16, "width": 16, "heads": 2, "blocks": 1},
    },
}
SIZE = (64, 96)
SQUARE = (64, 64)
STEPS = 20
FIT = {"steps": STEPS, "batch": 4, "learning_rate": 1e-2, "warm_up_steps": 2}
RESIDUAL = {"directions": 8}


def small_settings(method: str) -> MethodSettings:
    """A single method's settings for a training of a second."""
    if method not in SMALL:
        raise LookupError(f"tests/contract/small.py has no entry for the method {method}")
    return METHODS[method].settings.model_validate({**SMALL[method], "fit": FIT, "residual": RESIDUAL})


def run_settings(method: str) -> RunSettings:
    """A whole run of a method, single or joined."""
    return RunSettings.model_validate(
        {
            "method": method,
            "input": {"size": "x".join(map(str, SIZE))},
            "trunk": {"name": "resnet18", "weights": "random"},
            **{section(part): small_settings(part) for part in parts(method)},
        }
    )


def draw_pictures(count: int, seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 [N, H, W, 3]: a bright bar on a dark ground, somewhere near the middle, with grain."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(60, 10, (count, *size, 3))
    for picture in pictures:
        top, left = rng.integers(16, 32, 2)
        picture[top : top + 12, left : left + 20] += 120
    return np.clip(pictures, 0, 255).astype(np.uint8)


def spoil(picture: np.ndarray) -> np.ndarray:
    """The picture with a white patch in a corner."""
    spoiled = picture.copy()
    spoiled[44:60, 44:60] = 255
    return spoiled


@dataclass
class Stand:
    """One method behind a trunk, and features of pictures to try it with.

    normal : of drawn pictures, which it has begun with
    """

    settings: MethodSettings
    branch: Branch
    trunk: Trunk
    normal: Pyramid

    @property
    def net(self) -> nn.Module:
        """The restorer as a module."""
        return self.branch.restorer

    @property
    def restorer(self) -> Restorer:
        """The restorer as a method."""
        return as_restorer(self.branch.restorer)

    def features(self, pictures: np.ndarray) -> Pyramid:
        """The pyramid of pictures."""
        with torch.no_grad():
            return self.branch.aggregate(self.trunk(as_batch(pictures)))

    def step(self, count: int) -> None:
        """Make some optimiser steps, so that no number is at its start; without decay, which would move all."""
        optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-2)
        self.net.train()
        for number in range(count):
            total = total_loss(self.restorer.losses(self.normal, np.random.default_rng(number), number / count))
            optimiser.zero_grad()
            total.backward()
            optimiser.step()

    def finish(self) -> None:
        """Draw, and fit the residual, as the end of a training does."""
        self.restorer.draw(np.random.default_rng(1))
        self.net.eval()

        def pairs() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
            with torch.no_grad():
                yield self.normal.levels, self.restorer.restore(self.normal).levels

        self.branch.residual.fit(pairs)


def total_loss(terms: dict[str, Tensor]) -> Tensor:
    """The sum that is made small."""
    return torch.stack(list(terms.values())).sum()


def set_up(method: str, size: tuple[int, int] = SIZE, *, pictures: int = 6, seed: int = 0) -> Stand:
    """A method that has begun with the features of so many drawn pictures, and made no step."""
    settings = small_settings(method)
    trunk = random_trunk(settings.pyramid.levels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        branch = build_branch(method, settings, Frame(settings.pyramid.levels, trunk.levels, size, pictures))
    with torch.no_grad():
        raw = branch.aggregate.pooled(trunk(as_batch(draw_pictures(pictures, size=size))))
        branch.aggregate.set_scale([float(level.std()) for level in raw])
        normal = branch.aggregate.finish(raw)
    stand = Stand(settings, branch, trunk, normal)
    stand.restorer.start(normal, np.random.default_rng(0))
    if settings.textures_wanted:
        noise = np.random.default_rng(7).integers(0, 256, (3, *size, 3), dtype=np.uint8)
        stand.restorer.textures = stand.features(noise).levels
    return stand


@cache
def random_trunk(levels: tuple[int, ...]) -> Trunk:
    """A ResNet-18 that has seen nothing; frozen, so that all can stand on the same."""
    return load_trunk("resnet18", weights="random", levels=levels)


def as_batch(pictures: np.ndarray) -> Tensor:
    """Pictures as a trunk takes them."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
