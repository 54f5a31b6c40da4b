from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from restora.bundle import read_model
from restora.errors import MissingError, ModelError, UsageError
from restora.runtimes.contract import check_outputs
from restora.runtimes.onnx import OnnxRuntime
from restora.runtimes.openvino import OpenvinoRuntime
from restora.runtimes.runtime import open_runtime

has_openvino = importlib.util.find_spec("openvino") is not None
NAMES = ["onnx", pytest.param("openvino", marks=pytest.mark.skipif(not has_openvino, reason="needs openvino"))]


def batch(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [None, 1])
def test_the_graph_says_what_numpy_says(tiny_model, name, threads):
    runtime = open_runtime(read_model(tiny_model), name, threads)
    assert runtime.name == name
    pictures = batch()
    seen = runtime(pictures)
    cells = pictures.astype(np.float64).mean(axis=3).reshape(4, 8, 4, 16, 4).mean(axis=(2, 4))
    assert set(seen) == {"score", "doubt", "map"}
    assert all(values.dtype == np.float32 for values in seen.values())
    np.testing.assert_allclose(seen["map"], cells, rtol=1e-5)
    np.testing.assert_array_equal(seen["score"], seen["map"].max(axis=(1, 2)))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_says_the_same_in_any_place_and_company(tiny_model, name):
    runtime = open_runtime(read_model(tiny_model), name, 1)
    pictures = batch()
    straight, turned = runtime(pictures), runtime(np.ascontiguousarray(pictures[::-1]))
    for key, values in straight.items():
        assert values.tobytes() == np.ascontiguousarray(turned[key][::-1]).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_may_have_any_size_and_results_outlive_the_next_run(tiny_model, name):
    runtime = open_runtime(read_model(tiny_model), name)
    first = runtime(batch(1))
    kept = first["map"].copy()
    assert runtime(255 - batch(7))["map"].shape == (7, 8, 16)
    np.testing.assert_array_equal(first["map"], kept)


def test_auto_is_the_runtime_that_calibrated(tiny_model):
    assert isinstance(open_runtime(read_model(tiny_model)), OnnxRuntime)


@pytest.mark.parametrize(("name", "words"), [("tensorflow", "auto, onnx, openvino"), ("torch", "handed in")])
def test_a_runtime_that_cannot_be_opened_by_name(tiny_model, name, words):
    with pytest.raises(UsageError, match=words):
        open_runtime(read_model(tiny_model), name)


@pytest.mark.parametrize("threads", [0, -1, 1025, 10**9])
def test_no_number_of_threads(tiny_model, threads):
    with pytest.raises(UsageError, match="1 to 1024"):
        open_runtime(read_model(tiny_model), "onnx", threads)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_that_the_graph_cannot_take_is_one_sentence(tiny_model, name):
    runtime = open_runtime(read_model(tiny_model), name)
    with pytest.raises(ModelError, match=r"graph.*cannot be run") as caught:
        runtime(np.zeros((2, 33, 64, 3), np.uint8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"doubt": None}, "must give 'doubt'"),
        ({"map": np.zeros((2, 8), np.float32)}, r"'map' is float32 of shape \[2, 8\]"),
        ({"score": np.zeros(3, np.float32)}, "'score'"),
        ({"score": np.zeros(2, np.float64)}, "'score' is float64"),
        ({"map": np.zeros((2, 0, 4), np.float32)}, "'map'"),
    ],
)
def test_a_graph_that_gives_something_else_is_refused(change, words):
    good = {"score": np.zeros(2, np.float32), "doubt": np.zeros(2, np.float32), "map": np.zeros((2, 8, 4), np.float32)}
    check_outputs(good, 2, Path("graph.onnx"))
    with pytest.raises(ModelError, match=words):
        check_outputs({k: v for k, v in (good | change).items() if v is not None}, 2, Path("graph.onnx"))


@pytest.mark.parametrize(
    "opened", [OnnxRuntime, pytest.param(OpenvinoRuntime, marks=pytest.mark.skipif(not has_openvino, reason="extra"))]
)
def test_what_is_no_graph_is_refused_in_one_sentence(tmp_path, opened):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"graph\.onnx cannot be opened") as caught:
        opened(tmp_path / "graph.onnx")
    assert "\n" not in str(caught.value)


def test_openvino_not_installed_says_how_to_get_it(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingError, match=r"restora\[openvino\]"):
        open_runtime(read_model(tiny_model), "openvino")


def test_full_precision_is_asked_for_by_name(tiny_model):
    pytest.importorskip("openvino")
    runtime = open_runtime(read_model(tiny_model), "openvino")
    assert runtime._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


def test_a_graph_reads_no_number_outside_its_folder(tmp_path, brightness_graph):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.bin").write_bytes(np.float32(1).tobytes())
    (tmp_path / "model/graph.onnx").write_bytes(brightness_graph("../secret.bin", 0))
    with pytest.raises(ModelError, match="cannot be opened"):
        OnnxRuntime(tmp_path / "model/graph.onnx")
    (tmp_path / "model/graph.onnx").write_bytes(brightness_graph("inside.bin", 0))
    (tmp_path / "model/inside.bin").write_bytes(np.float32(1).tobytes())
    OnnxRuntime(tmp_path / "model/graph.onnx")
