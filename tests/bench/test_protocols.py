"""Every published data set has a page and a file that a benchmark takes, and the two name each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from restora.bench.cells import list_cells
from restora.bench.plan import BenchmarkSettings
from restora.config import read_settings

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "benchmarks/protocols").glob("*.toml"))
PAGES = [page for page in sorted((ROOT / "docs/protocols").glob("*.md")) if page.name != "index.md"]
INDEX = (ROOT / "docs/protocols/index.md").read_text(encoding="utf-8")


def test_every_set_has_a_page_and_a_file():
    assert len(FILES) == 14
    assert [file.stem for file in FILES] == [page.stem for page in PAGES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_asks_for_both_methods_and_both_joined_on_all_categories_with_three_seeds(file):
    plan = read_settings(file, BenchmarkSettings)
    cells = {(cell.row.name, cell.category, cell.seed) for cell in list_cells(plan)}
    rows = ("ura-net", "mfr-net", "both")
    assert cells == {(row, category, seed) for row in rows for category in plan.categories for seed in (0, 1, 2)}
    assert plan.mean == (tuple(plan.categories) if len(plan.categories) > 1 else ())
    assert all(category.path is not None and category.drawn is None for category in plan.categories.values())
    assert plan.data is None  # whose machine it is, the file does not know


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_and_file_name_each_other(page):
    text = page.read_text(encoding="utf-8")
    file = f"benchmarks/protocols/{page.stem}.toml"
    assert set(re.findall(r"benchmarks/protocols/[\w-]+\.toml", text)) == {file}
    assert f"docs/protocols/{page.name}" in (ROOT / file).read_text(encoding="utf-8")
    assert f"]({page.name})" in INDEX


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_first_folder_of_its_file_and_says_what_is_not_known(page):
    text = page.read_text(encoding="utf-8")
    plan = read_settings(ROOT / f"benchmarks/protocols/{page.stem}.toml", BenchmarkSettings)
    first = next(iter(plan.categories.values())).path
    assert f"`{first}/" in text
    assert f"`{first}`" in INDEX
    assert "not known here" in text
    for part in ("layout", "split", "picture size", "metrics", "averages", "licence", "paper"):
        assert f"| {part} |" in text
    for heading in ("What differs", "Reference results", "Figures of ours"):
        assert f"\n## {heading}\n" in text


def test_every_protocol_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs/protocols").glob("*.md"):
        assert f"protocols/{page.name}\n" in navigation
