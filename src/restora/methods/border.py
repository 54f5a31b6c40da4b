"""How much stranger the border of good pictures looks than their inside, so that the map can be divided by it.

Near the border a trunk sees padding, and content enters and leaves with the least shift of a part; the same distance
means less there. Our choice, found on develop sets: most false maxima lay within a few cells of the border.
"""

from __future__ import annotations

import torch
from torch import Tensor


def border_factor(usual: Tensor, keep: Tensor, reach: int) -> Tensor:
    """Factor of every cell, at least 1, and 1 further than `reach` cells from the border (a quarter of a short side).

    usual : [h, w], mean map of fitting pictures; keep : [h, w], 1 where a cell counts
    A row's factor is its mean over that of the row `reach` cells further in, a column's likewise; a cell has the
    product of its two. Rows and columns, not cells: a side has few pictures' worth of evidence for each cell.
    """
    return _profile(usual, keep, reach)[:, None] * _profile(usual.T, keep.T, reach)[None, :]


def _profile(usual: Tensor, keep: Tensor, reach: int) -> Tensor:
    """Factors of the rows; [h]."""
    height = len(usual)
    reach = min(reach, height // 4)
    inner = torch.arange(height).clamp(reach, height - 1 - reach)
    counted = keep.sum(1)
    means = (usual * keep).sum(1) / counted.clamp_min(1)
    known = (counted > 0) & (counted[inner] > 0) & (means[inner] > 0)
    ratio = means / torch.where(known, means[inner], 1.0)
    return torch.where(known, ratio, 1.0).clamp_min(1)
