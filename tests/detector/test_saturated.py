"""MVTec LOCO AD in miniature, evaluated: sPRO by hand, as `metrics.spro` has it, and null where nothing is stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.cli.run import run
from restora.detector.detector import Detector
from restora.errors import DataError
from restora.images.layouts import read_dataset
from restora.images.prepare import carry_map, prepare
from restora.metrics import spro

SHAPE = (32, 64)
PIN, PART = 255, 254
CONFIG = [
    {"defect_name": "missing_pin", "pixel_value": PIN, "saturation_threshold": 16, "relative_saturation": False},
    {"defect_name": "part", "pixel_value": PART, "saturation_threshold": 0.25, "relative_saturation": True},
]


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def mark(path: Path, value: int, rows: slice, columns: slice) -> None:
    marked = np.zeros(SHAPE, np.uint8)
    marked[rows, columns] = value
    save(path, marked)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One good picture, one with a spot amid a large region and another region that shares its dark corner."""
    root = tmp_path / "pushpins"
    spot = np.zeros((*SHAPE, 3), np.uint8)
    spot[12:16, 24:28] = 200
    save(root / "test/logical_anomalies/000.png", spot)
    save(root / "test/good/000.png", np.zeros_like(spot))
    mark(root / "ground_truth/logical_anomalies/000/000.png", PIN, slice(4, 28), slice(16, 48))
    mark(root / "ground_truth/logical_anomalies/000/001.png", PART, slice(24, 32), slice(40, 64))
    (root / "defects_config.json").write_text(json.dumps(CONFIG))
    return root


@pytest.fixture
def detector(tiny_model) -> Detector:
    return Detector.load(tiny_model, threads=1)


def test_by_hand(detector, root):
    pixel = detector.evaluate(root).pixel
    # The spot is 16 pixels and more: all of the first region, before any other pixel of either picture is above 0.
    # All of the second is 0, as are all normals: it rises from 0 to 1 as the false-positive rate does.
    assert pixel.spro_05 == pytest.approx(1 / 2 + 0.05 / 2 / 2)
    assert pixel.aupro_05 < 0.3  # the two touch, and so are one part, of which the spot is little


def test_it_is_that_of_all_maps_at_once(detector, root):
    rng = np.random.default_rng(0)
    for kind in ("good", "logical_anomalies", "structural_anomalies"):
        for name in ("000", "001"):
            save(root / f"test/{kind}/{name}.png", rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
    mark(root / "ground_truth/logical_anomalies/001/000.png", PART, slice(0, 9), slice(0, 9))
    mark(root / "ground_truth/structural_anomalies/000/000.png", PIN, slice(3, 5), slice(0, 64))
    mark(root / "ground_truth/structural_anomalies/001/000.png", PIN, slice(0, 0), slice(0))  # marks nothing
    maps, regions = [], []
    for item in read_dataset(root).test:
        cells = prepare(np.asarray(Image.open(item.source)), SHAPE).mean(axis=2).reshape(8, 4, 16, 4).mean(axis=(1, 3))
        maps.append(carry_map(cells.astype(np.float32), SHAPE))
        marks = [np.asarray(Image.open(mask)) for mask in item.masks]
        regions.append([(one, 16 if one.max() == PIN else (one > 0).sum() // 4) for one in marks if one.any()])
    assert [len(one) for one in regions] == [0, 0, 2, 1, 1, 0]
    mine = detector.evaluate(root).pixel.spro_05
    assert mine == pytest.approx(spro(maps, regions), rel=1e-6)
    assert 0 < mine < 1


def test_it_is_printed_where_it_is_there(tiny_model, root, capsys):
    assert run(["evaluate", str(tiny_model), str(root), "--json"]) == 0
    out, said = capsys.readouterr()
    assert list(json.loads(out)["pixel"].items())[-1] == ("spro_05", pytest.approx(0.5125))
    assert "sPRO is the figure of the MVTec LOCO AD paper" in said
    assert run(["evaluate", str(tiny_model), str(root)]) == 0
    assert "sPRO@0.05 0.5125" in capsys.readouterr().out


def test_without_its_table_all_is_as_before(tiny_model, root, capsys):
    stated = Detector.load(tiny_model, threads=1).evaluate(root).to_dict()["pixel"]
    (root / "defects_config.json").unlink()
    assert run(["evaluate", str(tiny_model), str(root), "--json"]) == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["pixel"] == stated | {"spro_05": None}
    assert "There is no defects_config.json, so sPRO" in said
    assert run(["evaluate", str(tiny_model), str(root)]) == 0
    assert "sPRO@0.05" not in capsys.readouterr().out


def test_a_mask_that_the_table_does_not_know_is_refused(detector, root):
    mark(root / "ground_truth/logical_anomalies/000/001.png", 7, slice(24, 32), slice(40, 64))
    with pytest.raises(DataError, match=r"001\.png marks with the value 7"):
        detector.evaluate(root)
