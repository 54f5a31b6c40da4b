"""Links into pages lead to a heading, and every page is in the navigation, made with the extensions of mkdocs.yml."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

markdown = pytest.importorskip("markdown")

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXTENSIONS = re.findall(r"^  - ([\w.]+)", SETTINGS.partition("markdown_extensions:")[2], flags=re.MULTILINE)


@cache
def made(page: Path) -> str:
    """The page as HTML."""
    known = [name for name in EXTENSIONS if name != "toc"] + ["toc"]
    html: str = markdown.Markdown(extensions=known).convert(page.read_text(encoding="utf-8"))
    return html


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_headings(page: Path):
    for target in re.findall(r'(?:href|src)="([^":]+)"', made(page)):
        file, _, heading = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if heading and there.suffix == ".md":
            assert f'id="{heading}"' in made(there), target


def test_a_link_to_no_heading_would_be_found():
    index = ROOT / "docs/index.md"
    assert 'id="what-a-verdict-means"' in made(index)
    assert 'id="what-a-verdict-does-not-mean"' not in made(index)


@pytest.mark.parametrize("page", PAGES[2:], ids=name_of)
def test_a_page_is_in_the_navigation_and_has_one_title(page: Path):
    assert f" {page.relative_to(ROOT / 'docs').as_posix()}\n" in SETTINGS
    assert len(re.findall(r"<h1[ >]", made(page))) == 1
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", made(page))]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


@pytest.mark.parametrize("page", PAGES[2:], ids=name_of)
def test_every_picture_has_words_for_those_who_do_not_see_it(page: Path):
    for picture in re.findall(r"<img [^>]*>", made(page)):
        assert re.search(r'alt="[^"]{5,}"', picture), picture
