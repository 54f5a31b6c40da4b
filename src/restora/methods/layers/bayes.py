"""Mean-field Gaussian convolutions: one distribution a weight, closed-form KL, Flipout, stored draws.

Posterior ``q(w) = N(mu, softplus(rho)^2)``, prior ``p(w) = N(0, prior_std^2)`` (Blundell et al. 2015); training noise
by Flipout (Wen et al. 2018), which keeps the spatial correlation that one weight draw gives neighbouring cells. At
prediction no random operator runs: T weight draws are made once and kept as a buffer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# softplus(-5) = 0.0067. The customary start of -3 gives 0.049, more than the weights themselves (about 0.03 for
# 256 x 3 x 3 inputs), so the layer would start as noise.
RHO_START = -5.0


def gaussian_kl(mu: Tensor, std: Tensor, prior_std: float) -> Tensor:
    """KL of N(mu, std^2) from N(0, prior_std^2), summed over all weights, in nats; a scalar in float32."""
    mu, std = mu.float(), std.float()
    return (math.log(prior_std) - std.log() + (std.square() + mu.square()) / (2 * prior_std**2) - 0.5).sum()


def random_signs(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Signs -1 or 1 with equal chance, drawn on the processor so that every device sees the same."""
    return (torch.randint(0, 2, shape, generator=generator) * 2 - 1).to(like)


class BayesConv2d(nn.Module):
    """A 2-D convolution whose weights are distributions; the bias is a plain parameter.

    `forward` takes [B, C_in, H, W]. With a generator it adds Flipout noise, without one it uses the means.
    `forward_samples` takes [B, C_in, H, W] (shared) or [B, T * C_in, H, W] (one group a draw) and applies the T stored
    draws: [B, T * C_out, H, W].
    """

    samples: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, prior_std: float, samples: int = 1) -> None:
        super().__init__()
        self.prior_std = prior_std
        self.padding = kernel // 2
        self.mu = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.rho = nn.Parameter(torch.full_like(self.mu, RHO_START))
        self.bias = nn.Parameter(torch.zeros(outputs))
        # T draws stacked along the output channels, so that one convolution applies them all.
        self.register_buffer("samples", torch.zeros(samples * outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.mu, nonlinearity="relu")

    @property
    def std(self) -> Tensor:
        """Standard deviation of every weight, same shape as `mu`, float32."""
        return F.softplus(self.rho.float())

    def kl(self) -> Tensor:
        """KL of the posterior from the prior, summed over the weights, in nats."""
        return gaussian_kl(self.mu, self.std, self.prior_std)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Mean output; with `generator`, plus the Flipout noise of one weight draw."""
        mean = F.conv2d(x, self.mu, self.bias, padding=self.padding)
        if generator is None:
            return mean
        noise = torch.randn(self.mu.shape, generator=generator).to(self.mu) * self.std
        sign_in = random_signs((x.shape[0], x.shape[1], 1, 1), generator, x)
        sign_out = random_signs((x.shape[0], self.mu.shape[0], 1, 1), generator, x)
        return mean + sign_out * F.conv2d(x * sign_in, noise.to(x.dtype), padding=self.padding)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Store the T weight draws; T = 1 stores the means, so that one sample is the deterministic answer."""
        count = self.samples.shape[0] // self.mu.shape[0]
        if count == 1:
            self.samples.copy_(self.mu)
            return
        noise = torch.randn((count, *self.mu.shape), generator=generator).to(self.mu)
        self.samples.copy_((self.mu + noise * self.std).flatten(0, 1))

    def forward_samples(self, x: Tensor, *, shared: bool) -> Tensor:
        """All stored draws at once, stacked along the channels; `shared` when x is not yet a stack."""
        count = self.samples.shape[0] // self.mu.shape[0]
        bias = self.bias.repeat(count)
        return F.conv2d(x, self.samples, bias, padding=self.padding, groups=1 if shared else count)
