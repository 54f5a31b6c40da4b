"""Interrupted, stopped or refused, a training keeps what it had; what it is gone on with gives the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restora.bundle import is_model
from restora.errors import (
    CancelledError,
    DataError,
    MissingError,
    RestoraError,
    SettingsError,
    StoppedError,
    UsageError,
)
from restora.training import checkpoint, loop
from restora.training.part import Part
from restora.training.train import claim_folder, train


def partial_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".partial")


def stop_at(step: int, number: int = signal.SIGTERM):
    """Progress that sends this process a signal at a step."""

    def progress(seen: loop.Progress) -> None:
        if seen.step == step:
            os.kill(os.getpid(), number)

    return progress


def interrupt(source, out: Path, config, step: int = 13, number: int = signal.SIGTERM) -> checkpoint.State:
    with pytest.raises(CancelledError, match=f"after step {step} of .* --resume"):
        train(source, out=out, config=config, progress=stop_at(step, number))
    saved = checkpoint.read(partial_of(out))
    assert saved is not None
    return saved


# ------------------------------------------------------------------------------------------------- interruption


def test_an_interrupted_training_goes_on_to_the_same_bytes(trained, tmp_path, settings, read_folder):
    out = tmp_path / trained.folder.name
    saved = interrupt(trained.source, out, settings(), step=13)
    assert (saved.step, saved.steps) == (13, 40)
    assert not out.exists()
    assert not list(partial_of(out).glob("features*"))
    steps = []
    train(trained.source, out=out, config=settings(), resume=True, progress=steps.append)
    assert [seen.step for seen in steps] == list(range(14, 41))
    assert read_folder(out) == read_folder(trained.folder)
    assert not partial_of(out).exists()


def test_ctrl_c_at_the_last_step_keeps_it(tmp_path, pictures, settings):
    saved = interrupt(pictures(8), tmp_path / "m.restora", settings(steps=4), step=4, number=signal.SIGINT)
    assert (saved.step, saved.steps) == (4, 4)


def test_a_failure_before_the_first_saved_step_leaves_nothing(tmp_path, pictures, settings):
    def fail(seen: loop.Progress) -> None:
        raise RuntimeError("from outside")

    with pytest.raises(RuntimeError, match="from outside"):
        train(pictures(8), out=tmp_path / "m.restora", config=settings(), progress=fail)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory, pictures, settings) -> Path:
    home = tmp_path_factory.mktemp("begun")
    interrupt(pictures(16), home / "m.restora", settings())
    return home


@pytest.fixture
def begun(begun_once, tmp_path) -> Path:
    """Where the model of a training on 16 pictures will be that was interrupted after 13 of 40 steps."""
    shutil.copytree(begun_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "m.restora"


def test_what_was_begun_is_neither_overwritten_nor_lost_by_itself(begun, pictures, settings, read_folder):
    before = read_folder(begun.parent)
    with pytest.raises(UsageError, match=r"unfinished training; add --resume .* or --overwrite"):
        train(pictures(16), out=begun, config=settings())
    with pytest.raises(DataError):  # a slip in the source must not cost the state
        train(begun.parent / "nowhere", out=begun, config=settings(), overwrite=True)
    assert read_folder(begun.parent) == before


def test_going_on_and_starting_over(begun, pictures, settings, fit_only):
    steps = []
    train(pictures(16), out=begun, config=settings(), resume=True, progress=steps.append)
    assert [steps[0].step, steps[-1].step] == [14, 40]
    shutil.rmtree(partial_of(begun), ignore_errors=True)
    steps.clear()
    train(pictures(16), out=begun, config=settings(), overwrite=True, progress=steps.append)
    assert [steps[0].step, steps[-1].step] == [1, 40]
    gone_on, started_over = (network.state_dict() for network in fit_only)
    assert all(torch.equal(tensor, started_over[name]) for name, tensor in gone_on.items())


@pytest.mark.parametrize("other", ["seed", "batch", "pictures", "textures", "ignore"])
def test_a_state_of_another_training_is_refused_and_kept(begun, tmp_path, pictures, settings, read_folder, other):
    named = {"config": settings(), "resume": True}
    given = pictures(16)
    if other == "seed":
        named["seed"] = 1
    elif other == "batch":
        named["config"] = settings(batch=5)
    elif other == "pictures":
        given = pictures(16, seed=1)
    elif other == "textures":
        (tmp_path / "textures").mkdir()
        Image.fromarray(given[0]).save(tmp_path / "textures" / "a.png")
        named["textures"] = tmp_path / "textures"
    else:
        Image.fromarray(np.eye(64, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
        named["ignore"] = tmp_path / "mask.png"
    before = read_folder(partial_of(begun))
    with pytest.raises(UsageError, match=r"another training \(other pictures, settings or weights\)"):
        train(given, out=begun, **named)
    assert read_folder(partial_of(begun)) == before


def test_a_failure_after_the_last_step_keeps_it(begun, monkeypatch, pictures, settings):
    from restora.training import train as training

    def refuse(*_: object) -> None:
        raise StoppedError("parity")

    monkeypatch.setattr(training, "write_detector", refuse)
    with pytest.raises(StoppedError, match="parity"):
        train(pictures(16), out=begun, config=settings(), resume=True)
    assert checkpoint.read(partial_of(begun)).step == 40
    assert not begun.exists()


def test_minutes_become_steps_once(tmp_path, monkeypatch, pictures, settings, fit_only):
    monkeypatch.setattr(Part, "_step_seconds", lambda *_: 0.05)
    out = tmp_path / "m.restora"
    with pytest.raises(CancelledError, match="after step 6 of 24"):
        train(pictures(8), out=out, config=settings(), minutes=0.02, progress=stop_at(6))
    monkeypatch.setattr(Part, "_step_seconds", lambda *_: 0.001)  # a faster machine must not change the plan
    steps = []
    train(pictures(8), out=out, config=settings(), minutes=0.02, resume=True, progress=steps.append)
    assert (steps[-1].step, steps[-1].steps) == (24, 24)


# ------------------------------------------------------------------------------------------------ going astray


def spoil_rate(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The learning rate is not a number at step `at` (from 0) of the training; trial steps are left alone."""
    rate = loop.learning_rate
    monkeypatch.setattr(
        loop,
        "learning_rate",
        lambda step, steps, fit: float("nan") if (step, steps) == (at, 12) else rate(step, steps, fit),
    )


