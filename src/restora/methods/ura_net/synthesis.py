"""FASM: artificial anomalies made on the features (URA-Net's feature-level anomaly synthesis).

The public description names the level (features), the masks (Perlin noise) and textures as the source. The mixing is
our choice: inside a soft mask M the feature F becomes ``(1 - s M) F + s M O`` with strength s, where O comes from one
of the kinds below. The target of the restoration stays F.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.contract import Pasted
from restora.methods.layers.noise import random_mask
from restora.methods.ura_net.settings import SynthesisSettings


@dataclass(frozen=True)
class Spoiled:
    """A batch with artificial anomalies.

    pyramid : the spoiled features, shapes of the clean ones
    mask    : [B, 1, h, w] in 0..1 on the finest level's grid, share of each cell that was altered; 0 on clean samples
    clean   : what they are to be restored to
    """

    pyramid: Pyramid
    mask: Tensor
    clean: Pyramid


@dataclass(frozen=True)
class Source:
    """What a kind may draw from: the clean batch, the rows to be spoiled, and a pool of texture features.

    loudness : range of the noise, in multiples of a cell's own root mean square
    """

    levels: list[Tensor]
    rows: Tensor
    textures: list[Tensor] | None
    rng: np.random.Generator
    loudness: tuple[float, float] = (0.3, 1.2)

    def strides(self) -> list[int]:
        """How many finest cells one cell of each level spans."""
        return [self.levels[0].shape[-1] // level.shape[-1] for level in self.levels]

    def shift(self) -> tuple[int, int]:
        """A random roll of 2 to 12 finest cells each way, a multiple of the coarsest cell, never once around."""
        coarsest = max(self.strides())
        reach = np.maximum(np.arange(2, 13, 2) // coarsest * coarsest, coarsest)
        within = reach[reach < min(self.levels[0].shape[2:])]
        steps = self.rng.choice(within if len(within) else reach, 2) * self.rng.choice([-1, 1], 2)
        return int(steps[0]), int(steps[1])


def texture(source: Source) -> list[Tensor]:
    """Features of a texture that is no product (the description's own source)."""
    if source.textures is None:
        raise ValueError("texture anomalies need texture features")
    picks = torch.from_numpy(source.rng.integers(0, len(source.textures[0]), len(source.rows)))
    moved = source.shift()
    return [
        torch.roll(pool[picks].to(level), [step // stride for step in moved], (2, 3))
        for pool, level, stride in zip(source.textures, source.levels, source.strides(), strict=True)
    ]


def foreign(source: Source) -> list[Tensor]:
    """Normal features of another picture, from another place: near the normal ones, and still wrong here."""
    batch = len(source.levels[0])
    others = (source.rows + int(source.rng.integers(1, max(batch, 2)))) % batch
    moved = source.shift()
    return [
        torch.roll(level[others], [step // stride for step in moved], (2, 3))
        for level, stride in zip(source.levels, source.strides(), strict=True)
    ]


def shuffle(source: Source) -> list[Tensor]:
    """The picture's own cells in random order: normal content at places where it does not belong."""
    height, width = source.levels[-1].shape[2:]
    order = torch.from_numpy(source.rng.permutation(height * width))
    shuffled = []
    for level in source.levels:
        stride = level.shape[-1] // width
        blocks = F.pixel_unshuffle(level[source.rows], stride) if stride > 1 else level[source.rows]
        mixed = blocks.flatten(2)[:, :, order].view_as(blocks)
        shuffled.append(F.pixel_shuffle(mixed, stride) if stride > 1 else mixed)
    return shuffled


def noise(source: Source) -> list[Tensor]:
    """The feature plus Gaussian noise of some times the cell's own root mean square (`Source.loudness`)."""
    scale = float(source.rng.uniform(*source.loudness))
    noisy = []
    for level in source.levels:
        clean = level[source.rows]
        draw = torch.from_numpy(source.rng.standard_normal(clean.shape, dtype=np.float32)).to(clean)
        noisy.append(clean + scale * clean.square().mean(1, keepdim=True).sqrt() * draw)
    return noisy


def mirrored(source: Source) -> list[Tensor]:
    """The picture's features mirrored left to right and top to bottom: subtle; kept out of training to test with."""
    return [level[source.rows].flip(2, 3) for level in source.levels]


def swapped(source: Source) -> list[Tensor]:
    """The channels in reverse order: kept out of training to test with."""
    return [level[source.rows].flip(1) for level in source.levels]


KINDS: dict[str, Callable[[Source], list[Tensor]]] = {
    "texture": texture,
    "foreign": foreign,
    "shuffle": shuffle,
    "noise": noise,
    "mirrored": mirrored,
    "swapped": swapped,
}


def masks_for(mask: Tensor, levels: list[Tensor]) -> list[Tensor]:
    """The finest mask averaged to the grid of every level."""
    return [
        F.adaptive_avg_pool2d(mask, (level.shape[2], level.shape[3])) if level.shape[2:] != mask.shape[2:] else mask
        for level in levels
    ]


def plant(pyramid: Pyramid, kind: str, mask: Tensor, source: Source, strength: Tensor) -> list[Tensor]:
    """Mix one kind into the rows of `source`: [rows, C_l, H_l, W_l] a level; mask [rows, 1, h, w], strength
    [rows, 1, 1, 1].
    """
    others = KINDS[kind](source)
    clean = [level[source.rows] for level in pyramid.levels]
    return [
        level + (strength * share) * (other - level)
        for level, other, share in zip(clean, others, masks_for(mask, clean), strict=True)
    ]


def synthesise(
    pyramid: Pyramid, settings: SynthesisSettings, rng: np.random.Generator, textures: list[Tensor] | None = None
) -> Spoiled:
    """Spoil a batch: each sample stays clean or gets one kind, one mask and one strength (all drawn from `rng`)."""
    batch, _, *grid = pyramid.levels[0].shape
    levels = [level.clone() for level in pyramid.levels]
    mask = torch.zeros((batch, 1, *grid), dtype=levels[0].dtype)
    chosen = rng.integers(0, len(settings.kinds), batch)
    chosen[rng.random(batch) < settings.clean_share] = -1
    for number, kind in enumerate(settings.kinds):
        rows = torch.from_numpy(np.flatnonzero(chosen == number))
        if not len(rows):
            continue
        drawn = np.stack([random_mask((grid[0], grid[1]), rng, area=settings.area) for _ in rows])
        mask[rows] = torch.from_numpy(drawn)[:, None].to(mask)
        source = Source(pyramid.levels, rows, textures, rng)
        strength = torch.from_numpy(draw_strengths(len(rows), settings, rng)).to(levels[0])
        spoiled = plant(pyramid, kind, mask[rows].to(levels[0].device), source, strength.view(-1, 1, 1, 1))
        for level, rows_of_level in zip(levels, spoil_levels(spoiled, pyramid, rows, settings, rng), strict=True):
            level[rows] = rows_of_level
    return Spoiled(Pyramid(levels), mask.to(levels[0].device), pyramid)


def mix_pasted(pyramid: Pyramid, pasted: Pasted, settings: SynthesisSettings, rng: np.random.Generator) -> Spoiled:
    """Instead of FASM: samples that do not stay clean give way to pasted pictures, drawn from `rng`."""
    rows = torch.from_numpy(np.flatnonzero(rng.random(len(pyramid.levels[0])) >= settings.clean_share))
    picks = torch.from_numpy(rng.integers(0, len(pasted.mask), len(rows)))
    spoiled, clean = ([level.clone() for level in pyramid.levels] for _ in range(2))
    mask = torch.zeros_like(spoiled[0][:, :1])
    mask[rows] = pasted.mask[picks].to(mask)
    for levels, pool in ((spoiled, pasted.spoiled), (clean, pasted.clean)):
        for level, features in zip(levels, pool, strict=True):
            level[rows] = features[picks].to(level)
    return Spoiled(Pyramid(spoiled), mask, Pyramid(clean))


def draw_strengths(
    count: int, settings: SynthesisSettings, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Strength of each sample: 1 for the share at full strength, else uniform from the weakest to 1."""
    weak = rng.uniform(settings.weakest, 1, count)
    return np.where(rng.random(count) < settings.full_strength_share, 1, weak).astype(np.float32)


def spoil_levels(
    spoiled: list[Tensor], pyramid: Pyramid, rows: Tensor, settings: SynthesisSettings, rng: np.random.Generator
) -> list[Tensor]:
    """Now and then keep all levels but one as they were: defects that only a fine or only a coarse level sees."""
    if len(spoiled) == 1 or rng.random() >= settings.one_level_share:
        return spoiled
    kept = int(rng.integers(0, len(spoiled)))
    return [level if number == kept else pyramid.levels[number][rows] for number, level in enumerate(spoiled)]
