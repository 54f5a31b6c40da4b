from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from restora.errors import UsageError
from restora.metrics import Part, label_regions, regions_above


def test_corners_connect():
    assert label_regions(np.eye(5, dtype=bool))[1] == 1
    assert label_regions(np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], dtype=bool))[1] == 4


def test_an_empty_mask_has_no_region():
    labels, count = label_regions(np.zeros((3, 4), dtype=bool))
    assert count == 0
    assert labels.shape == (3, 4)
    assert not labels.any()


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=7)))
def test_labels_are_the_components_of_a_flood_fill(mask):
    labels, count = label_regions(mask)
    assert labels.shape == mask.shape
    assert ((labels > 0) == mask).all()
    todo, found = {(int(y), int(x)) for y, x in np.argwhere(mask)}, 0
    while todo:
        found += 1
        part, front = set(), [todo.pop()]
        while front:
            y, x = front.pop()
            part.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & todo
            todo -= near
            front += near
        assert len({labels[place] for place in part}) == 1
    assert count == found == labels.max(initial=0)


def test_parts_above_a_threshold_by_hand():
    scores = np.zeros((5, 6), dtype=np.float32)
    scores[0, 4:6] = [3, 2]
    scores[2, 0], scores[3, 1] = 7, 5
    scores[4, 5] = 1  # at the threshold, not above it
    assert regions_above(scores, 1.0) == (Part((0, 2, 2, 4), 2, 7.0), Part((4, 0, 6, 1), 2, 3.0))


def test_nothing_above():
    assert regions_above(np.zeros((2, 2)), 0.0) == ()


def test_a_mask_of_other_shape_is_refused():
    with pytest.raises(UsageError, match=r"\(H, W\)"):
        label_regions(np.zeros((1, 2, 3), dtype=bool))
