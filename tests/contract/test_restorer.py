"""What every restorer owes to training, export and prediction, tried on features of drawn pictures."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from restora.features.pyramid import Pyramid
from restora.methods.contract import PERCEIVED, Restorer, as_module

from .small import SIZE, SQUARE, Stand, draw_pictures, set_up, total_loss

CALLS = ("start", "losses", "figures", "draw", "restore")
LARGEST = {"probability": 1.0, "aleatoric": 0.25, "epistemic": math.inf}


@pytest.fixture
def fresh(single) -> Stand:
    """A method that has begun and made no step, for a test of its own."""
    return set_up(single)


@pytest.fixture(scope="module")
def finished() -> dict[str, Stand]:
    return {}


@pytest.fixture
def ready(finished, single) -> Stand:
    """A method that has made some steps and is finished; to be left as it is."""
    if single not in finished:
        finished[single] = set_up(single)
        finished[single].step(3)
        finished[single].finish()
    return finished[single]


def restored(stand: Stand, pyramid: Pyramid, mask: Tensor | None = None) -> dict[str, Tensor]:
    """All that a restoration carries, by name."""
    with torch.no_grad():
        seen = stand.restorer.restore(pyramid, mask)
    maps = {name: getattr(seen, name) for name in PERCEIVED if getattr(seen, name) is not None}
    return {**{f"level {place}": level.detach() for place, level in enumerate(seen.levels)}, **maps}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two restorations, or states, are the same to the bit."""
    return one.keys() == other.keys() and all(torch.equal(values, other[name]) for name, values in one.items())


def terms_of(stand: Stand, seed: int, pyramid: Pyramid | None = None) -> dict[str, float]:
    """The terms of the loss of one batch."""
    terms = stand.restorer.losses(pyramid or stand.normal, np.random.default_rng(seed), 0.3)
    return {name: float(term.detach()) for name, term in terms.items()}


def state_of(stand: Stand) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in stand.net.state_dict().items()}


# ------------------------------------------------------------------------------------------------------ the calls


def test_it_offers_every_call_of_the_contract(fresh):
    assert as_module(fresh.restorer) is fresh.net
    for name in CALLS:
        wanted, offered = (inspect.signature(getattr(holder, name)) for holder in (Restorer, type(fresh.net)))
        assert [(one.name, one.kind, one.default) for one in offered.parameters.values()] == [
            (one.name, one.kind, one.default) for one in wanted.parameters.values()
        ]
    assert hasattr(fresh.net, "textures")


def test_it_says_in_order_which_maps_it_perceives(ready):
    assert ready.restorer.perceived == tuple(name for name in PERCEIVED if name in ready.restorer.perceived)
    assert ready.restorer.perceived == tuple(name for name in restored(ready, ready.normal) if name in PERCEIVED)


@pytest.mark.parametrize("size", [SIZE, SQUARE, (32, 32), (32, 160)])
def test_a_restoration_has_the_shapes_and_ranges_that_are_promised(single, size):
    stand = set_up(single, size)
    stand.finish()
    given = stand.features(draw_pictures(3, seed=4, size=size))
    seen = restored(stand, given)
    assert [seen[f"level {place}"].shape for place in range(len(given.levels))] == [
        level.shape for level in given.levels
    ]
    assert all(values.isfinite().all() and values.dtype == torch.float32 for values in seen.values())
    for name in stand.restorer.perceived:
        assert seen[name].ndim == 4
        assert seen[name].shape[:2] == (3, 1)
        assert seen[name].min() >= 0
        assert seen[name].max() <= LARGEST[name]


def test_a_mask_may_take_the_place_of_what_is_perceived(ready):
    mask = torch.zeros(6, 1, *ready.normal.levels[0].shape[2:])
    mask[..., 2:5, 3:7] = 1
    seen = restored(ready, ready.normal, mask)
    assert seen.keys() == restored(ready, ready.normal).keys()
    assert all(values.isfinite().all() for values in seen.values())


# -------------------------------------------------------------------------------------------------------- training


def test_the_loss_is_a_dictionary_of_finite_numbers(fresh):
    terms = fresh.restorer.losses(fresh.normal, np.random.default_rng(0), 0.0)
    assert terms
    assert all(isinstance(name, str) and term.shape == () and term.isfinite() for name, term in terms.items())
    assert {"step", "loss"}.isdisjoint(terms)  # columns that the log has already


def test_the_loss_depends_on_its_generator_alone(ready):
    with torch.random.fork_rng(devices=[]):
        first = terms_of(ready, seed=1)
        torch.manual_seed(99)
        before = torch.get_rng_state()
        assert terms_of(ready, seed=1) == first
        assert torch.equal(torch.get_rng_state(), before)


