"""The reference pages say what the docstrings say, of things that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import restora
from from_source.docstrings import to_markdown
from from_source.objects import aliases, fields, find, members, signature
from from_source.pages import PAGES, places, write_out


def test_names_with_texts_become_definitions_and_what_stands_between_them_stays():
    first = "First.\n\na : one\n    and more; b, c : two\nA sentence.\n\n"
    text = first + "raises : DataError for nothing\nreturns : (N,) float"
    assert to_markdown(text) == (
        "First.\n\n`a`\n:   one and more\n\n`b`, `c`\n:   two\n\nA sentence.\n\nReturns (N,) float\n\n"
        "Raises:\n\n- `DataError` for nothing"
    )


@pytest.mark.parametrize(
    ("sentence", "listed"),
    [
        (
            "Raises UsageError for a or b, MissingError for d.",
            ["`UsageError` for a or b", "`MissingError` for d"],
        ),
        ("Look. Raises DataError: nothing there.", ["`DataError`: nothing there"]),
        ("x : a shape. Raises PictureError if it is torn.", ["`PictureError` if it is torn"]),
        ("Raises UsageError, before anything is written, for x.", ["`UsageError`, before anything is written, for x"]),
    ],
)
def test_what_is_raised_becomes_a_list(sentence, listed):
    said = to_markdown(sentence).split("Raises:\n\n")
    assert said[1].split("\n") == [f"- {one}" for one in listed]
    assert "Raises" not in said[0]


def test_a_drawing_stays_a_drawing_and_a_name_with_a_place_becomes_a_link():
    assert to_markdown("A\n├── B\n└── C") == "```text\nA\n├── B\n└── C\n```"
    said = to_markdown("See `here`, `there` and ``here``.\n\nx : as `here`", {"here": "page.md#here"}.get)
    assert said == "See [`here`](page.md#here), `there` and ``here``.\n\n`x`\n:   as [`here`](page.md#here)"


def test_signatures_are_those_of_the_source():
    assert signature(find("restora.metrics.auroc")) == (
        "restora.metrics.auroc(good: ArrayLike, bad: ArrayLike) -> float | None"
    )
    look = next(one for one in members(find("restora.Detector")) if one.last == "look")
    assert "    maps: bool = True,\n" in signature(look)
    assert "self" not in signature(look)
    assert aliases(look) == ["PictureSource = str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image"]
    assert signature(find("restora.Region")).split("\n")[1] == "    bbox: tuple[int, int, int, int]"
    steps = {name: text for name, _, text in fields(find("restora.methods.settings.FitSettings"))}
    assert steps["batch"] == "Pictures a step."


def test_a_function_is_found_where_a_module_has_its_name():
    assert signature(find("restora.demo.draw")).startswith("restora.demo.draw(")
    with pytest.raises(LookupError, match=r"restora\.nothing"):
        find("restora.nothing")
    with pytest.raises(LookupError, match=r"## ::: restora\.Region \(nothing\): .* has no nothing"):
        write_out("## ::: restora.Region (nothing)")


def test_every_public_name_has_a_place():
    public = {f"restora.{name}" for name in restora.__all__ if name not in ("metrics", "__version__")}
    metrics = {f"restora.metrics.{name}" for name in restora.metrics.__all__}
    assert public | metrics <= set(places())


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_line_of_a_page_stands_for_something_with_a_docstring_and_an_anchor_of_its_own(page: Path):
    written = write_out(page.read_text(encoding="utf-8"))
    assert ":::" not in written
    anchors = re.findall(r"\{ #(\S+) \}$", written, flags=re.MULTILINE)
    assert anchors
    assert len(set(anchors)) == len(anchors)
    placed = {place.partition("#")[2] for place in places().values() if place.startswith(f"{page.name}#")}
    assert placed - {"errors"} == set(anchors)
    for heading, code, text in re.findall(r"^#+ (.*) \{ #.*\n\n```python\n(.*?)\n```\n\n(.*)$", written, re.M | re.S):
        assert code.strip(), heading
        assert text.strip(), heading
