"""data, config, weights, doctor, score-maps: what they print and how they end."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run
from restora.config import load_settings
from restora.images.layouts import LAYOUTS
from restora.training.settings import PRESET_NAMES, run_preset


def picture(path, value=100, shape=(32, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(value)
    Image.fromarray(rng.integers(0, value, (*shape, 3), dtype=np.uint8)).save(path)


def test_inspect_says_what_is_there(tmp_path, capsys):
    for n in range(9):
        picture(tmp_path / f"good/{n}.png", 100 + n)
    assert run(["data", "inspect", str(tmp_path / "good"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["train"] == {"good": 9}
    assert found["sizes"] == {"32x32": 9}
    assert run(["data", "inspect", str(tmp_path / "good")]) == 0
    assert "9 good" in capsys.readouterr().out


def test_inspect_repeats_the_notes_of_a_layout(tmp_path, capsys, monkeypatch):
    picture(tmp_path / "1.png")
    read = LAYOUTS["folder"].read
    noting = replace(LAYOUTS["folder"], read=lambda tree: replace(read(tree), notes=("2 pictures of val are left.",)))
    monkeypatch.setitem(LAYOUTS, "folder", noting)
    assert run(["data", "inspect", str(tmp_path)]) == 0
    assert "note: 2 pictures of val are left.\n" in capsys.readouterr().out
    assert run(["data", "inspect", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == ["2 pictures of val are left."]


def test_inspect_ends_with_1_when_a_picture_cannot_be_read(tmp_path, capsys):
    for n in range(9):
        picture(tmp_path / f"{n}.png", 100 + n)
    (tmp_path / "text.png").write_text("not a picture")
    assert run(["data", "inspect", str(tmp_path)]) == 1
    assert "text.png" in capsys.readouterr().out


def test_layouts_are_listed(capsys):
    assert run(["data", "layouts", "--json"]) == 0
    assert "mvtec-ad" in [layout["name"] for layout in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_config_show_prints_what_train_reads(preset, tmp_path, capsys):
    assert run(["config", "show", "--preset", preset]) == 0
    text = capsys.readouterr().out
    (tmp_path / "run.toml").write_text(text)
    assert load_settings(tmp_path / "run.toml") == run_preset(preset=preset)
    assert run(["config", "check", str(tmp_path / "run.toml")]) == 0


def test_config_check_knows_a_benchmark(tmp_path, capsys):
    good = '[categories]\ncap = "drawn:cap"\n[[grid]]\nmethods = ["both"]\ncategories = ["cap"]\n'
    (tmp_path / "good.toml").write_text(good)
    assert run(["config", "check", str(tmp_path / "good.toml")]) == 0
    assert "good.toml: fine." in capsys.readouterr().out
    (tmp_path / "bad.toml").write_text("treads = 3\n" + good.replace('"both"', '"bath"'))
    assert run(["config", "check", str(tmp_path / "bad.toml")]) == 2
    said = capsys.readouterr().err
    assert "treads (line 1) is not a setting, the nearest is threads" in said
    assert "there is no such row, the nearest is both" in said


def test_config_show_of_a_model_takes_no_preset(tmp_path, capsys):
    assert run(["config", "show", "--model", str(tmp_path), "--preset", "small"]) == 2
    assert "leave --method and --preset out" in capsys.readouterr().err


def test_config_check_names_both_mistakes(tmp_path, capsys):
    (tmp_path / "run.toml").write_text("[ura_net.fit]\nbath = 3\nsteps = -1\n")
    assert run(["config", "check", str(tmp_path / "run.toml")]) == 2
    said = capsys.readouterr().err
    assert "ura_net.fit.bath (line 2) is not a setting, the nearest is ura_net.fit.batch" in said
    assert "ura_net.fit.steps (line 3) is -1, allowed is a whole number, at least 0" in said
    assert said.count("\n") == 1


def test_doctor_tells_what_is_installed_and_what_to_install(capsys):
    from importlib.metadata import version

    assert run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["packages"]["numpy"] == version("numpy")
    assert "onnx" in facts["runtimes"]
    assert facts["threads"] >= 1
    missing = [name for name, found in facts["packages"].items() if found is None]
    assert all(any(name in advice for advice in facts["advice"]) for name in missing)


def test_score_maps_gives_exact_figures(tmp_path, capsys):
    # the marked pixels score above all others, in every map
    for n in range(2):
        marked = np.zeros((8, 8), np.uint8)
        marked[2 : 4 + n, 2:4] = 255
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "maps").mkdir(exist_ok=True)
        Image.fromarray(marked).save(tmp_path / f"masks/{n}_mask.png")
        noise = np.random.default_rng(n).random((8, 8), dtype=np.float32)
        np.save(tmp_path / f"maps/{n}.npy", noise + 2 * (marked > 0))
    np.save(tmp_path / "maps/good.npy", np.random.default_rng(9).random((8, 8), dtype=np.float32))
    assert run(["score-maps", str(tmp_path / "maps"), str(tmp_path / "masks"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["image"]["auroc"] == 1
    assert figures["pixel"]["auroc"] == 1
    assert figures["pixel"]["aupro_30"] == pytest.approx(1)
    assert figures["pixel"]["spro_05"] is None
    assert run(["score-maps", str(tmp_path / "maps"), str(tmp_path / "masks")]) == 0
    said = capsys.readouterr().out
    assert "AUROC 1.0000" in said
    assert "sPRO" not in said  # maps and masks alone do not say how much of a region is enough
