"""Small trainings: a random ResNet-18 at 64 x 64 pixels, a restorer of width 32, some tens of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from restora.config import to_toml
from restora.detector.detector import Detector
from restora.export.network import Network
from restora.training import train as training
from restora.training.loop import Progress
from restora.training.settings import RunSettings
from tests.contract import small

STEPS = 40

draw_pictures = partial(small.draw_pictures, size=small.SQUARE)


def tiny_settings(**fit: Any) -> RunSettings:
    """Settings of a training of seconds; `fit`: what differs in its optimiser and schedule."""
    return RunSettings.model_validate(
        {
            "input": {"size": "64x64"},
            "trunk": {"name": "resnet18", "weights": "random"},
            "ura_net": {
                "fit": {"steps": STEPS, "batch": 4, "save_every": 5, "warm_up_steps": 2, **fit},
                "perception": {"projection": 8, "hidden": (8,), "samples": 2},
                "attention": {"global_tokens": 4},
                "restorer": {"width": 32, "heads": 2},
                "residual": {"directions": 8},
                "synthesis": {"textures": 4},
            },
        }
    )


@dataclass
class Trained:
    """A model that was trained without a break, how it came about, and what would make it again."""

    folder: Path
    source: Path
    config: Path
    detector: Detector
    steps: list[Progress] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """16 pictures in a folder, seed 0; tests must leave it as it is."""
    home = tmp_path_factory.mktemp("trained")
    source = home / "bars"
    source.mkdir()
    for number, picture in enumerate(draw_pictures(16)):
        Image.fromarray(picture).save(source / f"{number:02d}.png")
    config = home / "tiny.toml"
    config.write_text(to_toml(tiny_settings()), encoding="utf-8")
    steps: list[Progress] = []
    said: list[str] = []
    folder = home / "bars.restora"
    detector = training.train(source, out=folder, config=tiny_settings(), progress=steps.append, say=said.append)
    return Trained(folder, source, config, detector, steps, said)


@pytest.fixture(scope="session")
def pictures() -> Callable[..., np.ndarray]:
    return draw_pictures


@pytest.fixture(scope="session")
def settings() -> Callable[..., RunSettings]:
    return tiny_settings


@pytest.fixture
def fit_only(monkeypatch: pytest.MonkeyPatch) -> list[Network]:
    """Trainings of this test end before the export; the list collects their networks."""
    networks: list[Network] = []
    monkeypatch.setattr(training, "write_detector", lambda network, *rest: networks.append(network))
    return networks


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path below it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def read_folder() -> Callable[[Path], dict[str, bytes]]:
    return contents
