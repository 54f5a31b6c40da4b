"""What every method's model owes to whoever looks with it: made by a whole training of seconds at 64 x 96 pixels."""

from __future__ import annotations

import csv
import io
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from restora.bundle import hash_settings, read_model
from restora.cli.run import run
from restora.config import load_settings
from restora.detector.detector import Detector
from restora.errors import CancelledError
from restora.export.graph import save_state
from restora.export.network import ALWAYS, Network
from restora.export.parity import torch_outputs
from restora.export.torch_runtime import load_network, open_torch_runtime
from restora.methods.contract import PERCEIVED
from restora.methods.table import JOINED, METHODS, parts, section
from restora.training import checkpoint
from restora.training import train as training
from restora.training.join import join
from restora.training.loop import Progress
from restora.training.part import Part
from restora.training.plan import Plan
from restora.training.refit import refit
from restora.training.settings import change_settings, recipe, stored_settings

from .small import SIZE, STEPS, draw_pictures, run_settings, set_up, spoil

MAP = (SIZE[0] // 4, SIZE[1] // 4)


def outputs_of(trained, pictures: np.ndarray) -> dict[str, np.ndarray]:
    return trained.detector.runtime(pictures)


# ------------------------------------------------------------------------------------------------------- the model


def test_outputs_are_named_and_shaped_as_promised(trained, method):
    perceived = {name for part in parts(method) for name in set_up(part).restorer.perceived}
    names = (*ALWAYS, *(name for name in PERCEIVED if name in perceived))
    assert trained.detector.model.manifest.outputs == names
    seen = outputs_of(trained, draw_pictures(3, seed=3))
    assert tuple(seen) == names
    assert seen["map"].shape == (3, *MAP)
    assert seen["map"].min() >= 0
    np.testing.assert_array_equal(seen["score"], seen["map"].max((1, 2)))
    doubts = seen["epistemic"].max((1, 2)) if "epistemic" in perceived else np.zeros(3, np.float32)
    np.testing.assert_array_equal(seen["doubt"], doubts)
    assert all(np.isfinite(values).all() and values.dtype == np.float32 for values in seen.values())


def test_the_manifest_says_what_was_done(trained, method):
    manifest = read_model(trained.folder).manifest
    assert (manifest.method, manifest.preset) == (method, "small")
    assert (manifest.fitting.count, len(manifest.calibration.scores)) == (8, 8)
    assert manifest.settings["steps"] == STEPS * len(parts(method))
    logs = {"log"} if parts(method) == (method,) else {f"log_{section(part)}" for part in parts(method)}
    assert set(manifest.files) == {"graph", "restorer", *logs}
    assert f"--method {method} " in manifest.reproduce


def test_the_settings_that_are_shown_of_a_model_are_its_own(trained, tmp_path, capsys):
    manifest = read_model(trained.folder).manifest
    assert run(["config", "show", "--model", str(trained.folder)]) == 0
    (tmp_path / "run.toml").write_text(capsys.readouterr().out)
    settings = load_settings(tmp_path / "run.toml")
    assert hash_settings(recipe(settings)) == manifest.settings_hash
    assert {**stored_settings(settings), "steps": manifest.settings["steps"]} == manifest.settings


def test_the_log_has_every_step_that_it_should_and_only_numbers(trained, method):
    model = read_model(trained.folder)
    for name in sorted(set(model.manifest.files) - {"graph", "restorer"}):
        rows = list(csv.DictReader(io.StringIO(model.path(name).read_text(encoding="utf-8"))))
        assert [row["step"] for row in rows] == ["0", "10", str(STEPS - 1)]
        assert all(math.isfinite(float(value)) for row in rows for value in row.values())
        assert {"step", "loss"} < set(rows[0])


def test_progress_counts_the_steps_of_the_whole_training(trained, method):
    steps = STEPS * len(parts(method))
    assert [seen.step for seen in trained.steps] == list(range(1, steps + 1))
    assert {seen.steps for seen in trained.steps} == {steps}
    assert all(math.isfinite(seen.loss) and seen.seconds_left >= 0 for seen in trained.steps)
    assert trained.steps[-1].seconds_left == 0


# ------------------------------------------------------------------------------------------------------ prediction


def test_a_defect_scores_higher_than_good_pictures_and_all_get_a_verdict(trained):
    shown = draw_pictures(5, seed=5)
    shown[4] = spoil(shown[4])
    predictions = list(trained.detector.predict(list(shown), maps=True))
    assert {p.verdict for p in predictions} <= {"ok", "review", "defect"}
    assert all(p.error is None and 0 < p.p_value <= 1 and p.map.shape == SIZE for p in predictions)
    assert predictions[4].score > max(p.score for p in predictions[:4])
    doubtful = "epistemic" in trained.detector.model.manifest.outputs
    assert all(p.doubt > 0 if doubtful else p.doubt == 0 for p in predictions)


def test_what_torch_loads_from_the_folder_says_what_the_graph_says(trained):
    runtime = open_torch_runtime(read_model(trained.folder))
    assert runtime.name == "torch"
    given = draw_pictures(4, seed=6)
    given[3] = spoil(given[3])
    ours, theirs = runtime(given), outputs_of(trained, given)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        # a network of few steps may hardly doubt at all; what is left below the floor is rounding
        largest = max(np.abs(values).max(), 1e-5)
        np.testing.assert_allclose(theirs[name], values, rtol=0, atol=1e-4 * largest, err_msg=name)
    other = Detector.load(trained.folder, runtime=runtime)
    assert [p.verdict for p in other.predict(list(given))] == [p.verdict for p in trained.detector.predict(list(given))]


def test_neighbours_and_places_in_the_batch_change_no_bit(trained):
    mine, others = draw_pictures(1, seed=1), draw_pictures(3, seed=2)
    first = outputs_of(trained, np.concatenate([mine, others]))
    for place in range(4):
        strange = np.random.default_rng(place).integers(0, 256, others.shape, dtype=np.uint8)
        seen = outputs_of(trained, np.insert(strange, place, mine[0], axis=0))
        for name, values in seen.items():
            np.testing.assert_array_equal(values[place], first[name][0], err_msg=name)


def test_a_prediction_is_the_same_every_time_and_nothing_in_it_is_random(trained):
    graph = onnx.load(read_model(trained.folder).path("graph"), load_external_data=False)
    nodes = [*graph.graph.node, *(node for function in graph.functions for node in function.node)]
    for node in nodes:
        nodes += [inner for attribute in node.attribute for inner in attribute.g.node]
    kinds = {node.op_type for node in nodes}
    assert not [kind for kind in kinds if "Random" in kind or kind in ("Bernoulli", "Multinomial", "Dropout")]
    once, again = (outputs_of(trained, draw_pictures(2)) for _ in range(2))
    assert all(once[name].tobytes() == again[name].tobytes() for name in once)


@pytest.mark.parametrize("grey", [0, 255])
def test_a_picture_of_one_colour_has_a_score(trained, grey):
    given = np.full((1, *SIZE, 3), grey, np.uint8)
    seen = outputs_of(trained, given)
    assert all(np.isfinite(values).all() for values in seen.values())
    prediction = trained.detector.look(given[0])
    assert prediction.error is None
    assert prediction.score == pytest.approx(float(seen["score"][0]), rel=1e-5)


def test_looking_needs_neither_torch_nor_the_network(trained, tmp_path):
    Image.fromarray(draw_pictures(1, seed=8)[0]).save(tmp_path / "a.png")
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a prediction reached for the network')\n"
        "socket.socket = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import restora\n"
        "print(restora.Detector.load(sys.argv[1]).look(sys.argv[2]).verdict)\n"
        "assert not {'torch', 'safetensors', 'onnx', 'restora.methods', 'restora.features'} & set(sys.modules)"
    )
    line = [sys.executable, "-c", code, str(trained.folder), str(tmp_path / "a.png")]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() in ("ok", "review", "defect"), done.stderr
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------------------- trainings of other kinds


