"""A data set in a notebook: counts by hand, few pictures, and nothing from a name gets into the page as markup."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from restora.images.dataset import Dataset, Item
from restora.images.display import MOST_ROWS, SHOWN, THUMBNAIL_SIDE, chosen
from restora.images.layouts import read_dataset


class Balanced(HTMLParser):
    """Fails where a tag is not closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        if tag not in ("img", "br"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def cells(html: str) -> dict[str, list[str]]:
    rows = re.findall(r"<tr><th style='text-align:left'>(.*?)</th>(.*?)</tr>", html)
    return {name: re.findall(r"<td>(.*?)</td>", rest) for name, rest in rows}


def many(count: int) -> tuple[Item, ...]:
    return tuple(Item(f"{n}.png", f"/nowhere/{n}.png", "test", 1, f"kind{n:02}") for n in range(count))


def test_counts_and_pictures(category: Path):
    html = read_dataset(category)._repr_html_()
    Balanced(html)
    assert cells(html) == {"good": ["3", "2", "0"], "scratch": ["0", "2", "2"]}
    assert "7 pictures" in html
    assert html.count("<img ") == SHOWN


def test_a_thumbnail_is_the_picture_made_small(tmp_path: Path):
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 200:] = (250, 120, 10)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    item = Item("a.png", str(tmp_path / "a.png"), "train", 0, "good")
    html = Dataset("d", str(tmp_path), "folder", (item,))._repr_html_()
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    shown = Image.open(io.BytesIO(base64.b64decode(data)))
    assert shown.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)
    assert shown.getpixel((0, 0)) == (0, 0, 0)
    assert shown.getpixel((THUMBNAIL_SIDE - 1, 0)) == (250, 120, 10)
    assert "1 picture," in html


def test_every_kind_is_shown_before_a_second_of_one():
    goods = tuple(Item(f"g{n}", "", "train", 0, "good") for n in range(30))
    items = (*goods, Item("s", "", "test", 1, "scratch"), Item("u", "", "test", None, "unknown"))
    assert [item.name for item in chosen(items)] == ["g0", "g1", "g2", "g3", "s", "u"]
    assert [item.name for item in chosen(many(9))] == [f"{n}.png" for n in range(SHOWN)]
    assert chosen(()) == ()


def test_names_are_not_markup_and_unreadable_pictures_are_named():
    evil = '"><script>alert(1)</script>'
    html = Dataset(evil, "/", evil, (Item(evil, f"/{evil}", "test", 1, evil),))._repr_html_()
    Balanced(html)
    assert "<script" not in html
    assert "no such file" in html
    assert "<img " not in html


def test_a_label_counts_not_the_name_of_a_kind():
    items = (Item("a", "", "test", 1, "good"), Item("b", "", "test", 0, "good"), Item("c", "", "test", None, "x"))
    html = Dataset("d", "/", "table", items)._repr_html_()
    rows = re.findall(r"<tr><th style='text-align:left'>(.*?)</th><td>(\d+)</td><td>(\d+)</td>", html)
    assert rows == [("good", "0", "1"), ("good", "0", "1"), ("unlabelled", "0", "1")]


def test_many_kinds_are_counted_and_an_empty_data_set_shows_itself():
    html = Dataset("d", "/", "table", many(40))._repr_html_()
    assert len(cells(html)) == MOST_ROWS
    assert f"and {41 - MOST_ROWS} more" in html
    Balanced(Dataset("d", "/", "table", ())._repr_html_())


def test_colours_are_left_to_the_page(category: Path):
    assert not re.search(
        r"color|background|#[0-9a-f]{3}", re.sub(r'src="[^"]*"', "", read_dataset(category)._repr_html_())
    )
