from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restora.features.pyramid import Pyramid
from restora.methods.contract import Pasted
from restora.methods.ura_net.settings import SynthesisSettings
from restora.methods.ura_net.synthesis import KINDS, Source, draw_strengths, masks_for, mix_pasted, plant, synthesise

SHAPES = [(4, 16, 24), (6, 8, 12)]
TRAINED = ("texture", "foreign", "shuffle", "noise")


def pyramid(batch: int = 8, seed: int = 0) -> Pyramid:
    rng = torch.Generator().manual_seed(seed)
    return Pyramid([torch.randn(batch, *shape, generator=rng) for shape in SHAPES])


def textures(count: int = 3) -> list[torch.Tensor]:
    return [10 + level for level in pyramid(count, seed=9).levels]


def source(given: Pyramid, rows: list[int], seed: int = 0) -> Source:
    return Source(given.levels, torch.tensor(rows), textures(), np.random.default_rng(seed))


def square() -> torch.Tensor:
    """One marked square, aligned with the cells of both levels."""
    mask = torch.zeros(1, 1, 16, 24)
    mask[..., 4:10, 6:14] = 1
    return mask


def spoil(given: Pyramid, settings: SynthesisSettings, seed: int):
    return synthesise(given, settings, np.random.default_rng(seed), textures())


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_changes_what_is_marked_and_nothing_else(kind):
    given = pyramid()
    spoiled = plant(given, kind, square(), source(given, [2]), torch.ones(1, 1, 1, 1))
    for level, clean, mask in zip(spoiled, given.levels, masks_for(square(), given.levels), strict=True):
        changed = (level[0] - clean[2]).abs().amax(0)
        assert not changed[mask[0, 0] == 0].any()
        assert (changed[mask[0, 0] == 1] > 1e-4).float().mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_at_full_strength_the_marked_cells_are_the_source(kind):
    given = pyramid()
    others = KINDS[kind](source(given, [2]))
    spoiled = plant(given, kind, square(), source(given, [2]), torch.ones(1, 1, 1, 1))
    for level, other in zip(spoiled, others, strict=True):
        inside = masks_for(square(), [level])[0].bool().expand_as(level)
        torch.testing.assert_close(level[inside], other[inside])


def test_strength_and_soft_edges_mix():
    given, mask = pyramid(), 0.5 * square()
    others = KINDS["foreign"](source(given, [1]))
    spoiled = plant(given, "foreign", mask, source(given, [1]), torch.full((1, 1, 1, 1), 0.4))
    clean = given.levels[0][1:2]
    expected = clean + 0.4 * mask * (others[0] - clean)
    torch.testing.assert_close(spoiled[0], expected)


def test_coarser_levels_are_marked_by_the_share_of_their_cells():
    mask = torch.zeros(1, 1, 16, 24)
    mask[..., 0, 0] = 1
    assert masks_for(mask, pyramid(1).levels)[1][0, 0, 0, 0] == 0.25


def test_shuffling_permutes_the_cells_of_every_level_together():
    given = pyramid()
    for level, clean in zip(KINDS["shuffle"](source(given, [0, 3])), given.levels, strict=True):
        for mine, was in zip(level, clean[[0, 3]], strict=True):
            assert not torch.equal(mine, was)
            assert sorted(map(tuple, mine.flatten(1).T.tolist())) == sorted(map(tuple, was.flatten(1).T.tolist()))
    # a picture whose cells carry the number of their coarsest cell keeps both levels in step
    numbers = torch.arange(96.0).view(1, 1, 8, 12)
    both = Pyramid([F.interpolate(numbers, scale_factor=2), numbers])
    fine, coarse = KINDS["shuffle"](Source(both.levels, torch.tensor([0]), None, np.random.default_rng(0)))
    assert torch.equal(fine, F.interpolate(coarse, scale_factor=2))


def test_foreign_features_are_those_of_another_picture_at_another_place():
    numbers = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 16, 24)
    given = Pyramid([numbers, numbers[..., ::2, ::2]])
    for seed in range(20):
        others = KINDS["foreign"](Source(given.levels, torch.tensor([1, 2]), None, np.random.default_rng(seed)))
        assert not (others[0] == numbers[[1, 2]]).any()
        assert all((level == level[:, :, :1, :1]).all() for level in others)


def test_textures_come_from_the_pool_moved():
    given, pool = pyramid(), textures()
    drawn = KINDS["texture"](source(given, [0, 1]))
    for level, all_of_it in zip(drawn, pool, strict=True):
        cells = {tuple(cell) for cell in all_of_it.flatten(2).transpose(1, 2).flatten(0, 1).tolist()}
        assert all(tuple(cell) in cells for cell in level.flatten(2).transpose(1, 2).flatten(0, 1).tolist())
    with pytest.raises(ValueError, match="texture features"):
        KINDS["texture"](Source(given.levels, torch.tensor([0]), None, np.random.default_rng(0)))


