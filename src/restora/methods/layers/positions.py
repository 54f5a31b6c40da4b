"""Fixed two-dimensional sine and cosine position codes."""

from __future__ import annotations

import torch
from torch import Tensor


def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """Position code [height * width, channels]; the first half tells rows apart, the second half columns.

    `channels` must be a multiple of 4. Wavelengths run from 2 pi to 10,000 x 2 pi cells (Vaswani et al. 2017).
    """
    if channels % 4:
        raise ValueError(f"a two-dimensional position code needs channels divisible by 4, not {channels}")
    quarter = channels // 4
    frequency = 10_000.0 ** (-torch.arange(quarter) / quarter)
    rows = torch.arange(height)[:, None] * frequency
    columns = torch.arange(width)[:, None] * frequency
    row_code = torch.cat([rows.sin(), rows.cos()], dim=1)[:, None].expand(height, width, 2 * quarter)
    column_code = torch.cat([columns.sin(), columns.cos()], dim=1)[None].expand(height, width, 2 * quarter)
    return torch.cat([row_code, column_code], dim=2).reshape(height * width, channels)
