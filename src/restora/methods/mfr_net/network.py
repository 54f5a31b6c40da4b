"""MFRNet: levels gathered, restored under crossed masks, and given back as levels.

Published: the features of a frozen network at several depths are restored instead of pixels, by a transformer of hybrid
blocks, under random masks that hide everything once between them; the loss joins pixels and structure, and so does
the map. Ours: where the levels meet (on the coarsest grid, a finer level's cells stacked into channels, so that
nothing is averaged away), the reduced space, and the spread over the masks as the doubt.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods.contract import Restoration
from restora.methods.mfr_net.settings import MfrNetSettings
from restora.methods.mfr_net.stream import Stream


class MfrNet(nn.Module):
    """The restorer of MFRNet.

    levels   : facts of the pyramid's levels, finest first; a grid is a whole multiple of the last
    size     : (height, width) of the prepared pictures
    pictures : how many fitting pictures there are; not needed
    """

    def __init__(
        self, settings: MfrNetSettings, levels: tuple[Level, ...], size: tuple[int, int], pictures: int = 1
    ) -> None:
        super().__init__()
        self.settings = settings
        self.textures: list[Tensor] | None = None
        shapes = [level.shape(size) for level in levels]
        self.grid = (shapes[-1][1], shapes[-1][2])
        self.factors = [shape[1] // self.grid[0] for shape in shapes]
        self.channels = [shape[0] * factor**2 for shape, factor in zip(shapes, self.factors, strict=True)]
        token = settings.network.token
        if settings.restore == "merged":
            streams = [Stream((sum(self.channels), *self.grid), settings, token)]
        else:
            # As many tokens on every level, so that a fine one costs no more than a coarse one.
            pairs = zip(shapes, self.factors, strict=True)
            streams = [Stream(shape, settings, token * factor) for shape, factor in pairs]
        self.streams = nn.ModuleList(streams)
        self.perceived = ("epistemic",) if settings.members > 1 else ()

    def _gathered(self, levels: list[Tensor]) -> list[Tensor]:
        """Levels -> one map a stream."""
        if self.settings.restore == "per_level":
            return levels
        pairs = zip(levels, self.factors, strict=True)
        return [torch.cat([F.pixel_unshuffle(level, factor) for level, factor in pairs], 1)]

    def _given_back(self, maps: list[Tensor]) -> list[Tensor]:
        """One map a stream -> levels."""
        if self.settings.restore == "per_level":
            return maps
        pairs = zip(torch.split(maps[0], self.channels, 1), self.factors, strict=True)
        return [F.pixel_shuffle(level, factor) for level, factor in pairs]

    def start(self, normal: Pyramid, rng: np.random.Generator) -> None:
        """Fit the reduced space to the normal features."""
        for stream, cells in self._pairs(normal.levels):
            stream.reduction.start(cells)

    def _pairs(self, levels: list[Tensor]) -> list[tuple[Stream, Tensor]]:
        return [(_stream(module), cells) for module, cells in zip(self.streams, self._gathered(levels), strict=True)]

    def losses(self, pyramid: Pyramid, rng: np.random.Generator, progress: float) -> dict[str, Tensor]:
        """The hybrid loss of the restoration under masks drawn anew, summed over the streams."""
        terms: dict[str, Tensor] = {}
        for stream, cells in self._pairs(pyramid.levels):
            for name, term in stream.losses(cells, rng).items():
                terms[name] = terms[name] + term if name in terms else term
        return terms

    def figures(self) -> dict[str, float]:
        """Nothing beside the losses."""
        return {}

    def draw(self, rng: np.random.Generator) -> None:
        """Draw the masks that prediction uses."""
        for module in self.streams:
            _stream(module).draw(rng)

    def restore(self, pyramid: Pyramid, mask: Tensor | None = None) -> Restoration:
        """Restore a pyramid; `mask` [B, 1, h, w] in 0..1 is hidden in every pass, beside the crossed masks."""
        maps, spreads = [], []
        for stream, cells in self._pairs(pyramid.levels):
            marked = F.adaptive_max_pool2d(mask, stream.grid) if mask is not None else None
            restored, spread = stream.restore(cells, marked)
            maps.append(restored)
            spreads.append(F.adaptive_avg_pool2d(spread, self.grid))
        levels = self._given_back(maps)
        return Restoration(levels, epistemic=torch.stack(spreads).mean(0) if self.perceived else None)


def _stream(module: nn.Module) -> Stream:
    if not isinstance(module, Stream):
        raise TypeError(f"{type(module).__name__} is no stream of MFRNet")
    return module
