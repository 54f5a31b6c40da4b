"""Views of the teaching pictures: strong crops, turns, zooms, mosaics, and changes of light and colour."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from teaching.pool import Pool

SIDES = (128, 160, 192, 224, 256, 320)
#: Picture pixels a batch, whatever the side.
AREA = 28 * 192 * 192


def draw_batch(pool: Pool, rng: np.random.Generator) -> Tensor:
    """A batch of square views, float32 [N, 3, S, S], 0..255: S is any of `SIDES`, N so that the area stays."""
    side = int(rng.choice(SIDES))
    count = round(AREA / side**2)
    views = torch.stack(
        [_mosaic(pool, side, rng) if rng.random() < 0.25 else _crop(pool, side, rng) for _ in range(count)]
    )
    return relight(_patched(views, rng), rng)


def _crop(pool: Pool, side: int, rng: np.random.Generator) -> Tensor:
    """A square part of a picture, turned, mirrored, stretched and brought to `side`: at most 2.5 times as large."""
    picture = pool.pick(rng).float()
    height, width = picture.shape[1:]
    shorter = min(height, width)
    least = min(1.0, max(0.3, side / (2.5 * shorter)))
    cut = shorter * float(np.exp(rng.uniform(np.log(least), 0.0)))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else 0.5 * np.pi * rng.integers(4) + rng.normal(0, 0.04)
    stretch = float(np.exp(rng.normal(0, 0.12)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle) * cut / 2, np.sin(angle) * cut / 2
    x, y = rng.uniform(-1, 1, 2) * (1 - cut / np.array([width, height])).clip(0)
    matrix = [
        [mirror * stretch * cos / (width / 2), -sin / stretch / (width / 2), x],
        [mirror * stretch * sin / (height / 2), cos / stretch / (height / 2), y],
    ]
    theta = torch.tensor([matrix], dtype=torch.float32)
    grid = functional.affine_grid(theta, [1, 3, side, side], align_corners=False)
    return functional.grid_sample(picture[None], grid, padding_mode="reflection", align_corners=False)[0]


def _mosaic(pool: Pool, side: int, rng: np.random.Generator) -> Tensor:
    """Four small views side by side: much detail, straight edges."""
    half = side // 2
    tiles = [_crop(pool, half, rng) for _ in range(4)]
    return torch.cat([torch.cat(tiles[:2], dim=2), torch.cat(tiles[2:], dim=2)], dim=1)


def _patched(views: Tensor, rng: np.random.Generator) -> Tensor:
    """A rectangle of another view laid over some of them."""
    count, side = len(views), views.shape[-1]
    for number in np.flatnonzero(rng.random(count) < 0.25):
        high, wide = (int(side * share) for share in rng.uniform(0.05, 0.5, 2))
        top, left = int(rng.integers(side - high)), int(rng.integers(side - wide))
        other = int(rng.integers(count))
        views[number, :, top : top + high, left : left + wide] = views[other, :, top : top + high, left : left + wide]
    return views


def relight(views: Tensor, rng: np.random.Generator) -> Tensor:
    """Other light, other cameras: grey, gamma, contrast, colour casts, darkness, negatives, blur and noise."""
    count = len(views)

    def some(share: float) -> Tensor:
        return torch.from_numpy((rng.random(count) < share).astype(np.float32)).view(-1, 1, 1, 1)

    def number(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels)).astype(np.float32)).view(-1, channels, 1, 1)

    x = (views / 255).clamp(0, 1)
    x = torch.lerp(x, x.mean(dim=1, keepdim=True), some(0.4))
    x = torch.lerp(x, 1 - x, some(0.06))
    x = x.clamp_min(1e-4) ** torch.exp(some(0.5) * number(-0.6, 0.6))
    x = x * (1 + some(0.4) * number(-0.2, 0.2, 3))
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    x = middle + (x - middle) * torch.exp(some(0.6) * number(-0.9, 0.5)) + some(0.5) * number(-0.2, 0.2)
    x = x * torch.lerp(torch.ones_like(middle), number(0.12, 0.8), some(0.25))
    x = torch.lerp(x, functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False), some(0.2))
    noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
    x = x + noise * some(0.5) * number(0, 0.04)
    return (x.clamp(0, 1) * 255).round()
