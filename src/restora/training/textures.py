"""Pictures of textures that are no product: FASM takes their features for anomalies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restora.errors import DataError, PictureError
from restora.images.files import open_file
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.images.sources import expand_sources
from restora.methods.layers.noise import perlin

Pixels = NDArray[np.uint8]


def draw_texture(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A random texture [H, W, 3]: layered noise, stripes, checks or spots in two random colours, with grain."""
    kinds = (_layers, _stripes, _checks, _spots)
    pattern = kinds[int(rng.integers(len(kinds)))](size, rng)
    low, high = rng.uniform(0, 255, (2, 3))
    grain = rng.normal(0, rng.uniform(1, 12), (*size, 1))
    picture = low + pattern[..., None] * (high - low) + grain
    drawn: Pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return drawn


def _unit(values: NDArray[np.floating]) -> NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return (values.astype(np.float64) - low) / max(high - low, 1e-9)


def _layers(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    first = int(rng.integers(0, 4))
    octaves = (perlin(*size, (2**n, 2**n), rng) * rng.uniform(0.5, 0.9) ** (n - first) for n in range(first, first + 4))
    return _unit(sum(octaves, np.zeros(size, np.float32)))


def _phase(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.mgrid[: size[0], : size[1]]
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
    bent = perlin(*size, (4, 4), rng) * rng.uniform(0, 6)
    turned: NDArray[np.float64] = 2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle) + bent) / period
    return turned


def _stripes(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    waves = np.sin(_phase(size, rng))
    return _unit(np.tanh(waves * rng.uniform(0.5, 5)))


def _checks(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    return _unit(np.tanh(3 * np.sin(_phase(size, rng)) * np.sin(_phase(size, rng))))


def _spots(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    cells = 2 ** int(rng.integers(3, 6))
    return _unit(np.tanh(8 * (perlin(*size, (cells, cells), rng) - rng.uniform(-0.2, 0.4))))


def texture_pictures(
    count: int, size: tuple[int, int], rng: np.random.Generator, folder: Path | None = None
) -> Iterator[Pixels]:
    """`count` texture pictures [H, W, 3] at the model's size; from a folder of pictures, else drawn.

    Raises DataError when the folder holds no readable picture.
    """
    if folder is None:
        yield from (draw_texture(size, rng) for _ in range(count))
        return
    paths = [source.locator for source in expand_sources([folder])]
    made = 0
    for number in rng.permutation(max(count, len(paths))):
        if made == count:
            return
        try:
            picture = read_picture(paths[int(number) % len(paths)])
        except PictureError:
            continue
        made += 1
        yield prepare(_crop(picture.pixels, rng), size)
    if not made:
        raise DataError(f"{folder} holds no readable picture; name a folder of textures or leave --textures out")


def list_textures(folder: Path) -> str:
    """Hash of the names and sizes of the pictures in a folder: whether it is still the same one.

    Raises DataError when it is empty or no folder.
    """
    sources = list(expand_sources([folder]))
    listed = [
        f"{Path(str(one.locator)).relative_to(folder) if folder.is_dir() else one.name} {_size(str(one.locator))}"
        for one in sources
    ]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def _size(locator: str) -> int:
    if os.path.exists(locator):
        return os.stat(locator).st_size
    with open_file(locator) as stream:  # a member of an archive
        return stream.seek(0, os.SEEK_END)


def _crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A random part of at least half of each side."""
    height, width = (max(1, int(side * rng.uniform(0.5, 1))) for side in pixels.shape[:2])
    top = int(rng.integers(0, pixels.shape[0] - height + 1))
    left = int(rng.integers(0, pixels.shape[1] - width + 1))
    return pixels[top : top + height, left : left + width]
