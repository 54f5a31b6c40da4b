"""The hybrid loss: how far a restoration lies from the clean features, cell by cell and in its structure.

That pixel and structural similarity are joined is published; the formulas and weights are our choice, and so is the
cosine beside them. Everything is computed in float32: a structural similarity is a quotient of differences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restora.methods.layers.ssim import Gms, Ssim, window_taps
from restora.methods.mfr_net.settings import LossSettings

# Keeps the cosine of an all-zero feature finite.
SMALLEST_SQUARE = 1e-6


class HybridLoss(nn.Module):
    """`forward(restored, clean, origin)` -> terms; maps [B, R, h, w] in the reduced space.

    grid  : (h, w)
    share : how many channels a direction stands for in the mean, R / C: the squared error is that of the whole feature
    """

    def __init__(self, settings: LossSettings, grid: tuple[int, int], share: float = 1.0) -> None:
        super().__init__()
        self.settings = settings
        self.share = share
        self.similarity: nn.Module | None = None
        if settings.structure_weight > 0 and settings.structure == "ssim":
            window = window_taps(settings.window, settings.window_side)
            self.similarity = Ssim(grid, window, span=settings.span, middle=settings.span / 2)
        elif settings.structure_weight > 0 and settings.structure == "gms":
            self.similarity = Gms(grid, settings.span)

    def forward(self, restored: Tensor, clean: Tensor, origin: Tensor) -> dict[str, Tensor]:
        """Weighted terms; `origin` [R, 1, 1] is added to both where the angle is taken."""
        with torch.autocast(clean.device.type, enabled=False):
            restored, clean = restored.float(), clean.float()
            terms: dict[str, Tensor] = {}
            if self.settings.pixel:
                terms["pixel"] = self.share * (restored - clean).square().mean()
            if self.settings.cosine_weight > 0:
                terms["cosine"] = self.settings.cosine_weight * angle(restored + origin, clean + origin).mean()
            if self.similarity is not None:
                terms["structure"] = self.settings.structure_weight * (1 - self.similarity(restored, clean)).mean()
        return terms


def angle(first: Tensor, second: Tensor) -> Tensor:
    """One minus the cosine between features [B, R, h, w]; [B, h, w]."""
    sizes = (first.square().sum(1) + SMALLEST_SQUARE) * (second.square().sum(1) + SMALLEST_SQUARE)
    return 1 - (first * second).sum(1) * sizes.rsqrt()
