"""Rows that another environment makes, with a script in anomalib's place: what it gets, what is made of its answer."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import restora
from restora.bench.anomalib import WORKER, Elsewhere, check_elsewhere, run_anomalib
from restora.bench.rows import ANOMALIB_MODELS as MODELS
from restora.errors import MissingError, StoppedError
from restora.features.pyramid import load_trunk
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.metrics.pixels import pixel_figures
from restora.metrics.ranking import auroc
from restora.training.plan import Plan, make_plan, resolve_settings

# Its map is the brightness of a picture, its own score the darkness; it says in its versions what it was given.
BRIGHTNESS = """
import json, os, sys
from pathlib import Path
import numpy as np
from PIL import Image

job = json.loads(Path(sys.argv[1]).read_text())
scores, given = [], {}
for part in ("fitting", "test"):
    given[part] = [np.asarray(Image.open(path)).tolist() for path in sorted(Path(job[part]).iterdir())]
for number, picture in enumerate(given["test"]):
    map = np.asarray(picture, dtype=np.float32).mean(-1)
    np.save(Path(job["maps"]) / f"{number:06d}.npy", map)
    scores.append(-float(map.mean()))
told = {**job, **given, "threads_env": os.environ["OMP_NUM_THREADS"], "path": sys.path}
result = {
    "scores": scores, "cut": {"what": "training", "kept": 1.5, "of": 100}, "epochs": 1.5, "fit_seconds": 2.0,
    "fit_cpu_seconds": 1.0, "score_seconds": 0.5, "versions": told,
}
Path(job["result"]).write_text(json.dumps(result))
"""


@pytest.fixture(scope="module")
def dataset(write_set):
    """Dark pictures, those with a bright spot defective, some of another shape than the rest."""
    rng = np.random.default_rng(0)

    def draw(spot: bool, number: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (72, 60) if number == 1 else (64, 64)
        picture, mask = rng.integers(0, 120, (*shape, 3), dtype=np.uint8), np.zeros(shape, dtype=bool)
        if spot:
            mask[10:30, 5 : 20 + number] = True
            picture[mask] += 100
        return picture, mask

    return write_set("dark", {"train/good": 10, "test/good": 4, "test/spot": 3}, draw)


@pytest.fixture(scope="module")
def plan(dataset) -> Plan:
    settings = resolve_settings("small", None, {"trunk.name": "resnet18", "trunk.weights": "random", "seed": 3})
    return make_plan(settings, dataset, load_trunk("resnet18", weights="random"))


@pytest.fixture
def elsewhere(tmp_path: Path):
    """Makes an environment whose Python says that it has anomalib, and runs `script`."""

    def made(script: str) -> Elsewhere:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\ncase "$*" in *find_spec*) exit 0;; esac\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (tmp_path / "worker.py").write_text(script)
        (tmp_path / "weights.safetensors").write_bytes(b"")
        return Elsewhere(python, tmp_path / "weights.safetensors", 2.5, script=tmp_path / "worker.py")

    return made


def test_its_raw_maps_are_scored_by_our_metrics_at_the_masks_own_size(dataset, plan, elsewhere):
    found = run_anomalib("stfpm", plan, dataset, elsewhere(BRIGHTNESS))
    given = [np.asarray(picture, dtype=np.float32).mean(-1) for picture in found["versions"]["test"]]
    labels = [item.label for item in dataset.test]
    peaks = [[map.max() for map, label in zip(given, labels, strict=True) if label == wanted] for wanted in (0, 1)]
    means = [[-map.mean() for map, label in zip(given, labels, strict=True) if label == wanted] for wanted in (0, 1)]
    assert found["image_auroc"] == auroc(*peaks)
    assert found["own_image_auroc"] == pytest.approx(auroc(*means))
    same_shape = [
        (map, item.mask((64, 64)))
        for map, item in zip(given, dataset.test, strict=True)
        if not item.name.endswith("001.png")
    ]
    rest = replace(dataset, items=tuple(item for item in dataset.items if not item.name.endswith("001.png")))
    bare = run_anomalib("stfpm", plan, rest, elsewhere(BRIGHTNESS))
    expected = pixel_figures(*zip(*same_shape, strict=True))
    assert (bare["pixel_auroc"], bare["aupro_30"]) == (expected.auroc, expected.aupro_30)
    assert found["pixel_auroc"] is not None  # one mask is larger than its map


def test_it_gets_the_prepared_fitting_pictures_and_no_other_good_ones(dataset, plan, elsewhere):
    there = elsewhere(BRIGHTNESS)
    job = run_anomalib("padim", plan, dataset, there)["versions"]
    for part, items in (("fitting", plan.split.fitting), ("test", dataset.test)):
        expected = [prepare(read_picture(item.source).pixels, plan.size) for item in items]
        np.testing.assert_array_equal(np.array(job[part]), np.stack(expected))
    assert 0 < len(plan.split.fitting) < len(dataset.good("train"))
    assert (job["model"], job["size"], job["seed"], job["minutes"]) == ("padim", list(plan.size), 3, 2.5)
    assert (job["threads"], job["threads_env"]) == (1, "1")
    # the folder of the script is not searched: beside the real one lies an anomalib.py that is not the package
    assert str(there.script.parent) not in job["path"]


def test_what_was_cut_is_in_the_record(dataset, plan, elsewhere):
    found = run_anomalib("stfpm", plan, dataset, elsewhere(BRIGHTNESS))
    assert found["cut"] == {"what": "training", "kept": 1.5, "of": 100}
    assert (found["epochs"], found["fit_seconds"], found["fit_cpu_seconds"], found["look_seconds"]) == (1.5, 2, 1, 0.5)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('a line on stdout'); raise RuntimeError('out of luck')", "RuntimeError: out of luck"),
        ("raise SystemExit(7)", r"said nothing \(exit status 7\)"),
        ("", r"wrote no result.*exit status 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
    ],
)
def test_a_worker_that_dies_is_told_with_its_last_line(script, words, dataset, plan, elsewhere):
    with pytest.raises(StoppedError, match=f"anomalib's padim on dark failed: .*{words}"):
        run_anomalib("padim", plan, dataset, elsewhere(script))


def test_an_environment_that_is_missing_is_told_before_anything_is_done(dataset, plan, elsewhere, tmp_path):
    there = elsewhere(BRIGHTNESS)
    for wrong, words in (
        (replace(there, python=tmp_path / "no" / "python"), "There is no Python at .*environment of its own"),
        (replace(there, python=tmp_path), "There is no Python at"),
        (replace(there, python=Path(sys.executable)), "has no anomalib; make an environment of its own"),
        (replace(there, weights=tmp_path / "none.safetensors"), "no weights at .*none.safetensors"),
    ):
        with pytest.raises(MissingError, match=words) as told:
            run_anomalib("padim", plan, dataset, wrong)
        assert told.value.exit_status == 3
    check_elsewhere(there)


def test_the_worker_knows_nothing_of_restora_and_nothing_imports_it():
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(WORKER.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert any(name.startswith("anomalib") for name in imported)
    assert not any(name.partition(".")[0] == "restora" for name in imported)
    package = Path(restora.__file__).parent
    naming = {path for path in package.rglob("*.py") if "anomalib_worker" in path.read_text(encoding="utf-8")}
    assert naming == {WORKER, WORKER.with_name("anomalib.py")}


def test_the_worker_can_build_every_model_that_is_offered():
    """Read, not run: its table has exactly the models of the driver."""
    tables = {
        node.target.id: node.value
        for node in ast.parse(WORKER.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    table = tables["MODELS"]
    assert isinstance(table, ast.Dict)
    assert [ast.literal_eval(key) for key in table.keys if key is not None] == list(MODELS)


def test_the_driver_loads_neither_torch_nor_anomalib():
    program = "import sys, restora.bench.anomalib; raise SystemExit(not {'torch', 'anomalib'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
