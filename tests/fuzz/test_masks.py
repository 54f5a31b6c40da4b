"""Data sets whose masks, names and pictures do not fit: inspected, evaluated, each to a record, rows or a sentence."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from .commands import check_json, check_nothing_unfinished, check_whole, command
from .harness import explore
from .picture_cases import HARMS, files, harmed, noise, numbers, picture_bytes

MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "I;16", "F", "CMYK")
NAMES = ("0_mask", "0", "1_mask_2", "0_mask_1", "0_MASK", "9_mask", "a/0_mask", "ö_mask", "o\u0308_mask", "0_mask.b")
marks = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from((".png", ".tif", ".bmp", ".jpg", ".webp", ".npy")),
    st.sampled_from(MODES),
    st.sampled_from(("fits", "fits", "fits", "other", "turned", "file")),
    st.sampled_from(("none", "none", *HARMS)),
    files,
)
PLACES = ("ground_truth/spot", "ground_truth/Spot", "ground_truth/good", "ground_truth", "masks")
cases = st.tuples(
    st.lists(st.tuples(st.sampled_from(PLACES), marks), min_size=1, max_size=3),
    st.sampled_from(("fits", "tiny", "large", "broken", "none")),
    st.sampled_from(("inspect", "inspect quick", "evaluate", "evaluate", "evaluate json", "report")),
    numbers,
)
SIZES = {"tiny": (1, 1), "large": (97, 130)}


def mask_bytes(recipe: tuple, shape: tuple[int, int], rng: np.random.Generator) -> bytes:
    """A mask as the recipe says: fitting, of another size, of other content altogether."""
    _, suffix, mode, fit, harm, other = recipe
    if fit == "file":
        return picture_bytes(*other)
    height, width = {"other": (shape[0] + 1, shape[1]), "turned": shape[::-1]}.get(fit, shape)
    if suffix == ".npy":
        stream = io.BytesIO()
        np.save(stream, rng.random((height, width)) < 0.1)
    else:
        stream = io.BytesIO()
        marked = Image.fromarray(((rng.random((height, width)) < 0.1) * 255).astype(np.uint8))
        form = {".png": "PNG", ".tif": "TIFF", ".bmp": "BMP", ".jpg": "JPEG", ".webp": "WEBP"}[suffix]
        try:
            marked.convert(mode if mode in ("1", "L", "F") else "RGB").convert(mode).save(stream, form)
        except (OSError, ValueError):  # a mode that this format does not store
            marked.save(stream, form)
    return harmed(stream.getvalue(), harm, rng)


def build(root: Path, case: tuple) -> None:
    """A data set in the layout of MVTec AD, with the masks of the case."""
    masks, pictures, _, number = case
    rng = np.random.default_rng(number)
    shape = SIZES.get(pictures, (32, 64))
    for name in ("train/good/0", "test/good/0", "test/good/1", "test/spot/0", "test/spot/1", "test/spot/ö"):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if pictures == "none" and "good" in name:
            continue
        samples = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(samples).save(path)
        if pictures == "broken" and rng.random() < 0.4:
            path.write_bytes(harmed(path.read_bytes(), "cut", rng))
    for place, recipe in masks:
        path = root / place / f"{recipe[0]}{recipe[1]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mask_bytes(recipe, shape, rng))


@pytest.fixture
def judged(tmp_path, tiny_model):
    """Builds a data set, runs the case's verb on it, and checks what it prints and writes."""
    root, page = tmp_path / "parts", tmp_path / "report.html"
    lines = {
        "inspect": ["data", "inspect", str(root), "--json"],
        "inspect quick": ["data", "inspect", str(root), "--quick"],
        "evaluate": ["evaluate", str(tiny_model), str(root)],
        "evaluate json": ["evaluate", str(tiny_model), str(root), "--json"],
        "report": ["evaluate", str(tiny_model), str(root), "--report", str(page)],
    }

    def body(case: tuple) -> str:
        shutil.rmtree(root, ignore_errors=True)
        page.unlink(missing_ok=True)
        build(root, case)
        ended = command(lines[case[2]])
        if "--json" in lines[case[2]]:
            check_json(ended)
        if page.exists():
            check_whole(page)
        assert page.exists() == (case[2] == "report" and ended.status < 2)
        check_nothing_unfinished(tmp_path)
        if case[2] == "evaluate json" and ended.out:
            counts = json.loads(ended.out)["dataset"]
            assert (counts["errors"] > 0) == (ended.status == 1)
        return ended.outcome

    return body


def test_noise_makes_any_mode():
    assert {noise(np.random.default_rng(0), mode).mode for mode in MODES} == set(MODES)


def test_a_few_masks(tally, judged):
    explore(tally("masks"), cases, judged, 40)


@pytest.mark.slow
def test_many_masks(tally, judged):
    explore(tally("masks"), cases, judged, 900)
