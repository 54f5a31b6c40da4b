"""Damaged, odd and hostile pictures: each is a picture, an error row or a sentence."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from restora.bundle import read_model
from restora.detector.detector import Detector
from restora.errors import PictureError
from restora.images.decode import MAX_PIXELS
from restora.images.read import read_mask, read_picture, read_size
from restora.images.sources import Source

from .harness import Fault, explore, mostly, wrong_sentence
from .picture_cases import SUFFIXES, array_of, arrays, files, image_of, images, picture_bytes

cases = mostly(
    st.tuples(st.just("file"), files, st.sampled_from(SUFFIXES)),
    st.tuples(st.just("array"), arrays, st.none()) | st.tuples(st.just("image"), images, st.none()),
    3,
)
#: A few bytes may claim the largest picture that is read, of four 4-byte samples or copies a pixel.
LIMIT_GROWTH = 16 * MAX_PIXELS
DEPTHS = (None, 8, 10, 16)


class Brightness:
    """A stand-in for a graph, at the size of the tiny model: map = grey of cells, score = maximum, doubt = mean."""

    name = "brightness"

    def __call__(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        grey = batch.mean(axis=3, dtype=np.float32).reshape(len(batch), 8, 4, 16, 4).mean(axis=(2, 4))
        return {"map": grey, "score": grey.max(axis=(1, 2)), "doubt": grey.mean(axis=(1, 2))}


@pytest.fixture
def looked(tmp_path, tiny_model):
    """Reads a case by every way in, and judges it by a stand-in and by a real graph."""
    model = read_model(tiny_model)
    detectors = [Detector(model, Brightness(), batch=1), Detector(model, Detector.load(tiny_model).runtime, batch=2)]

    def body(case: tuple[str, Any, Any]) -> str:
        kind, recipe, suffix = case
        if kind == "file":
            content = picture_bytes(*recipe)
            path = tmp_path / f"picture{suffix}"
            path.write_bytes(content)
            sources: list[Any] = [path, content]
        else:
            sources = [array_of(*recipe) if kind == "array" else image_of(*recipe)]
        ends = [end_of_reading(source, DEPTHS[recipe[-1] % 4]) for source in sources]
        if len(set(ends)) > 1:
            raise Fault(f"the ways in differ: {ends}")
        detector = detectors[recipe[-1] % 2]
        rows = list(detector.predict([Source("a/b.png", sources[0])], maps=recipe[-1] % 3 == 0))
        check_row(rows, ends[0])
        return "error row" if rows[0].verdict == "error" else "verdict"

    return body


def end_of_reading(source: Any, depth: int | None) -> tuple[int, int] | None:
    """The shape of the picture, None where it is refused by its sentence; whatever else is wrong is a fault."""
    try:
        size = read_size(source)
    except PictureError as error:
        size = check_sentence(error)
    try:
        mask = read_mask(source)
    except PictureError as error:
        check_sentence(error)
    else:
        assert mask.dtype == np.bool_
    try:
        pixels = read_picture(source, depth=depth).pixels
    except PictureError as error:
        return check_sentence(error)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise Fault(f"a picture of {pixels.dtype} {pixels.shape}")
    if pixels.shape[:2] != size:
        raise Fault(f"read_size says {size}, the picture is {pixels.shape}")
    return pixels.shape[:2]


def check_sentence(error: PictureError) -> None:
    problem = wrong_sentence(str(error))
    if problem:
        raise Fault(problem)


def check_row(rows: list[Any], shape: tuple[int, int] | None) -> None:
    if len(rows) != 1 or rows[0].name != "a/b.png":
        raise Fault(f"one picture gave {rows}")
    (row,) = rows
    if (row.verdict == "error") != (row.error is not None) or (row.verdict == "error") != (row.score is None):
        raise Fault(f"half a row: {row}")
    if (row.verdict == "error") != (shape is None):
        raise Fault(f"reading gave {shape}, judging {row}")
    if row.map is not None and row.map.shape != shape:
        raise Fault(f"a map of {row.map.shape} for a picture of {shape}")


def check_quiet(said: str) -> None:
    """Nothing but what libtiff itself prints, which Pillow cannot turn off: "ZIPDecode: ...", "tempfile.tif: ..."."""
    libtiff = re.compile(r"(\w+|tempfile\.tif): ")
    assert [line for line in said.splitlines() if not libtiff.match(line)] == []
    assert "Traceback" not in said


def test_a_few_pictures(tally, looked, capfd):
    explore(tally("pictures"), cases, looked, 150, LIMIT_GROWTH)
    check_quiet(capfd.readouterr().err)


@pytest.mark.slow
def test_many_pictures(tally, looked, capfd):
    explore(tally("pictures"), cases, looked, 5000, LIMIT_GROWTH)
    check_quiet(capfd.readouterr().err)
