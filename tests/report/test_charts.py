from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from restora.report.charts import Line, line_chart, percent, promise_chart, score_chart, strip
from restora.report.scale import Scale


def test_a_scale_places_by_value_or_by_logarithm():
    assert Scale(0, 10).place([0, 5, 10]).tolist() == [0, 0.5, 1]
    assert Scale(1, 100, log=True).place([1, 10, 100]).tolist() == pytest.approx([0, 0.5, 1])


def test_a_scale_is_logarithmic_only_over_a_wide_positive_range():
    assert Scale.around([1, 100]).log
    assert not Scale.around([1, 7]).log
    assert not Scale.around([-1, 100]).log
    assert not Scale.around([0, 100]).log


@pytest.mark.parametrize("values", [[], [3.0], [0.0, 0.0], [float("inf")], [1e-9, 1e9], [-5.0, 2.0]])
def test_any_values_get_a_scale_with_ticks_on_it(values):
    scale = Scale.around(values)
    ticks = scale.ticks()
    assert ticks
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in scale.place(ticks))


def test_ticks_are_round():
    assert Scale(0, 1).ticks(5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Scale(1, 100, log=True).ticks() == pytest.approx([1, 2, 5, 10, 20, 50, 100])


def test_a_line_is_cut_where_the_axis_ends():
    chart = ElementTree.fromstring(
        line_chart("PRO", "x", "y", [Line("pixels", [0, 0.2, 0.4], [0, 0.5, 1], "p")], x_end=0.3)
    )
    points = json.loads(chart.attrib["data-lines"])["lines"][0]["points"]
    assert [point[2:] for point in points] == [[0, 0], [0.2, 0.5], [0.3, 0.75]]
    assert [point[0] for point in points] == [44, 245.3, 346]  # 302 units of width behind the margin of 44


def test_a_falling_line_is_cut_as_well():
    chart = ElementTree.fromstring(line_chart("t", "x", "y", [Line("a", [0.4, 0.2, 0], [1, 0.5, 0], "p")], x_end=0.3))
    points = json.loads(chart.attrib["data-lines"])["lines"][0]["points"]
    assert sorted(point[2] for point in points) == [0, 0.2, 0.3]


def test_a_histogram_counts_every_picture_once():
    good, bad = [1.0, 1.1, 1.1, 2.0], [3.0, 9.0]
    chart = score_chart(good, bad, Scale.around([*good, *bad]), 2.5, 2.2)
    ElementTree.fromstring(chart)
    counts = {word: sum(map(int, re.findall(rf"<title>(\d+) {word}</title>", chart))) for word in ("good", "defective")}
    assert counts == {"good": 4, "defective": 2}


def test_without_a_threshold_nothing_is_shaded():
    assert "zone" not in score_chart([1.0], [2.0], Scale(0, 3), None, None)
    assert "zone" not in score_chart([1.0], [2.0], Scale(0, 3), float("inf"), None)


def test_dots_lie_at_their_scores():
    chart = ElementTree.fromstring(strip([0, 5, 10], Scale(0, 10), 5, "good"))
    dots = [float(dot.attrib["cx"]) for dot in chart.iter("circle")]
    assert dots == [0, 150, 300]
    assert [line.attrib["x1"] for line in chart.iter("line")] == ["150.0"]


def test_promise_and_what_was_seen_share_one_axis():
    chart = ElementTree.fromstring(promise_chart(0.01, (0.002, 0.02), 0.01, (0.001, 0.05)))
    threshold = next(line for line in chart.iter("line") if line.attrib["class"] == "threshold")
    dot = next(chart.iter("circle"))
    assert threshold.attrib["x1"] == dot.attrib["cx"]  # both at 1 %
    ElementTree.fromstring(promise_chart(0.01, None, None, None))


def test_shares_in_words():
    assert [percent(share) for share in (None, 0, 0.015385, 1)] == ["–", "0 %", "1.54 %", "100 %"]
