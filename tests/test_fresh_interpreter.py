"""What a fresh interpreter loads: the rooms a line PC uses need no torch, and help needs nearly nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

TRAINING = {"torch", "torchvision", "timm", "safetensors", "onnx", "onnxscript"}
ROOMS_OF_TRAINING = (
    "features.weights",
    "features.pyramid",
    "methods.ura_net.network",
    "training.train",
    "export.graph",
)


def loaded_by(code: str) -> set[str]:
    """Top-level packages, and rooms of ours by their full name, that a fresh interpreter holds after `code`."""
    code += "\nimport sys; print('\\n'.join(sys.modules), file=sys.__stderr__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    names = done.stderr.split()
    return {name.partition(".")[0] for name in names} | {name for name in names if name.startswith("restora.")}


@pytest.mark.parametrize(
    "room",
    [
        "bundle",
        "config",
        "demo.draw",
        "detector.detector",
        "evaluation",
        "images.inspect",
        "metrics",
        "report.page",
        "runtimes.runtime",
        "training.settings",
        "verdicts.calibration",
    ],
)
def test_a_room_of_the_line_loads_no_training(room):
    loaded = loaded_by(f"import restora.{room}")
    assert f"restora.{room}" in loaded
    assert not loaded & TRAINING
    assert not loaded & {f"restora.{name}" for name in ROOMS_OF_TRAINING}


def test_the_metrics_stand_alone():
    rooms = {name.split(".")[1] for name in loaded_by("import restora.metrics") if name.startswith("restora.")}
    assert rooms == {"metrics", "errors"}


def test_the_public_names_load_no_training():
    loaded = loaded_by("import restora; restora.Detector, restora.Prediction, restora.Region, restora.Evaluation")
    assert "restora.detector.detector" in loaded
    assert not loaded & TRAINING


@pytest.mark.parametrize("line", [["--help"], ["--version"], ["predict", "--help"], ["train", "--help"]])
def test_help_computes_nothing(line):
    loaded = loaded_by(f"from restora.cli.run import run; assert run({line!r}) == 0")
    assert not loaded & {*TRAINING, "numpy", "scipy", "PIL", "onnxruntime", "openvino", "jinja2"}


def test_the_table_of_verbs_loads_no_settings():
    """Every command begins with it; typer itself takes pydantic for some verbs' options, later."""
    loaded = loaded_by("import restora.cli.app")
    assert "restora.features.settings" not in loaded
    assert "pydantic" not in loaded


def test_a_prediction_loads_only_what_it_uses(tiny_model, tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 32), (60, 60, 60)).save(tmp_path / "a.png")
    line = ["predict", str(tiny_model), str(tmp_path / "a.png")]
    loaded = loaded_by(f"from restora.cli.run import run; assert run({line!r}) == 0")
    assert {"numpy", "onnxruntime"} <= loaded
    assert not loaded & {*TRAINING, "openvino", "pyarrow", "jinja2"}
    assert not loaded & {"restora.report.page", "restora.evaluation", "restora.images.inspect"}
