"""A small URA-Net on small features, in both its forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods.ura_net.network import UraNet
from restora.methods.ura_net.settings import UraNetSettings

SIZE = (64, 96)
LEVELS = {
    "squeeze": (Level("layer2", 8, 8), Level("layer3", 12, 16)),
    "tokens": (Level("layer1+layer2+layer3", 10, 4),),
    "none": (Level("layer2", 8, 8), Level("layer3", 12, 16)),
}


def tiny_settings(body: str = "squeeze", **changes: dict[str, object]) -> UraNetSettings:
    """Smallest settings; `changes`: a section's name and what differs in it."""
    sections = {
        "perception": {"projection": 8, "hidden": (8,), "samples": 3},
        "attention": {"global_tokens": 5},
        "restorer": {"body": body, "width": 32, "heads": 2, "blocks": 2 if body == "tokens" else 1},
        "synthesis": {},
    }
    if body == "tokens":
        sections["pyramid"] = {"levels": (1, 2, 3), "merge": True}
    for name, changed in changes.items():
        sections[name] = {**sections[name], **changed}
    return UraNetSettings.model_validate(sections)


def tiny_pyramid(body: str = "squeeze", batch: int = 4, seed: int = 0) -> Pyramid:
    """Features like those behind a ReLU: never negative."""
    rng = torch.Generator().manual_seed(seed)
    return Pyramid([torch.randn(batch, *level.shape(SIZE), generator=rng).relu() for level in LEVELS[body]])


def tiny_net(settings: UraNetSettings, steps: int = 2, pictures: int = 10) -> UraNet:
    """A net that has made some steps, so that no number in it is at its start."""
    body = settings.restorer.body
    torch.manual_seed(0)
    net = UraNet(settings, LEVELS[body], SIZE, pictures)
    net.start(tiny_pyramid(body, 6, seed=1), np.random.default_rng(0))
    net.textures = tiny_pyramid(body, 3, seed=2).levels
    if steps and list(net.parameters()):
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
        for step in range(steps):
            terms = net.train().losses(tiny_pyramid(body, seed=3 + step), np.random.default_rng(step), 0.5)
            optimiser.zero_grad()
            torch.stack(list(terms.values())).sum().backward()
            optimiser.step()
    net.draw(np.random.default_rng(1))
    return net.eval()


@pytest.fixture
def make_settings() -> Callable[..., UraNetSettings]:
    return tiny_settings


@pytest.fixture
def make_pyramid() -> Callable[..., Pyramid]:
    return tiny_pyramid


@pytest.fixture
def make_net() -> Callable[..., UraNet]:
    return tiny_net


@pytest.fixture
def levels() -> dict[str, tuple[Level, ...]]:
    return LEVELS


@pytest.fixture
def size() -> tuple[int, int]:
    return SIZE
