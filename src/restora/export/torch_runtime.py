"""A model folder run by torch: for GPUs without an ONNX Runtime of their own, and for measuring inside the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from restora.bundle import Model
from restora.errors import MissingError, ModelError
from restora.export.fold import fold_norms
from restora.export.network import Network
from restora.export.parity import torch_outputs
from restora.features.pyramid import Aggregate, load_trunk
from restora.features.settings import RANDOM
from restora.methods.residual import Residual
from restora.methods.table import METHODS, section
from restora.runtimes.contract import Runtime


def load_network(model: Model) -> Network:
    """The network of a model folder, built from its settings and filled with its stored numbers; evaluation mode.

    Raises ModelError when the stored numbers do not fit the settings.
    """
    manifest = model.manifest
    method = METHODS.get(manifest.method)
    if method is None:
        raise ModelError(f"{model.folder}: the method {manifest.method!r} is not known here; update Restora")
    settings: Any = method.settings.model_validate(manifest.settings[section(manifest.method)])
    size = manifest.input.size
    # The trunk's weights are stored with the model; random ones only give it its shape.
    trunk = load_trunk(manifest.trunk.name, weights=RANDOM, levels=settings.pyramid.levels)
    aggregate = Aggregate(settings.pyramid, trunk.levels)
    restorer = method.build(settings, aggregate.levels, size, manifest.fitting.count)
    residual = Residual(settings.residual, aggregate.levels, size)
    network = Network(trunk, aggregate, restorer, residual, perceives="probability" in manifest.outputs)
    fold_norms(network)  # as it was when its numbers were stored
    try:
        network.load_state_dict(load_file(str(model.path("restorer"))))
    except RuntimeError as error:
        raise ModelError(
            f"{model.folder}: the stored numbers do not fit ({str(error).splitlines()[-1].strip()})"
        ) from None
    return network.eval()


class TorchRuntime:
    """Runs a network on a device; the same calls as the torch-free runtimes."""

    name = "torch"

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network.to(device)

    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> outputs by name."""
        return torch_outputs(self._network, batch)


def open_torch_runtime(model: Model, device: str = "cpu") -> Runtime:
    """The torch runtime of a model. Raises MissingError when the device is not at hand."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MissingError("No CUDA device is at hand; use --runtime onnx, or install a CUDA build of torch")
    return TorchRuntime(load_network(model), torch.device(device))
