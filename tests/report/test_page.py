from __future__ import annotations

import errno
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from restora.demo import draw
from restora.errors import MissingError, UsageError
from restora.evaluation import Row, evaluate_rows
from restora.images.overlay import heat_overlay
from restora.report.colours import heat_table
from restora.report.page import render_report, write_report
from restora.verdicts.prediction import Prediction

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Collects what the tests ask for, and sees to it that every element is closed in its order."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag, name):
        return [attributes[name] for its, attributes in self.attributes if its == tag and name in attributes]


@pytest.fixture(scope="module")
def made(made_up):
    return made_up()


@pytest.fixture(scope="module")
def html(made):
    evaluation, pictures, facts = made
    return render_report(evaluation, pictures, facts)


def test_the_page_is_whole_and_asks_no_network(html):
    page = Page(html)
    assert all(source.startswith("data:image/") for source in page.all("img", "src"))
    assert not page.all("script", "src")
    assert all(address.startswith(("#", "data:")) for tag in ("a", "link") for address in page.all(tag, "href"))
    assert not re.search(r"url\(|@import|fetch\(|https?://", re.sub(r'"http://www.w3.org/2000/svg"', "", html))


def test_every_place_that_is_linked_or_labelled_is_there(html):
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.attributes if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(address[1:] in ids for address in page.all("a", "href"))
    assert all(alt is not None for alt in page.all("img", "alt"))
    assert len(page.all("img", "alt")) == len(page.all("img", "src"))


def test_every_verdict_is_in_the_table(html, made):
    rows = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S).group(1))
    evaluation = made[0]
    assert [(row[0], row[3]) for row in rows] == [
        (row.prediction.name, row.prediction.verdict) for row in evaluation.rows
    ]
    assert rows[-1][8].endswith("cut off after 12 bytes")


def test_the_figures_are_those_of_the_evaluation(html, made):
    record = made[0].to_dict()
    shown = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", html))
    assert shown["Image AUROC"] == f"{record['image']['auroc']:.3f}"
    assert shown["AUPRO@0.05"] == f"{record['pixel']['aupro_05']:.3f}"
    assert "sPRO@0.05" not in shown
    stated = replace(made[0], pixel=replace(made[0].pixel, spro_05=0.4321))
    assert "<dt>sPRO@0.05</dt><dd>0.432</dd>" in render_report(stated, [], {})
    alarms = sum(row.label == 0 and row.prediction.verdict == "defect" for row in made[0].rows)
    assert f"{alarms} of {record['dataset']['good']} good pictures" in html


def test_names_cannot_become_markup(made_up):
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    rows = [
        Row(Prediction(evil, "defect", 0.01, 2.0, 0.1), 1, evil),
        Row(Prediction("a", "ok", 0.5, 1.0, 0.1), 0, "good"),
    ]
    evaluation = evaluate_rows({"name": evil}, rows)
    picture = replace(made_up(each=1, goods=1)[1][0], name=evil, kind=evil)
    html = render_report(evaluation, [picture], {"notes": [evil], "reproduce": evil, "card": {evil: evil}})
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    Page(html)


def test_names_that_are_no_text_are_written_all_the_same(made_up, tmp_path):
    name = "line/\udcff.png"
    rows = [
        Row(Prediction(name, "ok", 0.5, 1.0, 0.1), 1, "\udcfe"),
        Row(Prediction("a", "ok", 0.5, 1.0, 0.1), 0, "good"),
    ]
    picture = replace(made_up(each=1, goods=1)[1][0], name=name, kind="\udcfe")
    facts = {"strangest_elsewhere": [(name, "fitting", 1.0)]}
    path = write_report(tmp_path / "report.html", evaluate_rows({"name": name}, rows), [picture], facts=facts)
    html = path.read_text(encoding="utf-8")
    row = json.loads(re.search(r'id="data">(.*?)</script>', html, re.S).group(1))[0]
    assert row[0] == "line/\\udcff.png"
    assert f'data-name="{row[0]}"' in html  # the table finds the picture by it


def test_little_is_shown_where_little_is_known():
    rows = [Row(Prediction("a", "review", None, 1.0, 0.1, reason="no calibration"), 0, "good")]
    html = render_report(evaluate_rows({}, rows), [], {})
    Page(html)
    assert "nothing is promised" in html
    assert "no pixel figures" in html
    assert 'id="pictures"' not in html
    Page(render_report(evaluate_rows({}, []), [], {}))


def test_the_same_evaluation_gives_the_same_page(html, made_up):
    evaluation, pictures, facts = made_up()
    assert render_report(evaluation, pictures, facts) == html


def test_heat_in_the_page_is_that_of_the_overlay():
    table = heat_table().astype(float)
    assert table.shape == (256, 4)
    assert table[0, 3] == 0
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    for grey in (40, 128, 230):
        expected = heat_overlay(np.full((1, 256, 3), grey, dtype=np.uint8), ramp, 0.0, 1.0)[0]
        cover = table[:, 3:] / 255
        assert np.abs(grey * (1 - cover) + table[:, :3] * cover - expected).max() < 3


def test_a_page_is_written_whole_or_not_at_all(tmp_path, made, monkeypatch):
    evaluation, pictures, facts = made
    path = write_report(tmp_path / "report.html", evaluation, pictures, facts=facts)
    before = path.read_bytes()
    assert before.endswith(b"</html>")
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(MissingError, match="disk is full"):
            write_report(path, evaluation, [], facts=facts)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(path / "below-a-file.html", evaluation, [], facts=facts)


def test_two_hundred_pictures_of_a_busy_texture_stay_under_fifteen_megabytes(made):
    evaluation, pictures, facts = made
    map = np.random.default_rng(0).gamma(20, 0.05, (96, 96)).astype(np.float32)
    pixels = draw("fabric", "good", 0, 384).pixels
    one = replace(pictures[0], pixels=pixels, map=map, probability=map / 5, aleatoric=map, epistemic=map)
    none, few = (len(render_report(evaluation, [one] * count, facts).encode()) for count in (0, 4))
    assert none + 200 * (few - none) / 4 < 15e6
