from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, UsageError
from restora.training.textures import draw_texture, list_textures, texture_pictures


def drawn(count: int, seed: int, folder=None) -> list[np.ndarray]:
    return list(texture_pictures(count, (48, 64), np.random.default_rng(seed), folder))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        plain = np.full((60, 80, 3), 80 * number + 20, np.uint8) + rng.integers(0, 5, (60, 80, 1), dtype=np.uint8)
        Image.fromarray(plain).save(tmp_path / f"{number}.png")
    return tmp_path


def test_drawn_textures_are_many_and_vary_within():
    pictures = drawn(40, seed=0)
    assert all(picture.shape == (48, 64, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 40
    assert min(picture.std() for picture in pictures) > 1
    colours = np.array([picture.mean((0, 1)) for picture in pictures])
    assert colours.std(0).min() > 20


@pytest.mark.parametrize("size", [(32, 32), (33, 97)])
def test_any_size_can_be_drawn(size):
    for seed in range(12):
        assert draw_texture(size, np.random.default_rng(seed)).shape == (*size, 3)


def test_a_seed_draws_the_same():
    assert all((a == b).all() for a, b in zip(drawn(5, 3), drawn(5, 3), strict=True))
    assert not (drawn(1, 3)[0] == drawn(1, 4)[0]).all()


def test_a_folder_gives_as_many_as_asked_for(folder):
    few, many = drawn(2, 0, folder), drawn(7, 0, folder)
    assert [len(few), len(many)] == [2, 7]
    assert {int(picture.mean()) // 80 for picture in many} == {0, 1, 2}  # every picture is used
    assert all(picture.shape == (48, 64, 3) for picture in many)


def test_unreadable_textures_are_passed_over(folder):
    (folder / "broken.png").write_bytes(b"no picture")
    assert len(drawn(3, 0, folder)) == 3


def test_a_folder_without_a_readable_picture_says_so(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no readable picture"):
        drawn(3, 0, tmp_path)


def test_a_list_of_textures_tells_folders_apart(folder):
    before = list_textures(folder)
    assert list_textures(folder) == before
    Image.new("RGB", (90, 90)).save(folder / "9.png")
    assert list_textures(folder) != before
    with pytest.raises(UsageError):
        list_textures(folder / "nowhere")


def test_textures_may_stay_in_their_archive(folder, tmp_path_factory):
    archive = Path(shutil.make_archive(str(tmp_path_factory.mktemp("packed") / "textures"), "zip", folder))
    np.testing.assert_array_equal(drawn(5, 0, folder), drawn(5, 0, archive))
    before = list_textures(archive)
    Image.new("RGB", (90, 90)).save(folder / "9.png")
    shutil.make_archive(str(archive.with_suffix("")), "zip", folder)
    assert list_textures(archive) != before
