"""One restoration network over one map of features: hide, embed, mix by hybrid blocks, take what was hidden.

Every cell of the result comes from a pass in which that cell was hidden, so it never depends on its own feature.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.methods.layers.positions import sine_positions
from restora.methods.mfr_net.blocks import HybridBlock
from restora.methods.mfr_net.losses import HybridLoss
from restora.methods.mfr_net.masks import ensemble, training_masks
from restora.methods.mfr_net.reduction import Reduction
from restora.methods.mfr_net.settings import MfrNetSettings, NetworkSettings


class Restoring(nn.Module):
    """The network itself: `forward(features [B, R, h, w], seen [B, 1, h, w])` -> [B, R, h, w].

    `seen` is 1 where a cell is shown and 0 where a learned value takes its place. A token is `token` x `token` cells;
    what a grid lacks to whole tokens is filled up with hidden cells.
    """

    positions: Tensor

    def __init__(self, channels: int, grid: tuple[int, int], sizes: NetworkSettings, token: int) -> None:
        super().__init__()
        self.grid = grid
        self.token = token
        tokens = (-(-grid[0] // token), -(-grid[1] // token))
        self.missing = (0, tokens[1] * token - grid[1], 0, tokens[0] * token - grid[0])
        self.hidden_value = nn.Parameter(torch.zeros(channels, 1, 1))
        self.embed = nn.Conv2d(channels + 1, sizes.width, token, token)
        self.blocks = nn.Sequential(
            *(HybridBlock(sizes.width, sizes.heads, sizes.widening) for _ in range(sizes.blocks))
        )
        self.head = nn.Sequential(nn.LayerNorm(sizes.width), nn.Linear(sizes.width, channels * token**2))
        positions = sine_positions(*tokens, sizes.width).reshape(*tokens, sizes.width)
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, features: Tensor, seen: Tensor) -> Tensor:
        """Restore every cell from those that are seen."""
        shown = torch.cat([seen * features + (1 - seen) * self.hidden_value, seen], 1)
        if any(self.missing):
            shown = F.pad(shown, self.missing)
        tokens = self.embed(shown).permute(0, 2, 3, 1)
        tokens = self.blocks(tokens + self.positions.to(tokens.dtype))
        patches = self.head(tokens).permute(0, 3, 1, 2)
        if self.token > 1:  # the shuffle of single cells is not free in a graph
            patches = F.pixel_shuffle(patches, self.token)[:, :, : self.grid[0], : self.grid[1]]
        return cast("Tensor", patches)


class Stream(nn.Module):
    """Masks, reduced space, network and loss of one map [B, C, h, w].

    shape : (C, h, w); token : side of a token in cells
    """

    hidden: Tensor

    def __init__(self, shape: tuple[int, int, int], settings: MfrNetSettings, token: int) -> None:
        super().__init__()
        self.grid = (shape[1], shape[2])
        self.settings = settings
        self.reduction = Reduction(shape[0], settings.network.directions)
        kept = self.reduction.kept
        self.network = Restoring(kept, self.grid, settings.network, token)
        self.loss = HybridLoss(settings.loss, self.grid, kept / shape[0])
        sets = settings.masks.sets if settings.masked else 1
        self.register_buffer("hidden", torch.ones(settings.members, sets, *self.grid))
        self.draw(np.random.default_rng(0))

    @torch.no_grad()
    def draw(self, rng: np.random.Generator) -> None:
        """Draw the masks that prediction uses: [members, sets, h, w], 1 where hidden."""
        if self.settings.masked:
            self.hidden.copy_(torch.from_numpy(ensemble(self.grid, self.settings.masks, rng)))

    def _assembled(self, reduced: Tensor, hidden: Tensor, marked: Tensor | None = None) -> Tensor:
        """What the sets restore between them; hidden [sets, B or 1, 1, h, w], one 1 a cell over the sets.

        `marked` [B, 1, h, w] in 0..1 hides more, in every pass.
        """
        seen = 1 - hidden if self.settings.masked else torch.ones_like(hidden)
        seen = seen.expand(-1, reduced.shape[0], -1, -1, -1)
        if marked is not None:
            seen = seen * (1 - marked)
        stacked = reduced.expand(len(seen), -1, -1, -1, -1)
        restored: Tensor = self.network(stacked.flatten(0, 1), seen.flatten(0, 1)).unflatten(0, (len(seen), -1))
        # The network gives numbers of one size; so the first principal components need not wait for large weights.
        return (hidden * restored).sum(0) * self.reduction.deviation

    def losses(self, cells: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """Terms of the loss for normal features [B, C, h, w], under masks drawn for each picture."""
        with torch.no_grad(), torch.autocast(cells.device.type, enabled=False):
            clean = self.reduction(cells)
        hidden = clean.new_ones(1, 1, 1, *self.grid)
        if self.settings.masked:
            drawn = training_masks(self.grid, len(cells), self.settings.masks, rng)
            hidden = torch.from_numpy(drawn).to(clean)[:, :, None]
        restored = self._assembled(clean, hidden)
        terms: dict[str, Tensor] = self.loss(restored, clean, self.reduction.origin)
        return terms

    def restore(self, cells: Tensor, marked: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The mean restoration [B, C, h, w] and the variance over the ensemble [B, 1, h, w], mean over directions."""
        reduced = self.reduction(cells)
        each = [self._assembled(reduced, hidden[:, None, None], marked) for hidden in self.hidden]
        members = torch.stack(each)
        mean = members.mean(0)
        spread = (members - mean).square().mean((0, 2))[:, None]
        return self.reduction.back(mean), spread
