"""Benchmarks of seconds: files of two drawn products at 64 x 64 pixels, and cells that compute nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.bench.cells import Cell
from restora.bench.folder import Record
from restora.bench.plan import BenchmarkSettings
from restora.config import from_toml
from restora.images.dataset import Dataset
from restora.images.layouts import read_dataset
from tests.bench.records import record_of

SMALL = """
threads = 1
develop = ["fabric"]
report = ["cap"]
mean = ["fabric", "cap"]

[weights]
resnet18 = "random"

[categories]
fabric = { drawn = "fabric", good = 9, test_good = 2, defective = 1, size = 64 }
cap = { drawn = "cap", good = 9, test_good = 2, defective = 1, size = 64, hard = 0 }

[settings]
"ura_net.fit.steps" = 2
"ura_net.fit.batch" = 2

[[grid]]
methods = ["control", "ura-net"]
categories = ["fabric", "cap"]
seeds = [0, 1]
"""

SMALL_NETS = """
"ura_net.restorer.width" = 32
"ura_net.restorer.heads" = 2
"ura_net.perception.projection" = 8
"ura_net.perception.samples" = 2
"ura_net.residual.directions" = 8
"mfr_net.fit.steps" = 2
"mfr_net.fit.batch" = 2
"mfr_net.network.directions" = 16
"mfr_net.network.width" = 16
"mfr_net.network.heads" = 2
"mfr_net.network.blocks" = 1
"mfr_net.residual.directions" = 8
"""

Draw = Callable[[bool, int], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="session")
def write_set(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, dict[str, int], Draw], Dataset]:
    """Write and read a data set: so many pictures a folder, those of test/spot defective.

    draw : (whether it has a spot, its number) -> picture uint8 [H, W, 3], mask bool [H, W]
    """

    def written(name: str, counts: dict[str, int], draw: Draw) -> Dataset:
        root = tmp_path_factory.mktemp("data") / name
        (root / "ground_truth/spot").mkdir(parents=True)
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True)
            for number in range(count):
                picture, mask = draw(folder == "test/spot", number)
                Image.fromarray(picture).save(root / folder / f"{number:03d}.png")
                if mask.any():
                    Image.fromarray(mask).save(root / f"ground_truth/spot/{number:03d}_mask.png")
        return read_dataset(root, None)

    return written


@pytest.fixture
def toml() -> str:
    """A benchmark of eight cells, as text."""
    return SMALL


@pytest.fixture
def plan() -> Callable[[str], BenchmarkSettings]:
    return lambda text: from_toml(text, BenchmarkSettings)


@pytest.fixture
def small(toml) -> str:
    """One drawn product, and a category whose folder is not there."""
    return (
        toml.replace("[settings]\n", "[settings]" + SMALL_NETS)
        .replace("[0, 1]", "[0]")
        .replace("[categories]\n", '[categories]\ngone = "no/such/folder"\n')
    )


class Counter:
    """Computes cells without computing; `done` holds their labels. `ends` says what happens to some, by label."""

    def __init__(self, **ends: BaseException) -> None:
        self.done: list[str] = []
        self.ends = {label.replace("__", "-").replace("_", " "): error for label, error in ends.items()}

    def __call__(self, cell: Cell) -> Record:
        if cell.label in self.ends:
            raise self.ends[cell.label]
        self.done.append(cell.label)
        return record_of(cell)


@pytest.fixture
def counter() -> type[Counter]:
    return Counter


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write a benchmark's text to a file."""

    def written(text: str) -> Path:
        path = tmp_path / "small.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written
