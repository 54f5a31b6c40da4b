from __future__ import annotations

import csv
import itertools
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.bundle import CalibrationFacts, StrangePicture, read_model, write_model
from restora.detector.detector import Detector
from restora.detector.strangest import choose_strangest, show_strangest
from restora.errors import DataError, ModelError, PictureError, UsageError
from restora.images.layouts import read_dataset
from restora.images.prepare import carry_map, prepare
from restora.images.split import content_digest
from restora.metrics.pixels import pixel_figures

# the model is calibrated on the scores 0..98: at 1 % a score above 98 is a defect, one of 98 is for review


def picture(spot: int, *, at: tuple[int, int] = (8, 16), shape: tuple[int, int] = (32, 64)) -> np.ndarray:
    """A black picture with a bright 4 x 4 spot; its score is the spot's brightness."""
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[at[0] : at[0] + 4, at[1] : at[1] + 4] = spot
    return pixels


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def detector(tiny_model) -> Detector:
    return Detector.load(tiny_model, threads=1)


@pytest.mark.parametrize(("spot", "verdict", "p_value"), [(50, "ok", 0.5), (98, "review", 0.02), (99, "defect", 0.01)])
def test_one_look(detector, spot, verdict, p_value):
    prediction = detector.look(picture(spot))
    assert (prediction.verdict, prediction.p_value, prediction.score) == (verdict, p_value, spot)
    assert prediction.map.shape == (32, 64)
    if verdict == "defect":
        assert prediction.regions[0].bbox == (16, 8, 20, 12)
        assert prediction.regions[0].area == 16


def test_a_look_takes_whatever_a_picture_comes_as(detector, tmp_path):
    path = save(tmp_path / "a.png", picture(120))
    for given in (path, str(path), path.read_bytes(), picture(120), Image.open(path)):
        prediction = detector.look(given, maps=False)
        assert (prediction.verdict, prediction.score, prediction.map) == ("defect", 120, None)
    assert detector.look(path).name == "a.png"


