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


def test_a_place_on_a_scale_is_taken_back_to_its_value():
    for scale in (Scale(-2, 6), Scale(0.5, 50, log=True)):
        values = [scale.low, 1.0, 3.7, scale.high]
        assert [scale.value(float(place)) for place in scale.place(values)] == pytest.approx(values)


def test_one_point_is_a_dot_and_is_read_like_a_line():
    chart = ElementTree.fromstring(line_chart("t", "x", "y", [Line("verdicts", [0.5], [0.25], "verdicts")]))
    (dot,) = chart.iter("circle")
    assert (float(dot.attrib["cx"]), float(dot.attrib["cy"])) == (44 + 151, 14 + 0.75 * 248)
    assert json.loads(chart.attrib["data-lines"])["lines"][0]["points"] == [[195.0, 200.0, 0.5, 0.25]]


def test_the_area_under_a_line_ends_where_it_was_asked_to():
    line = Line("pixels", [0, 0.1, 0.4], [0, 1, 1], "pixels", (0.05, 0.3))
    chart = ElementTree.fromstring(line_chart("PRO", "x", "y", [line], x_end=0.3))
    shaded = []
    for polygon in chart.iter("polygon"):
        points = [tuple(map(float, point.split(","))) for point in polygon.attrib["points"].split()]
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True)) / 2
        shaded.append(abs(area) / (302 * 248) * 0.3)  # from the chart's own units to those of the axes
    # a triangle up to 0.05, half as high at its end; one up to 0.1 and a rectangle of 0.2 beside it
    assert shaded == pytest.approx([0.05 * 0.5 / 2, 0.1 / 2 + 0.2], rel=0.01)


def test_a_histogram_can_be_read_bar_by_bar():
    good, bad = [1.0, 1.0, 2.0], [2.0, 9.0]
    scale = Scale.around([*good, *bad])
    chart = ElementTree.fromstring(score_chart(good, bad, scale, None, None))
    lines = json.loads(chart.attrib["data-lines"])["lines"]
    assert [[point[3] for point in line["points"]] for line in lines] == [[2, 1, 0], [0, 1, 1]]
    assert [point[2] for point in lines[0]["points"]] == pytest.approx([1, 2, 9], rel=0.05)


def test_of_very_many_scores_the_drawn_ones_stand_for_all():
    scores = list(range(5001))
    chart = ElementTree.fromstring(strip(scores, Scale(0, 5000), None, "good"))
    dots = [float(dot.attrib["cx"]) for dot in chart.iter("circle")]
    assert len(dots) == 400
    assert (min(dots), max(dots)) == (0, 300)
    assert abs(sum(dots) / len(dots) - 150) < 0.1
    assert chart.attrib["aria-label"] == "5001 scores"
