"""Writes drawn products as a data set in the MVTec AD layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from restora.demo.draw import PRODUCTS, draw
from restora.errors import UsageError


def write_products(
    folder: str | Path,
    product: str,
    *,
    good: int = 200,
    test_good: int = 40,
    defective: int = 10,
    size: int = 256,
    seed: int = 0,
) -> Path:
    """Draw `good` pictures to fit, `test_good` and `defective` of each kind to test; returns the data set's folder.

    The tree is folder/product/{train/good, test/good, test/KIND, ground_truth/KIND}, PNG throughout, masks 0 and 255.
    No two pictures share a seed, so no defective picture has its good twin among the others.
    Raises UsageError for an unknown product or a negative number.
    """
    if product not in PRODUCTS:
        raise UsageError(f"There is no drawn product {product!r}; there are: {', '.join(PRODUCTS)}.")
    if min(good, test_good, defective) < 0:
        raise UsageError("The numbers of pictures to draw must be 0 or more.")
    root = Path(folder) / product
    for part, kind, index in _list(product, good, test_good, defective):
        drawn = draw(product, kind, _seed(seed, part, kind, index), size)
        _save(root / part / kind / f"{index:04d}.png", drawn.pixels)
        if kind != "good":
            _save(root / "ground_truth" / kind / f"{index:04d}_mask.png", drawn.mask.astype(np.uint8) * 255)
    return root


def _list(product: str, good: int, test_good: int, defective: int) -> Iterator[tuple[str, str, int]]:
    yield from (("train", "good", index) for index in range(good))
    yield from (("test", "good", index) for index in range(test_good))
    for kind in PRODUCTS[product].kinds:
        yield from (("test", kind, index) for index in range(defective))


def _seed(seed: int, part: str, kind: str, index: int) -> int:
    """A number of its own for every picture; more pictures of one kind leave all others as they were."""
    text = f"{part}/{kind}".encode()
    return int(np.random.SeedSequence([seed, index, *text]).generate_state(1, np.uint64)[0])


def _save(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=3)
