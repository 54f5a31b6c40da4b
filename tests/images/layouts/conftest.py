"""Tiny pictures and masks, written by their names below a root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from PIL import Image

from restora.images.dataset import Item
from restora.images.tree import Tree

SHAPE = (6, 8)


class Draw(Protocol):
    def __call__(self, *names: str, value: int = 0, marked: int | None = None) -> None: ...


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Write 6 x 8 grey pictures of `value` at these names; a mask with one pixel of the value `marked`."""

    def write(*names: str, value: int = 0, marked: int | None = None) -> None:
        for name in names:
            pixels = np.full(SHAPE, value, dtype=np.uint8)
            if marked is not None:
                pixels[1, 2] = marked
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)

    return write


@pytest.fixture
def text(tmp_path: Path) -> Callable[[str, str], None]:
    """Write a text at a name."""

    def write(name: str, content: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")

    return write


@pytest.fixture
def at(tmp_path: Path) -> Callable[..., Tree]:
    """The tree of a folder below the root, of the root itself without a name."""
    return lambda name="": Tree.of(tmp_path / name)


@pytest.fixture
def row() -> Callable[[Item], tuple[object, ...]]:
    """What an item says, its masks by their last two names."""
    return lambda item: (item.name, item.split, item.label, item.kind, [Path(mask).name for mask in item.masks])
