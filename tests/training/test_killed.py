"""Killed with -9 at any moment, a command loses nothing: the old model or the new one is there, and it can go on."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from restora.bundle import is_model, read_model
from restora.detector.detector import Detector
from restora.training.train import train


class Command:
    """A `restora` command in a process of its own; its words on standard error are in `said`."""

    def __init__(self, *words: object) -> None:
        line = [sys.executable, "-m", "restora", *map(str, words)]
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.begun = time.monotonic()
        self.said = ""

    def wait_for(self, happened: Callable[[], bool]) -> bool:
        """Wait until something has happened; False when the command ended before."""
        while not happened():
            if self.process.poll() is not None:
                return happened()
            time.sleep(0.002)
        return True

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal, if the command still runs, and return its exit status."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        self.said = self.process.communicate(timeout=600)[1]
        return self.process.returncode


def draw_moments(count: int, seed: int) -> list[float]:
    """Random shares of a command's time."""
    rng = random.Random(seed)
    return [rng.random() for _ in range(count)]


def training(trained, out: Path, *words: str) -> Command:
    return Command("train", trained.source, "--out", out, "--config", trained.config, "--overwrite", "--resume", *words)


def go_on_and_compare(trained, out: Path, settings, read_folder) -> None:
    train(trained.source, out=out, config=settings(), resume=True, overwrite=True)
    assert read_folder(out) == read_folder(trained.folder)
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name]


def kill_in_turn(trained, out: Path, moments: list[float], seconds: float) -> int:
    """Begin, or go on with, a training and kill it, once for each moment: a share of the time after its first sign of
    life. After every kill there is no model, or a whole one. Returns how often it was killed before its end.
    """
    killed = 0
    partial = out.with_name(out.name + ".partial")
    for moment in moments:
        command = training(trained, out)
        assert command.wait_for(partial.exists), command.finish() or command.said
        time.sleep(moment * seconds)
        killed += command.kill() == -signal.SIGKILL
        if is_model(out):
            assert read_model(out).manifest.fitting.count == 8
    return killed


def test_a_training_killed_three_times_still_gives_the_same_model(trained, tmp_path, settings, read_folder):
    out = tmp_path / trained.folder.name
    assert kill_in_turn(trained, out, draw_moments(3, seed=0), seconds=5.0) >= 1
    go_on_and_compare(trained, out, settings, read_folder)


@pytest.mark.slow
def test_a_training_killed_at_twenty_moments_still_gives_the_same_model(trained, tmp_path, settings, read_folder):
    out = tmp_path / trained.folder.name
    command = training(trained, out)
    command.wait_for(out.with_name(out.name + ".partial").exists)
    begun = time.monotonic()
    assert command.finish() == 0, command.said
    seconds = time.monotonic() - begun
    # every second time over an old model, every second time from nothing
    for number in range(10):
        if number % 2:
            shutil.rmtree(out)
        kill_in_turn(trained, out, draw_moments(2, seed=number), seconds)
        go_on_and_compare(trained, out, settings, read_folder)


def test_terminating_a_training_saves_its_state_and_says_so(trained, tmp_path):
    out = tmp_path / "m.restora"
    command = training(trained, out)
    assert command.wait_for((tmp_path / "m.restora.partial" / "state.json").exists)
    assert command.kill(signal.SIGTERM) == 130
    assert command.said.splitlines()[-1].startswith("Interrupted")
    assert "Traceback" not in command.said
    assert (tmp_path / "m.restora.partial" / "state.json").exists()
    assert not out.exists()


def calibrate_and_kill(folder: Path, goods: Path, moments: list[float], seconds: float) -> None:
    """Kill `restora calibrate` again and again; after every kill the model is the old or the new one, never a mix."""
    before = read_model(folder).manifest
    old = (8, None)
    for number, moment in enumerate(moments):
        new = (12, 0.1 + number / 1000)
        command = Command("calibrate", folder, goods, "--false-alarms", new[1])
        time.sleep(moment * seconds)
        command.kill()
        manifest = read_model(folder).manifest
        assert manifest.model_copy(update={"calibration": None}) == before.model_copy(update={"calibration": None})
        found = (len(manifest.calibration.scores), manifest.calibration.false_alarms)
        assert found in (old, new)
        old = found


@pytest.fixture
def copied(trained, tmp_path, pictures) -> tuple[Path, Path]:
    """A copy of the model, calibrated on 8 pictures, and 12 more good pictures."""
    folder, goods = tmp_path / "copy.restora", tmp_path / "goods"
    shutil.copytree(trained.folder, folder)
    goods.mkdir()
    for number, picture in enumerate(pictures(12, seed=77)):
        Image.fromarray(picture).save(goods / f"{number}.png")
    return folder, goods


def test_a_calibration_killed_three_times_is_the_old_or_the_new_one(copied):
    folder, goods = copied
    calibrate_and_kill(folder, goods, draw_moments(3, seed=1), seconds=1.0)
    assert Command("calibrate", folder, goods).finish() == 0
    assert len(read_model(folder).manifest.calibration.scores) == 12
    assert not list(folder.glob(".unfinished*"))
    assert Detector.load(folder).promise().rate == pytest.approx(1 / 13)


@pytest.mark.slow
def test_a_calibration_killed_at_twenty_moments_is_the_old_or_the_new_one(copied, tmp_path):
    folder, goods = copied
    shutil.copytree(folder, tmp_path / "timed.restora")
    command = Command("calibrate", tmp_path / "timed.restora", goods)
    assert command.finish() == 0, command.said
    seconds = time.monotonic() - command.begun
    calibrate_and_kill(folder, goods, draw_moments(20, seed=2), seconds)
    assert Command("calibrate", folder, goods).finish() == 0
    assert not list(folder.glob(".unfinished*"))
