"""Charts as inline SVG text: no script is needed to see them; colours come from the page's style sheet.

Every chart is one `<svg>` with a spoken description. Where values can be read under the pointer, the lines' points are
in `data-lines`, in the chart's own coordinates with the numbers beside them; the page's script shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from restora.report.scale import Figures, Scale

WIDE = 900  # width of a chart that has the page for itself
BARS = 60  # of the histogram
DOTS = 400  # of a row of dots; more lie on one another, and thousands make a page slow
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 14, 38


@dataclass(frozen=True)
class Line:
    """A line of a chart: its name, its points' x and y, and the class that colours it; one point is drawn as a dot.

    areas : places on the x axis up to which the area under the line is shaded, one shade over the other
    """

    name: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    style: str
    areas: tuple[float, ...] = ()


def line_chart(title: str, x_label: str, y_label: str, lines: Sequence[Line], *, x_end: float = 1.0) -> Markup:
    """Lines over 0..`x_end` and 0..1; what lies beyond `x_end` is cut off there."""
    width, height = 360, 300
    across, up = width - LEFT - RIGHT, height - TOP - BOTTOM
    parts = [_frame(Scale(0, x_end), Scale(0, 1), width, height, x_label, y_label)]
    shown: list[dict[str, Any]] = []
    for line in lines:
        x, y = _cut(np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64), x_end)
        px, py = LEFT + x / x_end * across, TOP + (1 - y) * up
        parts.append(_drawn(line, px, py))
        for end in line.areas:
            parts.append(_area(*_cut(x, y, end), LEFT + across / x_end * np.array([0, end]), up))
        numbers = zip(px, py, x, y, strict=True)
        shown.append(
            {"name": line.name, "points": [[_r(a, 1), _r(b, 1), _r(c, 4), _r(d, 4)] for a, b, c, d in numbers]}
        )
    spoken = f"{title}: {y_label} over {x_label}; " + ", ".join(line.name for line in lines)
    data = escape(json.dumps({"x": x_label, "y": y_label, "lines": shown}, separators=(",", ":")))
    return _svg(width, height, title, spoken, parts, f' class="chart pointed" tabindex="0" data-lines="{data}"')


def score_chart(
    good: Sequence[float], defective: Sequence[float], scale: Scale, threshold: float | None, review_from: float | None
) -> Markup:
    """Counts of good pictures upwards and of defective ones downwards over the score, the verdicts' ranges behind."""
    height, head = 300, TOP + 18
    middle = (head + height - BOTTOM) / 2
    bins = np.linspace(0, 1, BARS + 1)
    counts = [np.histogram(scale.place(scores), bins)[0] for scores in (good, defective)]
    tallest = max(int(counts[0].max()), int(counts[1].max()), 1)
    across, room = WIDE - LEFT - RIGHT, middle - head - 4
    parts = [_zones(scale, threshold, review_from, height - BOTTOM)]
    for bars, style, up in ((counts[0], "good", True), (counts[1], "defective", False)):
        for index in np.flatnonzero(bars):
            tall = max(2.0, float(bars[index]) / tallest * room)
            x, y = LEFT + bins[index] * across, middle - tall - 1 if up else middle + 1
            parts.append(
                f'<rect class="{style}" x="{x + 0.5:.1f}" y="{y:.1f}" width="{across / BARS - 1:.1f}" '
                f'height="{tall:.1f}" rx="1"><title>{bars[index]} {style}</title></rect>'
            )
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{middle:.1f}" y2="{middle:.1f}"/>')
    for y, text in ((head + 8, tallest), (middle + 4, 0), (height - BOTTOM, tallest)):
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{text}</text>')
    parts.append(_x_axis(scale, WIDE, height, "score (the larger, the stranger)"))
    spoken = f"Histogram of scores: {len(good)} good pictures above the line, {len(defective)} defective below it"
    data = _bars_read(scale, bins, counts, middle)
    return _svg(WIDE, height, "Scores", spoken, parts, f' class="chart wide pointed" tabindex="0" data-lines="{data}"')


