"""The small body: levels fused, squeezed to a coarse bottleneck, restored there by attention, and brought back up.

The squeeze keeps the identity path narrow: a defect that the perception missed has to pass a grid of 32-pixel cells.
There is no connection from input to output around it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.methods.ura_net.attention import GlobalNormal, RestorationAttention, mask_at
from restora.methods.ura_net.settings import AttentionSettings, RestorerSettings


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with a residual path; [B, C, H, W] -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels, 3)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return F.relu(x + self.second(self.first(x)))


class SqueezeBody(nn.Module):
    """Levels of stride s_1 < s_2 < ... and a mask -> the restored levels.

    `shapes` are (C_l, H_l, W_l), finest first; every level is half the one before it. The bottleneck is half of the
    last.
    """

    def __init__(
        self, shapes: list[tuple[int, int, int]], sizes: RestorerSettings, attention: AttentionSettings
    ) -> None:
        super().__init__()
        width, deepest = sizes.width, shapes[-1]
        self.grid = (deepest[1] // 2, deepest[2] // 2)
        self.encoders = nn.ModuleList(self._encoder(shape, deepest, width) for shape in shapes)
        self.fuse = conv(width * len(shapes), width, 1)
        self.squeeze = conv(width, width, 3, stride=2)
        self.before = nn.Sequential(*(ResidualBlock(width) for _ in range(sizes.blocks)))
        self.after = nn.Sequential(*(ResidualBlock(width) for _ in range(sizes.blocks)))
        self.up = conv(width, width, 3)
        self.decoders = nn.ModuleList(self._decoder(shape, deepest, width) for shape in shapes)
        self.attention: RestorationAttention | None = None
        self.normal: GlobalNormal | None = None
        if attention.mode != "off":
            self.attention = RestorationAttention(self.grid, sizes, attention, mlp_ratio=2)
            if attention.global_tokens:
                features = sum(shape[0] for shape in shapes)
                self.normal = GlobalNormal(attention.global_tokens, features)
                self.embed_normal = nn.Linear(features, width)

    @staticmethod
    def _encoder(shape: tuple[int, int, int], deepest: tuple[int, int, int], width: int) -> nn.Sequential:
        halvings = (shape[1] // deepest[1]).bit_length() - 1
        if not halvings:
            return conv(shape[0], width, 1)
        return nn.Sequential(*(conv(shape[0] if n == 0 else width, width, 3, stride=2) for n in range(halvings)))

    @staticmethod
    def _decoder(shape: tuple[int, int, int], deepest: tuple[int, int, int], width: int) -> nn.Sequential:
        doublings = (shape[1] // deepest[1]).bit_length() - 1
        # Narrowed before it is brought up: the same convolution on the fine grid cost a tenth of a whole look.
        steps: list[nn.Module] = [conv(width, shape[0], 1)] if doublings else []
        for _ in range(doublings):
            steps += [nn.Upsample(scale_factor=2), conv(shape[0], shape[0], 3)]
        return nn.Sequential(*steps, nn.Conv2d(shape[0] if doublings else width, shape[0], 1))

    @torch.no_grad()
    def start(self, levels: list[Tensor], order: Tensor) -> None:
        """Begin the global tokens as normal features, each level averaged over a bottleneck cell."""
        if self.normal is not None:
            cells = torch.cat([F.adaptive_avg_pool2d(level, self.grid) for level in levels], 1)
            patches = cells.flatten(2).transpose(1, 2).flatten(0, 1)
            self.normal.start(patches, order % len(patches))

    def forward(self, levels: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Restore levels [B, C_l, H_l, W_l] under a mask [B, 1, h, w] on the finest grid."""
        fused = self.fuse(torch.cat([encode(level) for encode, level in zip(self.encoders, levels, strict=True)], 1))
        x = self.before(self.squeeze(fused))
        if self.attention is not None:
            tokens = x.flatten(2).transpose(1, 2)
            marks = mask_at(mask, self.grid).to(x.dtype).flatten(2).transpose(1, 2)
            normal = self.embed_normal(self.normal.tokens) if self.normal is not None else None
            x = self.attention(tokens, marks, normal).transpose(1, 2).unflatten(2, self.grid)
        x = self.up(F.interpolate(self.after(x), scale_factor=2))
        return [decode(x) for decode in self.decoders]
