"""How a data set shows itself in a notebook: what it counts, and a few of its pictures.

Colours are left to the page, so that all of it is readable on a light one and on a dark one.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.errors import PictureError
from restora.images.read import read_picture

if TYPE_CHECKING:
    from restora.images.dataset import Dataset, Item

SHOWN = 6
THUMBNAIL_SIDE = 128
MOST_ROWS = 20


def dataset_html(dataset: Dataset) -> str:
    """A small self-contained piece of HTML: a count a part and kind, and up to `SHOWN` pictures, one a kind first."""
    good = ("good", "good")
    kinds = sorted({_kind(item) for item in dataset.items} - {good})
    counts = Counter((item.split, *_kind(item)) for item in dataset.items)
    masked = Counter(_kind(item) for item in dataset.items if item.masks)
    rows = [
        (words, counts["train", label, words], counts["test", label, words], masked[label, words])
        for label, words in [good, *kinds]
    ]
    title = f"<b>{escape(dataset.name)}</b>: {_pictures(len(dataset.items))}, layout {escape(dataset.layout)}"
    shown = "".join(_figure(item) for item in chosen(dataset.items))
    return (
        f"<div><p>{title}</p>{small_table(('', 'train', 'test', 'with mask'), rows)}"
        f"<div style='display:flex;flex-wrap:wrap;gap:8px'>{shown}</div></div>"
    )


def chosen(items: Sequence[Item]) -> tuple[Item, ...]:
    """At most `SHOWN` of the items, in their order: the first of each kind, then the first of the others."""
    first: dict[tuple[str, str], int] = {}
    for place, item in enumerate(items):
        first.setdefault(_kind(item), place)
    places = list(first.values())[:SHOWN]
    places += [place for place in range(min(len(items), 2 * SHOWN)) if place not in places][: SHOWN - len(places)]
    return tuple(items[place] for place in sorted(places))


def small_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table whose first column names its rows; everything is escaped, and rows beyond `MOST_ROWS` are counted."""
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows[:MOST_ROWS])
    more = f"<p>and {len(rows) - MOST_ROWS} more</p>" if len(rows) > MOST_ROWS else ""
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def inline_image(pixels: NDArray[np.uint8], words: str, side: int) -> str:
    """An `img` that needs no file: uint8 [H, W, 3] reduced to at most `side` pixels; `words` say what it shows."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{escape(words)}" src="data:image/png;base64,{data}">'


def _cells(row: Iterable[object]) -> str:
    name, *cells = (escape(str(cell)) for cell in row)
    return f"<th style='text-align:left'>{name}</th>" + "".join(f"<td>{cell}</td>" for cell in cells)


def _figure(item: Item) -> str:
    try:
        shown = inline_image(read_picture(item.source, name=item.name).pixels, item.name, THUMBNAIL_SIDE)
    except PictureError as error:
        shown = f"<small>{escape(str(error))}</small>"
    words = escape(f"{item.split}, {_kind(item)[1]}")
    return (
        f"<figure style='margin:0;max-width:{THUMBNAIL_SIDE}px;overflow-wrap:anywhere'>{shown}"
        f"<figcaption><small>{words}<br>{escape(item.name)}</small></figcaption></figure>"
    )


def _kind(item: Item) -> tuple[str, str]:
    """Label and kind; a defect may be called "good", or a kind "unlabelled", and stays what it is."""
    if item.label is None:
        return "unlabelled", "unlabelled"
    return ("good", "good") if item.label == 0 else ("defective", item.kind)


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"
