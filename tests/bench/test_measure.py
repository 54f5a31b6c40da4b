"""Cells that are no training of ours, and where pictures come from."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from safetensors.torch import save_file

from restora.bench import anomalib
from restora.bench.cells import make_cell
from restora.bench.folder import RunFolder
from restora.bench.machine import processor_name
from restora.bench.measure import Measure
from restora.bench.rows import ANOMALIB_MODELS, ROWS, YARDSTICKS
from restora.bench.table import RUN_COLUMNS, to_csv
from restora.bundle import hash_settings
from restora.errors import UsageError
from restora.features.bodies import build_body
from restora.images.layouts.folders import Folders
from restora.runtimes.contract import count_cores
from restora.training.settings import stored_settings


@pytest.fixture
def measure(plan, toml, tmp_path) -> Measure:
    other = '\n[anomalib]\npython = "env/bin/python"\nminutes = 2\n'
    made = plan(toml + other).at(tmp_path)
    return Measure(made, RunFolder(tmp_path / "run"), tmp_path / "root", say=lambda sentence: None)


def test_a_category_may_name_its_folders(plan, tmp_path):
    made = plan('[categories]\na = { path = "line3", normal = "ok", abnormal = "broken" }\nb = "line4"\n')
    measure = Measure(made, RunFolder(tmp_path / "run"), tmp_path, say=lambda sentence: None)
    a, b = (make_cell(made, ROWS["control"], "resnet18", category, 0) for category in ("a", "b"))
    assert measure.source(a) == Folders(tmp_path / "line3", normal="ok", abnormal="broken")
    assert measure.source(b) == tmp_path / "line4"


def test_a_model_of_anomalib_gets_the_same_pictures_and_its_table_says_what_was_cut(measure, monkeypatch, tmp_path):
    asked: list[Any] = []

    def run_anomalib(model, plan, dataset, elsewhere):
        asked.extend([model, plan, dataset, elsewhere])
        figures = {"image_auroc": 0.75, "pixel_auroc": None, "aupro_30": None, "own_image_auroc": 0.5}
        cut = {"what": "training", "kept": 12.5, "of": 100}
        times = {"fit_seconds": 120.04, "look_seconds": 3.0, "epochs": 12.5}
        return {**figures, **times, "cut": cut, "versions": {"anomalib": "2.7.0", "torch": "2", "timm": "1"}}

    weights = tmp_path / "resnet18.safetensors"
    save_file(build_body("resnet18", (2, 3)).network.state_dict(), weights)
    measure = replace(measure, plan=measure.plan.model_copy(update={"weights": {"resnet18": str(weights)}}))
    monkeypatch.setattr(anomalib, "run_anomalib", run_anomalib)
    record = measure(make_cell(measure.plan, ROWS["anomalib-stfpm"], "resnet18", "cap", 4))
    model, plan, dataset, elsewhere = asked
    assert (model, plan.size, plan.settings.seed) == ("stfpm", (64, 64), 4)
    assert len(plan.split.fitting) + len(plan.split.calibration) == len(dataset.good("train")) == 9
    assert (elsewhere.python, elsewhere.weights) == (tmp_path / "env/bin/python", weights)
    assert (elsewhere.minutes, elsewhere.threads) == (2, 1)
    row = dict(zip(RUN_COLUMNS, to_csv([record], RUN_COLUMNS).splitlines()[1].split(","), strict=True))
    assert row["anomalib"] == "2.7.0"
    assert row["cut"] == "training: 12.5 of 100"
    assert row["steps"] == ""
    assert (row["own_image_auroc"], row["fit_seconds"], row["megabytes"]) == ("0.5000", "120.0", "")
    assert (record.size, record.image_auroc, record.pixel_auroc) == ("64x64", 0.75, None)
    assert row["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert row["fingerprint"] == plan.fingerprint
    assert (row["processor"], row["cores"]) == (processor_name(), str(count_cores()))
    assert (row["python"], row["onnxruntime"]) == (platform.python_version(), onnxruntime.__version__)
    assert row["settings"] == hash_settings(stored_settings(plan.settings))


def test_anomalib_is_not_run_on_random_weights(measure):
    with pytest.raises(UsageError, match="need real weights of resnet18"):
        measure(make_cell(measure.plan, ROWS["anomalib-padim"], "resnet18", "cap", 0))


def test_every_yardstick_has_a_row():
    from restora.bench.yardsticks.fit import YARDSTICKS as FITTED

    assert tuple(FITTED) == YARDSTICKS
    assert [f"anomalib-{model}" for model in ANOMALIB_MODELS] == [
        name for name, row in ROWS.items() if row.kind == "anomalib"
    ]


def test_a_drawn_category_has_a_folder_of_its_own_and_what_was_wished_for(measure):
    fabric, cap = (make_cell(measure.plan, ROWS["control"], "resnet18", name, 0) for name in ("fabric", "cap"))
    drawn = [measure.source(cell) for cell in (fabric, cap)]
    assert drawn == [measure.folder.root / f"drawn/{name}/{name}" for name in ("fabric", "cap")]
    assert len(list((drawn[0] / "train/good").iterdir())) == 9
    strengths = [float(line.rpartition(",")[2]) for line in (drawn[1] / "strengths.csv").read_text().splitlines()[1:]]
    assert min(strengths) > 0.25  # none is hard


def test_other_categories_lie_below_the_data_root(plan, toml, measure):
    named = plan(toml.replace('{ drawn = "fabric"', '"sets/a" #'))
    cell = make_cell(named, ROWS["control"], "resnet18", "fabric", 0)
    assert measure.source(cell) == Path(measure.root) / "sets/a"


def test_the_processor_is_named_as_the_machine_tells_it(tmp_path):
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Fast  CPU @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: Fast CPU\n")
    assert processor_name(facts) == "Fast CPU @ 3 GHz"
    assert processor_name(tmp_path / "none") == " ".join((platform.processor() or platform.machine()).split())