def test_an_unreadable_picture_is_an_error_row(detector, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for path in (tmp_path / "text.png", tmp_path / "missing.png"):
        prediction = detector.look(path)
        assert (prediction.verdict, prediction.score) == ("error", None)
        assert path.name in prediction.error


def test_rows_come_in_the_order_of_the_input(detector, tmp_path):
    for i in range(9):
        save(tmp_path / "in" / f"{i}.png", picture(10 * i))
    (tmp_path / "in" / "4.png").write_bytes(b"")
    predictions = list(detector.predict(tmp_path / "in"))
    assert [prediction.name for prediction in predictions] == [f"{i}.png" for i in range(9)]
    assert [prediction.score for prediction in predictions] == [0, 10, 20, 30, None, 50, 60, 70, 80]
    assert predictions[4].verdict == "error"
    assert all(prediction.milliseconds > 0 for prediction in predictions)


def test_predictions_are_drawn_one_by_one(detector):
    drawn = 0

    def line():
        nonlocal drawn
        for i in itertools.count():
            drawn += 1
            yield picture(i % 256)

    scores = [prediction.score for prediction in itertools.islice(detector.predict(line()), 10)]
    assert scores == list(range(10))
    assert drawn < 40


def test_a_picture_has_the_same_bytes_in_any_company(detector):
    rng = np.random.default_rng(0)
    mine = rng.integers(0, 256, (50, 80, 3), dtype=np.uint8)
    others = [rng.integers(0, 256, (32, 64, 3), dtype=np.uint8) for _ in range(5)]
    alone = next(detector.predict([mine], maps=True))
    for place in range(6):
        company = [*others[:place], mine, *others[place:]]
        seen = list(detector.predict(company, maps=True))[place]
        assert (seen.score, seen.doubt, seen.map.tobytes()) == (alone.score, alone.doubt, alone.map.tobytes())


def test_another_rate_from_the_stored_scores(detector):
    pictures = [picture(value) for value in (88, 89, 90, 98, 99)]

    def verdicts(rate: float | None) -> list[str]:
        return [prediction.verdict for prediction in detector.predict(pictures, false_alarms=rate)]

    assert verdicts(None) == ["ok", "ok", "ok", "review", "defect"]
    assert verdicts(0.1) == ["review", "review", "defect", "defect", "defect"]  # p = .12, .11, .10, .02, .01
    assert verdicts(0.0001) == verdicts(0.01)  # cannot be promised: the smallest is used
    assert detector.promise(0.0001).rate == 0.01
    assert "9900 more" in detector.promise(0.0001).sentences[0]


def test_what_cannot_be_used_is_refused_before_the_first_picture(detector):
    with pytest.raises(UsageError, match="between 0 and 1"):
        detector.predict([picture(1)], false_alarms=0)
    with pytest.raises(UsageError, match="--batch"):
        detector.predict([picture(1)], batch=0)
    with pytest.raises(DataError):
        detector.predict([])
    with pytest.raises(UsageError, match="--batch"):
        Detector.load(detector.model.folder, batch=0)


def test_a_model_without_calibration_says_review_and_why(tiny_model):
    model = read_model(tiny_model)
    write_model(tiny_model, model.manifest.model_copy(update={"calibration": None}))
    detector = Detector.load(tiny_model)
    prediction = detector.look(picture(200))
    assert (prediction.verdict, prediction.p_value) == ("review", None)
    assert "fewer than 8" in prediction.reason
    assert detector.promise() is None
    assert any("review" in sentence for sentence in detector.info()["promise_sentences"])
    assert "<img" in prediction._repr_html_()


def test_a_new_calibration_is_written_and_used(detector, tmp_path):
    for i in range(19):
        save(tmp_path / "good" / f"{i}.png", picture(100 + i))
    before = detector.model
    promise = detector.calibrate(tmp_path / "good", false_alarms=0.05)
    assert (promise.pictures, promise.rate, promise.threshold) == (19, 0.05, 118)
    reloaded = Detector.load(before.folder)
    for one in (detector, reloaded):
        assert [p.verdict for p in one.predict([picture(118), picture(119)])] == ["review", "defect"]
        assert one.promise().asked == 0.05
    assert reloaded.model.manifest.files == before.manifest.files
    assert reloaded.model.fingerprint != before.fingerprint


def test_a_calibration_of_arrays(detector):
    assert detector.calibrate(picture(i) for i in range(50, 60)).threshold == 59


def test_only_the_good_training_pictures_of_a_data_set_calibrate(detector, tmp_path):
    for i in range(10):
        save(tmp_path / "set" / "train" / "good" / f"{i}.png", picture(10 + i))
        save(tmp_path / "set" / "test" / "good" / f"{i}.png", picture(30 + i))
        save(tmp_path / "set" / "test" / "spot" / f"{i}.png", picture(200 + i))
    assert detector.calibrate(tmp_path / "set").threshold == 19


def test_pictures_the_model_was_fitted_on_never_calibrate(detector, tmp_path):
    from restora.images.split import content_digest

    paths = [save(tmp_path / "good" / f"{i}.png", picture(20 + i)) for i in range(12)]
    digests = tuple(content_digest(path)[:16] for path in paths[8:])
    manifest = detector.model.manifest
    fitting = manifest.fitting.model_copy(update={"digests": digests})
    write_model(detector.model.folder, manifest.model_copy(update={"fitting": fitting}))
    detector = Detector.load(detector.model.folder)
    promise = detector.calibrate(tmp_path / "good")
    assert (promise.pictures, promise.threshold) == (8, 27)
    assert "4 pictures" in promise.sentences[0]
    paths[0].unlink()
    with pytest.raises(DataError, match=r"there are 7 \(4 others were fitted on"):
        detector.calibrate(tmp_path / "good")


def test_a_calibration_that_fails_leaves_the_old_one(detector, tmp_path):
    for i in range(9):
        save(tmp_path / "good" / f"{i}.png", picture(i))
    (tmp_path / "good" / "9.png").write_text("broken")
    before = (detector.model.folder / "manifest.json").read_bytes()
    with pytest.raises(PictureError, match=r"9\.png"):
        detector.calibrate(tmp_path / "good")
    with pytest.raises(UsageError, match="between 0 and 1"):
        detector.calibrate(tmp_path / "good", false_alarms=0)
    with pytest.raises(DataError, match="at least 8"):
        detector.calibrate([picture(1)] * 7)
    assert (detector.model.folder / "manifest.json").read_bytes() == before


@pytest.fixture
def parts(tmp_path) -> Path:
    """Good pictures of twice the size, with spots of 40, 60, 99; defective ones of 200, 150, 50; one broken file."""
    root = tmp_path / "parts"
    save(root / "train" / "good" / "0.png", picture(10))
    for name, spot in {"a": 40, "b": 60, "c": 99}.items():
        save(root / "test" / "good" / f"{name}.png", picture(spot).repeat(2, axis=0).repeat(2, axis=1))
    for name, spot in {"a": 200, "b": 150, "c": 50}.items():
        pixels = picture(spot, at=(20, 40))
        save(root / "test" / "spot" / f"{name}.png", pixels)
        save(root / "ground_truth" / "spot" / f"{name}_mask.png", (pixels[..., 0] > 0).astype(np.uint8) * 255)
    (root / "test" / "spot" / "d.png").write_bytes(b"broken")
    return root


def test_an_evaluation_by_hand(detector, parts):
    evaluation = detector.evaluate(parts)
    facts = evaluation.to_dict()
    # good 40, 60, nearly 99; bad 200, 150, 50: of nine pairs 200 and 150 win six, and 50 beats 40
    assert facts["image"]["auroc"] == pytest.approx(7 / 9)
    assert facts["kinds"]["spot"]["n"] == 3
    assert facts["kinds"]["spot"]["found"] == 2
    assert facts["verdicts"]["promised"] == 0.01
    assert facts["verdicts"]["found"] == pytest.approx(2 / 3)
    assert facts["model"]["fingerprint"] == detector.model.fingerprint
    names = [prediction.name for prediction in evaluation.predictions]
    assert names == [item.name for item in read_dataset(parts).test]
    assert [prediction.verdict for prediction in evaluation.predictions].count("error") == 1


def maps_and_masks(parts: Path) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """The same maps by another way: numpy only, everything kept."""
    maps, masks = [], []
    for path in sorted((parts / "test").glob("*/[abc].png")):
        pixels = np.asarray(Image.open(path))
        cells = prepare(pixels, (32, 64)).mean(axis=2).reshape(8, 4, 16, 4).mean(axis=(1, 3)).astype(np.float32)
        maps.append(carry_map(cells, pixels.shape[:2]))
        mask = parts / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        masks.append(np.asarray(Image.open(mask)) > 0 if mask.exists() else None)
    return maps, masks


def test_an_archive_gives_what_its_folder_gives(detector, parts, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "sets"), "zip", parts.parent, parts.name)
    plain, packed = detector.evaluate(parts), detector.evaluate(archive)
    assert packed.to_dict() == plain.to_dict()
    rows = [(one.name, one.score) for one in detector.predict(f"{archive}!{parts.name}/test")]
    assert rows == [(one.name, one.score) for one in detector.predict(parts / "test")]