def _bars_read(scale: Scale, bins: Figures, counts: Sequence[npt.NDArray[np.int_]], middle: float) -> Markup:
    """For the page's script: what each bar that stands there says, both of one place at once."""
    taken = np.flatnonzero(counts[0] + counts[1])
    centres = (bins[taken] + bins[taken + 1]) / 2
    across = WIDE - LEFT - RIGHT
    lines = [
        {
            "name": name,
            "points": [
                [_r(LEFT + place * across, 1), _r(middle + shift, 1), float(f"{scale.value(place):.4g}"), int(count)]
                for place, count in zip(centres, bars[taken], strict=True)
            ],
        }
        for name, bars, shift in (("good", counts[0], -6), ("defective", counts[1], 6))
    ]
    return escape(json.dumps({"x": "score about", "y": "pictures", "lines": lines}, separators=(",", ":")))


def strip(scores: Sequence[float], scale: Scale, threshold: float | None, style: str) -> Markup:
    """One row of dots, a dot a picture at its score, the threshold as a tick; for a cell of a table.

    Of more than `DOTS` scores as many are drawn, evenly over their ranks: the lowest and the highest are among them.
    """
    width, height = 300, 26
    parts = []
    if threshold is not None and math.isfinite(threshold):
        x = width * float(scale.place(threshold))
        parts.append(
            f'<rect class="zone-defect" x="{x:.1f}" y="0" width="{max(0.0, width - x):.1f}" height="{height}"/>'
        )
        parts.append(f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>')
    drawn = list(scores)
    if len(drawn) > DOTS:
        drawn = np.sort(drawn)[np.linspace(0, len(drawn) - 1, DOTS).round().astype(int)].tolist()
    for index, place in enumerate(scale.place(drawn).tolist()):
        # dots at equal scores would hide one another: a fixed pattern of heights, the same at every run
        y = height / 2 + ((index * 5) % 9 - 4) * 1.7
        parts.append(f'<circle class="dot {style}" cx="{place * width:.1f}" cy="{y:.1f}" r="3"/>')
    spoken = f"{len(scores)} scores"
    return _svg(width, height, "Scores of this kind", spoken, parts, ' class="strip" preserveAspectRatio="none"')


def promise_chart(
    promised: float, range90: tuple[float, float] | None, observed: float | None, seen90: tuple[float, float] | None
) -> Markup:
    """The rate promised, where this calibration's rate lies nine times in ten, and what the test pictures gave."""
    height, start = 148, 190  # names of the rows stand left of `start`
    end = max([promised * 2, *(range90 or ()), *(seen90 or ()), 0.02]) * 1.08
    scale, across, foot = Scale(0, end), WIDE - start - RIGHT - 90, height - BOTTOM

    def at(value: float) -> str:
        return f"{start + value / end * across:.1f}"

    rows = [("promised at most", percent(promised), "")]
    if range90 is not None:
        bar = f'x="{at(range90[0])}" width="{(range90[1] - range90[0]) / end * across:.1f}"'
        value = f"{percent(range90[0])} to {percent(range90[1])}"
        rows.append(("this calibration, 9 in 10", value, f'<rect class="range" {bar} y="-6" height="12" rx="6"/>'))
    if observed is not None and seen90 is not None:
        whisker = f'<line class="whisker" x1="{at(seen90[0])}" x2="{at(seen90[1])}" y1="0" y2="0"/>'
        dot = f'<circle class="dot observed" cx="{at(observed)}" cy="0" r="6"/>'
        rows.append(("seen, and its 9-in-10 range", percent(observed), whisker + dot))
    parts = [f'<line class="threshold" x1="{at(promised)}" x2="{at(promised)}" y1="10" y2="{foot}"/>']
    for index, (name, value, drawn) in enumerate(rows):
        parts.append(
            f'<g transform="translate(0 {24 + 32 * index})"><text class="note" x="{start - 14}" y="4" '
            f'text-anchor="end">{name}</text>{drawn}<text class="note strong" x="{WIDE - RIGHT}" y="4" '
            f'text-anchor="end">{value}</text></g>'
        )
    parts.append(f'<line class="axis" x1="{start}" x2="{start + across}" y1="{foot}" y2="{foot}"/>')
    parts += [
        f'<text class="tick" x="{at(mark)}" y="{foot + 16}" text-anchor="middle">{percent(mark)}</text>'
        for mark in scale.ticks()
    ]
    label = "share of good pictures called defect"
    parts.append(
        f'<text class="label" x="{start + across / 2:.0f}" y="{height - 5}" text-anchor="middle">{label}</text>'
    )
    spoken = f"False alarms: promised at most {percent(promised)}, seen {percent(observed)} of the good test pictures"
    return _svg(WIDE, height, "Promised and happened", spoken, parts, ' class="chart wide"')


def percent(share: float | None) -> str:
    """A share as people write it; a dash where there is none."""
    if share is None:
        return "–"
    return f"{100 * share:.3g} %"


def _points(px: Figures, py: Figures) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))


