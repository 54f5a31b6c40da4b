from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from restora.errors import MissingError, SettingsError
from restora.features import cache as cache_module
from restora.features.cache import FeatureCache, bytes_needed
from restora.features.levels import Body, Level
from restora.features.pyramid import Aggregate, Trunk
from restora.features.settings import PyramidPlan
from restora.features.weights import Weights

SIZE = (64, 96)
PLAN = PyramidPlan(levels=(1, 2))


class Strips(Body):
    """Two levels cut out of the picture: 12 channels at stride 2, 48 at stride 4, times `gain`."""

    levels = (Level("half", 12, 2), Level("quarter", 48, 4))

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.gain * torch.pixel_unshuffle(x, stride) for stride in (2, 4)]


def stand_in(gain: float = 1.0) -> tuple[Trunk, Aggregate]:
    return Trunk(Strips(gain), Weights("strips", None, "", "", "")), Aggregate(PLAN, Strips.levels)


def drawn(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)


def batched(pictures: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


def build(folder: Path, pictures: np.ndarray, gain: float = 1.0) -> FeatureCache:
    trunk, aggregate = stand_in(gain)
    batches = batched(pictures, 3)
    return FeatureCache.build(folder, trunk, aggregate, pictures=batches, count=len(pictures), size=SIZE)


def test_rows_come_back_as_the_trunk_gives_them(tmp_path: Path) -> None:
    pictures = drawn(7)
    trunk, aggregate = stand_in()
    batches = batched(pictures, 3)
    with FeatureCache.build(tmp_path, trunk, aggregate, pictures=batches, count=7, size=SIZE) as cache:
        expected = aggregate(trunk(torch.from_numpy(pictures).permute(0, 3, 1, 2))).levels
        assert len(cache) == 7
        for got, whole in zip(cache.batch([5, 0, 5]), expected, strict=True):
            assert got.dtype == torch.float32
            assert got.is_contiguous(memory_format=torch.channels_last)
            # float16 keeps 11 bits
            torch.testing.assert_close(got, whole[[5, 0, 5]], rtol=2**-11 + 1e-5, atol=1e-6)


def test_merged_levels_are_kept_apart_on_disk(tmp_path: Path) -> None:
    pictures, trunk = drawn(3), stand_in()[0]
    aggregate = Aggregate(PyramidPlan(levels=(1, 2), merge=True), Strips.levels)
    batches = batched(pictures, 2)
    with FeatureCache.build(tmp_path, trunk, aggregate, pictures=batches, count=3, size=SIZE) as cache:
        (got,) = cache.batch([2, 1])
        (whole,) = aggregate(trunk(torch.from_numpy(pictures).permute(0, 3, 1, 2))).levels
        torch.testing.assert_close(got, whole[[2, 1]], rtol=2**-10, atol=2e-3)
        taken = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert tuple(got.shape) == (2, 60, 32, 48)
    assert taken == bytes_needed(aggregate.inputs, SIZE, 3) < bytes_needed(aggregate.levels, SIZE, 3)


def test_a_walk_through_all_meets_every_picture_once_in_order(tmp_path: Path) -> None:
    with build(tmp_path, drawn(7)) as cache:
        walked = [torch.cat(levels) for levels in zip(*cache.batches(3), strict=True)]
        for got, expected in zip(walked, cache.batch(range(7)), strict=True):
            assert torch.equal(got, expected)


def test_each_level_is_scaled_by_its_own_deviation_over_all_pictures(tmp_path: Path) -> None:
    pictures = drawn(7)
    trunk, aggregate = stand_in()
    batches = batched(pictures, 3)
    with FeatureCache.build(tmp_path, trunk, aggregate, pictures=batches, count=7, size=SIZE) as cache:
        pooled = aggregate.pooled(trunk(torch.from_numpy(pictures).permute(0, 3, 1, 2)))
        expected = [float(level.double().std(correction=0)) for level in pooled]
        assert cache.deviations == pytest.approx(expected, rel=1e-5)
        assert aggregate.scale.tolist() == pytest.approx(expected, rel=1e-5)
        assert [float(level.std()) for level in cache.batch(range(7))] == pytest.approx([1, 1], rel=1e-3)


def test_the_size_said_beforehand_is_the_size_taken(tmp_path: Path) -> None:
    with build(tmp_path, drawn(5)):
        taken = sum(path.stat().st_size for path in tmp_path.iterdir())
    # two bytes a number: 12 channels on 32 x 48 and 48 channels on 16 x 24 cells, five pictures
    assert taken == bytes_needed(Strips.levels, SIZE, 5) == 2 * 5 * (12 * 32 * 48 + 48 * 16 * 24)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    build(tmp_path, drawn(9))
    with build(tmp_path, drawn(4)) as cache:
        assert len(cache) == 4


def test_a_disk_without_room_is_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: usage(10, 0, 1000))
    with pytest.raises(MissingError, match=r"need .* MB .* free"):
        build(tmp_path, drawn(2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_while_writing_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    trunk, aggregate = stand_in()

    class Full(FeatureCache):
        def _check_room(self, folder: Path, needed: int) -> None:
            (folder / "features-1.f16").symlink_to("/dev/full")

    with pytest.raises(MissingError, match="could not be written"):
        Full.build(tmp_path, trunk, aggregate, pictures=batched(drawn(2), 2), count=2, size=SIZE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gain", [1e6, float("nan"), float("inf")])
def test_features_that_float16_cannot_hold_are_refused(tmp_path: Path, gain: float) -> None:
    with pytest.raises(SettingsError, match="float16"):
        build(tmp_path, drawn(2), gain)
    assert list(tmp_path.iterdir()) == []


def test_a_size_the_trunk_cannot_take_is_refused(tmp_path: Path) -> None:
    trunk, aggregate = stand_in()
    with pytest.raises(SettingsError, match="64x96"):
        FeatureCache.build(tmp_path, trunk, aggregate, pictures=[], count=1, size=(63, 96))


def anonymous_memory() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's memory from /proc")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    pictures, rng = drawn(8), np.random.default_rng(1)
    trunk, aggregate = stand_in()

    def run(repeats: int) -> int:
        batches = (pictures for _ in range(repeats))
        count = 8 * repeats
        with FeatureCache.build(tmp_path, trunk, aggregate, pictures=batches, count=count, size=SIZE) as cache:
            for _ in range(repeats):
                cache.batch(rng.integers(0, count, 16))
            return anonymous_memory()

    few = run(4)
    assert run(100) - few < 8e6, "2,400 kB of features for few pictures, 59 MB for many"
