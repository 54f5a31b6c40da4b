"""The page in a real browser, where one is installed: its script runs without error and does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

from restora.report.page import render_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

CATCH = "<script>window.wrong = []; addEventListener('error', (e) => wrong.push(e.message));</script>"
TRY = """<pre id="seen"></pre><script>
const $ = (q) => document.querySelector(q), all = (q) => [...document.querySelectorAll(q)];
const names = () => all("#rows tbody tr").map((tr) => tr.cells[0].textContent);
const fire = (q, kind) => $(q).dispatchEvent(new Event(kind, { bubbles: true }));
const seen = { wrong, page: names().length, pages: $("#page").textContent };
$('[data-column="4"]').click(); seen.rising = all("#rows tbody tr").map((tr) => tr.cells[4].textContent);
$('[data-column="4"]').click(); seen.falling = all("#rows tbody tr").map((tr) => tr.cells[4].textContent);
seen.sorted = $('[aria-sort]').textContent;
$("#after").click(); seen.second = $("#page").textContent;
$("#search").value = "BROKEN"; fire("#search", "input"); seen.found = names();
$("#by-mistake").click(); seen.cards = all("#pictures .card:not([hidden])").map((card) => card.dataset.mistake);
$("#by-mistake").click(); $("#by-kind").value = "crack"; fire("#by-kind", "change");
seen.cracks = all("#pictures .card:not([hidden])").map((card) => card.dataset.kind);
$(".wipe").value = 30; fire(".wipe", "input");
seen.clip = getComputedStyle($(".card .heat")).clipPath;
$(".pointed").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
seen.readout = $(".readout").textContent;
$("#theme").click(); seen.theme = document.documentElement.dataset.theme;
seen.wide = document.documentElement.scrollWidth <= innerWidth;
seen.unloaded = all("img").filter((img) => img.loading !== "lazy" && !img.naturalWidth).length;
$("#seen").textContent = JSON.stringify(seen);
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_works_in_a_browser(tmp_path, made_up, width):
    html = render_report(*made_up(each=1, goods=6, extra_rows=120))
    path = tmp_path / "report.html"
    path.write_text(html.replace("<body>", "<body>" + CATCH).replace("</body>", TRY + "</body>"), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--window-size={width},900", "--virtual-time-budget=2000", "--dump-dom", path.as_uri()]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    seen = json.loads(unescape(re.search(r'<pre id="seen">(.*?)</pre>', dumped, re.S).group(1)))
    assert seen["wrong"] == []
    assert seen["page"] == 50
    assert seen["pages"] == "page 1 of 3"
    assert seen["second"] == "page 2 of 3"
    rising = [float(value) for value in seen["rising"]]
    falling = [float(value) for value in seen["falling"]]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > rising[-1]
    assert seen["sorted"] == "score"
    assert seen["found"] == ["test/good/broken.png"]
    assert set(seen["cards"]) <= {"yes"}
    assert set(seen["cracks"]) == {"crack"}
    assert "70%" in seen["clip"]
    assert "true-positive rate" in seen["readout"]
    assert seen["theme"] in ("light", "dark")
    assert seen["wide"]
    assert seen["unloaded"] == 0