def test_noise_is_measured_by_the_cell():
    given = pyramid()
    big = Pyramid([100 * level for level in given.levels])
    small_draw = KINDS["noise"](source(given, [0]))[0] - given.levels[0][:1]
    big_draw = KINDS["noise"](source(big, [0]))[0] - big.levels[0][:1]
    torch.testing.assert_close(big_draw, 100 * small_draw, rtol=1e-3, atol=1e-3)
    relative = small_draw.square().mean().sqrt() / given.levels[0][:1].square().mean().sqrt()
    assert 0.2 < relative < 1.4


@pytest.mark.parametrize("grid", [(16, 24), (8, 8), (4, 6)])
def test_a_shift_never_goes_once_around(grid):
    levels = [torch.zeros(1, 1, *grid), torch.zeros(1, 1, grid[0] // 2, grid[1] // 2)]
    rng = np.random.default_rng(0)
    shifts = np.array([Source(levels, torch.tensor([0]), None, rng).shift() for _ in range(300)])
    assert not (shifts % 2).any()  # whole cells of the coarse level
    assert (shifts % grid != 0).all()
    assert np.abs(shifts).max() <= 12


def test_about_the_asked_share_stays_clean():
    given, clean = pyramid(16), 0
    for seed in range(60):
        made = spoil(given, SynthesisSettings(clean_share=0.4), seed)
        marked = made.mask.flatten(1).amax(1) > 0
        clean += int((~marked).sum())
        for level, was in zip(made.pyramid.levels, given.levels, strict=True):
            assert torch.equal(level[~marked], was[~marked])
    assert clean / (60 * 16) == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_none_stay_clean(share):
    made = spoil(pyramid(), SynthesisSettings(clean_share=share), 0)
    assert ((made.mask.flatten(1).amax(1) > 0) == (share == 0)).all()


def test_the_mask_tells_where_the_finest_level_was_altered():
    given = pyramid(16)
    made = spoil(given, SynthesisSettings(clean_share=0, one_level_share=0), 1)
    changed = (made.pyramid.levels[0] - given.levels[0]).abs().amax(1, keepdim=True) > 0
    assert (made.mask[changed] > 0).all()
    assert changed[made.mask > 0].float().mean() > 0.99


def test_now_and_then_one_level_alone_is_altered():
    given = pyramid(4)
    settings = SynthesisSettings(clean_share=0, one_level_share=1, kinds=("noise",))
    seen = set()
    for seed in range(20):
        made = spoil(given, settings, seed)
        seen.add(tuple(bool((a != b).any()) for a, b in zip(made.pyramid.levels, given.levels, strict=True)))
    assert seen == {(True, False), (False, True)}


def test_strengths_are_full_for_their_share_and_uniform_otherwise():
    settings = SynthesisSettings(full_strength_share=0.5, weakest=0.3)
    strengths = draw_strengths(20_000, settings, np.random.default_rng(0))
    assert (strengths == 1).mean() == pytest.approx(0.5, abs=0.02)
    weak = strengths[strengths < 1]
    assert weak.min() >= 0.3
    assert weak.mean() == pytest.approx(0.65, abs=0.01)


def test_the_same_generator_spoils_the_same_way():
    given, settings = pyramid(), SynthesisSettings()
    first, second, other = (spoil(given, settings, seed) for seed in (3, 3, 4))
    assert torch.equal(first.mask, second.mask)
    assert all(torch.equal(a, b) for a, b in zip(first.pyramid.levels, second.pyramid.levels, strict=True))
    assert not torch.equal(first.mask, other.mask)


def test_the_clean_features_are_left_alone():
    given = pyramid()
    before = [level.clone() for level in given.levels]
    spoil(given, SynthesisSettings(clean_share=0), 0)
    assert all(torch.equal(a, b) for a, b in zip(given.levels, before, strict=True))


@pytest.mark.parametrize("kind", TRAINED)
def test_one_kind_alone_one_level_alone_one_picture_alone(kind):
    alone = Pyramid([pyramid(1).levels[0]])
    settings = SynthesisSettings(kinds=(kind,), clean_share=0)
    made = synthesise(alone, settings, np.random.default_rng(0), textures()[:1])
    assert made.mask.max() > 0
    assert not torch.equal(made.pyramid.levels[0], alone.levels[0])


def test_pasted_pictures_take_the_places_of_samples_with_their_own_target():
    given, marked = pyramid(), torch.rand(3, 1, 16, 24)
    pool = Pasted([100 + level for level in pyramid(3, seed=4).levels], textures(3), marked)
    shares = []
    for seed in range(40):
        made = mix_pasted(given, pool, SynthesisSettings(clean_share=0.4), np.random.default_rng(seed))
        for row in range(8):
            came = [n for n in range(3) if torch.equal(made.mask[row], marked[n])]
            wanted, spoiled = (pool.clean, pool.spoiled) if came else (given.levels, given.levels)
            source = came[0] if came else row
            for number in range(2):
                assert torch.equal(made.clean.levels[number][row], wanted[number][source])
                assert torch.equal(made.pyramid.levels[number][row], spoiled[number][source])
            assert came or not made.mask[row].any()
            shares.append(bool(came))
    assert np.mean(shares) == pytest.approx(0.6, abs=0.08)
