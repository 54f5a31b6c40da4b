"""Which pictures a run's page shows, and that it holds them."""

from __future__ import annotations

import re

import pytest

from restora.bench.scores import Scored, choose, read_scores, write_scores
from restora.cli.run import run
from restora.errors import UsageError


def scored(label: int, *values: float) -> list[Scored]:
    return [Scored(f"{label}/{place}", label, value) for place, value in enumerate(values)]


def test_best_median_and_worst_are_by_the_rank_of_the_score():
    chosen = choose(scored(1, 5, 9, 7, 6, 8) + scored(0, 3, 1, 2, 5, 4))
    assert list(chosen.items()) == [
        ("0/1", ("best", 0)),
        ("0/0", ("median", 0)),
        ("0/3", ("worst", 0)),
        ("1/1", ("best", 1)),
        ("1/2", ("median", 1)),
        ("1/0", ("worst", 1)),
    ]


def test_each_picture_is_shown_once_and_ties_go_by_name():
    assert choose(scored(0, 1)) == {"0/0": ("best", 0)}
    assert choose(scored(0, 2, 1)) == {"0/1": ("best", 0), "0/0": ("worst", 0)}
    assert list(choose(scored(0, 1, 1, 1))) == ["0/0", "0/1", "0/2"]
    assert choose([]) == {}


def test_scores_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "rows/a.csv"
    rows = [Scored("test/good/a,b.png", 0, 0.123456786), Scored("test/spot/ü.png", 1, 1e-30)]
    write_scores(path, rows)
    assert read_scores(path) == rows
    path.write_text("name,label,score\na,0,high\n")
    with pytest.raises(UsageError, match="is damaged; remove it"):
        read_scores(path)


def test_a_page_holds_tables_and_pictures_of_every_category_and_nothing_is_computed_again(
    small, write, tmp_path, capsys
):
    text = small.replace('["control", "ura-net"]', '["control", "nearest-neighbour"]')
    line = ["benchmark", str(write(text)), "--out", str(tmp_path / "run"), "--categories", "cap"]
    assert run(line) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("[cmr]*/*")}
    (scores,) = (tmp_path / "run/rows").iterdir()
    wanted = choose(read_scores(scores))
    assert len(wanted) == 5  # two good pictures, and more defective ones
    assert run([*line, "--page"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("[cmr]*/*")} == before
    page = (tmp_path / "run/index.html").read_text(encoding="utf-8")
    assert re.findall(r'data-name="([^"]*)"', page) == list(wanted)
    assert re.findall(r"<figcaption>(\w+ \w+)</figcaption>", page) == [
        *("best good", "worst good", "best defective", "median defective", "worst defective")
    ]
    assert page.count('<img class="heat"') == 5
    assert page.count('<img class="truth"') == 3
    assert "nearest-neighbour, resnet18" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")

    kept = scores.read_bytes()
    scores.write_bytes(kept[:-3] + b"x\n")
    capsys.readouterr()
    assert run([*line, "--page"]) == 0
    assert "does not show pictures of control resnet18 cap 0: " in capsys.readouterr().err
    assert 'data-name="' not in (tmp_path / "run/index.html").read_text(encoding="utf-8")
    scores.unlink()  # as in a run from before scores were kept
    assert run([*line, "--page"]) == 0
    assert scores.read_bytes() == kept
    assert (tmp_path / "run/index.html").read_text(encoding="utf-8") == page
