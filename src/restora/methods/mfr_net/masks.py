"""Crossed masks: sets of squares that are hidden in turn until every cell was hidden once.

The paper covers the feature map at random, with a side k and a number n; what n counts can be read in two ways. `parts`
disjoint sets of squares that cover the map between them (as RIAD does, Zavrtanik et al. 2021), or as many groups, each
of some masks that complement each other, restored group by group and averaged. Both are here; that a side need not
divide the grid, nor a number of sets the squares, is our choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from restora.methods.mfr_net.settings import MaskSettings

Masks = NDArray[np.bool_]


def partition(grid: tuple[int, int], side: int, sets: int, rng: np.random.Generator) -> Masks:
    """Cut a grid (rows, columns) of cells into `sets` disjoint sets of squares, at random; bool [sets, rows, columns].

    Every cell is true in exactly one. The sets' numbers of squares differ by one at most; squares at the lower and
    the right edge may be cut off. With fewer squares than sets some are empty.
    """
    down, across = -(-grid[0] // side), -(-grid[1] // side)
    owner = np.empty(down * across, np.int64)
    for number, squares in enumerate(np.array_split(rng.permutation(down * across), sets)):
        owner[squares] = number
    cells = np.kron(owner.reshape(down, across), np.ones((side, side), np.int64))[: grid[0], : grid[1]]
    masks: Masks = cells == np.arange(sets)[:, None, None]
    return masks


def training_masks(grid: tuple[int, int], count: int, settings: MaskSettings, rng: np.random.Generator) -> Masks:
    """One partition for each of `count` pictures, of a side drawn from the settings'; [sets, count, rows, columns]."""
    sides = rng.choice(settings.sides, count)
    return np.stack([partition(grid, int(side), settings.sets, rng) for side in sides], axis=1)


def ensemble(grid: tuple[int, int], settings: MaskSettings, rng: np.random.Generator) -> Masks:
    """Partitions that a prediction averages over, all sides alike; [members, sets, rows, columns]."""
    each = settings.members // len(settings.sides)
    sides = np.repeat(settings.sides, each)
    return np.stack([partition(grid, int(side), settings.sets, rng) for side in sides])
