from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run

# The small model's score is the brightest 4 x 4 cell, and its calibration holds 0..98: above 98 is a defect at 1 %,
# above 97 is for review.
HEADER = ["name", "verdict", "p_value", "score", "doubt", "regions", "error"]


@pytest.fixture
def line_pictures(tmp_path):
    """Five pictures in two folders: ok, defect, review, one that is no picture, ok."""
    for place, value in {"a/1.png": 10, "a/2.png": 200, "b/1.png": 98, "b/3.png": 20}.items():
        path = tmp_path / "line" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 32), (value, value, value)).save(path)
    (tmp_path / "line/b/2.png").write_text("no picture")
    return tmp_path / "line"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_rows_are_as_promised(tiny_model, line_pictures, capfd):
    assert run(["predict", str(tiny_model), str(line_pictures)]) == 1  # 1: one row is an error
    out, said = capfd.readouterr()
    assert out.splitlines()[0].split(",") == HEADER
    found = rows(out)
    assert [row["name"] for row in found] == ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/3.png"]
    assert [row["verdict"] for row in found] == ["ok", "defect", "review", "error", "ok"]
    # p = (1 + #{c >= s}) / 100
    assert [row["p_value"] for row in found] == ["0.9", "0.01", "0.02", "", "0.8"]
    assert float(found[1]["score"]) == 200
    assert int(found[1]["regions"]) == 1
    assert "2.png" in found[3]["error"]
    assert said == ""


