from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import SettingsError
from restora.images.overlay import heat_overlay, write_map

GREY = np.full((40, 60, 3), 128, dtype=np.uint8)


@dataclass
class Box:
    bbox: tuple[int, int, int, int]


def test_below_the_beginning_the_picture_is_untouched():
    map = np.linspace(-5, 1, 2400, dtype=np.float32).reshape(40, 60)
    shown = heat_overlay(GREY, map, 1.0, 2.0)
    assert (shown == GREY).all()
    assert shown is not GREY


def test_full_heat_is_the_same_colour_however_hot():
    map = np.full((40, 60), 2.0, dtype=np.float32)
    map[0] = 1e30
    shown = heat_overlay(GREY, map, 1.0, 2.0)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1
    # three fifths of (252, 255, 164), two fifths of 128
    assert shown[0, 0].tolist() == [round(0.6 * value + 0.4 * 128) for value in (252, 255, 164)]


def test_colours_depend_on_the_pixel_alone_not_on_the_picture():
    map = np.full((40, 60), 1.3, dtype=np.float32)
    alone = heat_overlay(GREY, map, 1.0, 2.0)[5, 5]
    map[20:] = 9
    assert (heat_overlay(GREY, map, 1.0, 2.0)[5, 5] == alone).all()


def test_hotter_is_lighter_on_a_dark_picture():
    map = np.linspace(1, 2, 2400, dtype=np.float32).reshape(40, 60)
    shown = heat_overlay(np.zeros_like(GREY), map, 1.0, 2.0).astype(float) @ (0.2126, 0.7152, 0.0722)
    assert np.diff(shown.ravel()).min() > -1.5  # rounding to 8 bits
    assert shown[-1, -1] > 120


def test_equal_ends_make_a_step():
    map = np.array([[1.0, 1.0 + 1e-6]], dtype=np.float32)
    shown = heat_overlay(GREY[:1, :2], map, 1.0, 1.0)
    assert (shown[0, 0] == 128).all()
    assert (shown[0, 1] != 128).any()


def test_frames_stand_around_regions_and_hide_none_of_their_pixels():
    map = np.zeros((40, 60), dtype=np.float32)
    shown = heat_overlay(GREY, map, 1.0, 2.0, [Box((10, 20, 30, 25))])
    assert (shown[20:25, 10:30] == 128).all()
    assert (shown[19, 9:31] == 255).all()
    assert (shown[25, 9:31] == 255).all()
    assert (shown[18:27, 8] == 0).all()
    assert (shown[18:27, 31] == 0).all()
    changed = (shown != 128).any(axis=-1)
    assert changed.sum() == 9 * 24 - 5 * 20


def test_frames_at_the_edge_stay_inside_the_picture():
    map = np.zeros((40, 60), dtype=np.float32)
    for box in ((0, 0, 60, 40), (59, 39, 60, 40), (0, 0, 1, 1)):
        assert heat_overlay(GREY, map, 1.0, 2.0, [Box(box)]).shape == GREY.shape


def test_npy_keeps_every_bit(tmp_path: Path):
    map = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    write_map(tmp_path / "a.npy", map, "npy")
    assert (np.load(tmp_path / "a.npy") == map).all()
    assert np.load(tmp_path / "a.npy").dtype == np.float32


def test_png_keeps_order_and_eleven_bits(tmp_path: Path):
    map = np.random.default_rng(0).gamma(0.5, 30, size=(50, 70)).astype(np.float32)
    map[0, :3] = 0, -0.0, 65504
    write_map(tmp_path / "a.png", map, "png")
    with Image.open(tmp_path / "a.png") as image:
        stored = np.asarray(image).astype(np.uint16)
    back = stored.view(np.float16).astype(np.float32)
    assert np.abs(back - map).max() <= 2**-11 * map.max()
    assert (np.abs(back - map) <= 2**-11 * map + 2**-24).all()
    order = np.argsort(map, axis=None, kind="stable")
    assert (np.diff(stored.ravel()[order].astype(int)) >= 0).all()
    assert stored[0, 1] == 0


@pytest.mark.parametrize("value", [-1.0, 70000.0, np.nan, np.inf])
def test_png_refuses_what_it_cannot_hold(value, tmp_path: Path):
    with pytest.raises(SettingsError, match="choose npy"):
        write_map(tmp_path / "a.png", np.full((2, 2), value, dtype=np.float32), "png")
    assert not list(tmp_path.iterdir())


def test_another_form_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="npy or png"):
        write_map(tmp_path / "a.tiff", np.zeros((2, 2), dtype=np.float32), "tiff")
