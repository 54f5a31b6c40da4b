"""MFRNet in a graph: what is hidden in turn at prediction is stored, and pictures stay apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from restora.export.graph import export_graph, save_state
from restora.export.network import Network
from restora.export.parity import torch_outputs
from restora.features.pyramid import Pyramid, load_trunk
from restora.methods.head import Frame, build_branch
from restora.methods.mfr_net.settings import MfrNetSettings
from restora.runtimes.onnx import OnnxRuntime

SIZE = (64, 96)
OUTPUTS = ("score", "doubt", "map", "epistemic")
FORMS = {
    "merged": {"residual": {"rule": "full", "directions": 8}},
    "per level, hybrid map": {
        "restore": "per_level",
        "masks": {"mode": "groups", "sides": (2,), "parts": 2},
        "residual": {"rule": "mse_ssim"},
    },
    "the paper's form": {
        "pyramid": {"levels": (1, 2, 3), "merge": True, "grid_level": 2, "pool": 1},
        "network": {"directions": None, "width": 16, "heads": 2, "blocks": 1, "token": 2},
        "masks": {"sides": (2, 4)},
        "residual": {"rule": "mse_gms"},
    },
}


def build(form: str) -> Network:
    small = {"directions": 12, "width": 16, "heads": 2, "blocks": 1}
    settings = MfrNetSettings.model_validate({"network": small, **FORMS[form]})
    trunk = load_trunk("resnet18", weights="random", levels=settings.pyramid.levels)
    torch.manual_seed(0)
    branch = build_branch("mfr-net", settings, Frame(settings.pyramid.levels, trunk.levels, SIZE, 8))
    given = torch.from_numpy(draw(8, 1)).permute(0, 3, 1, 2)
    with torch.no_grad():
        raw = branch.aggregate.pooled(trunk(given))
        branch.aggregate.set_scale([float(level.std()) for level in raw])
        normal = branch.aggregate.finish(raw)
    branch.restorer.start(normal, np.random.default_rng(0))
    branch.restorer.draw(np.random.default_rng(0))

    def pairs() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        with torch.no_grad():
            yield normal.levels, branch.restorer.restore(Pyramid(normal.levels)).levels

    branch.residual.fit(pairs)
    return Network(trunk, branch).eval()


def draw(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 8, 12, 3)).repeat(8, 1).repeat(8, 2)
    return np.clip(coarse + rng.normal(0, 10, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "form", ["merged", *(pytest.param(form, marks=pytest.mark.slow) for form in FORMS if form != "merged")]
)
def test_the_graph_computes_what_torch_computes(form, tmp_path):
    network = build(form)
    state, graph = tmp_path / "numbers.safetensors", tmp_path / "graph.onnx"
    save_state(network, state)
    export_graph(network, SIZE, state, state.name, graph)
    onnx.checker.check_model(str(graph), full_check=True)
    runtime, given = OnnxRuntime(graph, 1), draw(5, 3)
    ours, theirs = torch_outputs(network, given), runtime(given)
    assert set(ours) == set(theirs) == set(OUTPUTS)
    for name in OUTPUTS:
        largest = np.abs(ours[name]).max()
        assert largest > 1e-4, name
        np.testing.assert_allclose(theirs[name], ours[name], atol=1e-4 * largest, rtol=0)
    nodes = [node.op_type for node in onnx.load(graph, load_external_data=False).graph.node]
    assert not [kind for kind in nodes if "Random" in kind or kind in ("Bernoulli", "Multinomial", "Dropout", "Loop")]
    for count in (1, 3):  # neighbours, and how many there are, change nothing
        alone = runtime(given[:count])
        for name in OUTPUTS:
            np.testing.assert_allclose(alone[name], theirs[name][:count], rtol=1e-4, atol=1e-6, err_msg=name)
    turned = runtime(given[::-1].copy())
    for name in OUTPUTS:
        np.testing.assert_array_equal(turned[name], theirs[name][::-1], err_msg=name)
