"""Everything a command may be given that it cannot use: one sentence, the right status, nothing written or lost."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run


def picture(path: Path, value: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 32), (value, value, value)).save(path)
    return path


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few bytes: its header is all that may be read."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if path.stat().st_mode & 0o444
    }


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path) -> Path:
    """A folder with everything that can be wrong, a model, and a data set that is fine."""
    (tmp_path / "empty").mkdir()
    for number in range(10):
        picture(tmp_path / f"fine/train/good/{number}.png", 50 + number)
        picture(tmp_path / f"good-bad/good/{number}.png", 50 + number)
    picture(tmp_path / "fine/test/good/0.png")
    picture(tmp_path / "fine/test/spot/0.png", 200)
    picture(tmp_path / "good-bad/bad/0.png", 200)
    picture(tmp_path / "one/0.png")
    for category in ("nut", "bolt"):
        picture(tmp_path / f"many/{category}/train/good/0.png")
    picture(tmp_path / "no-good/test/spot/0.png", 200)
    (tmp_path / "no-good/train/good").mkdir(parents=True)
    picture(tmp_path / "shut/0.png")
    (tmp_path / "shut").chmod(0)
    yield tmp_path
    (tmp_path / "shut").chmod(0o755)


def refused(capfd: pytest.CaptureFixture[str], place: Path, line: str, status: int = 2) -> str:
    """Run a line that must be refused; its sentence."""
    before = everything_below(place)
    capfd.readouterr()
    assert run(line.format(place=place, model=place / "tiny.restora").split()) == status
    out, said = capfd.readouterr()
    assert out == ""
    assert said.count("\n") == 1, said
    assert everything_below(place) == before
    return said


TRAIN = "train {place}/%s --out {place}/new.restora --weights random"


@pytest.mark.parametrize("verb", [TRAIN, "data inspect {place}/%s", "calibrate {model} {place}/%s"])
@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("empty", ["empty"]),
        ("nowhere", ["nowhere"]),
        ("many", ["bolt", "nut", "restora"]),
        ("good-bad", ["good", "bad", "restora"]),
        ("shut", ["shut", "permission"]),
    ],
)
def test_a_folder_that_cannot_be_used(capfd, place, verb, folder, words):
    said = refused(capfd, place, verb % folder)
    assert all(word in said for word in words), said


@pytest.mark.parametrize("folder", ["empty", "nowhere", "shut"])
def test_nothing_to_predict(capfd, place, folder):
    assert folder in refused(capfd, place, "predict {model} {place}/%s" % folder)  # noqa: UP031


def test_no_good_pictures(capfd, place):
    assert "good" in refused(capfd, place, TRAIN % "no-good")
    assert "good" in refused(capfd, place, "calibrate {model} {place}/no-good")


def test_one_picture_is_too_few_to_calibrate(capfd, place):
    assert "at least 8" in refused(capfd, place, "calibrate {model} {place}/one")


def test_evaluate_needs_test_pictures(capfd, place):
    assert "test pictures" in refused(capfd, place, "evaluate {model} {place}/one")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("zero.png", b""),
        ("truncated.jpg", None),
        ("text.png", b"this is no picture at all"),
        ("bomb.png", bomb()),
    ],
)
def test_a_picture_that_cannot_be_read_is_a_row_and_status_1(capfd, place, name, content):
    if content is None:
        stream = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(stream, "JPEG")
        content = stream.getvalue()[: len(stream.getvalue()) // 2]
    picture(place / "mixed/a.png")
    (place / "mixed" / name).write_bytes(content)
    assert run(["predict", str(place / "tiny.restora"), str(place / "mixed")]) == 1
    out, said = capfd.readouterr()
    found = {row["name"]: row for row in csv.DictReader(io.StringIO(out))}
    assert found["a.png"]["verdict"] == "ok"
    assert found[name]["verdict"] == "error"
    assert name in found[name]["error"]
    assert said == ""
    # a data set with it is refused for training and calibration, and shown by inspect
    for number in range(9):
        picture(place / f"mixed/{number}.png", 50 + number)
    assert name in refused(capfd, place, "calibrate {model} {place}/mixed")
    assert run(["data", "inspect", str(place / "mixed")]) == 1
    assert name in capfd.readouterr().out


def test_a_mask_of_another_size_names_both(capfd, place):
    (place / "fine/ground_truth/spot").mkdir(parents=True)
    Image.new("L", (32, 16), 255).save(place / "fine/ground_truth/spot/0_mask.png")
    said = refused(capfd, place, "evaluate {model} {place}/fine --report {place}/report.html")
    assert "16 x 32" in said
    assert "32 x 64" in said
    assert run(["data", "inspect", str(place / "fine")]) == 1
    assert "0.png" in capfd.readouterr().out


def test_a_mask_for_no_picture_is_shown(capfd, place):
    (place / "fine/ground_truth/spot").mkdir(parents=True)
    for name in ("0_mask.png", "7_mask.png"):
        Image.new("L", (64, 32), 255).save(place / "fine/ground_truth/spot" / name)
    run(["data", "inspect", str(place / "fine")])
    assert "7_mask.png" in capfd.readouterr().out


def test_score_maps_of_another_size(capfd, place):
    (place / "maps").mkdir()
    (place / "masks").mkdir()
    np.save(place / "maps/a.npy", np.zeros((8, 8), np.float32))
    Image.new("L", (16, 16), 255).save(place / "masks/a.png")
    said = refused(capfd, place, "score-maps {place}/maps {place}/masks")
    assert "8 x 8" in said
    assert "16 x 16" in said


VERBS = [
    "info {model}",
    "predict {model} {place}/one",
    "evaluate {model} {place}/fine",
    "calibrate {model} {place}/fine",
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("harm", ["byte", "missing", "newer", "none", "text"])
def test_a_model_that_cannot_be_trusted(capfd, place, verb, harm):
    model = place / "tiny.restora"
    graph = next(model.glob("graph-*"))
    if harm == "byte":
        content = bytearray(graph.read_bytes())
        content[len(content) // 2] ^= 1
        graph.write_bytes(bytes(content))
    elif harm == "missing":
        graph.unlink()
    elif harm == "newer":
        manifest = json.loads((model / "manifest.json").read_text())
        (model / "manifest.json").write_text(json.dumps(manifest | {"format_version": "2.0"}))
    elif harm == "none":
        (model / "manifest.json").unlink()
    else:
        (model / "manifest.json").write_text("{half")
    words = {
        "byte": "changed or damaged",
        "missing": "missing",
        "newer": "newer",
        "none": "not a model",
        "text": "damaged",
    }
    assert words[harm] in refused(capfd, place, verb)


@pytest.mark.parametrize("verb", [*VERBS[1:], "train {place}/fine --out {place}/new.restora --weights random"])
@pytest.mark.parametrize("rate", ["0", "-0.1", "1"])
def test_a_rate_that_nobody_can_promise(capfd, place, verb, rate):
    said = refused(capfd, place, f"{verb} --false-alarms {rate}")
    assert "0 and 1" in said or "more than 0" in said or "greater than 0" in said or "less than 1" in said


def test_train_refuses_an_existing_model_and_leaves_it_alone(capfd, place):
    said = refused(capfd, place, "train {place}/fine --out {model} --weights random")
    assert "--overwrite" in said


def test_an_export_that_is_not_known(capfd, place):
    assert "openvino" in refused(capfd, place, "export {model} --to tensorrt")


def test_an_unknown_trunk_names_the_nearest(capfd, place):
    said = refused(capfd, place, TRAIN % "fine" + " --trunk resnet81")
    assert "resnet18" in said


@pytest.mark.parametrize("size", ["100x100", "0x0", "big", "32"])
def test_a_size_the_trunk_cannot_take(capfd, place, size):
    assert size in refused(capfd, place, TRAIN % "fine" + f" --size {size}")


def test_weights_that_do_not_fit_name_the_tensor_and_both_shapes(capfd, place):
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"conv1.weight": np.zeros((64, 3, 3, 3), np.float32)}, place / "w.safetensors")
    said = refused(
        capfd, place, "train {place}/fine --out {place}/new.restora --trunk resnet18 --weights {place}/w.safetensors"
    )
    assert "conv1.weight" in said or "missing" in said
    said = refused(capfd, place, "train {place}/fine --out {place}/new.restora --weights {place}/none.pth", status=3)
    assert "none.pth" in said


def test_a_calibration_on_a_full_disk_keeps_the_old_one(capfd, place, monkeypatch):
    import errno

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    said = refused(capfd, place, "calibrate {model} {place}/fine", status=3)
    assert "disk is full" in said


@pytest.mark.parametrize("text", ["[ura_net.fit]\nsteps = -1\nbath = 2\n", "steps = \n"])
def test_a_bad_settings_file_stops_a_training(capfd, place, text):
    (place / "run.toml").write_text(text)
    assert "run.toml" in refused(capfd, place, TRAIN % "fine" + " --config {place}/run.toml")