def test_black_pictures_give_a_loss_and_a_gradient(fresh):
    black = fresh.features(np.zeros((4, *SIZE, 3), np.uint8))
    nothing = Pyramid([torch.zeros_like(level) for level in black.levels])
    for given in (black, nothing):
        fresh.net.zero_grad(set_to_none=True)
        total = total_loss(fresh.restorer.losses(given, np.random.default_rng(0), 0.5))
        total.backward()
        assert total.isfinite()
        assert all(p.grad is None or p.grad.isfinite().all() for p in fresh.net.parameters())


def test_every_parameter_gets_a_gradient_and_learns(fresh):
    before = {name: parameter.detach().clone() for name, parameter in fresh.net.named_parameters()}
    assert before
    fresh.step(3)
    after = dict(fresh.net.named_parameters())
    assert [name for name in after if after[name].grad is None] == []
    assert [name for name in after if torch.equal(after[name], before[name])] == []
    assert all(parameter.isfinite().all() for parameter in after.values())


def test_steps_make_the_loss_smaller(fresh):
    def mean() -> float:
        return float(np.mean([sum(terms_of(fresh, seed).values()) for seed in range(100, 104)]))

    before = mean()
    fresh.step(12)
    assert mean() < before


def test_figures_for_the_log_are_numbers_under_the_same_names(fresh):
    before = fresh.restorer.figures()
    fresh.step(1)
    after = fresh.restorer.figures()
    assert before.keys() == after.keys()
    assert all(isinstance(value, float) and math.isfinite(value) for value in after.values())
    assert after.keys().isdisjoint({"step", "loss", *terms_of(fresh, 0)})


def test_textures_are_used_where_they_are_wanted_and_never_kept(fresh):
    shapes = {name: tensor.shape for name, tensor in fresh.net.state_dict().items()}
    before = [terms_of(fresh, seed) for seed in range(8)]
    fresh.restorer.textures = [torch.full_like(level, 30.0) for level in fresh.normal.levels]
    after = [terms_of(fresh, seed) for seed in range(8)]
    assert (before != after) == (fresh.settings.textures_wanted > 0)
    fresh.restorer.textures = None
    assert {name: tensor.shape for name, tensor in fresh.net.state_dict().items()} == shapes


# -------------------------------------------------------------------------------------------------- what is stored


def test_a_seed_decides_what_is_drawn_and_nothing_else_does(fresh):
    learned = [parameter.detach().clone() for parameter in fresh.net.parameters()]
    states = []
    for torch_seed, seed in ((0, 5), (1, 5)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed)
            fresh.restorer.draw(np.random.default_rng(seed))
        states.append(state_of(fresh))
    assert same(*states)
    assert all(torch.equal(a, b) for a, b in zip(learned, fresh.net.parameters(), strict=True))


def test_nothing_that_is_stored_grows_with_the_fitting_pictures(single):
    shapes = []
    for pictures in (8, 24):
        stand = set_up(single, SQUARE, pictures=pictures)
        stand.finish()
        shapes.append({name: tensor.shape for name, tensor in stand.branch.state_dict().items()})
    assert shapes[0] == shapes[1]


def test_its_state_is_all_there_is_to_it(ready, single):
    other = set_up(single, pictures=9, seed=5)
    assert not same(state_of(other), state_of(ready))
    other.branch.load_state_dict(ready.branch.state_dict())
    other.net.eval()
    assert same(restored(other, ready.normal), restored(ready, ready.normal))


# ------------------------------------------------------------------------------------------------------ prediction


def test_a_restoration_is_the_same_every_time(ready):
    first = restored(ready, ready.normal)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        before = torch.get_rng_state()
        assert same(restored(ready, ready.normal), first)
        assert torch.equal(torch.get_rng_state(), before)


def test_a_restoration_leaves_its_features_alone(ready):
    given = Pyramid([level.clone() for level in ready.normal.levels])
    restored(ready, given)
    assert all(torch.equal(a, b) for a, b in zip(given.levels, ready.normal.levels, strict=True))


def test_neighbours_and_places_in_the_batch_change_nothing(ready):
    together = restored(ready, ready.normal)
    turned = restored(ready, Pyramid([level.flip(0) for level in ready.normal.levels]))
    alone = restored(ready, Pyramid([level[2:3] for level in ready.normal.levels]))
    for name, values in together.items():
        slack = 1e-5 * float(values.abs().max())
        torch.testing.assert_close(turned[name].flip(0), values, rtol=0, atol=slack)
        torch.testing.assert_close(alone[name], values[2:3], rtol=0, atol=slack)
