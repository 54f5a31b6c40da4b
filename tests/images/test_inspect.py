from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.images.inspect import Inspection, inspect_dataset
from restora.images.layouts import read_dataset
from restora.images.prepare import median_shape


def inspect(path: Path, *, quick: bool = False) -> Inspection:
    return inspect_dataset(read_dataset(path), quick=quick)


def said(lines: tuple[str, ...], word: str) -> str:
    return next((line for line in lines if word in line), "")


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    """40 different good pictures of 64 x 96."""
    folder = tmp_path / "parts"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(40):
        Image.fromarray(rng.integers(0, 256, (64, 96, 3)).astype(np.uint8)).save(folder / f"{index:02}.png")
    return folder


def test_a_data_set_without_fault(goods: Path):
    found = inspect(goods)
    assert found.counts == {"train": {"good": 40}}
    assert found.sizes == {"64x96": 40}
    assert found.modes == {"RGB": 40}
    assert found.size == (64, 96)
    assert (found.squashed, found.depth) == (0, None)
    assert found.problems == found.warnings == ()


def test_counts_sizes_and_modes(category: Path):
    Image.new("RGB", (30, 10), (1, 2, 3)).save(category / "test/good/other.jpg")
    found = inspect(category)
    assert found.counts == {"train": {"good": 3}, "test": {"good": 3, "scratch": 2}}
    assert found.sizes == {"6x8": 7, "10x30": 1}
    assert found.modes == {"grey": 7, "RGB": 1}
    assert found.squashed == 1
    assert "1 of 8" in said(found.warnings, "squashed")
    assert "Only 3 good" in said(found.warnings, "review")


def test_the_usual_shape_is_found_once_however_many_pictures_there_are(goods: Path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "restora.images.inspect.median_shape", lambda shapes: asked.append(len(shapes)) or median_shape(shapes)
    )
    inspect(goods)
    assert asked == [40]


def test_unreadable_pictures_are_named_with_their_sentence(category: Path):
    (category / "train/good/000.png").write_bytes(b"")
    (category / "test/scratch/001.png").write_text("hello")
    data = (category / "test/good/000.png").read_bytes()
    (category / "test/good/000.png").write_bytes(data[:45])  # ends just behind the beginning of the samples
    found = inspect(category)
    sentences = dict(found.unreadable)
    assert list(sentences) == ["train/good/000.png", "test/good/000.png", "test/scratch/001.png"]
    assert "empty" in sentences["train/good/000.png"]
    assert "3 pictures cannot be read" in said(found.problems, "cannot be read")


def test_equal_pictures_within_a_part_and_across(category: Path):
    shutil.copy(category / "train/good/000.png", category / "train/good/copy.png")
    # the same pixels in another file format are the same picture
    Image.open(category / "train/good/001.png").save(category / "test/good/leak.bmp")
    found = inspect(category)
    assert found.duplicates == (("train/good/000.png", "train/good/copy.png"),)
    assert found.leaks == (("train/good/001.png", "test/good/leak.bmp"),)
    assert said(found.problems, "train/good/001.png = test/good/leak.bmp")
    assert said(found.warnings, "train/good/000.png = train/good/copy.png")


def test_masks_that_do_not_fit(category: Path):
    Image.new("L", (8, 5)).save(category / "ground_truth/scratch/000_mask.png")
    (category / "ground_truth/scratch/001_mask.png").write_bytes(b"")
    found = inspect(category)
    sentences = dict(found.bad_masks)
    assert "5 x 8" in sentences["test/scratch/000.png"]
    assert "6 x 8" in sentences["test/scratch/000.png"]
    assert "empty" in sentences["test/scratch/001.png"]
    assert "2 pictures" in said(found.problems, "masks")