def test_a_loss_that_is_no_number_stops_with_its_step_and_keeps_the_last_state(
    tmp_path, monkeypatch, pictures, settings
):
    spoil_rate(monkeypatch, at=6)  # the weights are spoilt by step 7, which shows in the loss of step 8
    out = tmp_path / "m.restora"
    with pytest.raises(StoppedError, match="loss is not a number at step 8; the last good state, of step 5"):
        train(pictures(8), out=out, config=settings(steps=12))
    assert not out.exists()
    saved = checkpoint.read(partial_of(out))
    assert saved.step == 5
    tensors = checkpoint.load_file(str(partial_of(out) / saved.weights))
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_weights_that_are_no_numbers_are_not_saved(tmp_path, monkeypatch, pictures, settings):
    spoil_rate(monkeypatch, at=9)  # step 10 is one that is saved
    out = tmp_path / "m.restora"
    with pytest.raises(StoppedError, match="network is not a number at step 10; the last good state, of step 5"):
        train(pictures(8), out=out, config=settings(steps=12))
    assert checkpoint.read(partial_of(out)).step == 5


def test_going_astray_before_anything_was_saved_leaves_nothing(tmp_path, monkeypatch, pictures, settings):
    spoil_rate(monkeypatch, at=1)
    with pytest.raises(StoppedError, match="at step 3; no state had been saved yet"):
        train(pictures(8), out=tmp_path / "m.restora", config=settings(steps=12))
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------- what is refused


def claim(out: Path, *, resume: bool = False, overwrite: bool = False) -> Path:
    return claim_folder(out, resume=resume, overwrite=overwrite)


def test_an_existing_model_is_not_replaced_unasked(trained):
    for resume, words in [(False, "holds a model already"), (True, "no unfinished training lies beside it")]:
        with pytest.raises(UsageError, match=f"{words}.* --overwrite"):
            claim(trained.folder, resume=resume)
    assert claim(trained.folder, overwrite=True) == partial_of(trained.folder)
    assert is_model(trained.folder)


def test_a_model_that_is_being_replaced_can_be_gone_on_with(begun, trained):
    shutil.copytree(trained.folder, begun)
    assert claim(begun, resume=True) == partial_of(begun)


def test_what_a_killed_write_left_behind_is_no_obstacle(tmp_path):
    out = tmp_path / "m.restora"
    out.mkdir()
    (out / "restorer-0123456789ab.safetensors").write_bytes(b"half")
    (out / ".unfinished-manifest.json").write_bytes(b"half")
    assert claim(out) == partial_of(out)


@pytest.mark.parametrize("kind", ["file", "folder", "no name"])
def test_an_output_that_is_something_else_is_refused(tmp_path, kind):
    out = tmp_path / "photos"
    if kind == "file":
        out.write_text("mine")
    elif kind == "folder":
        out.mkdir()
        (out / "holiday.jpg").write_text("mine")
    else:
        out = Path(".")
    with pytest.raises(UsageError, match="name a new folder"):
        claim(out, overwrite=True)
    assert kind == "no name" or out.exists()


@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ({"device": "tpu"}, UsageError, "'tpu'; take cpu or cuda"),
        ({"minutes": 0}, SettingsError, "--minutes is 0; it must be above 0"),
        ({"minutes": float("nan")}, SettingsError, "must be above 0"),
        ({"size": "60x64"}, SettingsError, "multiples of 32"),
        ({"trunk": "resnet81"}, UsageError, "nearest are .*resnet18"),
        ({"weights": "nowhere.safetensors"}, RestoraError, r"nowhere\.safetensors"),
        ({"false_alarms": 0.0}, SettingsError, "greater than 0"),
        ({"preset": "huge", "config": None}, SettingsError, "small, paper"),
        ({"textures": "nowhere"}, UsageError, "nowhere"),
        ({"ignore": "nowhere.png"}, UsageError, r"nowhere\.png"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path, pictures, settings, named, error, words):
    with pytest.raises(error, match=words) as caught:
        train(pictures(3), out=tmp_path / "m.restora", **{"config": settings(), **named})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_a_device_that_is_not_there_is_missing(tmp_path, pictures):
    with pytest.raises(MissingError, match="No CUDA device"):
        train(pictures(3), out=tmp_path / "m.restora", device="cuda")


@pytest.mark.parametrize("how", [{}, {"overwrite": True}, {"resume": True}])
def test_a_training_that_runs_is_left_alone(tmp_path, pictures, settings, how):
    out = tmp_path / "m.restora"
    partial = tmp_path / "m.restora.partial"
    with checkpoint.sole_owner(partial):
        (partial / "log.csv").write_text("step\n")
        with pytest.raises(UsageError, match="a training that is running"):
            train(pictures(16), out=out, config=settings(steps=2), **how)
        assert [path.name for path in partial.iterdir()] == ["log.csv"]
    assert not out.exists()
