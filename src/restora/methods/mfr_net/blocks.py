"""Hybrid transformer blocks: a convolution for what lies close beside attention for what lies far.

That the paper's network is a transformer of hybrid blocks is published; what is in one is our choice (pre-norm, three
residual steps). Norms are taken over a token's channels alone, so that no token hears of another but by convolution
and attention, and nothing is shared by pictures.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

# Up to here the fused attention takes twice as long on a processor in bfloat16; beyond, its thrift with memory counts.
FEW_TOKENS = 1000


class Around(nn.Module):
    """A 3 x 3 convolution of every channel by itself; tokens [B, h, w, D] -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix every token with its eight neighbours."""
        mixed: Tensor = self.conv(x.permute(0, 3, 1, 2))
        return mixed.permute(0, 2, 3, 1)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention [B, heads, N, d]; written out for few tokens, fused for many."""
    if query.shape[2] > FEW_TOKENS:
        fused: Tensor = F.scaled_dot_product_attention(query, key, value)
        return fused
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    return scores.softmax(-1) @ value


class Attention(nn.Module):
    """Self-attention of all tokens of a picture; [B, h, w, D] -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Let every token look at every other."""
        split = self.inward(x.flatten(1, 2)).unflatten(2, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = attend(query, key, value)
        result: Tensor = self.outward(mixed.transpose(1, 2).flatten(2)).reshape(x.shape)
        return result


class HybridBlock(nn.Module):
    """Convolution, attention, and a perceptron with a convolution inside; tokens [B, h, w, D] -> the same."""

    def __init__(self, width: int, heads: int, widening: int) -> None:
        super().__init__()
        self.near = nn.Sequential(nn.LayerNorm(width), Around(width), nn.GELU(), nn.Linear(width, width))
        self.far = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        inner = widening * width
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, inner), Around(inner), nn.GELU(), nn.Linear(inner, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the three steps."""
        x = x + self.near(x)
        x = x + self.far(x)
        result: Tensor = x + self.perceptron(x)
        return result
