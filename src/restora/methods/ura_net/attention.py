"""RAM: the restoration attention module.

Marked places are rebuilt from *global normal* information: keys and values are tokens that began as real normal
features and are trained on, and the picture's own tokens weighted by their normality. Two gates keep a defect from
describing itself: `replace` puts learned normal features in its place before anything mixes, and inside the attention
the identity path and the query of a marked token are closed. The paper names the idea; this form is our choice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.layers.positions import sine_positions
from restora.methods.ura_net.settings import AttentionSettings, RestorerSettings

SMALLEST_NORMALITY = 1e-6


def widen(probability: Tensor, widening: float) -> Tensor:
    """Mask of what is to be restored: ``p + widening x p (1 - p)``, in 0..1.

    p (1 - p) is the whole doubt, aleatoric plus epistemic, so the mask grows where the perception hesitates.
    """
    return (probability + widening * probability * (1 - probability)).clamp(0, 1)


def mask_at(mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """The mask on a coarser grid: the maximum of the cells that fall together, so that nothing marked slips through."""
    if tuple(mask.shape[2:]) == grid:
        return mask
    stride = mask.shape[2] // grid[0]
    return F.max_pool2d(mask, stride)


class NormalFeatures(nn.Module):
    """Learned normal features that replace what is marked: one a place, or one for all places.

    `levels` hold [1, C_l, H_l, W_l] or [1, C_l, 1, 1]; they start at the mean over fitting pictures.
    """

    def __init__(self, shapes: list[tuple[int, int, int]], per_place: bool) -> None:
        super().__init__()
        self.levels = nn.ParameterList(
            nn.Parameter(torch.zeros(1, c, h if per_place else 1, w if per_place else 1)) for c, h, w in shapes
        )

    @torch.no_grad()
    def start(self, normal: Pyramid) -> None:
        """Begin at the mean of the normal features."""
        for mine, level in zip(self.levels, normal.levels, strict=True):
            axes = (0,) if mine.shape[2] > 1 or mine.shape[3] > 1 else (0, 2, 3)
            mine.copy_(level.mean(axes, keepdim=True))

    def forward(self, pyramid: Pyramid, mask: Tensor) -> list[Tensor]:
        """``(1 - m) f + m g`` at every cell of every level; exactly g where m is 1."""
        replaced = []
        for level, normal in zip(pyramid.levels, self.levels, strict=True):
            share = mask_at(mask, (level.shape[2], level.shape[3])).to(level.dtype)
            replaced.append((1 - share) * level + share * normal)
        return replaced


class RestorationAttention(nn.Module):
    """One pre-norm block: gated attention, then a small perceptron.

    `forward(tokens [B, N, D], mask [B, N, 1], normal [K, D] or None)` -> [B, N, D].

    With m the mask: the query is ``(1 - m) t + m e`` (e learned), an own key has the bias ``ln(1 - m)``, which
    multiplies its unnormalised weight by its normality, and the identity path carries ``(1 - m) t``.
    """

    positions: Tensor

    def __init__(
        self, grid: tuple[int, int], sizes: RestorerSettings, settings: AttentionSettings, mlp_ratio: int = 4
    ) -> None:
        super().__init__()
        width = sizes.width
        self.heads = sizes.heads
        self.gated = settings.mode == "gated"
        self.own_tokens = settings.own_tokens
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, mlp_ratio * width), nn.GELU(), nn.Linear(mlp_ratio * width, width)
        )
        self.register_buffer("positions", sine_positions(*grid, width), persistent=False)

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(-2, -3)

    def forward(self, tokens: Tensor, mask: Tensor, normal: Tensor | None) -> Tensor:
        """Restore the tokens; a token with mask 1 takes nothing from itself."""
        own = self.norm(tokens)
        kept = tokens
        queried = own
        if self.gated:
            queried = (1 - mask) * own + mask * self.mask_token
            kept = (1 - mask) * tokens
        query = self._split(self.query(queried + self.positions))
        keys, values, bias = self._memory(own, mask, normal)
        scores = query @ keys.transpose(-1, -2) / query.shape[-1] ** 0.5
        mixed = (scores + bias).softmax(-1) @ values
        restored = kept + self.out(mixed.transpose(1, 2).flatten(2))
        result: Tensor = restored + self.mlp(restored)
        return result

    def _memory(self, own: Tensor, mask: Tensor, normal: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values [B, heads, M, d] and the bias [B, 1, 1, M] that multiplies weights by normality."""
        batch = own.shape[0]
        sources, biases = [], []
        if self.own_tokens:
            sources.append(own + self.positions)
            normality = (1 - mask[..., 0]).clamp_min(SMALLEST_NORMALITY)
            biases.append(normality.log() if self.gated else torch.zeros_like(normality))
        if normal is not None:
            shared = self.norm(normal)[None].expand(batch, -1, -1)
            sources.append(shared)
            biases.append(own.new_zeros(batch, normal.shape[0]))
        both = self.key_value(torch.cat(sources, 1))
        width = both.shape[-1] // 2
        return self._split(both[..., :width]), self._split(both[..., width:]), torch.cat(biases, 1)[:, None, None]


class GlobalNormal(nn.Module):
    """K global normal tokens: patches of real normal features at the start, trained on; [K, features]."""

    def __init__(self, count: int, features: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.zeros(count, features))

    @torch.no_grad()
    def start(self, patches: Tensor, order: Tensor) -> None:
        """Begin as some rows of `patches` [P, features], picked by `order` (repeated where there are fewer)."""
        count = self.tokens.shape[0]
        picks = order.repeat(-(-count // len(order)))[:count]
        self.tokens.copy_(patches[picks])