def test_json_lines_carry_boxes_and_the_fingerprint(tiny_model, line_pictures, capfd):
    assert run(["predict", str(tiny_model), str(line_pictures / "a"), "--json"]) == 0
    first, second = map(json.loads, capfd.readouterr().out.splitlines())
    assert first["regions"] == []
    assert second["regions"] == [{"bbox": [0, 0, 64, 32], "area": 2048, "peak": 200.0}]
    assert run(["info", str(tiny_model), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["fingerprint"] == first["model"]


def test_a_file_of_rows_has_the_same_bytes_every_time(tiny_model, line_pictures, tmp_path, capfd):
    for name in ("first", "second"):
        assert run(["predict", str(tiny_model), str(line_pictures), "--out", str(tmp_path / name)]) == 1
    assert "1 defect" in capfd.readouterr().err
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    run(["predict", str(tiny_model), str(line_pictures)])
    assert capfd.readouterr().out.encode() == (tmp_path / "first").read_bytes()


def test_shards_share_no_picture_and_have_all_in_order(tiny_model, line_pictures, capfd):
    run(["predict", str(tiny_model), str(line_pictures)])
    whole = capfd.readouterr().out.splitlines()[1:]
    parts = []
    for part in (1, 2, 3, 6):
        run(["predict", str(tiny_model), str(line_pictures), "--shard", f"{part}/{max(part, 3)}"])
        parts.append(capfd.readouterr().out.splitlines()[1:])
    assert parts == [[whole[0], whole[3]], [whole[1], whole[4]], [whole[2]], []]


def test_timings_come_last(tiny_model, line_pictures, capfd):
    run(["predict", str(tiny_model), str(line_pictures / "a"), "--timings"])
    found = rows(capfd.readouterr().out)
    assert list(found[0]) == [*HEADER, "milliseconds"]
    assert all(float(row["milliseconds"]) > 0 for row in found)


@pytest.mark.parametrize(
    ("word", "place", "status"), [("defect", "a", 1), ("defect", "b/1.png", 0), ("review", "b/1.png", 1)]
)
def test_fail_on_sets_the_status(tiny_model, line_pictures, word, place, status):
    assert run(["predict", str(tiny_model), str(line_pictures / place), "--fail-on", word]) == status


def test_maps_keep_names_and_the_pictures_own_pixels(tiny_model, line_pictures, tmp_path):
    Image.new("RGB", (100, 70), (50, 50, 50)).save(line_pictures / "a/1.png")
    line = ["predict", str(tiny_model), str(line_pictures), "--out", str(tmp_path / "rows.csv")]
    assert run([*line, "--maps", str(tmp_path / "maps"), "--overlays", str(tmp_path / "seen")]) == 1
    files = sorted(path.relative_to(tmp_path / "maps").as_posix() for path in (tmp_path / "maps").rglob("*.npy"))
    assert files == ["a/1.npy", "a/2.npy", "b/1.npy", "b/3.npy"]
    found = np.load(tmp_path / "maps/a/1.npy")
    assert (found.dtype, found.shape) == (np.float32, (70, 100))
    np.testing.assert_allclose(found, 50, atol=1e-3)
    with Image.open(tmp_path / "seen/a/1.png") as seen:
        assert seen.size == (100, 70)
    assert run([*line, "--maps", str(tmp_path / "png"), "--map-format", "png"]) == 1
    with Image.open(tmp_path / "png/a/2.png") as held:
        assert held.mode == "I;16"


def test_two_pictures_of_one_name_keep_both_maps(tiny_model, line_pictures, tmp_path, capfd):
    folders = [str(line_pictures / "a"), str(line_pictures / "b")]
    assert run(["predict", str(tiny_model), *folders, "--maps", str(tmp_path / "maps")]) == 1
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == ["1-2.npy", "1.npy", "2.npy", "3.npy"]
    assert np.load(tmp_path / "maps/1.npy").max() == 10  # of a/1.png
    assert np.load(tmp_path / "maps/1-2.npy").max() == 98  # of b/1.png


def test_another_rate_needs_no_training_and_an_impossible_one_is_said(tiny_model, line_pictures, capfd):
    one = str(line_pictures / "b/1.png")
    assert run(["predict", str(tiny_model), one, "--false-alarms", "0.02"]) == 0
    assert rows(capfd.readouterr().out)[0]["verdict"] == "defect"
    assert run(["predict", str(tiny_model), one, "--false-alarms", "0.001"]) == 0
    out, said = capfd.readouterr()
    assert rows(out)[0]["verdict"] == "review"  # at 1/100, the smallest that 99 pictures promise
    assert "cannot be promised" in said
    assert "900 more good pictures" in said  # 999 are needed for 1/1000


def test_paths_from_standard_input(tiny_model, line_pictures):
    named = "".join(f"{line_pictures / place}\n" for place in ("b/3.png", "a/2.png"))
    line = [sys.executable, "-m", "restora", "predict", str(tiny_model), "-"]
    done = subprocess.run(line, input=named, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["verdict"] for row in rows(done.stdout)] == ["ok", "defect"]


def test_parquet_needs_its_extra_or_holds_the_same_rows(tiny_model, line_pictures, tmp_path, capfd):
    out = tmp_path / "rows.parquet"
    status = run(["predict", str(tiny_model), str(line_pictures), "--format", "parquet", "--out", str(out)])
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        assert status == 3
        assert "pip install 'restora[tables]'" in capfd.readouterr().err
        assert not out.exists()
    else:
        assert status == 1
        assert pyarrow.parquet.read_table(out)["verdict"].to_pylist() == ["ok", "defect", "review", "error", "ok"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--false-alarms", "0"], "between 0 and 1"),
        (["--false-alarms", "1.5"], "between 0 and 1"),
        (["--runtime", "tensorflow"], "auto, onnx, openvino, torch"),
        (["--format", "xml"], "csv, jsonl, parquet"),
        (["--map-format", "tiff"], "npy, png"),
        (["--fail-on", "ok"], "defect, review"),
        (["--shard", "0/3"], "i from 1 to n"),
        (["--shard", "4/3"], "i from 1 to n"),
        (["--shard", "1"], "i from 1 to n"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_written(tiny_model, line_pictures, tmp_path, capfd, words, said):
    out = tmp_path / "rows.csv"
    assert run(["predict", str(tiny_model), str(line_pictures), "--out", str(out), *words]) == 2
    written, sentence = capfd.readouterr()
    assert said in sentence
    assert sentence.count("\n") == 1
    assert written == ""
    assert not [path for path in tmp_path.iterdir() if "rows" in path.name]


def test_what_stops_half_way_leaves_no_half_file(tiny_model, line_pictures, tmp_path, monkeypatch, capfd):
    import errno

    def half(path, *_):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("restora.images.overlay.write_map", half)
    out = tmp_path / "rows.csv"
    line = ["predict", str(tiny_model), str(line_pictures), "--out", str(out), "--maps", str(tmp_path / "maps")]
    assert run(line) == 3
    assert "the disk is full" in capfd.readouterr().err
    assert not [path for path in tmp_path.rglob("*") if "rows" in path.name or path.suffix == ".npy"]


def test_the_same_rows_from_a_terminal_of_another_encoding(tiny_model, tmp_path):
    Image.new("RGB", (64, 32)).save(tmp_path / "größe.png")
    line = [sys.executable, "-m", "restora", "predict", str(tiny_model), str(tmp_path / "größe.png")]
    done = subprocess.run(line, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=False)
    assert "größe.png" in done.stdout.decode()
