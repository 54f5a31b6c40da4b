"""Command lines at random: a status that is ours, a sentence, data that reads, files that are whole or not there."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from restora.bundle import read_model
from restora.errors import MissingError, StoppedError, UsageError

from .commands import Ended, check_json, check_nothing_unfinished, check_rows, check_whole, command
from .harness import Fault, explore
from .line_cases import cases, lay_out, spelt


@pytest.fixture
def typed(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a line in a folder of its own, where no training begins and no network is asked."""
    pytest.importorskip("torch")
    folder = tmp_path / "here"
    folder.mkdir()
    lay_out(folder)
    monkeypatch.chdir(folder)
    assert command(["predict", str(tiny_model), "line", "--shard", "all/2", "--out", "parted"]).status == 0
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "RESTORA_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("restora.training.train.Job.fit", refuse(UsageError("No training is begun here.")))
    monkeypatch.setattr("restora.features.fetch.look_up", refuse(MissingError("No network is asked here.")))
    monkeypatch.setattr("restora.demo.run.run_demo", refuse(UsageError("Nothing is drawn here.")))
    monkeypatch.setattr("restora.bench.measure.Measure.__call__", refuse(UsageError("No cell is computed here.")))
    monkeypatch.setattr("restora.bench.run.run_jobs", refuse(StoppedError("No process is started here.")))
    monkeypatch.setattr("restora.detector.ray_pool.need_ray", refuse(MissingError("No Ray is started here.")))
    laid = {path.name for path in folder.iterdir()}

    def body(case: tuple[list[str], bytes]) -> str:
        for path in folder.iterdir():  # of the case before
            if path.name not in laid:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, made in (("tiny.restora", tiny_model), ("out", None)):
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(made, folder / name) if made else (folder / name).mkdir()
        (folder / "out/old.csv").write_text("of yesterday")
        (folder / "out/link.csv").symlink_to("old.csv")
        words = spelt(case[0])
        ended = command(words, case[1])
        check_output(words, ended)
        check_files(folder, words, ended)
        return ended.outcome

    yield body
    (folder / "shut").chmod(0o755)
    for name in ("/dev/null", "/dev/full"):
        assert stat.S_ISCHR(Path(name).stat().st_mode)


def refuse(error: Exception) -> Any:
    def stop(*_: Any, **__: Any) -> None:
        raise error

    return stop


def check_output(words: list[str], ended: Ended) -> None:
    """What is on standard output can be read by the program that asked for it."""
    if {"-h", "--help", "--version"} & set(words) or b"Usage" in ended.out:
        return
    if "--json" in words:
        check_json(ended)
    elif words[0] == "predict" and ended.out and "--format" not in words:
        check_rows(ended.out)


def check_files(folder: Path, words: list[str], ended: Ended) -> None:
    """What was written is whole; a command that could not be used has written nothing."""
    check_nothing_unfinished(folder)
    made = [path for path in (folder / "out").rglob("*") if path.is_file() and path.name not in ("old.csv", "link.csv")]
    for path in made:
        if not (words[0] in ("predict", "merge") and path.name == "report.html"):  # rows under any name are rows
            check_whole(path)
    if ended.status == 2 and made:
        raise Fault(f"status 2, and written all the same: {made}")
    if ended.status >= 2 and (folder / "out/old.csv").read_text() != "of yesterday":
        raise Fault("what was there before is lost")
    read_model(folder / "tiny.restora")


def test_a_few_lines(tally, typed):
    explore(tally("command lines"), cases, typed, 100)


@pytest.mark.slow
def test_many_lines(tally, typed):
    explore(tally("command lines"), cases, typed, 1200)
