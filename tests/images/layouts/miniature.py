"""Tiny pictures in the trees that data sets are published in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from restora.images.dataset import Dataset

SHAPE = (6, 8)


def pictures(root: Path, *names: str, shape: tuple[int, int] = SHAPE) -> None:
    """Grey pictures, no two alike."""
    for index, name in enumerate(names):
        grey = np.full(shape, 40 + index % 100, dtype=np.uint8)
        grey[0, : len(name) % shape[1]] = sum(name.encode()) % 256
        _save(root / name, grey)


def mask(root: Path, name: str, rows: slice, value: int = 255, shape: tuple[int, int] = SHAPE) -> None:
    """A mask that marks whole rows of pixels."""
    marked = np.zeros(shape, dtype=np.uint8)
    marked[rows] = value
    _save(root / name, marked)


def counts(data: Dataset) -> dict[str, dict[str, int]]:
    """How many pictures of each kind lie in each part."""
    found = Counter((item.split, item.kind) for item in data.items)
    return {
        split: {kind: n for (part, kind), n in sorted(found.items()) if part == split} for split in ("train", "test")
    }


def marked_rows(data: Dataset, name: str, shape: tuple[int, int] = SHAPE) -> list[int] | None:
    """The rows that the masks of a picture mark together, None for a picture without a mask."""
    (item,) = [item for item in data.items if item.name == name]
    found = item.mask(shape)
    return None if found is None else np.flatnonzero(found.any(axis=1)).tolist()


def _save(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(samples).save(path)
