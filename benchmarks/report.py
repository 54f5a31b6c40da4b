"""The report's page: how large it is, and how soon it can be used in a browser.

    python benchmarks/report.py
    python benchmarks/report.py --rows 500 --pictures 20      (a quick look)

Two hundred pictures of the drawn fabric, the busiest there is, each with four made-up maps, in a table of ten thousand
rows. The times are the browser's own, from the start of the navigation: until the page is parsed and all its scripts
have run (a person can then scroll, sort and filter), and until every picture is read. Needs Chromium for the times.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restora.demo.draw import draw
from restora.evaluation import Evaluation, Row, evaluate_rows
from restora.report.page import ReportPicture, write_report
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Prediction, Verdict

LARGEST = 15.0  # MB with 200 pictures
SOONEST = 1.0  # s until the page can be used
DRAWN = 8  # pictures that are really drawn; the maps of all differ
TIMING = """<pre id="timing"></pre><script>
addEventListener("load", () => {
  const times = performance.getEntriesByType("navigation")[0];
  document.getElementById("timing").textContent = JSON.stringify([times.domContentLoadedEventEnd, performance.now()]);
});
</script>"""


def made_up(rows: int, shown: int) -> tuple[Evaluation, list[ReportPicture], dict[str, object]]:
    """An evaluation of `rows` pictures of which `shown` are in the page, with all that a report can have."""
    rng = np.random.default_rng(0)
    calibration = Calibration.fit(rng.gamma(20, 0.05, 199), rng.gamma(9, 0.01, 199))
    judged, pictures = [], []
    drawn = [draw("fabric", "good", number, 384).pixels for number in range(min(DRAWN, max(shown, 1)))]
    for number in range(rows):
        score, bad = float(rng.gamma(20, 0.05)), number % 2 == 1
        verdict: Verdict = "defect" if score + bad > calibration.promise().threshold else "ok"
        prediction = Prediction(f"test/{number:05d}.png", verdict, 0.5, score + bad, float(rng.gamma(9, 0.01)))
        judged.append(Row(prediction, int(bad), "thread" if bad else "good"))
        if number < shown:
            pictures.append(_picture(prediction, drawn[number % len(drawn)], bad, rng))
    facts: dict[str, object] = {"colours": calibration.colours(calibration.promise().rate), "strangest": pictures[:5]}
    return evaluate_rows({"name": "made up"}, judged, promise=calibration.promise()), pictures, facts


def _picture(prediction: Prediction, pixels: np.ndarray, bad: bool, rng: np.random.Generator) -> ReportPicture:
    map, probability, aleatoric, epistemic = rng.gamma(20, 0.05, (4, 96, 96)).astype(np.float32)
    return ReportPicture(
        name=prediction.name,
        kind="thread" if bad else "good",
        label=int(bad),
        verdict=prediction.verdict,
        p_value=prediction.p_value,
        score=prediction.score,
        doubt=prediction.doubt,
        pixels=pixels,
        map=map,
        probability=probability / probability.max(),
        aleatoric=aleatoric,
        epistemic=epistemic,
    )


def time_page(browser: str, page: Path, runs: int) -> list[float]:
    """Medians, in seconds: until all scripts have run, and until every picture is read."""
    timed = page.with_name("timed.html")
    timed.write_text(page.read_text(encoding="utf-8").replace("</body>", TIMING + "</body>"), encoding="utf-8")
    times = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as profile:
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
            command += ["--window-size=1440,900", "--dump-dom", timed.as_uri()]
            dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        found = re.search(r'<pre id="timing">(\[.*?\])</pre>', dumped)
        if found is None:
            raise SystemExit("The browser did not say how long it took.")
        times.append(json.loads(found[1]))
    return [statistics.median(values) / 1000 for values in zip(*times, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, help="keep the page in this file")
    chosen = parser.parse_args(arguments)
    evaluation, pictures, facts = made_up(max(chosen.rows, chosen.pictures), chosen.pictures)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        page = write_report(chosen.out or Path(folder) / "report.html", evaluation, pictures, facts=facts)
        seconds, size = time.perf_counter() - start, page.stat().st_size / 1e6
        print(f"{len(evaluation.rows)} rows, {len(pictures)} pictures: {size:.1f} MB, made in {seconds:.1f} s")
        print(f"  at most {LARGEST:.0f} MB: {'yes' if size <= LARGEST else 'NO'}")
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if browser is None:
            print("  no Chromium on this machine: not timed")
            return int(size > LARGEST)
        copy = Path(folder) / "page.html"
        shutil.copyfile(page, copy)
        usable, whole = time_page(browser, copy, chosen.runs)
    print(f"  usable after {usable:.2f} s, every picture read after {whole:.2f} s (medians of {chosen.runs})")
    print(f"  usable within {SOONEST:.0f} s: {'yes' if usable <= SOONEST else 'NO'}")
    return int(size > LARGEST or usable > SOONEST)


if __name__ == "__main__":
    raise SystemExit(main())
