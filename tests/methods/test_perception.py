from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.ura_net.perception import Perception, probit_probability, split_doubt
from restora.methods.ura_net.settings import PerceptionSettings

SMALL = PerceptionSettings(projection=16, hidden=(16, 8), samples=4)


def perception(settings: PerceptionSettings = SMALL) -> Perception:
    torch.manual_seed(0)
    made = Perception([6, 10], settings)
    with torch.no_grad():  # wide weights, so that draws differ visibly
        for layer in made.bayesian:
            layer.rho.fill_(-2.0)
        made.head.bias[0] = 0.0
    made.draw(torch.Generator().manual_seed(1))
    return made.eval()


def pyramid(batch: int = 2) -> Pyramid:
    rng = torch.Generator().manual_seed(2)
    return Pyramid([torch.randn(batch, 6, 8, 8, generator=rng), torch.randn(batch, 10, 4, 4, generator=rng)])


def test_doubt_is_split_by_the_law_of_total_variance():
    draws = torch.rand(3, 9, 5, 5, generator=torch.Generator().manual_seed(0))
    seen = split_doubt(draws)
    total = seen.probability * (1 - seen.probability)
    torch.testing.assert_close(seen.aleatoric + seen.epistemic, total, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(seen.epistemic, draws.var(1, correction=0, keepdim=True))


def test_doubt_by_hand():
    # p = 0.2 and 0.8: mean 0.5; mean of p (1 - p) is 0.16; the two lie 0.3 from the mean
    seen = split_doubt(torch.tensor([0.2, 0.8]).view(1, 2, 1, 1))
    assert [round(part.item(), 6) for part in (seen.probability, seen.aleatoric, seen.epistemic)] == [0.5, 0.16, 0.09]


def test_the_epistemic_part_survives_where_draws_nearly_agree():
    draws = (0.7 + 1e-6 * torch.tensor([-1.0, 1.0])).view(1, 2, 1, 1)
    assert split_doubt(draws).epistemic.item() == pytest.approx(1e-12, rel=0.1)


@pytest.mark.parametrize("logit", [-4.0, -0.5, 0.0, 2.0])
@pytest.mark.parametrize("log_variance", [-6.0, 0.0, 2.0])
def test_the_probability_under_an_uncertain_logit(logit, log_variance):
    z = logit + math.exp(log_variance / 2) * np.linspace(-6, 6, 4001)
    weights = np.exp(-0.5 * np.linspace(-6, 6, 4001) ** 2)
    exact = (weights / (1 + np.exp(-z))).sum() / weights.sum()
    seen = probit_probability(torch.tensor(logit), torch.tensor(log_variance)).item()
    assert seen == pytest.approx(exact, abs=0.03)


def test_prediction_is_the_mean_over_the_stored_draws_one_by_one():
    made, given = perception(), pyramid()
    probabilities = []
    for number in range(4):
        single = perception()
        with torch.no_grad():
            for layer, drawn in zip(single.bayesian, made.bayesian, strict=True):
                layer.mu.copy_(drawn.samples.chunk(4)[number])
        probabilities.append(single.sample(given, None))
    seen, expected = made(given), split_doubt(torch.cat(probabilities, 1))
    torch.testing.assert_close(seen.probability, expected.probability)
    torch.testing.assert_close(seen.epistemic, expected.epistemic, rtol=1e-3, atol=1e-7)
    assert seen.epistemic.max() > 1e-4


def test_prediction_does_not_change_from_call_to_call():
    made, given = perception(), pyramid()
    assert torch.equal(made(given).probability, made(given).probability)


@pytest.mark.parametrize(
    "settings", [SMALL.model_copy(update={"samples": 1}), SMALL.model_copy(update={"mode": "deterministic"})]
)
def test_one_draw_and_the_deterministic_mode_use_the_means(settings):
    made, given = perception(settings), pyramid()
    seen = made(given)
    torch.testing.assert_close(seen.probability, made.sample(given, None))
    assert not seen.epistemic.any()


def test_the_deterministic_mode_draws_nothing_while_training():
    made, given = perception(SMALL.model_copy(update={"mode": "deterministic"})), pyramid()
    assert torch.equal(made.sample(given, torch.Generator().manual_seed(0)), made.sample(given, None))
    noisy = perception()
    assert not torch.equal(noisy.sample(given, torch.Generator().manual_seed(0)), noisy.sample(given, None))


def test_without_the_aleatoric_head_the_probability_is_the_sigmoid():
    made = perception(SMALL.model_copy(update={"aleatoric": False}))
    output = torch.randn(2, 2, 3, 3)
    torch.testing.assert_close(made._probability(output), torch.sigmoid(output[:, :1]))


def test_most_cells_begin_as_good():
    torch.manual_seed(0)
    assert Perception([6, 10], SMALL).sample(pyramid(), None).mean() < 0.2


def test_the_loss_is_cross_entropy_plus_the_kl_over_all_cells_of_all_pictures():
    made = perception()
    probability = torch.full((2, 1, 8, 8), 0.25)
    mask = torch.zeros(2, 1, 8, 8)
    mask[0] = 1
    terms = made.loss(probability, mask, pictures=50, progress=1.0)
    assert terms["perception"].item() == pytest.approx(-0.5 * (math.log(0.25) + math.log(0.75)), rel=1e-5)
    kl = sum(layer.kl().item() for layer in made.bayesian)
    assert terms["kl"].item() == pytest.approx(kl / (50 * 64), rel=1e-5)


@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.1, 0.5), (0.2, 1.0), (0.9, 1.0)])
def test_the_kl_warms_up(progress, share):
    made = perception()
    given = torch.full((1, 1, 8, 8), 0.5), torch.zeros(1, 1, 8, 8)
    full = made.loss(*given, pictures=1, progress=1.0)["kl"]
    torch.testing.assert_close(made.loss(*given, pictures=1, progress=progress)["kl"], share * full)


def test_weights_scale_the_terms_and_no_kl_is_paid_without_distributions():
    given = torch.full((1, 1, 8, 8), 0.5), torch.zeros(1, 1, 8, 8)
    plain = perception().loss(*given, pictures=1, progress=1.0)
    heavy = perception(SMALL.model_copy(update={"weight": 2.0, "kl_weight": 3.0})).loss(
        *given, pictures=1, progress=1.0
    )
    torch.testing.assert_close(heavy["perception"], 2 * plain["perception"])
    torch.testing.assert_close(heavy["kl"], 6 * plain["kl"])
    deterministic = perception(SMALL.model_copy(update={"mode": "deterministic"}))
    assert set(deterministic.loss(*given, pictures=1, progress=1.0)) == {"perception"}


def test_probabilities_of_exactly_0_and_1_still_give_a_loss():
    made = perception()
    sure = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    assert math.isfinite(made.loss(sure, 1 - sure, pictures=1, progress=0.0)["perception"].item())


def test_the_log_figures_are_averages_over_all_weights():
    made = perception()
    figures = made.figures()
    assert figures["mean_sigma"] == pytest.approx(F.softplus(torch.tensor(-2.0)).item(), rel=1e-5)
    weights = torch.cat([layer.mu.flatten() for layer in made.bayesian])
    assert figures["mean_abs_mu"] == pytest.approx(weights.abs().mean().item(), rel=1e-5)
    kl = sum(layer.kl().item() for layer in made.bayesian)
    assert figures["kl_per_weight"] == pytest.approx(kl / len(weights), rel=1e-5)
