"""A model folder run by torch: for GPUs without an ONNX Runtime of their own, and for measuring inside the network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from restora.bundle import Model
from restora.errors import MissingError, ModelError
from restora.export.fold import fold_norms
from restora.export.network import Network
from restora.export.parity import torch_outputs
from restora.features.pyramid import load_trunk
from restora.features.settings import RANDOM
from restora.methods.head import Frame, build_head, trunk_levels
from restora.methods.settings import MethodSettings
from restora.methods.table import METHODS, NAMES, parts, section
from restora.runtimes.contract import Runtime


def load_network(model: Model) -> Network:
    """The network of a model folder, built from its settings and filled with its stored numbers; evaluation mode.

    Raises ModelError when the stored numbers do not fit the settings.
    """
    manifest = model.manifest
    settings = method_settings(model)
    numbers = trunk_levels(settings)
    # The trunk's weights are stored with the model; random ones only give it its shape.
    trunk = load_trunk(manifest.trunk.name, weights=RANDOM, levels=numbers)
    frame = Frame(numbers, trunk.levels, manifest.input.size, manifest.fitting.count)
    network = Network(trunk, build_head(settings, frame))
    fold_norms(network)  # as it was when its numbers were stored
    try:
        network.load_state_dict(load_file(str(model.path("restorer"))))
    except RuntimeError as error:
        raise ModelError(
            f"{model.folder}: the stored numbers do not fit ({str(error).splitlines()[-1].strip()})"
        ) from None
    return network.eval()


def method_settings(model: Model) -> dict[str, MethodSettings]:
    """Settings of the methods that a model is made of, by name. Raises ModelError for a method not known here."""
    manifest = model.manifest
    if manifest.method not in NAMES:
        raise ModelError(f"{model.folder}: the method {manifest.method!r} is not known here; update Restora")
    stored = manifest.settings
    return {name: METHODS[name].settings.model_validate(stored[section(name)]) for name in parts(manifest.method)}


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
