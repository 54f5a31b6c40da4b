"""A model folder that is real in every respect but training: a small graph whose map is the brightness of a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from restora.bundle import (
    CalibrationFacts,
    FittingFacts,
    InputSpec,
    Manifest,
    TrunkCard,
    hash_settings,
    hashed_name,
    write_model,
)

SIZE = (32, 64)


def brightness_graph(weights: str, offset: int) -> bytes:
    """An ONNX graph: map = mean grey of each 4 x 4 cell x a number kept outside, score = its maximum, doubt = its mean.

    weights : name of the file beside the graph that holds the number, at `offset`
    """
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    scale = TensorProto(name="scale", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": weights, "offset": str(offset), "length": "4"}.items():
        scale.external_data.add(key=key, value=value)
    axes = {
        name: helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        for name, values in {"grey_axis": [3], "channel": [1], "places": [1, 2]}.items()
    }
    nodes = [
        helper.make_node("Cast", ["picture"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "grey_axis"], ["grey"], keepdims=1),
        helper.make_node("Transpose", ["grey"], ["upright"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["upright"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Squeeze", ["pooled", "channel"], ["cells"]),
        helper.make_node("Mul", ["cells", "scale"], ["map"]),
        helper.make_node("ReduceMax", ["map", "places"], ["score"], keepdims=0),
        helper.make_node("ReduceMean", ["map", "places"], ["doubt"], keepdims=0),
    ]
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, ["N", *SIZE, 3])
    shapes = {"score": ["N"], "doubt": ["N"], "map": ["N", SIZE[0] // 4, SIZE[1] // 4]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "brightness", [picture], outputs, initializer=[scale, *axes.values()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


def scale_file(scale: float) -> tuple[bytes, int]:
    """A safetensors file with the one number, and where in it the number lies."""
    header = json.dumps({"scale": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + np.float32(scale).tobytes(), 8 + len(header)


def write_tiny_model(folder: Path, *, calibration: CalibrationFacts | None = None, scale: float = 1.0) -> Path:
    """A model at 32 x 64 pixels that finds bright spots; calibrated on the scores 0..98 unless told otherwise."""
    scores = tuple(float(score) for score in range(99))
    settings = {"scale": scale}
    weights, offset = scale_file(scale)
    manifest = Manifest(
        package_version="0.1.0",
        method="brightness",
        preset="small",
        settings=settings,
        settings_hash=hash_settings(settings),
        trunk=TrunkCard(name="none", sha256="0" * 64, licence="Apache-2.0", terms="no training data"),
        input=InputSpec(height=SIZE[0], width=SIZE[1], resize="pillow-bilinear-antialias"),
        outputs=("score", "doubt", "map"),
        fitting=FittingFacts(count=3, fingerprint="f" * 64),
        calibration=calibration or CalibrationFacts(scores=scores, doubts=(255.0,) * 99, fingerprint="c" * 64),
        batch=4,
        reproduce="restora train parts --out tiny.restora",
    )
    graph = brightness_graph(hashed_name("restorer", weights), offset)
    write_model(folder, manifest, {"graph": graph, "restorer": weights})
    return folder


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """Folder of a small, real model; see `write_tiny_model`."""
    return write_tiny_model(tmp_path / "tiny.restora")


@pytest.fixture(name="brightness_graph")
def make_graph() -> Callable[[str, int], bytes]:
    """`brightness_graph` itself, for graphs whose number lies elsewhere."""
    return brightness_graph


@pytest.fixture
def make_model() -> Callable[..., Path]:
    """`write_tiny_model` itself, for models of another calibration or another graph."""
    return write_tiny_model
