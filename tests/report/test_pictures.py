from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from restora.report.pictures import ReportPicture, coloured, common_scale, outline, photo, worst_first

GREY = np.stack([np.arange(256, dtype=np.uint8)] * 3, axis=1)


def decode(address: str) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1]))) as image:
        image.load()
        return image


def picture(verdict="ok", label=0, p_value=0.5, score=1.0, name="x") -> ReportPicture:
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    return ReportPicture(name, "good" if label == 0 else "crack", label, verdict, p_value, score, 0.1, pixels)


def test_colours_run_from_low_to_high_and_stop_there():
    map = np.array([[-1, 2, 3, 4, 99]], dtype=np.float32)
    grey = np.asarray(decode(coloured(map, 2, 4, GREY)).convert("L"))
    assert grey.tolist() == [[0, 0, pytest.approx(128, abs=255 / 31 / 2), 255, 255]]


def test_the_same_value_has_the_same_colour_in_any_picture():
    quiet, loud = np.full((2, 2), 0.5, np.float32), np.array([[0.5, 100]], np.float32)
    first, second = (int(np.asarray(decode(coloured(map, 0, 1, GREY)).convert("L"))[0, 0]) for map in (quiet, loud))
    assert first == second == pytest.approx(128, abs=255 / 31 / 2)


def test_low_heat_lets_the_picture_through():
    table = np.concatenate([GREY, np.arange(256, dtype=np.uint8)[:, None]], axis=1)
    alpha = np.asarray(decode(coloured(np.array([[0, 1]], np.float32), 0, 1, table)).convert("RGBA"))[..., 3]
    assert alpha.tolist() == [[0, 255]]


def test_a_small_peak_survives_shrinking():
    map = np.zeros((500, 1000), np.float32)
    map[333, 777] = 1
    small = np.asarray(decode(coloured(map, 0, 1, GREY)).convert("L"))
    assert max(small.shape) <= 128
    assert small.max() == 255
    row, column = np.unravel_index(small.argmax(), small.shape)
    assert (row / small.shape[0], column / small.shape[1]) == pytest.approx((0.666, 0.777), abs=0.01)


def test_an_outline_goes_around_and_not_over():
    mask = np.zeros((20, 20), dtype=bool)
    mask[8:12, 8:12] = True
    edge = np.asarray(decode(outline(mask)).convert("RGBA"))[..., 3] > 0
    assert not (edge & mask).any()
    assert edge.sum() == 8 * 8 - 4 * 4


def test_a_photo_is_shrunk_but_never_enlarged():
    assert decode(photo(np.zeros((900, 600, 3), np.uint8))).size == (256, 384)
    assert decode(photo(np.zeros((10, 20, 3), np.uint8))).size == (20, 10)


def test_one_scale_for_all():
    assert common_scale([None, np.array([1.0]), np.array([0.5, 3])]) == 3
    assert common_scale([]) == common_scale([None, np.zeros(3)]) == 1


def test_mistakes_come_first():
    shown = worst_first(
        [
            picture("ok", 0, name="fine"),
            picture("defect", 1, 0.01, 9, name="found"),
            picture("review", 1, 0.02, name="unsure"),
            picture("defect", 0, 0.01, name="alarm"),
            picture("ok", 1, 0.1, name="nearly"),
            picture("ok", 1, 0.9, name="missed"),
        ]
    )
    assert [each.name for each in shown] == ["missed", "nearly", "alarm", "unsure", "found", "fine"]
    assert [each.mistake for each in shown] == ["missed", "missed", "false alarm", None, None, None]