@pytest.mark.parametrize("joined", JOINED)
def test_models_that_were_trained_alone_join_to_the_same_bytes(models, joined, tmp_path):
    wanted = models(joined).detector.model
    alone = [models(part).folder for part in reversed(parts(joined))]
    made = join(alone, draw_pictures(16), out=tmp_path / "m.restora", weights="random").model
    for role in ("graph", "restorer"):
        assert made.path(role).name == wanted.path(role).name
        assert made.path(role).read_bytes() == wanted.path(role).read_bytes()
    same = {"files": {}}  # but for the logs, which a joined model does not have
    assert made.manifest.model_copy(update=same) == wanted.manifest.model_copy(update=same)


@pytest.mark.parametrize("name", METHODS)
def test_a_residual_fitted_anew_is_that_of_a_training_with_its_rule(models, name, tmp_path):
    """Refitted behind a finished network, whose norms are folded: the same but for rounding."""
    changed = change_settings(run_settings(name), {f"{section(name)}.residual.rule": "diagonal"})
    wanted = training.train(draw_pictures(16), out=tmp_path / "trained.restora", config=changed)
    made = refit(models(name).folder, draw_pictures(16), changed, out=tmp_path / "refitted.restora")
    assert made.model.manifest.settings == wanted.model.manifest.settings
    pictures = np.concatenate([draw_pictures(3, seed=3), spoil(draw_pictures(2, seed=4))])
    for output, values in wanted.runtime(pictures).items():
        np.testing.assert_allclose(made.runtime(pictures)[output], values, rtol=2e-3, atol=1e-4 * values.max())
    before = models(name).detector.runtime(pictures)["score"]
    assert np.abs(made.runtime(pictures)["score"] / before - 1).max() > 0.01
    assert not (tmp_path / "refitted.restora.partial").exists()