def test_masks_that_are_missing_stray_or_mark_nothing(category: Path):
    truth = category / "ground_truth/scratch"
    (truth / "000_mask.png").rename(truth / "999_mask.png")
    Image.new("L", (8, 6)).save(truth / "001_mask.png")
    found = inspect(category)
    assert found.missing_masks == ("test/scratch/000.png",)
    assert found.stray_masks == (str(truth / "999_mask.png"),)
    assert said(found.warnings, "999_mask.png")
    assert "001.png" in said(found.warnings, "marks nothing")
    # where no picture has a mask, none is missing
    shutil.rmtree(category / "ground_truth")
    assert inspect(category).missing_masks == ()


def test_a_quick_look_goes_by_names_and_opens_nothing(category: Path, monkeypatch):
    (category / "ground_truth/scratch/000_mask.png").rename(category / "ground_truth/scratch/999_mask.png")
    (category / "train/good/000.png").write_bytes(b"")
    whole = inspect(category)
    monkeypatch.setattr("restora.images.read.open_file", lambda path: pytest.fail(f"{path} was opened"))
    found = inspect(category, quick=True)
    assert (found.quick, whole.quick) == (True, False)
    assert (found.counts, found.missing_masks, found.stray_masks) == (
        whole.counts,
        whole.missing_masks,
        whole.stray_masks,
    )
    assert (found.sizes, found.modes, found.size, found.unreadable) == ({}, {}, None, ())
    assert said(found.warnings, "999_mask.png")
    assert said(found.warnings, "Only 3 good")


@pytest.mark.parametrize(
    ("largest", "depth"), [(200, 8), (1023, 10), (1024, 12), (4095, 12), (16383, 14), (16384, None)]
)
def test_the_depth_is_proposed_where_upper_bits_are_unused(largest, depth, goods: Path):
    for path in goods.iterdir():
        samples = np.linspace(0, largest, 64 * 96).astype(np.uint16).reshape(64, 96)
        samples[0, 0] = int(path.stem)
        Image.fromarray(samples).save(path)
    found = inspect(goods)
    assert found.modes == {"grey 16-bit": 40}
    assert found.depth == depth
    assert said(found.warnings, "--depth") == (
        f"The 16-bit pictures leave their upper bits unused and come out too dark: use --depth {depth}."
        if depth
        else ""
    )


def test_no_test_picture_decides_the_depth(category: Path):
    for path in (category / "train/good").iterdir():
        Image.fromarray(np.full((6, 8), 1000, dtype=np.uint16)).save(path)
    for path in (category / "test/good").iterdir():
        Image.fromarray(np.full((6, 8), 60000, dtype=np.uint16)).save(path)
    assert inspect(category).depth == 10


def test_odd_pictures_are_named(goods: Path):
    Image.new("RGB", (96, 64), (9, 9, 9)).save(goods / "flat.png")
    pages = [
        Image.fromarray(np.random.default_rng(page).integers(0, 9, (64, 96)).astype(np.uint8)) for page in range(2)
    ]
    pages[0].save(goods / "pages.tif", save_all=True, append_images=pages[1:])
    found = inspect(goods)
    assert "flat.png" in said(found.warnings, "one colour")
    assert "pages.tif" in said(found.warnings, "several pages")
    assert found.problems == ()


def test_few_pictures_are_said_to_promise_little(goods: Path):
    (goods / "00.png").unlink()
    assert "19 are kept back" in said(inspect(goods).warnings, "1 in 20")


def test_no_good_picture_to_train_on(category: Path):
    shutil.rmtree(category / "train")
    found = inspect(category)
    assert found.size is None
    assert said(found.problems, "no good pictures to train on")


def test_it_can_be_written_as_json(category: Path):
    shutil.copy(category / "train/good/000.png", category / "test/good/leak.png")
    found = inspect(category)
    back = json.loads(json.dumps(found.to_dict()))
    assert back["leaks"] == [["train/good/000.png", "test/good/leak.png"]]
    assert back["size"] == [32, 32]
    assert set(back) == set(vars(found))
