from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from restora.errors import MissingError, SettingsError
from restora.features.cache import FeatureCache, bytes_needed
from restora.features.pyramid import Aggregate, load_trunk
from restora.features.settings import SMALL

SIZE = (64, 96)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, *SIZE, 3), dtype=np.uint8)


def build(folder: Path, pictures: np.ndarray) -> tuple[FeatureCache, Aggregate, list[torch.Tensor]]:
    trunk = load_trunk("resnet18", weights="random", levels=SMALL.levels)
    aggregate = Aggregate(SMALL, trunk.levels)
    batches = (pictures[start : start + 3] for start in range(0, len(pictures), 3))
    cache = FeatureCache.build(folder, trunk, aggregate, pictures=batches, count=len(pictures), size=SIZE)
    with torch.inference_mode():
        expected = aggregate(trunk(torch.from_numpy(pictures).permute(0, 3, 1, 2))).levels
    return cache, aggregate, expected


def test_rows_come_back_as_the_trunk_gives_them(tmp_path: Path, pictures: np.ndarray) -> None:
    cache, _, expected = build(tmp_path, pictures)
    with cache:
        got = cache.batch([5, 0, 5])
        assert len(cache) == 7
        for level, whole in zip(got, expected, strict=True):
            assert level.dtype == torch.float32
            assert level.is_contiguous(memory_format=torch.channels_last)
            # float16 keeps 11 bits
            torch.testing.assert_close(level, whole[[5, 0, 5]], rtol=2**-10, atol=1e-4)
