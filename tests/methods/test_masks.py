from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restora.methods.mfr_net.masks import ensemble, partition, training_masks
from restora.methods.mfr_net.settings import MaskSettings

GRIDS = st.tuples(st.integers(1, 30), st.integers(1, 30))


@given(grid=GRIDS, side=st.integers(1, 35), sets=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_sets_are_disjoint_and_complete_and_as_equal_as_squares_allow(grid, side, sets, seed):
    masks = partition(grid, side, sets, np.random.default_rng(seed))
    assert masks.shape == (sets, *grid)
    assert masks.dtype == bool
    np.testing.assert_array_equal(masks.sum(0), 1)
    corners = masks[:, ::side, ::side]  # a square is there where its upper left corner is
    assert np.ptp(corners.sum((1, 2))) <= 1


@given(grid=GRIDS, side=st.integers(1, 8), seed=st.integers(0, 2**31))
def test_what_is_hidden_are_whole_squares(grid, side, seed):
    (mask, _) = partition(grid, side, 2, np.random.default_rng(seed))
    for top in range(0, grid[0], side):
        for left in range(0, grid[1], side):
            assert len(np.unique(mask[top : top + side, left : left + side])) == 1


def test_every_square_is_in_every_set_equally_often():
    draws = np.stack([partition((4, 6), 2, 3, np.random.default_rng(seed)) for seed in range(3000)])
    np.testing.assert_allclose(draws.mean(0), 1 / 3, atol=0.05)


@pytest.mark.parametrize(("mode", "members", "sets"), [("disjoint", 2 * 2, 3), ("groups", 2 * 2 * 3, 2)])
def test_the_two_readings(mode, members, sets):
    settings = MaskSettings(mode=mode, sides=(1, 4), parts=3, complements=2, repeats=2)
    assert (settings.members, settings.sets) == (members, sets)
    masks = ensemble((9, 12), settings, np.random.default_rng(0))
    assert masks.shape == (members, sets, 9, 12)
    np.testing.assert_array_equal(masks.sum(1), 1)
    share = masks.mean((0, 2, 3))
    np.testing.assert_allclose(share, 1 / sets, atol=0.1)
    assert len(np.unique(masks, axis=0)) == members


def test_all_sides_stand_in_an_ensemble():
    masks = ensemble((16, 16), MaskSettings(sides=(1, 8)), np.random.default_rng(0))
    changes = (masks[:, :, :, 1:] != masks[:, :, :, :-1]).any((1, 2))
    assert changes[1].nonzero()[0].tolist() == [7]  # squares of 8 begin at column 8 alone
    assert changes[0].sum() > 1


def test_every_picture_of_a_batch_has_masks_of_its_own():
    settings = MaskSettings(sides=(1, 2, 4), parts=3)
    masks = training_masks((8, 8), 5, settings, np.random.default_rng(0))
    assert masks.shape == (3, 5, 8, 8)
    np.testing.assert_array_equal(masks.sum(0), 1)
    assert len(np.unique(masks, axis=1)) == 3
    assert len({picture.tobytes() for picture in masks.swapaxes(0, 1)}) == 5
    again = training_masks((8, 8), 5, settings, np.random.default_rng(0))
    np.testing.assert_array_equal(masks, again)
