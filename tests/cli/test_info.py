"""The card of a model: which trunk it has, and how a better one is had."""

from __future__ import annotations

import json

import pytest

from restora.bundle import StrangePicture, write_model
from restora.cli.run import run
from restora.detector.detector import Detector
from restora.features.terms import RANDOM_TERMS


@pytest.fixture
def random_model(tiny_model):
    """The small model again, its trunk said to hold random numbers."""
    manifest = Detector.load(tiny_model).model.manifest
    licence, terms = RANDOM_TERMS
    trunk = manifest.trunk.model_copy(update={"licence": licence, "terms": terms})
    write_model(tiny_model, manifest.model_copy(update={"trunk": trunk}))
    return tiny_model


def test_a_random_trunk_is_named_with_the_ways_to_a_better_one(random_model, capsys):
    assert run(["info", str(random_model)]) == 0
    said = capsys.readouterr().out
    name = Detector.load(random_model).model.manifest.trunk.name
    assert f"restora weights fetch {name}" in said
    assert f"restora weights import FILE --name {name}" in said


def test_of_a_trunk_that_was_taught_nothing_of_the_kind_is_said(tiny_model, capsys):
    assert run(["info", str(tiny_model)]) == 0
    assert "random" not in capsys.readouterr().out


def test_the_strangest_good_pictures_are_named(tiny_model, capsys):
    manifest = Detector.load(tiny_model).model.manifest
    strange = (StrangePicture(name="good/7.png", score=98.0, digest="0" * 16),)
    calibration = manifest.calibration.model_copy(update={"strangest": strange})
    write_model(tiny_model, manifest.model_copy(update={"calibration": calibration}))
    assert run(["info", str(tiny_model)]) == 0
    assert "good/7.png (calibration, score 98)" in capsys.readouterr().out
    assert run(["info", str(tiny_model), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["strangest"]
    assert shown == [{"name": "good/7.png", "part": "calibration", "score": 98.0}]


def test_train_ends_with_its_trunk_and_how_another_is_had(random_model, capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr("restora.training.train.train", lambda *_, **__: Detector.load(random_model))
    name = Detector.load(random_model).model.manifest.trunk.name
    assert run(["train", "pictures", "--out", "m.restora"]) == 0
    out, said = capsys.readouterr()
    assert f"restora weights fetch {name}" in out
    assert "The trunk was" not in said  # once is enough
    assert run(["train", "pictures", "--out", "m.restora", "--json"]) == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["trunk"]["name"] == name
    assert said == ""


@pytest.mark.parametrize(("name", "place"), [("restora-tiny", "card"), ("wide_resnet50_2", "end")])
def test_a_small_trunk_and_a_large_one_are_named_once(tiny_model, capsys, monkeypatch, name, place):
    pytest.importorskip("torch")
    manifest = Detector.load(tiny_model).model.manifest
    write_model(tiny_model, manifest.model_copy(update={"trunk": manifest.trunk.model_copy(update={"name": name})}))
    monkeypatch.setattr("restora.training.train.train", lambda *_, **__: Detector.load(tiny_model))
    assert run(["train", "pictures", "--out", "m.restora"]) == 0
    card, end = capsys.readouterr()
    assert ("fetch resnet18" in card, f"The trunk was {name};" in end) == (place == "card", place == "end")
