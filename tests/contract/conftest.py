"""Every check of this folder is made of every method in the table, and of those that are joined of them.

Run those of one method alone with `pytest tests/contract -k NAME`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

from restora.detector.detector import Detector
from restora.methods.table import METHODS, NAMES
from restora.training.loop import Progress
from restora.training.train import train

from .small import draw_pictures, run_settings


@pytest.fixture(params=METHODS)
def single(request: pytest.FixtureRequest) -> str:
    """A method that restores by itself."""
    return request.param


@pytest.fixture(params=NAMES)
def method(request: pytest.FixtureRequest) -> str:
    """Whatever `--method` takes."""
    return request.param


@dataclass
class Trained:
    """A model that was trained without a break, and what was told on the way."""

    detector: Detector
    steps: list[Progress] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the model lies."""
        return self.detector.model.folder


def no_network(*_: object, **__: object) -> NoReturn:
    """In the place of every way out."""
    raise AssertionError("a training reached for the network")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """The model of a method, of 16 pictures and seed 0, trained when it is first asked for; to be left as it is."""
    home = tmp_path_factory.mktemp("contract")
    made: dict[str, Trained] = {}

    def model(method: str) -> Trained:
        if method not in made:
            steps: list[Progress] = []
            with pytest.MonkeyPatch.context() as patch:
                for way in ("connect", "connect_ex", "sendto"):
                    patch.setattr(socket.socket, way, no_network)
                detector = train(
                    draw_pictures(16),
                    out=home / f"{method}.restora",
                    config=run_settings(method),
                    progress=steps.append,
                )
            made[method] = Trained(detector, steps)
        return made[method]

    return model


@pytest.fixture
def trained(models: Callable[[str], Trained], method: str) -> Trained:
    """The model of the method."""
    return models(method)
