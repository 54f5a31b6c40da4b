from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from restora.methods.layers.bayes import BayesConv2d, gaussian_kl


def layer(inputs: int = 3, outputs: int = 4, kernel: int = 3, *, samples: int = 1, rho: float = -1.0) -> BayesConv2d:
    torch.manual_seed(0)
    made = BayesConv2d(inputs, outputs, kernel, prior_std=0.3, samples=samples)
    with torch.no_grad():
        made.rho.copy_(rho + 0.5 * torch.randn_like(made.rho))
        made.bias.copy_(torch.randn(outputs))
    return made


def picture(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_the_kl_is_that_of_torch_distributions():
    made = layer()
    expected = kl_divergence(Normal(made.mu, made.std), Normal(torch.tensor(0.0), torch.tensor(0.3))).sum()
    torch.testing.assert_close(made.kl(), expected)


def test_the_kl_of_the_prior_itself_is_zero_and_of_a_shift_is_half_its_square():
    at = torch.zeros(5)
    assert gaussian_kl(at, torch.full((5,), 0.1), 0.1).item() == pytest.approx(0, abs=1e-6)
    # mean one deviation away: 1/2 nat a weight
    assert gaussian_kl(at + 0.1, torch.full((5,), 0.1), 0.1).item() == pytest.approx(2.5, rel=1e-5)


def test_flipout_spreads_as_the_weights_do():
    """Var y = conv(x^2, sigma^2) at every place, for independent Gaussian weights."""
    made, x = layer(), picture(1, 3, 6, 6)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        draws = torch.cat([made(x, generator) for _ in range(4000)])
        expected = F.conv2d(x.square(), made.std.square(), padding=1)[0]
        mean = made(x)[0]
    assert ((draws.mean(0) - mean).abs() < 5 * (expected / 4000).sqrt()).all()
    ratio = draws.var(0) / expected
    assert ratio.mean().item() == pytest.approx(1, abs=0.02)
    assert ratio.min() > 0.85
    assert ratio.max() < 1.15


def test_flipout_gives_every_picture_of_a_batch_its_own_noise():
    made = layer()
    x = picture(1, 3, 6, 6).expand(2, -1, -1, -1)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        noise = torch.stack([made(x, generator) - made(x) for _ in range(2000)])
    one, other = noise[:, 0].flatten(1), noise[:, 1].flatten(1)
    correlation = (one * other).mean(0) / (one.square().mean(0) * other.square().mean(0)).sqrt()
    assert correlation.abs().mean() < 0.05


def test_the_same_generator_gives_the_same_noise():
    made, x = layer(), picture(2, 3, 4, 4)
    first, second = (made(x, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, made(x, torch.Generator().manual_seed(6)))


def test_one_draw_is_the_means():
    made, x = layer(samples=1), picture(2, 3, 4, 4)
    made.draw(torch.Generator().manual_seed(0))
    assert torch.equal(made.forward_samples(x, shared=True), made(x))


def test_stored_draws_spread_as_the_weights_do():
    made = layer(samples=2000)
    made.draw(torch.Generator().manual_seed(0))
    draws = made.samples.view(2000, *made.mu.shape)
    assert ((draws.mean(0) - made.mu).abs() < 5 * made.std / 2000**0.5).all()
    assert ((draws.std(0) / made.std - 1).abs() < 0.1).all()


@pytest.mark.parametrize("shared", [True, False])
def test_all_draws_at_once_are_the_draws_one_by_one(shared):
    made = layer(samples=5)
    made.draw(torch.Generator().manual_seed(0))
    weights = made.samples.view(5, 4, 3, 3, 3)
    x = picture(2, 3 if shared else 15, 6, 7)
    given = [x] * 5 if shared else list(x.split(3, 1))
    expected = [F.conv2d(mine, w, made.bias, padding=1) for mine, w in zip(given, weights, strict=True)]
    torch.testing.assert_close(made.forward_samples(x, shared=shared), torch.cat(expected, 1))


def test_draws_are_stored_but_never_trained():
    made = layer(samples=2)
    assert "samples" in made.state_dict()
    assert {name for name, _ in made.named_parameters()} == {"mu", "rho", "bias"}
