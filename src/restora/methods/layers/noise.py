"""Random masks: Perlin noise and blobs, never empty, made fine and brought to a coarse grid by averaging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


def perlin(height: int, width: int, cells: tuple[int, int], rng: np.random.Generator) -> Map:
    """Gradient noise (Perlin 1985, quintic fade) with `cells` = (rows, columns) lattice cells; [height,
    width], about -1..1.
    """
    angles = rng.uniform(0, 2 * np.pi, (cells[0] + 1, cells[1] + 1))
    rows = np.linspace(0, cells[0], height, endpoint=False)
    columns = np.linspace(0, cells[1], width, endpoint=False)
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[:, None], (columns - left)[None, :]

    def corner(row: int, column: int) -> NDArray[np.float64]:
        angle = angles[np.ix_(top + row, left + column)]
        dot: NDArray[np.float64] = np.sin(angle) * (down - row) + np.cos(angle) * (right - column)
        return dot

    def fade(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return t**3 * (t * (t * 6 - 15) + 10)

    upper = corner(0, 0) + fade(right) * (corner(0, 1) - corner(0, 0))
    lower = corner(1, 0) + fade(right) * (corner(1, 1) - corner(1, 0))
    noise: Map = (np.sqrt(2) * (upper + fade(down) * (lower - upper))).astype(np.float32)
    return noise


def perlin_mask(height: int, width: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Perlin noise of a random scale (2^0 to 2^5 lattice cells a side) above 0.5; may be empty."""
    cells = (2 ** int(rng.integers(0, 6)), 2 ** int(rng.integers(0, 6)))
    noise = perlin(height, width, cells, rng)
    return noise > 0.5


def blob_mask(height: int, width: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """One to three rotated ellipses with sides of 4 to 40 % of the picture; some thin as scratches."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    mask = np.zeros((height, width), bool)
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform(0, 1, 2) * (height, width)
        long = rng.uniform(0.04, 0.4) * min(height, width) / 2
        short = long * rng.uniform(0.15, 1.0)
        angle = rng.uniform(0, np.pi)
        along = (rows - centre[0]) * np.sin(angle) + (columns - centre[1]) * np.cos(angle)
        across = (rows - centre[0]) * np.cos(angle) - (columns - centre[1]) * np.sin(angle)
        mask |= (along / long) ** 2 + (across / short) ** 2 <= 1
    return mask


def random_mask(
    grid: tuple[int, int], rng: np.random.Generator, *, area: tuple[float, float] = (0.01, 0.4), fine: int = 4
) -> Map:
    """A soft mask on a grid of cells: [h, w] in 0..1, share of each cell that is covered.

    Half of the masks are Perlin, half blobs; drawn `fine` times finer than the grid and averaged, so that cells on an
    edge hold a share between 0 and 1: the ambiguous border is there on purpose. The covered share of the whole lies in
    `area`; a draw outside is repeated, and after twenty a blob cell block of the smallest allowed size is set.
    """
    height, width = grid[0] * fine, grid[1] * fine
    for _ in range(20):
        draw = perlin_mask if rng.random() < 0.5 else blob_mask
        mask = draw(height, width, rng)
        if mask.any() and area[0] <= mask.mean() <= area[1]:
            break
    else:
        mask = square_mask(height, width, area[0], rng)
    shares: Map = mask.reshape(grid[0], fine, grid[1], fine).mean(axis=(1, 3), dtype=np.float32)
    return shares


def square_mask(height: int, width: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A square that covers at least `share` of the field, at a random place."""
    side = min(height, width, max(1, int(np.ceil(np.sqrt(share * height * width)))))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = True
    return mask
