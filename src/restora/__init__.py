"""Find defects after seeing only good pictures.

The public names come lazily: `import restora` reads nothing but this file, and only `restora.train` needs torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restora import metrics as metrics
    from restora.detector.detector import Detector as Detector
    from restora.evaluation import Evaluation as Evaluation
    from restora.images.layouts.folders import Folders as Folders
    from restora.training.train import train as train
    from restora.verdicts.prediction import Prediction as Prediction
    from restora.verdicts.prediction import Region as Region

__version__ = "0.1.0"
__all__ = ["Detector", "Evaluation", "Folders", "Prediction", "Region", "__version__", "metrics", "train"]

_HOMES = {
    "Detector": "restora.detector.detector",
    "Evaluation": "restora.evaluation",
    "Folders": "restora.images.layouts.folders",
    "Prediction": "restora.verdicts.prediction",
    "Region": "restora.verdicts.prediction",
    "train": "restora.training.train",
}


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return import_module("restora.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'restora' has no attribute {name!r}")
    try:
        value = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if (
            name != "train"
            or error.name is None
            or error.name.partition(".")[0] not in ("torch", "safetensors", "onnx")
        ):
            raise
        from restora.errors import MissingError

        raise MissingError(
            f"Training uses {error.name}, which is not installed; install it with: pip install 'restora[train]'"
        ) from None
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
