"""Folders named one by one, on the command line and in Python: what `data inspect`, `train` and `evaluate` take."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import restora
from restora.cli.run import run
from restora.errors import UsageError
from restora.images.layouts.folders import Folders

NAMED = ["--normal", "ok", "--abnormal", "broken", "--normal-test", "later", "--masks", "marks"]


@pytest.fixture
def line(tmp_path):
    """Dark good pictures, two with a bright spot and its mask, in folders with names of their own."""
    root, rng = tmp_path / "line 3", np.random.default_rng(0)
    places = [f"ok/{n}.png" for n in range(9)] + [f"later/{n}.png" for n in range(3)]
    for place in [*places, "broken/7.png", "broken/dent/7.png"]:
        pixels = rng.integers(0, 90, (32, 64, 3), dtype=np.uint8)
        if "broken" in place:
            pixels[8:16, 16:32] = 250
            mask = np.zeros((32, 64), np.uint8)
            mask[8:16, 16:32] = 255
            save(root / place.replace("broken", "marks"), mask)
        save(root / place, pixels)
    return root


def save(path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folders(line) -> Folders:
    return restora.Folders(line, normal="ok", abnormal="broken", normal_test="later", masks="marks")


def test_inspect_counts_what_was_named(line, capsys):
    assert run(["data", "inspect", str(line), *NAMED, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["layout"]) == ("line 3", "folders")
    assert found["counts"] == {"train": {"good": 9}, "test": {"good": 3, "broken": 1, "dent": 1}}
    assert run(["data", "inspect", str(line), "--normal", "ok", "--quick"]) == 0
    assert "9 good" in capsys.readouterr().out


def test_evaluate_has_the_figures_of_the_folders(line, folders, tiny_model, tmp_path, capsys):
    report = tmp_path / "report.html"
    assert run(["evaluate", str(tiny_model), str(line), *NAMED, "--report", str(report), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["dataset"]["good"], found["dataset"]["defective"]) == (3, 2)
    assert found["image"]["auroc"] == found["kinds"]["dent"]["auroc"] == 1
    assert found["pixel"]["auroc"] > 0.9
    assert report.exists()
    assert restora.Detector.load(tiny_model).evaluate(folders).to_dict()["pixel"] == found["pixel"]


def test_the_good_pictures_to_train_on_need_not_be_named_to_evaluate(line, tiny_model, capsys):
    assert run(["evaluate", str(tiny_model), str(line), *NAMED[2:]]) == 0
    assert "3 good, 2 defective" in capsys.readouterr().out
    assert run(["evaluate", str(tiny_model), str(line), *NAMED[:2]]) == 2
    assert f"{line} has no test pictures" in capsys.readouterr().err


def test_a_training_gets_the_folders(line, folders, tmp_path, monkeypatch, capsys):
    train = pytest.importorskip("restora.training.train")
    plan = pytest.importorskip("restora.training.plan")
    taken = []

    def settle(settings, dataset, *rest):
        taken.append(dataset)
        raise UsageError("No training is begun here.")

    monkeypatch.setattr(train, "make_plan", settle)
    wish = ["--trunk", "resnet18", "--weights", "random"]
    assert run(["train", str(line), *NAMED, "--out", str(tmp_path / "m.restora"), *wish]) == 2
    with pytest.raises(UsageError, match="No training"):
        restora.train(folders, out=tmp_path / "m.restora", trunk="resnet18", weights="random")
    assert taken == [plan.open_source(folders, None)] * 2
    assert [item.name for item in taken[0].good("train")] == [f"ok/{n}.png" for n in range(9)]


def test_a_calibration_takes_the_good_ones_to_train_on(folders, tiny_model):
    assert restora.Detector.load(tiny_model).calibrate(folders).pictures == 9


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--normal", "okay"], "okay, named for normal; folders count from {line}"),
        (["--normal", "ok/0.png"], "is a file, not a folder"),
        (["--normal", "ok", "--masks", "marks"], "need defective pictures"),
        (["--normal", "ok", "--abnormal", "ok"], "is named for normal and for abnormal"),
        (["--normal", ""], "holds no pictures"),
        (["--normal", "ok", "--layout", "mvtec-ad"], "so no layout mvtec-ad is looked for"),
        (["--layout", "folders"], "name them with --normal, --abnormal, --normal-test and --masks"),
    ],
)
def test_folders_that_cannot_be_meant_are_one_sentence(words, told, line, tiny_model, tmp_path, capsys):
    if words[-1] == "":
        line = tmp_path / "empty"
        line.mkdir()
    for verb in (["data", "inspect", str(line)], ["evaluate", str(tiny_model), str(line)]):
        assert run([*verb, *words]) == 2
        said = capsys.readouterr()
        assert told.format(line=line) in said.err
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_nothing_named_is_refused(line):
    with pytest.raises(UsageError, match=r"No folder of .* is named; name some of normal, abnormal"):
        Folders(line).read()
