"""Writes drawn products as a data set in the MVTec AD layout."""

from __future__ import annotations

import csv
import json
import math
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from restora.demo.draw import CLEAR, HARD, PRODUCTS, draw
from restora.errors import UsageError

MARK = "drawn.json"  # says what was drawn; a folder with it is ours to replace
STRENGTHS = "strengths.csv"  # path,kind,strength of every defective picture; hard ones have less than .25
WEAKEST = 0.08  # below, a hard defect would be no more than noise
DRAWING = 5  # raised whenever the same seed begins to give another picture


def write_products(
    folder: str | Path,
    product: str,
    *,
    good: int = 200,
    test_good: int = 40,
    defective: int = 10,
    size: int = 256,
    seed: int = 0,
    hard: float = 0.15,
) -> Path:
    """Draw `good` pictures to fit, `test_good` and `defective` of each kind to test; returns the data set's folder.

    The tree is folder/product/{train/good, test/good, test/KIND, ground_truth/KIND}, PNG throughout, masks 0 and 255.
    `hard` is the share of the defective pictures, 0..1, whose defect is weak (strength under .25, found after a look);
    they are spread over the kinds by the seed, in all as many as the share says, to one. The others have .4 to 1 and
    are seen at a glance. strengths.csv in the tree says which is which.
    No two pictures share a seed, so no defective picture has its good twin among the others, and more of one sort
    changes no picture of another. A folder that was drawn with the same wishes is taken as it is, one drawn with others
    is replaced.
    Raises UsageError for an unknown product, a negative number, a share outside 0..1, a size under 32, or a folder of
    other things.
    """
    if product not in PRODUCTS:
        raise UsageError(f"There is no drawn product {product!r}; there are: {', '.join(PRODUCTS)}.")
    if min(good, test_good, defective) < 0:
        raise UsageError("The numbers of pictures to draw must be 0 or more.")
    if not 0 <= hard <= 1:
        raise UsageError(f"The share of hard defects runs from 0 to 1, not {hard}.")
    wishes = {"product": product, "good": good, "test_good": test_good, "defective": defective}
    wishes |= {"size": size, "seed": seed, "hard": hard, "drawing": DRAWING}
    root = Path(folder) / product
    if _is_drawn(root, wishes):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own for every process: two that draw the same at once must not mix.
    with tempfile.TemporaryDirectory(prefix=f".{product}.", dir=root.parent, ignore_cleanup_errors=True) as scratch:
        unfinished = Path(scratch) / product
        _draw_all(unfinished, wishes)
        if not _is_drawn(root, wishes):
            shutil.rmtree(root, ignore_errors=True)
            unfinished.rename(root)
    return root


def _draw_all(folder: Path, wishes: dict[str, Any]) -> None:
    product, size, seed = wishes["product"], wishes["size"], wishes["seed"]
    folder.mkdir()
    rows: list[tuple[str, str, str]] = []
    for part, kind, index in _list(product, wishes["good"], wishes["test_good"], wishes["defective"]):
        strength = None if kind == "good" else _strength(product, kind, index, seed, wishes["hard"])
        drawn = draw(product, kind, _seed(seed, part, kind, index), size, strength=strength)
        path = folder / part / kind / f"{index:04d}.png"
        _save(path, drawn.pixels)
        if kind != "good":
            _save(folder / "ground_truth" / kind / f"{index:04d}_mask.png", drawn.mask.astype(np.uint8) * 255)
            rows.append((path.relative_to(folder).as_posix(), kind, f"{drawn.strength:.3f}"))
    with (folder / STRENGTHS).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("path", "kind", "strength"), *rows])
    (folder / MARK).write_text(json.dumps(wishes, indent=2) + "\n", encoding="utf-8")


def _is_drawn(root: Path, wishes: dict[str, Any]) -> bool:
    """Whether `root` holds just what is wished for. Raises UsageError where it holds what nobody drew."""
    if not root.exists():
        return False
    try:
        return bool(json.loads((root / MARK).read_text(encoding="utf-8")) == wishes)
    except (OSError, ValueError):
        raise UsageError(f"{root} holds something that was not drawn here; name another folder.") from None


def _list(product: str, good: int, test_good: int, defective: int) -> Iterator[tuple[str, str, int]]:
    yield from (("train", "good", index) for index in range(good))
    yield from (("test", "good", index) for index in range(test_good))
    for kind in PRODUCTS[product].kinds:
        yield from (("test", kind, index) for index in range(defective))


def _strength(product: str, kind: str, index: int, seed: int, hard: float) -> float:
    """Strength of one defect; how many there are changes none.

    Of the first n pictures of a kind, floor(n hard + phase) are hard. The phases of the kinds lie evenly between 0 and
    1, so the sum over all kinds is kinds * n * hard to one (Hermite's identity), however few there are of each.
    """
    kinds = PRODUCTS[product].kinds
    rng = np.random.default_rng([seed, zlib.crc32(product.encode())])
    phase = (rng.permutation(len(kinds))[kinds.index(kind)] + rng.random()) / len(kinds)
    weak = math.floor((index + 1) * hard + phase) > math.floor(index * hard + phase)
    rolled = np.random.default_rng(_seed(seed, "strength", kind, index)).random()
    return float(WEAKEST + (HARD - WEAKEST) * rolled) if weak else float(CLEAR + (1 - CLEAR) * rolled)


def _seed(seed: int, part: str, kind: str, index: int) -> int:
    text = f"{part}/{kind}".encode()
    return int(np.random.SeedSequence([seed, index, *text]).generate_state(1, np.uint64)[0])


def _save(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=3)
