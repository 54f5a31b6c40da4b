"""An evaluation in a notebook: the figures of its record, the promise and what happened."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np

from restora.evaluation import Row, evaluate_rows
from restora.metrics import PixelScores
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction


def row(verdict, score, label, kind="good"):
    return Row(Prediction(f"{score}", verdict, 0.5, score, 0.1), label, kind)


ROWS = [
    row("ok", 0.1, 0),
    row("review", 0.2, 0),
    row("ok", 0.3, 0),
    row("defect", 0.6, 0),
    row("defect", 0.9, 1, "crack"),
    row("ok", 0.15, 1, "crack"),
    Row(Prediction.failed("x", "x: no picture"), 0, "good"),
]


def promise():
    return Calibration.fit(np.arange(19.0), np.arange(19.0)).promise(0.1)


def texts(html: str) -> str:
    parser = HTMLParser()
    said: list[str] = []
    parser.handle_data = said.append
    parser.feed(html)
    parser.close()
    return " ".join(said)


def cells(html: str) -> dict[str, list[str]]:
    rows = re.findall(r"<tr><th style='text-align:left'>(.*?)</th>(.*?)</tr>", html)
    return {name: re.findall(r"<td>(.*?)</td>", rest) for name, rest in rows}


def test_figures_kinds_and_promise_by_hand():
    html = evaluate_rows({"name": "parts"}, ROWS, promise=promise())._repr_html_()
    # 0.9 beats all four goods, 0.15 one: 5 of 8
    assert cells(html)["AUROC"] == ["0.6250", "–"]
    assert cells(html)["crack"] == ["2", "1 of 2", "0.6250"]
    assert set(cells(html)) == {"AUROC", "AP", "F1-max", "crack"}
    said = texts(html)
    assert "at most 10 % of good pictures" in said
    assert "25 % of the good pictures were called defect (90 % range 1.27 % to 75.1 %)" in said
    assert "25 % of them are for review, 50 % of the defective pictures were called defect." in said
    assert "5 good and 2 defective pictures; 1 of all 7 could not be read" in said


def test_with_masks_pixel_figures_stand_beside():
    scores = PixelScores()
    scores.add_defective([[0.0, 5.0], [0.0, 0.0]], [[0, 1], [0, 0]])
    scores.close_defectives()
    scores.add_good([[0.0, 6.0], [1.0, 2.0]])
    evaluation = evaluate_rows({}, ROWS, pixel=scores, promise=promise())
    shown = cells(evaluation._repr_html_())
    assert shown["AUROC"][1] == f"{6 / 7:.4f}"
    assert shown["AUPRO@0.3"] == ["–", f"{evaluation.pixel.aupro_30:.4f}"]
    assert "AUPIMO" in shown
    assert "sPRO@0.05" not in shown


def test_spro_is_shown_where_a_set_states_saturations():
    scores, mask = PixelScores(), [[0, 1], [0, 1]]
    scores.add_defective([[0.0, 5.0], [2.0, 1.0]], mask, regions=[(mask, 1)])
    evaluation = evaluate_rows({}, ROWS, pixel=scores)
    assert cells(evaluation._repr_html_())["sPRO@0.05"] == ["–", "1.0000"]


def test_what_is_not_there_is_said_and_nothing_fails():
    said = texts(evaluate_rows({}, [])._repr_html_())
    assert "Nothing was promised" in said
    assert "Happened" not in said
    html = evaluate_rows({}, ROWS[:1])._repr_html_()
    assert cells(html)["AUROC"][0] == "–"


def test_a_name_is_not_markup():
    evil = "<script>alert(1)</script>"
    html = evaluate_rows({"name": evil}, [row("ok", 0.1, 0), row("defect", 0.5, 1, evil)])._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 2


def test_colours_are_left_to_the_page():
    assert not re.search(r"color|background|#[0-9a-f]{3}", evaluate_rows({}, ROWS, promise=promise())._repr_html_())


def test_on_a_terminal_one_line_says_it():
    shown = repr(evaluate_rows({"name": "parts"}, ROWS, promise=promise()))
    assert shown == "<Evaluation of parts: 7 pictures, image AUROC 0.625>"
    assert repr(evaluate_rows({}, ROWS[:1])) == "<Evaluation of pictures: 1 pictures, image AUROC none>"
