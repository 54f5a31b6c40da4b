"""From pictures to a model folder, and what happens in between."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from restora.bundle import read_model
from restora.detector.detector import Detector
from restora.errors import PictureError
from restora.export.torch_runtime import open_torch_runtime
from restora.features.settings import TrunkSettings
from restora.features.tiny import BUNDLED
from restora.images.split import content_digest
from restora.training.part import Part
from restora.training.settings import RunSettings
from restora.training.train import train

# --------------------------------------------------------------------------------------------- a whole training


def test_a_training_leaves_a_model_that_a_detector_reads(trained, pictures):
    assert not trained.folder.with_name(trained.folder.name + ".partial").exists()
    detector = Detector.load(trained.folder)
    shown = pictures(3, seed=5)
    shown[2, 40:60, 40:60] = 255
    predictions = list(detector.predict(list(shown), maps=True))
    assert [p.error for p in predictions] == [None] * 3
    assert predictions[2].score > 1.2 * max(predictions[0].score, predictions[1].score)
    assert predictions[0].map.shape == (64, 64)
    assert all(0 < p.p_value <= 1 and p.doubt > 0 for p in predictions)
    total = predictions[0].aleatoric + predictions[0].epistemic
    np.testing.assert_allclose(total, predictions[0].probability * (1 - predictions[0].probability), atol=0.02)


def test_the_manifest_says_what_was_done(trained, settings):
    manifest = read_model(trained.folder).manifest
    assert (manifest.method, manifest.preset) == ("ura-net", "small")
    assert (manifest.input.height, manifest.input.width) == (64, 64)
    assert manifest.fitting.count == 8
    assert len(manifest.calibration.scores) == 8
    assert manifest.trunk.name == "resnet18"
    assert "random" in manifest.trunk.licence + manifest.trunk.terms
    assert manifest.settings["steps"] == 40
    assert set(manifest.files) == {"graph", "restorer", "log"}
    assert set(manifest.parity) == set(manifest.outputs)
    assert max(gap for name, gap in manifest.parity.items() if name != "doubt") <= 1e-4
    assert manifest.parity["doubt"] <= 1e-4 * max(manifest.calibration.doubts)
    assert manifest.reproduce == (
        "restora train bars --out bars.restora --method ura-net --config settings.toml --trunk resnet18 "
        "--weights random --size 64x64 --seed 0"
    )


def test_the_strangest_pictures_are_those_the_finished_model_scores_highest(trained):
    manifest, source = read_model(trained.folder).manifest, trained.source
    predictions = {p.name: p for p in trained.detector.predict(source, batch=8)}
    digests = {path.name: content_digest(path)[:16] for path in source.iterdir()}
    fitted = sorted(
        (name for name in digests if digests[name] in manifest.fitting.digests), key=lambda n: -predictions[n].score
    )
    others = sorted(set(digests) - set(fitted), key=lambda n: -predictions[n].score)
    assert manifest.fitting.looked_at == len(fitted) == 8
    for facts, names in ((manifest.fitting, fitted), (manifest.calibration, others)):
        assert [one.name for one in facts.strangest] == names[:5]
        assert [one.digest for one in facts.strangest] == [digests[name] for name in names[:5]]
        np.testing.assert_allclose([one.score for one in facts.strangest], [predictions[n].score for n in names[:5]])
    assert manifest.calibration.strangest[0].score == max(manifest.calibration.scores)


def test_nothing_in_a_model_says_where_or_when_it_was_made(trained, read_folder):
    home = str(trained.folder.parent).encode()
    for name, data in read_folder(trained.folder).items():
        assert home not in data, name
        assert str(Path.home()).encode() + b"/" not in data, name
        assert b"site-packages" not in data, name


def test_progress_is_told_step_by_step_and_forecasts_come_first(trained):
    assert [seen.step for seen in trained.steps] == list(range(1, 41))
    assert {seen.steps for seen in trained.steps} == {40}
    assert all(np.isfinite(seen.loss) and seen.seconds_left >= 0 for seen in trained.steps)
    assert trained.steps[-1].seconds_left == 0
    assert "of disk" in trained.said[0]
    assert "8 pictures to fit, 8 to calibrate, 64x64 pixels; 40 steps" in trained.said[1]


def test_the_log_has_losses_and_the_bayesian_figures(trained):
    text = read_model(trained.folder).path("log").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["step"] for row in rows] == ["0", "10", "20", "30", "39"]
    assert set(rows[0]) == {
        "step", "loss", "cosine", "mse", "perception", "kl", "kl_per_weight", "mean_abs_mu", "mean_sigma",
    }  # fmt: skip
    assert float(rows[0]["kl"]) == 0  # it warms up
    assert float(rows[-1]["kl"]) > 0


def test_calibrating_anew_leaves_the_network_alone(trained, tmp_path, pictures):
    folder = tmp_path / "copy.restora"
    shutil.copytree(trained.folder, folder)
    before = read_model(folder).manifest.files
    promise = Detector.load(folder).calibrate(list(pictures(30, seed=3)))
    assert promise.rate == pytest.approx(1 / 31)
    assert read_model(folder).manifest.files == before


# ------------------------------------------------------------------------------------------------- other sources


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_pictures_give_a_model_that_only_asks_for_review(tmp_path, pictures, settings, count):
    detector = train(pictures(count), out=tmp_path / "m.restora", config=settings(steps=3))
    manifest = detector.model.manifest
    assert manifest.fitting.count == count
    assert manifest.calibration is None
    assert detector.promise() is None
    predictions = list(detector.predict(list(pictures(3, seed=9))))
    assert {p.verdict for p in predictions} == {"review"}
    assert all(p.p_value is None and "8" in p.reason for p in predictions)
    assert all(np.isfinite(p.score) for p in predictions)


def test_a_mask_a_folder_of_textures_twelve_bits_and_minutes(tmp_path, monkeypatch, pictures, settings):
    """One training with all of them: 16-bit arrays that use 12 bits, a corner that does not count."""
    monkeypatch.setattr(Part, "_step_seconds", lambda *_: 0.05)
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    textures = tmp_path / "textures"
    textures.mkdir()
    for number in range(3):
        Image.fromarray(pictures(1, seed=50 + number)[0]).save(textures / f"{number}.png")
    given = [picture.astype(np.uint16) * 16 for picture in pictures(16)]
    detector = train(
        given,
        out=tmp_path / "m.restora",
        config=settings(steps=3),
        ignore=tmp_path / "mask.png",
        textures=textures,
        depth=12,
        false_alarms=0.25,
        minutes=0.01,
    )
    manifest = detector.model.manifest
    assert manifest.settings["steps"] == 12  # the number that was made, not that of the settings
    assert manifest.input.depth == 12
    assert manifest.input.ignore == "ignore"
    assert manifest.calibration.false_alarms == 0.25
    assert manifest.reproduce.endswith("--depth 12 --ignore mask.png --textures textures --false-alarms 0.25")
    assert str(tmp_path) not in json.dumps(manifest.model_dump(mode="json"))
    spoiled = given[0].copy()
    spoiled[:12, :12] = 4095
    plain, hidden = (detector.look(picture) for picture in (given[0], spoiled))
    assert not hidden.map[:18, :18].any()
    # the trunk sees a little further than the mask, so what is hidden may show faintly beside it, nowhere else
    np.testing.assert_allclose(hidden.map[50:, 50:], plain.map[50:, 50:], rtol=0.3, atol=0.3)
    assert Image.open(io.BytesIO(detector.model.path("ignore").read_bytes())).size == (64, 64)


def test_the_control_needs_no_steps(tmp_path, pictures, settings, fit_only):
    record = settings().model_dump()
    record["ura_net"]["restorer"]["body"] = "none"
    train(pictures(8), out=tmp_path / "m.restora", config=type(settings()).model_validate(record))
    (network,) = fit_only
    assert network.outputs == ("score", "doubt", "map")
    assert not list(network.head.restorer.parameters())


def test_a_seed_decides_the_network_and_its_draws(tmp_path, pictures, settings, fit_only):
    for number, seed in enumerate((0, 0, 1)):
        train(pictures(8), out=tmp_path / f"{number}.restora", config=settings(steps=2), seed=seed)
    first, second, other = (network.state_dict() for network in fit_only)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    for name in ("restorer.perception.head.samples", "restorer.body.fuse.0.weight", "residual.rules.0.0.mean"):
        assert not torch.equal(first[f"head.{name}"], other[f"head.{name}"]), name


@pytest.mark.parametrize("size", ["32x32", "32x160"])
def test_the_smallest_inputs_can_be_trained_on(tmp_path, pictures, settings, fit_only, size):
    train(pictures(8), out=tmp_path / "m.restora", config=settings(steps=2), size=size)
    height, width = map(int, size.split("x"))
    shown = torch.from_numpy(np.zeros((2, height, width, 3), np.uint8))
    with torch.no_grad():
        seen = dict(zip(fit_only[0].outputs, fit_only[0](shown), strict=True))
    assert seen["map"].shape == (2, height // 4, width // 4)
    assert all(values.isfinite().all() for values in seen.values())


def test_full_precision_trains_as_well(tmp_path, pictures, settings, fit_only):
    train(pictures(8), out=tmp_path / "m.restora", config=settings(steps=2, precision="float32", clip=1.0))
    assert all(tensor.isfinite().all() for tensor in fit_only[0].state_dict().values())


@pytest.mark.parametrize("bad", range(0, 10, 3))
def test_a_bad_picture_is_found_before_the_training(tmp_path, pictures, settings, bad):
    """Whether it would be fitted on or kept back."""
    goods = tmp_path / "goods"
    goods.mkdir()
    for number, picture in enumerate(pictures(10)):
        Image.fromarray(picture).save(goods / f"{number}.png")
    (goods / f"{bad}.png").write_bytes((goods / f"{bad}.png").read_bytes()[:900])
    steps = []
    with pytest.raises(PictureError, match=rf"{bad}\.png"):
        train(goods, out=tmp_path / "m.restora", config=settings(), progress=steps.append)
    assert not steps
    assert [path.name for path in tmp_path.iterdir()] == ["goods"]


def test_the_command_that_is_named_makes_the_model_again(trained, settings):
    """Its words are options of `restora train`; a preset is named only where every setting is the preset's."""
    from restora.training.write import reproduce

    chosen = RunSettings(seed=4, trunk=TrunkSettings(name="resnet18"))
    plan = SimpleNamespace(settings=chosen, dataset="my parts", size=(64, 96), textures=None)
    assert reproduce(plan, Path("/home/me/w.safetensors")) == (
        "restora train 'my parts' --out 'my parts.restora' --method ura-net --preset small --trunk resnet18 "
        "--weights w.safetensors --size 64x96 --seed 4"
    )
    assert "--weights" not in reproduce(plan, BUNDLED)  # they are in the package
    assert "--weights random" in reproduce(plan, None)
    plan.settings = settings()
    assert "--config settings.toml" in reproduce(plan, None)
    assert "--preset" not in reproduce(plan, None)


