from __future__ import annotations

import numpy as np
import pytest
import torch

from restora.demo import draw
from restora.errors import SettingsError
from restora.features.levels import Level
from restora.features.pyramid import load_trunk
from restora.features.settings import TINY
from restora.features.tiny import BUNDLED
from restora.features.tiny.network import TinyNet
from restora.features.weights import choose_trunk, find_weights, list_weights

LEVELS = (Level("level1", 48, 4), Level("level2", 96, 8), Level("level3", 160, 16))


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)
    return tmp_path


def picture(kind: str) -> torch.Tensor:
    pixels = draw("part", kind, 4, 256).pixels
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]


def test_the_package_brings_its_weights_and_their_card():
    assert BUNDLED.stat().st_size <= 3_000_000
    assert find_weights(TINY) == BUNDLED
    card = load_trunk(TINY).card
    assert (card.name, card.licence) == (TINY, "Apache-2.0")
    assert "ImageNet-1k" in card.terms  # of the teacher
    assert [weights.trunk for weights in list_weights()] == [TINY]


def test_levels_carry_their_facts_and_have_their_shapes():
    trunk = load_trunk(TINY, levels=(1, 2, 3))
    assert trunk.levels == LEVELS
    shapes = [tuple(level.shape[1:]) for level in trunk(torch.zeros(1, 3, 96, 64))]
    assert shapes == [level.shape((96, 64)) for level in LEVELS]
    with pytest.raises(SettingsError, match="1 to 3"):
        TinyNet(TINY, (3, 4))


def test_levels_asked_for_apart_are_the_same():
    whole, some = load_trunk(TINY, levels=(1, 2, 3)), load_trunk(TINY, levels=(2,))
    pictures = picture("good")
    assert torch.allclose(whole(pictures)[1], some(pictures)[0], atol=1e-5)


def test_features_change_most_where_the_defect_is():
    drawn = draw("part", "colour", 4, 256)
    trunk = load_trunk(TINY, levels=(2, 3))
    for good, bad in zip(trunk(picture("good")), trunk(picture("colour")), strict=True):
        change = (good - bad).square().sum(dim=1)[0]
        row, column = np.unravel_index(int(change.argmax()), change.shape)
        cell = 256 // change.shape[0]
        around = drawn.mask[
            max(0, (row - 1) * cell) : (row + 2) * cell, max(0, (column - 1) * cell) : (column + 2) * cell
        ]
        assert around.any()


def test_features_move_with_the_picture():
    trunk, pictures = load_trunk(TINY, levels=(3,)), picture("good")
    level, moved = trunk(pictures)[0], trunk(torch.roll(pictures, 32, dims=3))[0]
    inner, same = moved[..., 5:-5, 7:-5], level[..., 5:-5, 5:-7]
    assert float((inner - same).abs().max()) < 0.02 * float(same.abs().max())


def test_the_trunk_in_the_package_is_taken_where_nothing_else_is_at_hand(tmp_path, monkeypatch):
    assert choose_trunk() == TINY
    assert choose_trunk("random") == "resnet18"
    assert choose_trunk(tmp_path / "mine.pth") == "resnet18"
    assert choose_trunk(BUNDLED) == TINY  # the file says so
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("RESTORA_WEIGHTS", str(shelf))
    assert choose_trunk() == TINY
    (shelf / "resnet18-f37072fd.pth").write_bytes(b"")
    assert choose_trunk() == "resnet18"
    monkeypatch.setenv("RESTORA_WEIGHTS", str(shelf / "resnet18-f37072fd.pth"))
    assert choose_trunk() == "resnet18"
    assert find_weights(TINY) == BUNDLED  # one file that is named is not for the trunk in the package
