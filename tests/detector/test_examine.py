from __future__ import annotations

import numpy as np
import pytest

from restora.detector.examine import Examination, Shown
from restora.detector.stream import Look
from restora.images.dataset import Item
from restora.images.read import Picture
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction, Region, Rule


def item(name: str, kind: str) -> Item:
    return Item(name, name, "test", 0 if kind == "good" else 1, kind)


def look(name: str, score: float = 0.0, shape: tuple[int, int] = (8, 8)) -> Look:
    values = np.full((2, 2), score, np.float32)
    picture = Picture(name, np.zeros((*shape, 3), np.uint8), name)
    return Look(name, shape, picture, {"score": np.float32(score), "doubt": np.float32(0), "map": values})


def shown(entries: list[tuple[str, str, str, float]], most: int) -> list[str]:
    gallery = Shown(most)
    for name, kind, verdict, score in entries:
        gallery.offer(item(name, kind), Prediction(name, verdict, 0.5, score, 0.0), look(name), None)
    return [picture.name for picture in gallery.pictures()]


def test_mistakes_and_the_strangest_good_pictures_are_kept():
    good = [(f"g{i}", "good", "ok", float(i)) for i in range(9)]
    assert shown([*good, ("alarm", "good", "defect", 0.5), ("maybe", "good", "review", 0.1)], 8) == [
        "g7",
        "g8",
        "alarm",
        "maybe",
    ]


def test_missed_defects_come_first_and_no_kind_crowds_out_another():
    scratches = [(f"s{i}", "scratch", "defect", 9.0) for i in range(9)]
    dents = [(f"d{i}", "dent", "defect", 9.0) for i in range(2)]
    assert shown([*scratches, *dents, ("missed", "dent", "ok", 1.0)], 10) == ["s0", "s1", "d0", "d1", "missed"]


@pytest.mark.parametrize("most", [0, 1, 2, 200])
def test_never_more_than_there_is_room_for(most):
    entries = [(f"{kind}{i}", kind, "ok", float(i)) for i in range(150) for kind in ("good", "dent")]
    assert len(shown(entries, most)) == 2 * min(150, most // 2)


def test_pictures_are_kept_at_the_size_of_a_page_with_boxes_and_masks_to_match():
    gallery = Shown(2)
    mask = np.zeros((800, 1600), bool)
    mask[:, 803] = True  # one pixel wide
    region = Region((800, 0, 816, 400), 6400, 3.0)
    prediction = Prediction("a", "defect", 0.01, 5.0, 0.0, (region,))
    gallery.offer(item("a", "dent"), prediction, look("a", shape=(800, 1600)), mask)
    (picture,) = gallery.pictures()
    assert picture.pixels.shape == (192, 384, 3)
    assert picture.regions == (Region((192, 0, 196, 96), 6400, 3.0),)
    assert picture.mask.shape == (192, 384)
    assert picture.mask.any(axis=1).all()


def test_rows_keep_no_maps_and_two_of_one_name_both_count():
    rule = Rule.at(Calibration.fit(np.arange(1.0, 10.0), np.zeros(9)), 0.1)
    examination = Examination(rule, ignore=None, masks=False, most_shown=10)
    examination.take(1, item("same", "dent"), look("same", 20.0))
    examination.close_defectives()
    examination.take(0, item("same", "good"), look("same", 2.0))
    rows = examination.rows()
    assert [(row.kind, row.prediction.verdict) for row in rows] == [("good", "ok"), ("dent", "defect")]
    assert all(row.prediction.map is None and row.prediction.pixels is None for row in rows)
