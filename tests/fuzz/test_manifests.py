"""Manifests and model folders changed on purpose: read or refused, and nothing outside the folder is touched."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from restora.bundle import read_model
from restora.errors import ModelError

from .commands import check_json, check_nothing_unfinished, check_rows, command
from .harness import Fault, explore
from .manifest_cases import cases, change_folder, manifest_bytes

OPENED: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if OPENED is not None and event == "open" and isinstance(arguments[0], (str, bytes)):
        OPENED.append(arguments[0] if isinstance(arguments[0], str) else arguments[0].decode(errors="replace"))


@pytest.fixture(scope="module", autouse=True)
def watched():
    """Write down the name of every file that Python opens, where `OPENED` is a list; a hook cannot be taken away."""
    sys.addaudithook(_watch)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.onnx").write_bytes(b"nobody's business")
    return folder


@pytest.fixture
def tried(tmp_path: Path, tiny_model: Path, outside: Path):
    """Changes a copy of the model, runs a verb on it, and looks at what was read, written and left."""
    global OPENED
    for number in range(9):
        for place in ("parts/train/good", "parts/test/good", "parts/test/spot"):
            path = tmp_path / place / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 32), (50 + number, 60, len(place))).save(path)
    changed, parts = tmp_path / "changed.restora", str(tmp_path / "parts")
    lines = {
        "info": ["info", str(changed), "--json"],
        "predict": ["predict", str(changed), parts + "/test"],
        "calibrate": ["calibrate", str(changed), parts, "--json"],
        "evaluate": ["evaluate", str(changed), parts, "--json"],
    }
    whole = (tiny_model / "manifest.json").read_bytes()

    def body(case: tuple) -> str:
        global OPENED
        shutil.rmtree(changed, ignore_errors=True)
        shutil.copytree(tiny_model, changed)
        change_folder(changed, outside, case[3])
        (changed / "manifest.json").write_bytes(manifest_bytes(whole, case))
        before, OPENED = contents(tmp_path, changed), []
        try:
            ended = command(lines[case[4]])
        finally:
            opened, OPENED = OPENED, None
        if any("outside" in name or "passwd" in name for name in opened):
            raise Fault(f"opened outside the folder: {opened[-3:]}")
        if contents(tmp_path, changed) != before:
            raise Fault("something outside the folder has changed")
        if case[4] == "predict":
            check_rows(ended.out or b"name,verdict\n")
        else:
            check_json(ended)
        check_left(changed, ended.status, case)
        return ended.outcome

    return body


def contents(root: Path, but: Path) -> dict[str, bytes]:
    """Every file below `root` that is not in `but`."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and but not in path.parents}


def check_left(folder: Path, status: int, case: tuple) -> None:
    """After a calibration that went through, the folder reads; no command leaves a write half done."""
    if case[3] != "unfinished link":
        check_nothing_unfinished(folder)
    if case[4] == "calibrate" and status == 0:
        try:
            model = read_model(folder)
        except ModelError as error:
            raise Fault(f"the new manifest cannot be read: {error}") from None
        assert model.manifest.calibration is not None
        assert len(model.manifest.calibration.scores) == 9


def test_a_few_manifests(tally, tried):
    explore(tally("manifests"), cases, tried, 80)


@pytest.mark.slow
def test_many_manifests(tally, tried):
    explore(tally("manifests"), cases, tried, 1200)
