"""The page in a real browser, where one is installed: it runs without error and does what it says, by any hand."""

from __future__ import annotations

import base64
import itertools
import json
import re
from pathlib import Path

import pytest

from restora.report.page import render_report

from .browser import BROWSER, Browser

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

ROWS = 10_000
NAMES = "[...document.querySelectorAll('#rows tbody tr')].map((row) => row.cells[0].textContent)"
# Contrast of every piece of text with the first ground behind it that hides what is behind; pictures are left out.
CONTRAST = """(() => {
  const parse = (colour) => {
    const numbers = colour.match(/^rgba?\\(([^)]*)\\)$/);
    return numbers && numbers[1].split(/[ ,/]+/).map(Number);
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const poor = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, style = getComputedStyle(element);
    const text = walk.currentNode.data.trim(), out = "script, style, .stack, noscript, option, title, :disabled";
    if (!text || element.closest(out) || !element.checkVisibility()) continue;
    let ground = null;
    for (let at = element; at && !ground; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour && (colour.length === 3 || colour[3] === 1)) ground = colour;
    }
    const ink = parse(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    seen += 1;
    if (ratio < 4.5) poor.push([text.slice(0, 40), style.color, ratio]);
  }
  return [seen, poor];
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def html(made_up):
    return render_report(*made_up(each=2, goods=12, extra_rows=ROWS))


@pytest.fixture(scope="module")
def page(html, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def rows(html) -> list[list]:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S).group(1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_it_opens_without_a_word_in_the_console_and_fits_the_screen(browser, page, width, scheme):
    browser.open(page, width, touch=width == 390, prefers_color_scheme=scheme)
    assert browser.trouble == []
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    assert browser.js("document.documentElement.lang") == "en"
    assert browser.js("[...document.images].every((image) => image.complete && image.naturalWidth)")
    ground = browser.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) > 384) == (scheme == "light")
    browser.click("#theme")
    assert browser.js("getComputedStyle(document.body).backgroundColor") != ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser, page, scheme):
    browser.open(page, prefers_color_scheme=scheme)
    seen, poor = browser.js(CONTRAST)
    assert seen > 300
    assert poor == []


@pytest.mark.parametrize("column", range(8))
def test_the_table_sorts_by_each_column_both_ways(browser, page, rows, column):
    browser.open(page)
    field = [0, 1, 3, 4, 5, 6, 7, 8][column]
    there = [row for row in rows if row[field] is not None]
    missing = [row for row in rows if row[field] is None]
    for direction, falling in (("ascending", False), ("descending", True)):
        browser.click(f"[data-column='{column}']")
        expected = [row[0] for row in [*sorted(there, key=lambda row: row[field], reverse=falling), *missing]]
        assert browser.js(NAMES) == expected[:50]
        assert browser.js("[...document.querySelectorAll('#rows [aria-sort]')].map((th) => th.ariaSort)") == [direction]
    assert browser.trouble == []


def test_ten_thousand_rows_are_paged_searched_and_filtered(browser, page, rows):
    browser.open(page)
    pages = -(-len(rows) // 50)
    assert browser.js("document.querySelector('#page').textContent") == f"page 1 of {pages}"
    browser.click("#after")
    assert browser.js(NAMES) == [row[0] for row in rows[50:100]]
    browser.click("#before")
    assert browser.js("document.querySelector('#before').disabled")
    browser.click("#search")
    browser.call("Input.insertText", text="BROKEN")
    assert browser.js(NAMES) == ["test/good/broken.png"]
    assert browser.js("document.querySelector('#rows-shown').textContent") == f"1 of {len(rows)} rows"


def test_the_counts_of_the_summary_lead_to_their_rows(browser, page, rows):
    browser.open(page)
    browser.click("a[data-truth='defective'][data-verdict='defect']")
    expected = [row[0] for row in rows if row[2] == 1 and row[3] == "defect"]
    assert browser.js(NAMES) == expected[:50]
    assert browser.js(
        "document.querySelector('a[data-truth=defective][data-verdict=defect] strong').textContent"
    ) == str(len(expected))
    assert browser.js("document.querySelector('#row-truth').value") == "defective"


def test_the_slider_wipes_the_heat_by_key_and_by_pointer(browser, page):
    browser.open(page)
    browser.js("document.querySelector('.wipe').focus()")
    browser.press("ArrowLeft")
    clip = "getComputedStyle(document.querySelector('.card .heat')).clipPath"
    assert re.search(r"\b1%", browser.js(clip)), browser.js(clip)
    browser.press("Home")
    assert "100%" in browser.js(clip)
    browser.click(".wipe")
    assert 45 <= int(browser.js("document.querySelector('.wipe').value")) <= 55
    browser.click("#wipe-all")
    values = set(browser.js("[...document.querySelectorAll('#pictures .wipe')].map((slider) => slider.value)"))
    assert len(values) == 1
    assert 45 <= int(values.pop()) <= 55


def test_pictures_are_shown_some_at_a_time_and_chosen_by_kind_or_mistake(browser, page):
    browser.open(page)
    shown = "[...document.querySelectorAll('#pictures .card')].filter((card) => card.checkVisibility())"
    every = browser.js("document.querySelectorAll('#pictures .card').length")
    assert browser.js(f"{shown}.length") == 12 < every
    browser.click("#more")
    assert browser.js(f"{shown}.length") == min(every, 60)
    assert browser.js("document.activeElement.className") == "open"  # the keyboard goes on at the first new one
    browser.click("#by-mistake")
    assert all(browser.js(f"{shown}.map((card) => card.dataset.mistake)"))
    browser.click("#by-mistake")
    kind = browser.js("document.querySelector('#by-kind').options[1].value")
    browser.js("document.querySelector('#by-kind').focus()")
    browser.js(
        f"(() => {{ const k = document.querySelector('#by-kind'); k.value = {kind!r};"
        "k.dispatchEvent(new Event('change')); })()"
    )
    assert set(browser.js(f"{shown}.map((card) => card.dataset.kind)")) == {kind}


def test_a_picture_is_enlarged_and_turned_by_the_keyboard_alone(browser, page):
    browser.open(page)
    browser.js("document.querySelector('#pictures .open').focus()")
    name = "document.querySelector('#large .card').dataset.name"
    browser.press("Enter")
    assert browser.js("document.querySelector('#large').open")
    first = browser.js(name)
    browser.press("ArrowRight")
    assert browser.js(name) == browser.js("document.querySelectorAll('#pictures .card')[1].dataset.name") != first
    browser.press("ArrowLeft")
    assert browser.js(name) == first
    box = browser.js(
        "(({width, height}) => [width, height])(document.querySelector('#large .stack').getBoundingClientRect())"
    )
    assert box[0] == pytest.approx(box[1], abs=2)  # square pictures stay square
    browser.press("Escape")
    assert not browser.js("document.querySelector('#large').open")
    assert browser.js("document.activeElement === document.querySelector('#pictures .open')")


def test_a_row_opens_its_picture(browser, page):
    browser.open(page)
    browser.click("#rows td.named button")
    assert browser.js("document.querySelector('#large .card').dataset.name") == browser.js(NAMES)[0]
    browser.click("#close")
    assert not browser.js("document.querySelector('#large').open")


def test_values_of_a_curve_by_pointer_finger_and_key(browser, page):
    curve, read = "#scores .curves .pointed", "document.querySelector('#scores .curves .readout').textContent"
    browser.open(page)
    usual = browser.js(read)
    assert usual.startswith("Area, AUROC: pictures ")
    x, y = browser.middle(curve)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert re.search(r"pictures: false-positive rate [\d.]+, true-positive rate [\d.]+; pixels: ", browser.js(read))
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert browser.js(read) == usual
    browser.js(f"document.querySelector({curve!r}).focus()")
    browser.press("End")
    assert "pictures: false-positive rate 1, true-positive rate 1" in browser.js(read)
    assert browser.js(f"document.querySelector({curve!r}).getAttribute('aria-valuetext')") == browser.js(read)
    browser.press("Home", "ArrowRight")
    assert browser.js(f"document.querySelector({curve!r}).getAttribute('aria-valuenow')") == "1"
    browser.open(page, 390, touch=True)
    x, y = browser.middle(curve)
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert "true-positive rate" in browser.js(read)  # and stays when the finger has gone


def test_the_histogram_reads_its_bars(browser, page):
    browser.open(page)
    browser.js("document.querySelector('#scores .wide.pointed').focus()")
    browser.press("End")
    said = browser.js("document.querySelector('#scores .readout').textContent")
    assert re.fullmatch(r"good: score about [\d.]+, pictures \d+; defective: score about [\d.]+, pictures \d+", said)


def test_the_keyboard_reaches_everything_and_is_seen_there(browser, page):
    browser.open(page)
    browser.press("Tab")
    assert browser.js("document.activeElement.className") == "skip"
    assert browser.js("document.activeElement.getBoundingClientRect().x") >= 0
    unseen, reached = [], set()
    for _ in range(60):
        browser.press("Tab")
        name, outline = browser.js(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            "return [e.id || e.className.baseVal || e.className || e.textContent,"
            "s.outlineStyle + ' ' + s.outlineWidth]; })()"
        )
        reached.add(name)
        if not re.match(r"(solid|auto) [1-9]", outline):
            unseen.append((name, outline))
    assert unseen == []
    assert {"theme", "by-verdict", "by-mistake", "wipe-all", "open", "wipe", "Promise"} <= reached


def test_a_screen_reader_finds_landmarks_and_a_name_for_everything(browser, page):
    browser.open(page)
    nodes = [node for node in browser.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    roles = {}
    for node in nodes:
        roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", "").strip())
    assert {"banner", "navigation", "main", "table", "heading", "region"} <= set(roles)
    for role in ("button", "link", "slider", "combobox", "searchbox", "checkbox", "image", "table", "columnheader"):
        assert roles.get(role), role
        assert all(roles[role]), role
    levels = browser.js("[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_motion_is_left_out_where_it_is_not_wanted(browser, page):
    browser.open(page, prefers_reduced_motion="reduce")
    assert browser.js("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    browser.open(page, prefers_reduced_motion="no-preference")
    assert browser.js("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"


def test_on_paper_nothing_is_cut_and_every_picture_is_there(browser, page):
    browser.open(page, 720)
    browser.js("document.documentElement.dataset.theme = 'dark'")
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.js("dispatchEvent(new Event('beforeprint'))")
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    assert browser.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.js("[...document.querySelectorAll('.card')].every((card) => card.checkVisibility())")
    assert browser.js(
        "[...document.querySelectorAll('.maps img')].every((image) => image.getBoundingClientRect().width > 20)"
    )
    assert browser.js(
        "['.top', '.controls', '.wipe', '.pager', '.open'].every((q) => !document.querySelector(q).checkVisibility())"
    )
    assert browser.js("document.querySelectorAll('#rows tbody tr').length") == 1000
    assert f"1000 of {browser.js('JSON.parse(document.querySelector(`#data`).textContent).length')}" in browser.js(
        "document.querySelector('.cut').textContent"
    )
    cut = browser.js(
        "[...document.querySelectorAll('.scroll, .panel')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert cut == []
    browser.js("dispatchEvent(new Event('afterprint'))")
    assert browser.js("document.querySelectorAll('#rows tbody tr').length") == 50
    printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")


def test_without_its_script_everything_but_the_table_is_there(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        browser.call("Emulation.setEmulatedMedia", media="", features=[])
        browser.call("Page.navigate", url=page.as_uri())
        browser.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        assert browser.js("[...document.querySelectorAll('#pictures .card')].every((card) => card.checkVisibility())")
        assert not browser.js("document.querySelector('.open').checkVisibility()")
        assert browser.js("document.querySelector('noscript').textContent.includes('restora predict')")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
