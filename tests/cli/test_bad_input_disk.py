"""Disks that are full and folders that are not there: a sentence that names the place, and nothing half-written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from PIL import Image

from restora.cli.run import run


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def line(tmp_path: Path, tiny_model: Path) -> list[str]:
    for number in range(3):
        Image.new("RGB", (64, 32), (60 + number, 60, 60)).save(tmp_path / f"{number}.png")
    return ["predict", str(tiny_model), *(str(tmp_path / f"{number}.png") for number in range(3))]


def test_a_disk_that_fills_up_under_the_rows_leaves_the_old_ones(capfd, line, tmp_path, monkeypatch):
    rows = tmp_path / "rows.csv"
    rows.write_text("of yesterday")
    monkeypatch.setattr("restora.report.rows.write_rows", full)
    assert run([*line, "--out", str(rows)]) == 3
    said = capfd.readouterr().err
    assert said.startswith(f"{rows}: the disk is full")
    assert said.count("\n") == 1
    assert rows.read_text() == "of yesterday"
    assert not list(tmp_path.glob(".unfinished*"))


@pytest.mark.parametrize(("option", "form"), [("--maps", "npy"), ("--maps", "png"), ("--overlays", "png")])
def test_a_disk_that_fills_up_under_the_pictures(capfd, line, tmp_path, monkeypatch, option, form):
    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Image.Image, "save", full)
    folder = tmp_path / "made"
    assert run([*line, option, str(folder), "--map-format", form, "--out", str(tmp_path / "rows.csv")]) == 3
    said = capfd.readouterr().err
    assert "made/0" in said
    assert "the disk is full" in said
    assert said.count("\n") == 1
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".unfinished")] == []
    assert not (tmp_path / "rows.csv").exists()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_rows_into_a_folder_that_is_not_there(capfd, line, tmp_path):
    assert run([*line, "--out", str(tmp_path / "none/rows.csv")]) == 2
    out, said = capfd.readouterr()
    assert out == ""
    assert said == f"There is no folder for {tmp_path / 'none/rows.csv'}; make it, or name another path.\n"
