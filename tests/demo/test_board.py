from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from restora.demo import draw
from restora.demo.board import BOARD, paint, plan
from restora.demo.board_layout import LETTERS, PIECES, TRACES, open_points
from restora.demo.board_parts import KINDS
from restora.demo.canvas import Grid
from restora.demo.lettering import STROKES

SEEDS = range(6)


def _half(piece):
    half = KINDS[piece.kind].half
    return half if piece.turn == 0 else half[::-1]


def test_no_part_lies_on_another_or_beyond_the_board():
    for one, other in combinations(PIECES, 2):
        apart = abs(one.x - other.x) - _half(one)[0] - _half(other)[0], abs(one.y - other.y) - _half(one)[1]
        assert apart[0] > 0 or apart[1] - _half(other)[1] > 0, (one, other)
    for piece in PIECES:
        assert abs(piece.x) + _half(piece)[0] < 0.9
        assert abs(piece.y) + _half(piece)[1] < 0.9


def test_traces_run_straight_or_at_45_degrees_or_nearly_and_letters_can_be_written():
    assert len(open_points()) > 200
    assert all(abs(x) < 0.88 and abs(y) < 0.88 for trace in TRACES for x, y in trace.points)
    assert set("".join(text for text, _, _ in LETTERS)) <= set(STROKES)
    assert set("".join(piece.text for piece in PIECES)) <= set(STROKES)


def test_a_good_board_hardly_moves_and_all_its_parts_sit():
    for seed in range(100):
        made = plan(np.random.default_rng(seed))
        assert abs(np.degrees(made.angle)) <= 2
        assert max(map(abs, made.centre)) <= 0.03  # 1.5 % of a picture that is 2 wide
        assert all(seat.there and seat.lifted == 0 and abs(seat.dx) < 0.008 for seat in made.seats)


def test_the_mask_of_a_missing_part_is_where_the_part_was():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        made = plan(np.random.default_rng(seed + 100))
        spoiled = BOARD.makes["missing_part"](made, 0.9, rng)
        lost = next(seat for seat in spoiled.seats if not seat.there)
        grid = Grid.square(96)
        own = grid.turned(made.angle, made.centre, made.scale)
        changed = np.abs(paint(made, grid).colour - paint(spoiled, grid).colour).max(axis=2) > 0.02
        reach = KINDS[lost.piece.kind].reach + 0.05
        assert changed.sum() > 5
        assert np.hypot(own.x - lost.piece.x, own.y - lost.piece.y)[changed].max() < reach


@pytest.mark.parametrize("kind", BOARD.kinds)
def test_a_clear_defect_changes_far_more_than_a_weak_one(kind):
    areas = {
        strength: np.mean([draw("board", kind, seed, 128, strength=strength).mask.mean() for seed in SEEDS])
        for strength in (0.1, 0.9)
    }
    assert areas[0.9] > 1.3 * areas[0.1]


@pytest.mark.parametrize("kind", BOARD.kinds)
def test_a_clear_defect_is_plain(kind):
    for seed in SEEDS:
        good, bad = draw("board", "good", seed, 128), draw("board", kind, seed, 128, strength=0.4)
        change = np.abs(good.pixels.astype(int) - bad.pixels.astype(int)).max(axis=2)
        assert (change > 32).mean() > 1 / 1200