def _drawn(line: Line, px: Figures, py: Figures) -> str:
    if len(px) == 1:
        return f'<circle class="place" cx="{px[0]:.1f}" cy="{py[0]:.1f}" r="5"/>'
    return f'<polyline class="line {line.style}" points="{_points(px, py)}"/>'


def _area(x: Figures, y: Figures, ends: Figures, up: float) -> str:
    """The area under a line whose x runs from 0 to the last of its values; `ends`: where these two lie."""
    left, right = ends
    px = left + x / x.max() * (right - left) if x.size and x.max() > 0 else np.full(x.shape, left)
    foot = TOP + up
    points = _points(np.r_[px[0], px, px[-1]], np.r_[foot, TOP + (1 - y) * up, foot]) if x.size else ""
    edge = f'<line class="limit" x1="{right:.1f}" x2="{right:.1f}" y1="{TOP}" y2="{foot}"/>'
    return f'<polygon class="area" points="{points}"/>{edge}'


def _cut(x: Figures, y: Figures, end: float) -> tuple[Figures, Figures]:
    """The part of a line up to x = `end`, the last point interpolated; x never falls or never rises."""
    if x.size == 0 or x.max() <= end:
        return x, y
    if x[0] > x[-1]:
        x, y = x[::-1], y[::-1]
    keep = x <= end
    return np.append(x[keep], end), np.append(y[keep], np.interp(end, x, y))


def _r(value: float, digits: int) -> float:
    return round(float(value), digits)


def _zones(scale: Scale, threshold: float | None, review_from: float | None, bottom: float) -> str:
    """The ranges of scores that are called review and defect, with their names on top."""
    if threshold is None or not math.isfinite(threshold):
        return ""
    top, end = TOP + 16, WIDE - RIGHT

    def at(value: float) -> float:
        return LEFT + (end - LEFT) * float(np.clip(scale.place(value), 0, 1))

    x = at(threshold)
    text = f'<rect class="zone-defect" x="{x:.1f}" y="{top}" width="{end - x:.1f}" height="{bottom - top:.1f}"/>'
    if review_from is not None and math.isfinite(review_from):
        first = at(review_from)
        area = f'x="{first:.1f}" y="{top}" width="{x - first:.1f}" height="{bottom - top:.1f}"'
        text += f'<rect class="zone-review" {area}><title>review</title></rect>'
    side, shift = ("end", -6) if x > WIDE * 0.75 else ("start", 6)
    return text + (
        f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{bottom:.1f}"/>'
        f'<text class="note strong" x="{x + shift:.1f}" y="{TOP}" text-anchor="{side}">threshold {threshold:.4g}</text>'
    )


def _x_axis(scale: Scale, width: int, height: int, label: str) -> str:
    across, y = width - LEFT - RIGHT, height - BOTTOM
    text = f'<line class="axis" x1="{LEFT}" x2="{width - RIGHT}" y1="{y}" y2="{y}"/>'
    for mark in scale.ticks():
        x = LEFT + across * float(scale.place(mark))
        text += f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 4}"/>'
        text += f'<text class="tick" x="{x:.1f}" y="{y + 16}" text-anchor="middle">{mark:.4g}</text>'
    middle = LEFT + across / 2
    return text + f'<text class="label" x="{middle:.0f}" y="{height - 5}" text-anchor="middle">{escape(label)}</text>'


def _frame(x: Scale, y: Scale, width: int, height: int, x_label: str, y_label: str) -> str:
    up = height - TOP - BOTTOM
    text = ""
    for mark in y.ticks(5):
        at = TOP + up * (1 - float(y.place(mark)))
        text += f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        text += f'<text class="tick" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{mark:.4g}</text>'
    middle = TOP + up / 2
    text += (
        f'<text class="label" x="12" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 12 {middle:.0f})">'
        f"{escape(y_label)}</text>"
    )
    return text + _x_axis(x, width, height, x_label)


def _svg(
    width: int, height: int, title: str, spoken: str, parts: Sequence[str], attributes: str = ' class="chart"'
) -> Markup:
    inner = "".join(parts)
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(spoken)}"{attributes}>'
        f"<title>{escape(title)}</title>{inner}</svg>"
    )
