"""The paper-sized body: one merged level cut into patches, a row of restoration attention blocks, and back
to features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restora.methods.ura_net.attention import GlobalNormal, RestorationAttention, mask_at
from restora.methods.ura_net.settings import AttentionSettings, RestorerSettings


class TokenBody(nn.Module):
    """[B, C, H, W] in patches of `token` x `token` cells -> the restored [B, C, H, W].

    At the paper's sizes (C = 1792, 64 x 64, patches of 4): 256 tokens of 768, 8 blocks, about 100.8 M parameters.
    """

    def __init__(self, shape: tuple[int, int, int], sizes: RestorerSettings, attention: AttentionSettings) -> None:
        super().__init__()
        channels, height, width = shape
        self.token = sizes.token
        self.grid = (height // sizes.token, width // sizes.token)
        self.embed = nn.Conv2d(channels, sizes.width, sizes.token, sizes.token)
        self.blocks = nn.ModuleList(RestorationAttention(self.grid, sizes, attention) for _ in range(sizes.blocks))
        self.head = nn.Sequential(
            nn.LayerNorm(sizes.width), nn.Linear(sizes.width, sizes.token * sizes.token * channels)
        )
        self.normal: GlobalNormal | None = None
        if attention.mode != "off" and attention.global_tokens:
            self.normal = GlobalNormal(attention.global_tokens, channels * sizes.token**2)

    @torch.no_grad()
    def start(self, levels: list[Tensor], order: Tensor) -> None:
        """Begin the global tokens as patches of normal features."""
        if self.normal is not None:
            patches = nn.functional.pixel_unshuffle(levels[0], self.token).flatten(2).transpose(1, 2).flatten(0, 1)
            self.normal.start(patches, order % len(patches))

    def _normal_tokens(self) -> Tensor | None:
        if self.normal is None:
            return None
        count = self.normal.tokens.shape[0]
        patches = self.normal.tokens.view(count, -1, self.token, self.token)
        embedded: Tensor = self.embed(patches)
        return embedded.flatten(1)

    def forward(self, levels: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Restore the one level under a mask [B, 1, H, W]."""
        tokens = self.embed(levels[0]).flatten(2).transpose(1, 2)
        marks = mask_at(mask, self.grid).to(tokens.dtype).flatten(2).transpose(1, 2)
        normal = self._normal_tokens()
        for block in self.blocks:
            tokens = block(tokens, marks, normal)
        patches = self.head(tokens).transpose(1, 2).unflatten(2, self.grid)
        return [nn.functional.pixel_shuffle(patches, self.token)]