class Fitted:
    """In the place of export and calibration: keeps the finished network, what was planned, and the logs."""

    def __init__(self) -> None:
        self.network: Network
        self.plan: Plan
        self.logs: dict[str, bytes] = {}

    def __call__(self, network: Network, plan: Plan, out: Path, mask: object) -> None:
        self.network, self.plan = network, plan
        self.logs = {log.parent.name: log.read_bytes() for log in partial_of(out).rglob("log.csv")}


@pytest.fixture
def fitted(monkeypatch) -> Fitted:
    """What a training of this test comes to before its export."""
    end = Fitted()
    monkeypatch.setattr(training, "write_detector", end)
    return end


def partial_of(out: Path) -> Path:
    return out.with_name(out.name + ".partial")


def test_an_interrupted_training_goes_on_to_the_same_numbers(trained, method, tmp_path, fitted):
    """Interrupted in the last method of those that are joined, so that what the others had finished is met again."""
    out = tmp_path / trained.folder.name
    at = STEPS * (len(parts(method)) - 1) + 3

    def stop(seen: Progress) -> None:
        if seen.step == at:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(CancelledError, match=f"after step 3 of {STEPS}.* --resume"):
        training.train(draw_pictures(16), out=out, config=run_settings(method), progress=stop)
    assert checkpoint.find(partial_of(out)) is not None
    steps: list[Progress] = []
    training.train(draw_pictures(16), out=out, config=run_settings(method), resume=True, progress=steps.append)
    assert [seen.step for seen in steps] == [seen.step for seen in trained.steps[at:]]
    save_state(fitted.network, tmp_path / "numbers")
    model = read_model(trained.folder)
    assert (tmp_path / "numbers").read_bytes() == model.path("restorer").read_bytes()
    stored = sorted(name for name in model.manifest.files if name.startswith("log"))
    assert [model.path(name).read_bytes() for name in stored] == [log for _, log in sorted(fitted.logs.items())]
    given = draw_pictures(2)
    loaded, made = (torch_outputs(network, given) for network in (load_network(model), fitted.network))
    assert all(np.array_equal(loaded[name], values) for name, values in made.items())


def test_places_that_are_ignored_are_not_looked_at_and_minutes_are_shared_out(method, tmp_path, monkeypatch, fitted):
    monkeypatch.setattr(Part, "_step_seconds", lambda *_: 0.05)
    mask = np.zeros(SIZE, np.uint8)
    mask[40:, 40:64] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    training.train(
        draw_pictures(16),
        out=tmp_path / "m.restora",
        config=run_settings(method),
        ignore=tmp_path / "mask.png",
        minutes=0.01 * len(parts(method)),
    )
    assert fitted.plan.steps == dict.fromkeys(parts(method), 12)
    seen = torch_outputs(fitted.network, draw_pictures(2, seed=5))
    assert not seen["map"][:, 10:, 10:16].any()
    assert (seen["map"][:, :9] > 0).all()
