"""Good pictures with something pasted in: anomalies made before the trunk, to compare FASM's with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from restora.images.dataset import Item
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.methods.layers.noise import random_mask
from restora.training.textures import Pixels

# Sides of a mask's cells in pixels; every stride of a trunk's levels is a multiple or a part of it.
CELL = 4
OPAQUE = (0.3, 1.0)


def paste_pictures(
    items: Sequence[Item], textures: Sequence[Pixels], count: int, depth: int | None, rng: np.random.Generator
) -> Iterator[tuple[Pixels, Pixels, NDArray[np.float32]]]:
    """`count` good pictures, the same with a texture or a part of another good picture pasted in, and the mask.

    items : fitting pictures; textures : uint8 [H, W, 3], of the size that pictures are prepared to
    The mask is [H, W] in 0..1, the share of each pixel that was pasted over.
    """
    size = textures[0].shape[:2]

    def good() -> Pixels:
        item = items[int(rng.integers(len(items)))]
        return prepare(read_picture(item.source, name=item.name, depth=depth).pixels, (size[0], size[1]))

    for _ in range(count):
        clean = good()
        if rng.random() < 0.5:
            other = textures[int(rng.integers(len(textures)))]
        else:
            other = np.roll(good(), [int(rng.integers(side)) for side in size], (0, 1))
        cells = random_mask((size[0] // CELL, size[1] // CELL), rng, fine=CELL)
        mask = np.kron(cells, np.ones((CELL, CELL), np.float32))
        share = (mask * rng.uniform(*OPAQUE))[..., None]
        yield clean, np.clip(clean + share * (other.astype(np.float32) - clean), 0, 255).astype(np.uint8), mask
