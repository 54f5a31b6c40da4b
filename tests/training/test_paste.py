"""Pictures with something pasted in differ from good ones under the mask, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from restora.images.dataset import Item
from restora.training.paste import paste_pictures


@pytest.fixture
def pasted(pictures):
    items = [Item(f"{n}", picture, "train", 0, "good") for n, picture in enumerate(pictures(5))]
    textures = [np.full((64, 64, 3), value, np.uint8) for value in (0, 255)]

    def made(count: int, seed: int = 0):
        return items, list(paste_pictures(items, textures, count, None, np.random.default_rng(seed)))

    return made


def test_only_what_is_marked_is_changed(pasted):
    items, drawn = pasted(12)
    assert len(drawn) == 12
    changed = []
    for clean, spoiled, mask in drawn:
        assert any(np.array_equal(clean, item.source) for item in items)
        assert (spoiled.shape, spoiled.dtype, mask.shape) == (clean.shape, np.uint8, (64, 64))
        assert 0 <= mask.min() <= mask.max() <= 1
        assert 0.005 <= mask.mean() <= 0.42
        np.testing.assert_array_equal(spoiled[mask == 0], clean[mask == 0])
        changed.extend((spoiled != clean).any(2)[mask > 0.5])
    assert np.mean(changed) > 0.8


def test_a_seed_decides_what_is_drawn(pasted):
    one, same, other = (pasted(3, seed)[1] for seed in (1, 1, 2))
    assert all(
        np.array_equal(a, b)
        for first, second in zip(one, same, strict=True)
        for a, b in zip(first, second, strict=True)
    )
    assert not all(np.array_equal(first[1], second[1]) for first, second in zip(one, other, strict=True))
