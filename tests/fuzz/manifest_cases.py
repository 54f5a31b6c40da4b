"""Every way of changing a manifest and the folder around it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .picture_cases import HARMS, harmed, numbers

NAMES = ("../outside/secret.onnx", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "graph\0", ".hidden", "manifest.json",
         "n" * 300, "CON", "graph\n.onnx", "link.onnx", "folder", "pipe", "gone.onnx", "\udcff")  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(NAMES),
    st.sampled_from((10**30, -1, 0, 1e308, 2**63, "0" * 64, "1.0", "2.0", "1.9", "0.1", "x.y", "1", [], {}))
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
changes = st.tuples(
    st.sampled_from(("set", "drop", "add", "nest", "type", "alike", "alike", "alike", "alike")), numbers, VALUES
)
FOLDER = ("none", "none", "none", "none", "link out", "link in", "pipe", "folder", "swap", "extra", "unfinished link",
          "cut graph")  # fmt: skip
cases = st.tuples(
    st.lists(changes, min_size=1, max_size=3),
    st.sampled_from(("sealed", "sealed", "sealed", "unsealed", "bytes", "text")),
    st.sampled_from(tuple(HARMS)),
    st.sampled_from(FOLDER),
    st.sampled_from(("info", "info", "predict", "predict", "calibrate", "evaluate")),
    numbers,
)


def sealed(document: dict[str, Any]) -> bytes:
    """A manifest with the seal that its content asks for, as somebody would write it on purpose."""
    body = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=True)
    seal = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    text = json.dumps({**document, "seal": seal}, indent=1, ensure_ascii=False, allow_nan=True) + "\n"
    return text.encode("utf-8", "surrogatepass")


def manifest_bytes(whole: bytes, case: tuple) -> bytes:
    """The manifest of a case, made from a good one."""
    made, way, harm, _, _, number = case
    if way == "bytes":
        return harmed(whole, harm, np.random.default_rng(number))
    if way == "text":
        texts = (b"", b"null", b"[]", b"{" * 200_000, b'{"a":' * 60_000, b"1" * 10_000, b'{"format_version":"1.0"}',
                 b"\xff\xfe{}", b'{"format_version": 1' + b"0" * 6000 + b"}")  # fmt: skip
        return texts[number % len(texts)]
    document = json.loads(whole)
    seal = document.pop("seal")
    for change in made:
        _change(document, change)
    return sealed(document) if way == "sealed" else json.dumps({**document, "seal": seal}).encode("utf-8", "replace")


def _change(document: dict[str, Any], change: tuple) -> None:
    what, number, value = change
    places = list(_places(document))
    holder, key = places[number % len(places)]
    if what == "drop":
        del holder[key]
    elif what == "add" and isinstance(holder, dict):
        holder["more"] = value
    elif what == "nest":
        for _ in range(number % 300):
            value = [value]
        holder[key] = value
    elif what == "type":
        holder[key] = _of_other_type(holder[key])
    elif what == "alike":
        holder[key] = _alike(holder[key], np.random.default_rng(number))
    else:
        holder[key] = copy.deepcopy(value)


def _of_other_type(old: Any) -> Any:
    if isinstance(old, str):
        return [old]
    if isinstance(old, list):
        return {str(place): value for place, value in enumerate(old)}
    return list(old) if isinstance(old, dict) else str(old)


def _alike(old: Any, rng: np.random.Generator) -> Any:
    """Another value of the same type: many of these make a model that is as good as the first."""
    if isinstance(old, str):
        return old[: int(rng.integers(len(old) + 1))] + "é\n<b>&"[: int(rng.integers(7))]
    if isinstance(old, bool | None):
        return not old
    if isinstance(old, int | float):
        return type(old)(old + rng.choice([-1, 1, 0.5, 7, 1000, -(10**6), 10**12]))
    if isinstance(old, list):
        return [old[place] for place in rng.permutation(len(old))[: int(rng.integers(len(old) + 1))]]
    return {key: old[key] for key in rng.permutation(list(old)).tolist()} if old else {"a": 1}


def _places(value: Any) -> Any:
    """Every holder and key of a document; of long lists only the ends, or calibration scores would be all there is."""
    keys = list(value) if isinstance(value, dict) else sorted({0, len(value) - 1}) if value else []
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def change_folder(folder: Path, outside: Path, what: str) -> None:
    """Put links, pipes and other files where a model's own should be."""
    graph = next(folder.glob("graph-*"))
    weights = next(folder.glob("restorer-*"))
    if what == "link out":
        graph.unlink()
        graph.symlink_to(outside / "secret.onnx")
    elif what == "link in":
        content = graph.read_bytes()
        graph.unlink()
        (folder / "link.onnx").write_bytes(content)
        graph.symlink_to("link.onnx")
    elif what in ("pipe", "folder"):
        weights.unlink()
        os.mkfifo(weights) if what == "pipe" else weights.mkdir()
    elif what == "swap":
        content = graph.read_bytes()
        graph.write_bytes(weights.read_bytes())
        weights.write_bytes(content)
    elif what == "extra":
        (folder / "notes.txt").write_text("mine")
        (folder / "graph-0123456789ab.onnx").write_bytes(b"old")
    elif what == "unfinished link":
        (folder / ".unfinished-manifest.json").symlink_to(outside / "secret.onnx")
        (folder / ".unfinished-graph-0.onnx").symlink_to(outside / "not there")
    elif what == "cut graph":
        graph.write_bytes(graph.read_bytes()[:-3])
