from __future__ import annotations

import numpy as np
import pytest
import torch

from restora.features.levels import Level
from restora.features.pyramid import Pyramid
from restora.methods.mfr_net.network import MfrNet
from restora.methods.mfr_net.settings import MfrNetSettings

SIZE = (96, 160)
LEVELS = (Level("layer2", 4, 8), Level("layer3", 6, 16))


def settings(**changes) -> MfrNetSettings:
    network = {"directions": 12, "width": 16, "heads": 2, "blocks": 2, **changes.pop("network", {})}
    masks = {"sides": (1, 2, 4), "parts": 3, **changes.pop("masks", {})}
    return MfrNetSettings.model_validate({"network": network, "masks": masks, **changes})


def pyramid(batch: int = 3, seed: int = 0, size=SIZE) -> Pyramid:
    rng = torch.Generator().manual_seed(seed)
    return Pyramid([torch.randn(batch, *level.shape(size), generator=rng).relu() for level in LEVELS])


def make(given: MfrNetSettings, steps: int = 2, size=SIZE) -> MfrNet:
    """A net that has made some steps, so that no number in it is at its start."""
    torch.manual_seed(0)
    net = MfrNet(given, LEVELS, size)
    net.start(pyramid(8, 1, size), np.random.default_rng(0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for step in range(steps):
        terms = net.train().losses(pyramid(4, 2 + step, size), np.random.default_rng(step), 0.5)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
    net.draw(np.random.default_rng(1))
    return net.eval()


def at(net: MfrNet, rows: slice, columns: slice) -> list[tuple[slice, ...]]:
    """Places in the levels of coarse cells."""
    every = slice(None)
    return [
        (every, every, slice(rows.start * f, rows.stop * f), slice(columns.start * f, columns.stop * f))
        for f in net.factors
    ]


def own_gradient(net: MfrNet, member: int, cell: tuple[int, int], given: Pyramid) -> tuple[list[float], float]:
    """Largest gradient of what one member restores at a coarse cell by the features there, and by all."""
    net.streams[0].hidden = net.streams[0].hidden[member : member + 1]
    levels = [level.clone().requires_grad_() for level in given.levels]
    restored = net.restore(Pyramid(levels)).levels
    own = at(net, slice(cell[0], cell[0] + 1), slice(cell[1], cell[1] + 1))
    sum(level[place].sum() for level, place in zip(restored, own, strict=True)).backward()
    mine = [float(level.grad[place].abs().max()) for level, place in zip(levels, own, strict=True)]
    return mine, max(float(level.grad.abs().max()) for level in levels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("member", [0, 1, 2])
def test_a_restored_position_does_not_depend_on_its_own_feature(dtype, member):
    given = Pyramid([level.to(dtype) for level in pyramid(2).levels])
    for cell in [(0, 0), (3, 7), (5, 9)]:
        mine, others = own_gradient(make(settings()).to(dtype), member, cell, given)
        assert mine == [0.0, 0.0]
        assert others > 1e-6


def test_nothing_of_the_whole_hidden_square_reaches_a_cell_in_it():
    net = make(settings(masks={"sides": (4,)}))
    given, spoiled = pyramid(2), pyramid(2)
    square = at(net, slice(0, 4), slice(4, 8))
    for level, place in zip(spoiled.levels, square, strict=True):
        level[place] += 100.0
    with torch.no_grad():
        before, after = net.restore(given).levels, net.restore(spoiled).levels
    for old, new, place in zip(before, after, square, strict=True):
        assert torch.equal(old[place], new[place])
        assert not torch.equal(old, new)


def test_without_masks_a_position_sees_itself():
    mine, _ = own_gradient(make(settings(masked=False)), 0, (3, 7), pyramid(2))
    assert min(mine) > 1e-6


@pytest.mark.parametrize("restore", ["merged", "per_level"])
@pytest.mark.parametrize("size", [(96, 160), (64, 64), (32, 96)])
def test_a_restoration_has_the_shapes_of_the_pyramid(restore, size):
    net = make(settings(restore=restore, network={"token": 2}), size=size)
    given = pyramid(2, size=size)
    with torch.no_grad():
        seen = net.restore(given)
    assert [level.shape for level in seen.levels] == [level.shape for level in given.levels]
    assert all(level.isfinite().all() for level in seen.levels)
    assert net.perceived == ("epistemic",)
    assert seen.epistemic.shape == (2, 1, size[0] // 16, size[1] // 16)
    assert (seen.epistemic >= 0).all()
    assert seen.epistemic.max() > 0
    assert seen.probability is None


def test_one_member_has_no_doubt():
    for given in (settings(masks={"sides": (2,)}), settings(masked=False)):
        net = make(given, steps=0)
        assert net.perceived == ()
        assert net.restore(pyramid(1)).epistemic is None


def test_the_doubt_is_the_variance_over_the_masks():
    net = make(settings())
    whole = net.restore(pyramid(2))
    alone = []
    stream = net.streams[0]
    for hidden in stream.hidden.clone():
        with torch.no_grad():
            restored = stream._assembled(stream.reduction(net._gathered(pyramid(2).levels)[0]), hidden[:, None, None])
        alone.append(restored.numpy())
    np.testing.assert_allclose(whole.epistemic[:, 0].detach(), np.var(alone, 0).mean(1), rtol=1e-4, atol=1e-7)


def test_pictures_do_not_hear_of_each_other():
    net, given = make(settings()), pyramid(4)
    with torch.no_grad():
        together = net.restore(given)
        for place in range(4):
            alone = net.restore(Pyramid([level[place : place + 1] for level in given.levels]))
            for one, all_ in zip(alone.levels, together.levels, strict=True):
                torch.testing.assert_close(one[0], all_[place], rtol=1e-5, atol=1e-6)


def test_a_mask_hides_more_than_the_crossed_masks():
    net, given, spoiled = make(settings()), pyramid(1), pyramid(1)
    mask = torch.zeros(1, 1, 12, 20)
    mask[..., 4:8, 6:10] = 1
    spoiled.levels[0][..., 4:8, 6:10] += 50
    spoiled.levels[1][..., 2:4, 3:5] -= 50
    with torch.no_grad():
        first, second = net.restore(given, mask), net.restore(spoiled, mask)
        plain = net.restore(spoiled)
    for one, other, unmarked in zip(first.levels, second.levels, plain.levels, strict=True):
        assert torch.equal(one, other)
        assert not torch.equal(one, unmarked)


def test_draws_follow_their_seed():
    net = make(settings())
    first = net.streams[0].hidden.clone()
    net.draw(np.random.default_rng(1))
    assert torch.equal(net.streams[0].hidden, first)
    net.draw(np.random.default_rng(2))
    assert not torch.equal(net.streams[0].hidden, first)


def test_the_reduced_space_keeps_distances_of_what_it_keeps():
    net = make(settings(network={"directions": 22}))  # 4 x 4 + 6 channels a coarse cell: all of them
    reduction = net.streams[0].reduction
    cells = net._gathered(pyramid(3).levels)[0]
    torch.testing.assert_close(reduction.basis @ reduction.basis.T, torch.eye(22), atol=1e-5, rtol=0)
    torch.testing.assert_close(reduction.back(reduction(cells)), cells, atol=1e-5, rtol=1e-5)
    first, second = reduction(cells[:1]), reduction(cells[1:2])
    torch.testing.assert_close((first - second).square().sum(1), (cells[:1] - cells[1:2]).square().sum(1))
    torch.testing.assert_close(net._given_back([cells])[0], pyramid(3).levels[0])


def test_fewer_directions_are_the_strongest():
    some = make(settings(network={"directions": 3}), steps=0).streams[0].reduction
    cells = make(settings())._gathered(pyramid(8, 1).levels)[0]
    flat = cells.permute(0, 2, 3, 1).reshape(-1, 22).double().numpy()
    values = np.linalg.svd(flat - flat.mean(0), compute_uv=False) ** 2
    reduced = some(cells)
    assert reduced.square().sum().item() == pytest.approx(values[:3].sum(), rel=1e-4)
    torch.testing.assert_close(some.deviation[:, 0, 0], reduced.std((0, 2, 3), correction=0), rtol=1e-4, atol=1e-5)


def test_without_directions_every_channel_is_standardised():
    net = make(settings(network={"directions": None}), steps=0)
    cells = net._gathered(pyramid(8, 1).levels)[0]
    reduced = net.streams[0].reduction(cells)
    torch.testing.assert_close(reduced.mean((0, 2, 3)), torch.zeros(22), atol=1e-5, rtol=0)
    torch.testing.assert_close(reduced.std((0, 2, 3), correction=0), torch.ones(22), atol=1e-4, rtol=0)
    torch.testing.assert_close(net.streams[0].reduction.back(reduced), cells)


def test_a_channel_that_never_stirs_is_bearable():
    for directions in (None, 12):
        net = MfrNet(settings(network={"directions": directions}), LEVELS, SIZE)
        still = pyramid(4)
        for level in still.levels:
            level[:, 0] = 3.0
        net.start(still, np.random.default_rng(0))
        assert all(level.isfinite().all() for level in net.restore(pyramid(2)).levels)
        net.start(Pyramid([torch.zeros_like(level) for level in still.levels]), np.random.default_rng(0))
        terms = net.losses(still, np.random.default_rng(0), 0.0)
        assert all(term.isfinite() for term in terms.values())


@pytest.mark.parametrize("mode", ["disjoint", "groups"])
@pytest.mark.parametrize("structure", ["ssim", "gms", "none"])
def test_training_makes_the_loss_smaller(mode, structure):
    net = make(settings(masks={"mode": mode}, loss={"structure": structure}), steps=0)
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3)
    base = pyramid(1, seed=7).levels
    totals = []
    for step in range(40):
        terms = net.losses(Pyramid([level.expand(4, -1, -1, -1) for level in base]), np.random.default_rng(step), 0.0)
        total = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(float(total.detach()))
    assert set(terms) == {"pixel", "cosine", *(["structure"] if structure != "none" else [])}
    assert np.mean(totals[-5:]) < 0.7 * totals[0]


def test_every_parameter_learns():
    net = make(settings(), steps=0)
    torch.stack(list(net.losses(pyramid(), np.random.default_rng(0), 0.0).values())).sum().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


def product(batch: int, seed: int, size=SIZE) -> Pyramid:
    """Pictures of one kind: a fixed pattern, and two that come with a strength of their own in every picture."""
    rng = torch.Generator().manual_seed(seed)
    pattern = torch.Generator().manual_seed(99)
    strengths = torch.randn(batch, 2, generator=rng)
    levels = []
    for level in LEVELS:
        base, first, second = (torch.randn(level.shape(size), generator=pattern) for _ in range(3))
        noise = 0.1 * torch.randn(batch, *level.shape(size), generator=rng)
        one, other = (strengths[:, n, None, None, None] for n in range(2))
        levels.append(base + 0.5 * one * first + 0.5 * other * second + noise)
    return Pyramid(levels)


def shining_through(masked: bool) -> float:
    """What a net trained on a product keeps of anomalies planted in its features: 1 is all, 0 nothing."""
    torch.manual_seed(0)
    net = MfrNet(settings(masked=masked, network={"directions": 22, "width": 32}), LEVELS, SIZE)
    net.start(product(16, 1), np.random.default_rng(0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for step in range(150):
        terms = net.losses(product(8, 10 + step), np.random.default_rng(step), 0.0)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
    clean, spoiled = product(8, 3), product(8, 3)
    places = at(net, slice(2, 4), slice(4, 6))
    for level, place in zip(spoiled.levels, places, strict=True):
        level[place] = level[place].flip((2, 3))  # its own features, in places where they do not belong
    with torch.no_grad():
        before, after = net.eval().restore(clean).levels, net.restore(spoiled).levels
    return changed(before, after, places) / changed(clean.levels, spoiled.levels, places)


def changed(before: list[torch.Tensor], after: list[torch.Tensor], places: list[tuple[slice, ...]]) -> float:
    """Squared difference in some places, all levels together."""
    pairs = zip(before, after, places, strict=True)
    return float(sum((new[place] - old[place]).square().sum() for old, new, place in pairs))


def test_crossed_masks_keep_planted_anomalies_out_of_the_restoration():
    """The paper's claim, measured: without masks the network learns to give everything back."""
    assert shining_through(masked=True) < 0.1
    assert shining_through(masked=False) > 0.5
