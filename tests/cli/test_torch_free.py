"""Everything but making a model runs where torch is not installed; here, in a fresh interpreter that refuses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

YARDSTICK = Path(__file__).parents[2] / "benchmarks/accuracy/yardstick.toml"
HEAVY = ("torch", "torchvision", "timm", "safetensors", "onnx")
# Finds no heavy package, as on a machine without them, and says afterwards which of our own torch rooms were loaded.
CODE = f"""
import sys, json
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
from restora.cli.run import run
status = run(sys.argv[1:])
rooms = ("restora.features.weights", "restora.methods.ura_net.network", "restora.training.train", "restora.export")
loaded = [sorted(set(names) & set(sys.modules)) for names in ({HEAVY}, rooms)]
print(json.dumps([status, *loaded]), file=sys.stderr)
"""


def without_torch(*arguments: object) -> tuple[int, str, str]:
    line = [sys.executable, "-c", CODE, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    *said, last = done.stderr.splitlines()
    status, packages, rooms = json.loads(last)
    assert (packages, rooms) == ([], [])
    return status, done.stdout, "\n".join(said)


@pytest.fixture
def parts(tmp_path):
    """A data set in MVTec AD layout: dark good pictures, and a defective one with a bright spot and its mask."""
    rng = np.random.default_rng(0)
    places = [f"train/good/{n}.png" for n in range(10)] + [f"test/good/{n}.png" for n in range(3)] + ["test/spot/0.png"]
    for place in places:
        path = tmp_path / "parts" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 90, (32, 64, 3), dtype=np.uint8)
        if "spot" in place:
            pixels[8:16, 16:32] = 250
        Image.fromarray(pixels).save(path)
    mask = np.zeros((32, 64), np.uint8)
    mask[8:16, 16:32] = 255
    (tmp_path / "parts/ground_truth/spot").mkdir(parents=True)
    Image.fromarray(mask).save(tmp_path / "parts/ground_truth/spot/0_mask.png")
    return tmp_path / "parts"


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "--version",
        "doctor --json",
        "data layouts",
        "data inspect {parts}",
        "info {model} --json",
        "predict {model} {parts}/test/good",
        "evaluate {model} {parts} --report {tmp}/report.html --json",
        "calibrate {model} {parts}",
        "config show",
        "benchmark {bench} --out {tmp}/run --dry-run",
        "score-maps {tmp}/maps {parts}/ground_truth",
    ],
)
def test_a_verb_that_only_looks_loads_no_torch(line, tiny_model, parts, tmp_path):
    (tmp_path / "maps/spot").mkdir(parents=True)
    np.save(tmp_path / "maps/spot/0.npy", np.random.default_rng(0).random((32, 64), dtype=np.float32))
    words = line.format(model=tiny_model, parts=parts, tmp=tmp_path, bench=YARDSTICK).split()
    status, out, said = without_torch(*words)
    assert status == 0, said
    assert out


@pytest.mark.parametrize(
    "line",
    [
        "train {parts} --out {tmp}/m.restora",
        "weights list",
        "demo --out {tmp}/demo",
        "benchmark {bench} --out {tmp}/run --data {tmp}",
    ],
)
def test_a_verb_that_needs_torch_says_how_to_get_it(line, parts, tmp_path):
    status, out, said = without_torch(*line.format(parts=parts, tmp=tmp_path, bench=YARDSTICK).split())
    assert status == 3
    assert "pip install 'restora[train]'" in said
    assert "\n" not in said
    assert out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts"]
