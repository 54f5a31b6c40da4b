"""CSV tables and folders of score maps, from nearly right to hopeless."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from .harness import mostly
from .picture_cases import DTYPES, HARMS, SHAPES, array_of, harmed, numbers

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32-be", "cp1252", "latin-1", "utf-7", "cp037")
PATHS = ("good.png", "bad.png", "gone.png", "broken.png", ".", "..", "../good.png", "list.csv", "a\0b.png", "a\nb.png",
         "x" * 300 + ".png", "sub\\good.png", "/dev/null", "", " good.png ", "ö.png", "\udcff.png", "pipe.png",
         "~/good.png", "*.png", "http://x/y.png")  # fmt: skip
LABELS = ("good", "defect", "", "0", "1", "OK", "maybe", "0.5", "NaN", "good,defect", "\u0660")
SPLITS = ("", "train", "test", "Test", "both", "train;test")
MASKS = ("", "mask.png", "mask.png|mask.png", "gone.png", "|", "good.png", "broken.png", "list.csv", "pipe.png")
COLUMNS = ("path", "label", "split", "kind", "mask", "group", "Path", " label ", "colour", "", "path")

#: Stands for a cell larger than a CSV reader takes.
LONG = "<long>"

cells = st.one_of(
    st.sampled_from(PATHS + LABELS + SPLITS + MASKS),
    st.text(max_size=12),
    st.sampled_from(("yy", LONG)),
)
plain_rows = st.tuples(
    st.sampled_from(("good.png", "bad.png", "ö.png", "sub\\good.png", " good.png ", "gone.png")),
    st.sampled_from(LABELS[:6]),
    st.sampled_from(SPLITS[:3]),
    st.sampled_from(("spot", "", "good")),
    st.sampled_from(("", "mask.png", "mask.png|mask.png")),
    st.sampled_from(("", "p1")),
).map(list)
named_rows = st.tuples(
    st.sampled_from(PATHS),
    st.sampled_from(LABELS),
    st.just("test"),
    st.just("spot"),
    st.sampled_from(MASKS),
    st.just(""),
).map(list)
odd_rows = st.lists(cells, max_size=8)
tables = st.tuples(
    mostly(st.just(list(COLUMNS[:6])), st.lists(st.sampled_from(COLUMNS), max_size=7)),
    mostly(
        st.lists(plain_rows, min_size=1, max_size=12),
        st.lists(st.one_of(plain_rows, named_rows), min_size=1, max_size=6)
        | st.lists(st.one_of(plain_rows, odd_rows), max_size=6),
        1,
    ),
    st.sampled_from((",", ",", ",", ";", "\t", "|")),
    st.sampled_from(("\n", "\n", "\n", "\r\n", "\r", "\u2028", "\x0b")),
    st.sampled_from(("always", "needed", "never", "open")),
    st.sampled_from(ENCODINGS[:2] * 9 + ENCODINGS),
    st.sampled_from(("none",) * 20 + tuple(HARMS)),
    numbers,
)


def table_bytes(case: tuple) -> bytes:
    """The bytes of a table: quoted or not, in its encoding, perhaps damaged."""
    head, rows, comma, end, quoting, encoding, harm, number = case
    lines = [comma.join(_quoted(cell, comma, quoting) for cell in row) for row in (head, *rows)]
    content = (
        end.join(lines)
        .replace(LONG, "y" * 140_000)
        .encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    )
    return harmed(content, harm, np.random.default_rng(number))


def _quoted(cell: str, comma: str, quoting: str) -> str:
    if quoting == "always" or (quoting == "needed" and (comma in cell or "\n" in cell)):
        return '"' + cell.replace('"', '""') + '"'
    return '"' + cell if quoting == "open" and len(cell) % 5 == 0 else cell


maps = st.tuples(
    st.sampled_from(("a", "b", "sub/a", "a_mask", "ö", ".a", "a.b")),
    st.sampled_from((".npy", ".npy", ".npy", ".png", ".tiff", ".TIF", ".npz", ".txt")),
    st.sampled_from(("map",) * 12 + ("mask", "odd", "folder", "pipe", "zip", "pickle", "claim", "head", "empty")),
    st.sampled_from(DTYPES),
    st.sampled_from(SHAPES),
    st.sampled_from(("none",) * 6 + tuple(HARMS)),
    numbers,
)
score_folders = st.tuples(st.lists(maps, max_size=4), st.lists(maps, max_size=4))


def write_map(folder: Path, recipe: tuple, default: str) -> None:
    """One file of a folder of maps or masks; `default` is what "map" and "mask" mean there."""
    name, suffix, kind, dtype, shape, harm, number = recipe
    path = folder / (name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        content = _map_bytes(kind, suffix, default, dtype, shape, number)
        path.write_bytes(harmed(content, harm, np.random.default_rng(number)))


def _map_bytes(kind: str, suffix: str, default: str, dtype: str, shape: tuple[int, ...], number: int) -> bytes:
    rng, stream = np.random.default_rng(number), io.BytesIO()
    if kind in ("map", "mask"):
        values = rng.random((6, 8)).astype(np.float32)
        array = (values > 0.7).astype(np.uint8) if default == "mask" else values
        if suffix in (".png", ".tiff", ".TIF"):
            image = Image.fromarray(array if suffix != ".png" else (array * 255).astype(np.uint16))
            image.save(stream, "PNG" if suffix == ".png" else "TIFF")
        else:
            np.save(stream, array)
    elif kind == "odd":
        array = array_of(dtype, shape, ("small", "nan", "inf", "huge")[number % 4], number)
        np.save(stream, array, allow_pickle=True)
    elif kind == "zip":
        np.savez(stream, a=np.zeros(3))
    elif kind == "pickle":
        np.save(stream, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    elif kind == "claim":  # a header that claims far more than follows
        height, width = rng.integers(1, 2**40, 2)
        head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({height}, {width}), }}"
        stream.write(b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head.encode())
    elif kind == "head":
        head = [b"(" * 5000, b"{'descr': 'O', 'fortran_order': 1}", b"{1: 2}", b"__import__('os')"][number % 4]
        stream.write(b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head)
    return stream.getvalue()
