"""The features of the fitting pictures, kept in a file instead of in memory.

One file a level of the trunk, pooled but neither scaled nor merged (levels merged on the finest grid take four times
the room), float16, laid out [pictures, height, width, channels]: a picture is one piece of the file, and a batch is
a channels-last tensor as soon as it is read, three times faster than one that has to be turned first. Files are
written through and read by mapping, so that memory which belongs to the process stays the same however many pictures
there are.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restora.errors import MissingError, SettingsError
from restora.features.levels import Level
from restora.features.pyramid import Aggregate, Trunk

LARGEST = 65504.0  # of float16


def bytes_needed(levels: Sequence[Level], size: tuple[int, int], count: int) -> int:
    """Return the bytes that `count` pictures of `size` (height, width) take on disk; `levels`: `aggregate.inputs`."""
    return sum(2 * count * int(np.prod(level.shape(size))) for level in levels)


class FeatureCache:
    """Pooled features of the fitting pictures in files below `folder`; a context manager that removes them.

    `deviations`: standard deviation of each level over all pictures and cells, before it is scaled.
    """

    def __init__(self, folder: Path, aggregate: Aggregate, size: tuple[int, int]) -> None:
        self._aggregate = aggregate
        self._shapes = [level.shape(size) for level in aggregate.inputs]
        self._paths = [folder / f"features-{index}.f16" for index in range(len(self._shapes))]
        self._maps: list[NDArray[np.float16]] = []
        self.deviations: tuple[float, ...] = ()

    @classmethod
    def build(
        cls,
        folder: Path,
        trunk: Trunk,
        aggregate: Aggregate,
        *,
        pictures: Iterable[NDArray[np.uint8]],
        count: int,
        size: tuple[int, int],
    ) -> Self:
        """Run `trunk` over batches of prepared pictures uint8[B, H, W, 3] and keep what `aggregate` makes of them.

        `count` is the number of all pictures. `aggregate.scale` is set from what was seen, where its plan is scaled.
        Raises MissingError where the disk has no room, SettingsError for features that float16 cannot hold.
        """
        trunk.check_size(size)
        cache = cls(folder, aggregate, size)
        folder.mkdir(parents=True, exist_ok=True)
        cache.close()  # what a killed run may have left takes room
        cache._check_room(folder, bytes_needed(aggregate.inputs, size, count))
        try:
            moments = cache._write(trunk, aggregate, pictures)
        except BaseException:
            cache.close()
            raise
        cache.deviations = tuple(moment.deviation for moment in moments)
        aggregate.set_scale(cache.deviations)
        cache._maps = [np.memmap(p, np.float16, "r").reshape(-1, h, w, c) for p, (c, h, w) in cache._pairs()]
        return cache

    def __len__(self) -> int:
        return len(self._maps[0]) if self._maps else 0

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Tensor]:
        """Return the pyramids of some pictures: a channels-last float32[B, C_l, H_l, W_l] a level.

        They lie where `aggregate` lies.
        """
        rows, device = np.asarray(indices, dtype=np.int64), self._aggregate.scale.device
        pooled = [torch.from_numpy(held[rows]).to(device).permute(0, 3, 1, 2).float() for held in self._maps]
        return self._aggregate.finish(pooled).levels

    def batches(self, size: int) -> Iterator[list[Tensor]]:
        """Go once through all pictures in order, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))))

    def close(self) -> None:
        """Let go of the files and remove them."""
        self._maps = []
        for path in self._paths:
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pairs(self) -> Iterator[tuple[Path, tuple[int, int, int]]]:
        return zip(self._paths, self._shapes, strict=True)

    def _check_room(self, folder: Path, needed: int) -> None:
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise MissingError(
                f"The features of the fitting pictures need {needed / 1e6:,.0f} MB in {folder}, but only "
                f"{free / 1e6:,.0f} MB are free; make room, or use fewer or smaller pictures."
            )

    def _write(self, trunk: Trunk, aggregate: Aggregate, pictures: Iterable[NDArray[np.uint8]]) -> list[_Moment]:
        moments = [_Moment() for _ in self._paths]
        streams = [path.open("wb") for path in self._paths]
        try:
            for batch in pictures:
                for level, moment, stream in zip(_features(trunk, aggregate, batch), moments, streams, strict=True):
                    moment.add(level)
                    level.permute(0, 2, 3, 1).to(torch.float16).contiguous().cpu().numpy().tofile(stream)
        except OSError as error:
            raise MissingError(f"The features could not be written to {self._paths[0].parent}: {error}") from error
        finally:
            for stream in streams:
                stream.close()
        return moments


class _Moment:
    """Count, sum and sum of squares of the numbers seen so far, in float64."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def add(self, level: Tensor) -> None:
        low, high = (float(value) for value in torch.aminmax(level))
        if not max(-low, high) <= LARGEST:  # NaN fails too
            raise SettingsError(
                f"The trunk gives features up to {max(-low, high):.3g}, more than float16 can hold; use another trunk."
            )
        self.count += level.numel()
        self.total += float(level.mean()) * level.numel()
        self.squares += float(torch.linalg.vector_norm(level)) ** 2

    @property
    def deviation(self) -> float:
        mean = self.total / self.count
        return math.sqrt(max(0.0, self.squares / self.count - mean**2))


def _features(trunk: Trunk, aggregate: Aggregate, batch: NDArray[np.uint8]) -> list[Tensor]:
    pictures = torch.from_numpy(batch).to(trunk.mean.device).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return aggregate.pooled(trunk(pictures))
