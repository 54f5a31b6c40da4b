"""A small URA-Net, fitted on features but hardly trained, its graph, and a model folder around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from restora.detector.detector import Detector
from restora.export.graph import export_graph, save_state
from restora.export.network import Network
from restora.features.pyramid import Pyramid, load_trunk
from restora.methods.head import Frame, build_branch
from restora.methods.ura_net.settings import UraNetSettings
from restora.runtimes.onnx import OnnxRuntime
from restora.training.settings import RunSettings
from restora.training.train import train
from tests.contract.small import SIZE, draw_pictures


def tiny_settings() -> UraNetSettings:
    return UraNetSettings.model_validate(
        {
            "perception": {"projection": 8, "hidden": (8,), "samples": 3},
            "attention": {"global_tokens": 4},
            "restorer": {"width": 32, "heads": 2},
            "residual": {"directions": 8},
            "synthesis": {"textures": 4},
        }
    )


def build_network() -> Network:
    """Trunk, restorer and residual; weights of the Bayesian layers wide, so that doubt is there to be compared."""
    settings = tiny_settings()
    trunk = load_trunk("resnet18", weights="random")
    frame = Frame(settings.pyramid.levels, trunk.levels, SIZE, 12)
    torch.manual_seed(0)
    branch = build_branch("ura-net", settings, frame)
    aggregate, restorer = branch.aggregate, branch.restorer
    given = torch.from_numpy(draw_pictures(12)).permute(0, 3, 1, 2)
    with torch.no_grad():
        raw = aggregate.pooled(trunk(given))
        aggregate.set_scale([float(level.std()) for level in raw])
        normal = aggregate.finish(raw)
    restorer.start(normal, np.random.default_rng(0))
    with torch.no_grad():
        restorer.perception.head.bias[0] = 0.0
        for layer in restorer.perception.bayesian:
            layer.rho.fill_(-2.0)
    restorer.draw(np.random.default_rng(0))
    restorer.eval()

    def pairs() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        with torch.no_grad():
            yield normal.levels, restorer.restore(Pyramid(normal.levels)).levels

    branch.residual.fit(pairs)
    return Network(trunk, branch).eval()


@dataclass
class Exported:
    """A network, the graph that was made of it, the numbers beside it, and the graph opened on one thread."""

    network: Network
    graph: Path
    state: Path
    runtime: OnnxRuntime


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    home = tmp_path_factory.mktemp("exported")
    network = build_network()
    state, graph = home / "numbers.safetensors", home / "graph.onnx"
    save_state(network, state)
    export_graph(network, SIZE, state, state.name, graph)
    return Exported(network, graph, state, OnnxRuntime(graph, 1))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """A whole model of 16 pictures; tests must leave its folder as it is."""
    settings = RunSettings.model_validate(
        {
            "input": {"size": f"{SIZE[0]}x{SIZE[1]}"},
            "trunk": {"name": "resnet18", "weights": "random"},
            "ura_net": {**tiny_settings().model_dump(), "fit": {"steps": 3, "batch": 4}},
        }
    )
    return train(draw_pictures(16), out=tmp_path_factory.mktemp("model") / "bars.restora", config=settings)


@pytest.fixture
def pictures() -> Callable[..., np.ndarray]:
    return draw_pictures


@pytest.fixture
def fresh_network() -> Callable[[], Network]:
    return build_network
