"""Places that cannot be written to, and names that are odd: a sentence, and what lay there lies there still."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run


@pytest.fixture
def line(tmp_path: Path, tiny_model: Path) -> list[str]:
    (tmp_path / "line").mkdir()
    Image.new("RGB", (64, 32), (60, 60, 60)).save(tmp_path / "line/0.png")
    return ["predict", str(tiny_model), str(tmp_path / "line")]


def refused(capfd: pytest.CaptureFixture[str], line: list[str]) -> str:
    assert run(line) == 2
    out, said = capfd.readouterr()
    assert out == ""
    assert said.count("\n") == 1
    return said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_neither_a_pipe_nor_a_folder_is_replaced(capfd, line, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path / "line"):
        assert "name a file" in refused(capfd, [*line, "--out", str(place)])
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    parts = tmp_path / "parts/test/spot"
    parts.mkdir(parents=True)
    Image.new("RGB", (64, 32), (200, 60, 60)).save(parts / "0.png")
    evaluate = ["evaluate", line[1], str(tmp_path / "parts"), "--report", str(tmp_path / "pipe")]
    assert "name a file" in refused(capfd, evaluate)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("place", ["line/0.png", "line/0.png/deep/er", "loop", "loop/deep"])
def test_nothing_is_written_where_one_of_two_folders_cannot_be(capfd, line, tmp_path, place):
    (tmp_path / "loop").symlink_to("loop")
    made = ["--maps", str(tmp_path / "maps"), "--overlays", str(tmp_path / place)]
    assert "cannot be a folder" in refused(capfd, [*line, *made])
    assert not (tmp_path / "maps").exists()


def test_names_as_long_as_a_name_can_be(capfd, line, tmp_path):
    long = "n" * 251
    (tmp_path / "line/0.png").rename(tmp_path / f"line/{long}.png")
    assert run([*line, "--out", str(tmp_path / f"{long}.csv"), "--maps", str(tmp_path / "maps")]) == 0
    assert (tmp_path / f"{long}.csv").read_text().count("\n") == 2
    assert np.load(tmp_path / f"maps/{long}.npy").shape == (32, 64)


@pytest.mark.parametrize("shard", ["0/1", "2/1", "1/0", "1", "/", "-1/2", "1/2/3", "\u0661/\u0662", "1/" + "9" * 5000])
def test_a_part_that_is_none(capfd, line, shard):
    assert "write i/n" in refused(capfd, [*line, "--shard", shard])


@pytest.mark.parametrize("batch", ["1025", "1000000000000"])
def test_a_batch_that_would_fill_the_memory(capfd, line, batch):
    assert "1 to 1024" in refused(capfd, [*line, "--batch", batch])


def test_a_rate_too_small_for_any_number_of_pictures_ends(capfd, line):
    assert run([*line, "--false-alarms", "1e-300"]) == 0
    assert "cannot be promised" in capfd.readouterr().err


def test_a_name_that_is_no_text_is_printed(tmp_path, capfd):
    folder = tmp_path / "a\udcffb"
    folder.mkdir()
    Image.new("RGB", (64, 32)).save(folder / "0.png")
    assert run(["data", "inspect", str(folder), "--json"]) == 0
    assert "a\\udcffb" in capfd.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("verb", [["data", "layouts"], ["config", "show", "--json"]])
def test_a_full_standard_output_is_one_sentence(verb):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "restora", *verb], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1
    assert b"disk is full" in done.stderr