FORMS = {
    "the paper's form": {
        "pyramid": {"levels": (1, 2, 3), "merge": True, "scaled": False},
        "perception": {"projection": 16, "hidden": (16, 8), "samples": 2},
        "restorer": {"body": "tokens", "width": 32, "heads": 2, "blocks": 2, "normal_feature": "global"},
        "residual": {"rule": "cosine_mse"},
    },
    "without perception": {
        "perception": {"mode": "off"},
        "restorer": {"width": 32, "heads": 2},
        "residual": {"rule": "content", "clusters": 4, "directions": 8},
    },
    "pasted pictures": {
        "perception": {"projection": 8, "hidden": (8,), "samples": 2},
        "restorer": {"width": 32, "heads": 2},
        "residual": {"directions": 8},
        "synthesis": {"level": "pictures", "textures": 4},
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_become_models_too(tmp_path, pictures, settings, form):
    record = settings(steps=2).model_dump()
    record["ura_net"] = {"synthesis": {"textures": 4}, **FORMS[form], "fit": record["ura_net"]["fit"]}
    detector = train(pictures(16), out=tmp_path / "m.restora", config=RunSettings.model_validate(record))
    manifest = detector.model.manifest
    assert ("probability" in manifest.outputs) == (form != "without perception")
    assert max(gap for name, gap in manifest.parity.items() if name != "doubt") <= 1e-4
    given = list(pictures(4, seed=2))
    torch_detector = Detector.load(detector.model.folder, runtime=open_torch_runtime(detector.model))
    for mine, other in zip(detector.predict(given), torch_detector.predict(given), strict=True):
        assert mine.score == pytest.approx(other.score, rel=1e-4)
        assert mine.verdict == other.verdict