def test_the_notes_of_a_data_set_are_kept_with_the_figures(detector, parts, monkeypatch):
    noted = replace(read_dataset(parts), notes=("2 pictures of val are left.",))
    monkeypatch.setattr("restora.detector.detector.read_dataset", lambda path, layout: noted)
    assert detector.evaluate(parts).to_dict()["dataset"]["notes"] == ["2 pictures of val are left."]


def test_pixel_figures_are_those_of_all_maps_at_once(detector, parts):
    mine = detector.evaluate(parts).to_dict()["pixel"]
    theirs = pixel_figures(*maps_and_masks(parts)).to_dict()
    # three small good pictures: finer than a pixel; and nobody says how much of a region is enough
    for undefined in ("aupimo", "spro_05"):
        assert mine.pop(undefined) is theirs.pop(undefined) is None
    assert mine == pytest.approx(theirs, rel=1e-6)


def test_places_left_out_are_left_out_of_the_figures(detector, parts, tmp_path):
    ignore = np.zeros((32, 64), bool)
    ignore[:, :36] = True  # where the good pictures have their spots, and nearly all that enlarging spreads
    path = save(tmp_path / "ignore.png", ignore.astype(np.uint8) * 255)
    manifest = detector.model.manifest
    spec = manifest.input.model_copy(update={"ignore": "ignore"})
    write_model(detector.model.folder, manifest.model_copy(update={"input": spec}), {"ignore": path})
    mine = Detector.load(detector.model.folder).evaluate(parts).to_dict()["pixel"]
    # a place left out counts as if the pictures ended there
    maps, masks = maps_and_masks(parts)
    cut = [map[:, 36 * map.shape[1] // 64 :] for map in maps]
    cut_masks = [None if mask is None else mask[:, 36 * mask.shape[1] // 64 :] for mask in masks]
    theirs = pixel_figures(cut, cut_masks).to_dict()
    undefined = {"aupimo": 0, "spro_05": 0}
    assert mine | undefined == pytest.approx(theirs | undefined, rel=1e-6)
    assert mine["ap"] > pixel_figures(maps, masks).ap


def test_no_masks_no_pixel_figures(detector, parts):
    for path in (parts / "ground_truth" / "spot").iterdir():
        path.unlink()
    assert detector.evaluate(parts).to_dict()["pixel"] is None


def test_a_data_set_without_test_pictures_is_refused(detector, tmp_path):
    save(tmp_path / "good" / "a.png", picture(1))
    with pytest.raises(DataError, match="no test pictures"):
        detector.evaluate(tmp_path / "good")


def test_a_mask_of_another_size_is_refused(detector, parts):
    save(parts / "ground_truth" / "spot" / "a_mask.png", np.full((16, 32), 255, np.uint8))
    with pytest.raises(DataError, match="16 x 32"):
        detector.evaluate(parts)


def test_a_report_is_written(detector, parts, tmp_path):
    pytest.importorskip("restora.report.page")
    report = tmp_path / "report.html"
    evaluation = detector.evaluate(parts, report=report)
    text = report.read_text()
    assert "spot/a.png" in text
    assert all(prediction.map is None for prediction in evaluation.predictions)


def strange(name: str, score: float, source: Path) -> StrangePicture:
    return StrangePicture(name=name, score=score, digest=content_digest(source)[:16])


def test_the_strangest_good_pictures_are_shown_where_their_files_are_found(detector, parts, tmp_path):
    manifest = detector.model.manifest
    renamed = save(parts / "train" / "good" / "renamed.png", picture(77))
    gone = save(tmp_path / "gone.png", picture(80))
    fitting = manifest.fitting.model_copy(
        update={"looked_at": 3, "strangest": (strange("0.png", 10.0, parts / "train" / "good" / "0.png"),)}
    )
    calibration = manifest.calibration.model_copy(
        update={"strangest": (strange("gone.png", 80.0, gone), strange("old-name.png", 77.0, renamed))}
    )
    write_model(detector.model.folder, manifest.model_copy(update={"fitting": fitting, "calibration": calibration}))
    detector = Detector.load(detector.model.folder)
    assert [(one["name"], one["part"]) for one in detector.info()["strangest"]] == [
        ("gone.png", "calibration"),
        ("old-name.png", "calibration"),
        ("0.png", "fitting"),
    ]
    facts = show_strangest(
        detector.runtime, detector.model.manifest, read_dataset(parts).good("train"), detector._rule(None)
    )
    assert [(one.name, one.kind, one.score) for one in facts["strangest"]] == [
        ("train/good/renamed.png", "calibration", 77.0),
        ("train/good/0.png", "fitting", 10.0),
    ]
    assert facts["strangest"][0].map.max() == pytest.approx(77, abs=1e-3)
    assert facts["strangest_elsewhere"] == [("gone.png", "calibration", 80.0)]
    assert facts["strangest_of"] == "the 3 pictures it was fitted on and the 99 it was calibrated on"
    report = tmp_path / "report.html"
    detector.evaluate(parts, report=report)
    assert "Are these really good?" in (text := report.read_text())
    assert "renamed.png" in text
    assert "gone.png" in text


def test_a_new_calibration_names_its_own_strangest_pictures(detector, tmp_path):
    for i in range(10):
        save(tmp_path / "good" / f"{i}.png", picture(100 + i))
    save(tmp_path / "good" / "copy.png", picture(109))
    detector.calibrate(tmp_path / "good")
    found = Detector.load(detector.model.folder).model.manifest.calibration.strangest
    assert [(one.name, one.score) for one in found] == [(f"{i}.png", 100.0 + i) for i in (9, 8, 7, 6, 5)]
    assert found[0].digest == content_digest(tmp_path / "good" / "9.png")[:16]


def test_a_name_that_is_no_text_can_be_kept():
    (one,) = choose_strangest([("\udcff.png", "d" * 64)], [1.0])
    assert one.name == "\\udcff.png"
    one.model_dump_json()


def test_the_card(detector):
    card = detector.info()
    assert card["method"] == "brightness"
    assert card["promise"]["rate"] == 0.01
    assert card["calibration"]["count"] == 99
    assert str(detector.model.folder.parent) not in str(card)
    assert "brightness" in detector._repr_html_()
    assert "onnx" in repr(detector)


def test_a_runtime_may_be_handed_in(tiny_model, runtime):
    detector = Detector.load(tiny_model, runtime=runtime, batch=2)
    assert [prediction.score for prediction in detector.predict([picture(7)] * 3)] == [7, 7, 7]
    assert runtime.sizes == [2, 2]


def test_a_damaged_model_is_not_loaded(tiny_model):
    path = read_model(tiny_model).path("restorer")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="changed or damaged"):
        Detector.load(tiny_model)


def test_openvino_gives_the_same_verdicts(tiny_model):
    pytest.importorskip("openvino")
    pictures = [picture(spot) for spot in (50, 98, 99, 200)]
    both = [
        [(p.verdict, p.p_value) for p in Detector.load(tiny_model, runtime=name).predict(pictures)]
        for name in ("onnx", "openvino")
    ]
    assert both[0] == both[1]


def test_looking_loads_no_torch(tiny_model, tmp_path):
    path = save(tmp_path / "a.png", picture(99))
    script = (
        "import sys, restora\n"
        "assert 'numpy' not in sys.modules, 'import restora must stay light'\n"
        f"print(restora.Detector.load({str(tiny_model)!r}).look({str(path)!r}).verdict)\n"
        "loaded = {'torch', 'torchvision', 'timm', 'openvino'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout.strip(), run.stderr) == ("defect", "")


def test_the_calibration_may_have_one_picture_only(make_model, tmp_path):
    facts = CalibrationFacts(scores=(10.0,), doubts=(1.0,), fingerprint="c")
    detector = Detector.load(make_model(tmp_path / "one.restora", calibration=facts))
    assert detector.promise().rate == 0.5
    assert [p.verdict for p in detector.predict([picture(10), picture(11)])] == ["review", "defect"]


def test_rows_of_a_table_keep_their_order(detector, tmp_path):
    for spot in (3, 1, 2):
        save(tmp_path / f"{spot}.png", picture(spot))
    with (tmp_path / "table.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "label"], *[[f"{spot}.png", "good"] for spot in (3, 1, 2)]])
    assert [prediction.score for prediction in detector.predict(tmp_path / "table.csv")] == [3, 1, 2]
