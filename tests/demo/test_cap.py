from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from restora.demo import draw
from restora.demo.canvas import Grid
from restora.demo.cap import CAP, FOOTLINE, HEADLINE, LOGO, PRINTED, RIBS, TOP, paint, plan
from restora.demo.lettering import STROKES

SEEDS = range(6)
SIZE = 128


def _changed(kind, seed, strength):
    """What a defect of the make changes of the surface, bool [H, W], with the cap's own coordinates."""
    made = plan(np.random.default_rng(seed))
    spoiled = CAP.makes[kind](made, strength, np.random.default_rng(seed))
    grid = Grid.square(SIZE)
    own = grid.turned(made.angle, made.centre, made.scale)
    return np.abs(paint(made, grid).colour - paint(spoiled, grid).colour).max(axis=2) > 0.01, own


def test_a_good_cap_hardly_moves_and_is_whole():
    for seed in range(100):
        made = plan(np.random.default_rng(seed))
        assert abs(np.degrees(made.angle)) <= 3
        assert max(map(abs, made.centre)) <= 0.03  # 1.5 % of a picture that is 2 wide
        assert made.gone == (0, 0)
        assert made.bites == ()


def test_a_cap_has_all_its_ribs_but_those_that_are_missing():
    def ribs(made):
        body = paint(made, Grid.square(512)).body
        turn = np.linspace(-np.pi, np.pi, 4096, endpoint=False)
        radius = 0.852  # between grooves and crowns
        rows = ((radius * np.sin(turn) + 1) * 256).astype(int)
        columns = ((radius * np.cos(turn) + 1) * 256).astype(int)
        on = body[rows, columns] > 0.5
        return int((on & ~np.roll(on, 1)).sum())

    made = replace(plan(np.random.default_rng(0)), angle=0.0, centre=(0.0, 0.0), scale=1.0)
    assert ribs(made) == RIBS
    for gone in (1, 4):
        assert ribs(replace(made, gone=(10, gone))) == RIBS - gone


@pytest.mark.parametrize("strength", [0.05, 0.5, 1.0])
def test_faults_of_the_rim_stay_at_the_rim_and_those_of_the_print_in_the_middle(strength):
    for seed in SEEDS:
        for kind in ("missing_rib", "broken_rim"):
            changed, own = _changed(kind, seed, strength)
            assert changed.any()
            assert np.hypot(own.x, own.y)[changed].min() > TOP - 0.16
        for kind in ("misplaced_print", "thin_print"):
            changed, own = _changed(kind, seed, strength)
            assert changed.any()
            assert np.hypot(own.x, own.y)[changed].max() < LOGO + 0.15


def test_its_letters_can_be_written():
    assert set(HEADLINE + FOOTLINE + PRINTED) <= set(STROKES)


@pytest.mark.parametrize("kind", CAP.kinds)
def test_a_clear_defect_is_plain(kind):
    for seed in SEEDS:
        good, bad = draw("cap", "good", seed, SIZE), draw("cap", kind, seed, SIZE, strength=0.4)
        change = np.abs(good.pixels.astype(int) - bad.pixels.astype(int)).max(axis=2)
        assert (change > 32).mean() > 1 / 1200
