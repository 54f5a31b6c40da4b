from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, PictureError
from restora.evaluation import score_maps
from restora.metrics import pixel_figures


@pytest.fixture
def case(tmp_path):
    """Two defective and two good maps with few distinct scores, as [H, W] uint16, and their masks."""
    rng = np.random.default_rng(0)
    maps = {
        name: rng.integers(0, 900, (12, 10), dtype=np.uint16) for name in ("crack/0", "crack/1", "good/0", "good/1")
    }
    masks = {name: rng.random((12, 10)) < 0.3 for name in ("crack/0", "crack/1")}
    (tmp_path / "masks/crack").mkdir(parents=True)
    (tmp_path / "maps/crack").mkdir(parents=True)
    (tmp_path / "maps/good").mkdir()
    for name, mask in masks.items():
        Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / f"masks/{name}_mask.png")
    return tmp_path, maps, masks


def write(folder, maps, suffix):
    for name, scores in maps.items():
        path = folder / f"maps/{name}{suffix}"
        if suffix == ".npy":
            np.save(path, scores.astype(np.float32))
        else:
            Image.fromarray(scores if suffix == ".png" else scores.astype(np.float32)).save(path)


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tiff"])
def test_the_same_maps_in_three_forms_have_the_figures_of_arrays(case, suffix):
    folder, maps, masks = case
    write(folder, maps, suffix)
    found = score_maps(folder / "maps", str(folder / "masks"))
    assert found["pixel"] == pixel_figures(maps.values(), [masks.get(name) for name in maps]).to_dict()
    assert found["dataset"] == {"maps": 4, "good": 2, "defective": 2}
    peaks = [scores.max() for scores in maps.values()]
    wins = np.mean([(bad > good) + (bad == good) / 2 for bad in peaks[:2] for good in peaks[2:]])
    assert found["image"]["auroc"] == wins


def test_masks_may_bear_the_bare_name_be_arrays_or_be_empty(case):
    folder, maps, masks = case
    write(folder, maps, ".npy")
    expected = score_maps(folder / "maps", folder / "masks")
    (folder / "masks/crack/0_mask.png").rename(folder / "masks/crack/0.png")
    (folder / "masks/crack/1_mask.png").unlink()
    np.save(folder / "masks/crack/1.npy", masks["crack/1"])
    (folder / "masks/good").mkdir()
    Image.new("L", (10, 12)).save(folder / "masks/good/0.png")
    assert score_maps(folder / "maps", folder / "masks") == expected


def test_several_masks_of_one_picture_are_joined(case):
    folder, maps, masks = case
    write(folder, maps, ".npy")
    expected = score_maps(folder / "maps", folder / "masks")
    (folder / "masks/crack/0_mask.png").unlink()
    for number, part in enumerate((masks["crack/0"][:6], masks["crack/0"][6:])):
        half = np.zeros((12, 10), np.uint8)
        half[6 * number : 6 * number + 6] = part
        Image.fromarray(half).save(folder / f"masks/crack/0_mask_{number}.png")
    assert score_maps(folder / "maps", folder / "masks") == expected


def test_a_channel_of_its_own_is_no_matter(case):
    folder, maps, _ = case
    write(folder, maps, ".npy")
    expected = score_maps(folder / "maps", folder / "masks")
    np.save(folder / "maps/crack/0.npy", maps["crack/0"][None].astype(np.float32))
    np.save(folder / "maps/good/0.npy", maps["good/0"][..., None].astype(np.float32))
    assert score_maps(folder / "maps", folder / "masks") == expected


def test_all_masks_empty_gives_no_pixel_figures(case):
    folder, maps, _ = case
    write(folder, {"crack/0": maps["crack/0"]}, ".npy")
    (folder / "masks/crack/1_mask.png").unlink()
    Image.new("L", (10, 12)).save(folder / "masks/crack/0_mask.png")
    found = score_maps(folder / "maps", folder / "masks")
    assert found["pixel"] is None
    assert found["image"]["auroc"] is None


def archive() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, score=np.zeros((12, 10)))
    return stream.getvalue()


def claim() -> bytes:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    return b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head


SPOILT = {
    "mask of another size": lambda map, mask: Image.new("L", (10, 13), 1).save(mask),
    "empty mask of another size": lambda map, mask: Image.new("L", (10, 13)).save(mask),
    "mask without map": lambda map, mask: map.unlink(),
    "two maps of one name": lambda map, mask: Image.new("L", (10, 12)).save(map.with_suffix(".png")),
    "NaN": lambda map, mask: np.save(map, np.full((12, 10), np.nan)),
    "colours": lambda map, mask: np.save(map, np.zeros((12, 10, 3))),
    "zero bytes": lambda map, mask: map.write_bytes(b""),
    "text": lambda map, mask: map.write_text("score"),
    "pickle": lambda map, mask: np.save(map, np.array([{"score": 1}], dtype=object), allow_pickle=True),
    "archive": lambda map, mask: map.write_bytes(archive()),
    "far more than follows": lambda map, mask: map.write_bytes(claim()),
    "a header without end": lambda map, mask: map.write_bytes(b"\x93NUMPY\x01\0\x09\0{'descr':\n"),
    "a header too deep": lambda map, mask: map.write_bytes(b"\x93NUMPY\x01\0\x88\x13" + b"(" * 5000),
    "a mask of words": lambda map, mask: (mask.unlink(), np.save(mask.with_suffix(".npy"), np.array([["a"]]))),
    "a mask with a channel": lambda map, mask: (mask.unlink(), np.save(mask.with_suffix(".npy"), np.ones((1, 2, 3)))),
    "cut short": lambda map, mask: map.write_bytes(map.read_bytes()[:200]),
}
SENTENCES = {
    "mask of another size": r"map is 12 x 10 .* mask 13 x 10",
    "empty mask of another size": r"map is 12 x 10 .* mask 13 x 10",
    "mask without map": r"1 of 2 masks .* the first is crack/0_mask.png",
    "two maps of one name": "two maps of one name",
    "NaN": "NaN or infinity",
    "colours": "coloured heat map",
    "a mask of words": "a mask is one number a pixel",
    "a mask with a channel": "a mask is one number a pixel",
}


@pytest.mark.parametrize("what", SPOILT)
def test_bad_input_is_one_sentence_that_names_the_file(case, what):
    folder, maps, _ = case
    write(folder, maps, ".npy")
    SPOILT[what](folder / "maps/crack/0.npy", folder / "masks/crack/0_mask.png")
    with pytest.raises(DataError, match=SENTENCES.get(what, "cannot be read")) as caught:
        score_maps(folder / "maps", folder / "masks")
    assert "crack/0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_png_is_a_picture_error(case):
    folder, maps, _ = case
    write(folder, maps, ".png")
    whole = (folder / "maps/good/1.png").read_bytes()
    (folder / "maps/good/1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=r"1\.png"):
        score_maps(folder / "maps", folder / "masks")


@pytest.mark.parametrize("empty", ["maps", "masks"])
def test_an_empty_or_missing_folder_is_refused(case, tmp_path, empty):
    folder, maps, _ = case
    write(folder, maps, ".npy")
    (tmp_path / "nothing").mkdir()
    for instead in ("nothing", "nowhere"):
        places = {"maps": folder / "maps", "masks": folder / "masks", empty: tmp_path / instead}
        with pytest.raises(DataError, match=instead):
            score_maps(places["maps"], places["masks"])
