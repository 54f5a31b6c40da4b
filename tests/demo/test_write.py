from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from restora.demo import PRODUCTS, write_products
from restora.demo.write import _strength
from restora.errors import UsageError
from restora.images.layouts import read_dataset


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_tree_is_complete_and_masks_fit(tmp_path):
    root = write_products(tmp_path, "part", good=3, test_good=2, defective=1, size=64)
    assert root == tmp_path / "part"
    assert len(list((root / "train/good").glob("*.png"))) == 3
    assert len(list((root / "test/good").glob("*.png"))) == 2
    for kind in PRODUCTS["part"].kinds:
        mask = pixels(root / "ground_truth" / kind / "0000_mask.png")
        assert pixels(root / "test" / kind / "0000.png").shape == (64, 64, 3)
        assert mask.shape == (64, 64)
        assert set(np.unique(mask)) == {0, 255}


def strengths(root):
    with (root / "strengths.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_share_of_hard_defects_is_known(tmp_path):
    kinds = len(PRODUCTS["part"].kinds)
    root = write_products(tmp_path, "part", good=0, test_good=0, defective=2, size=64, hard=0.3)
    rows = strengths(root)
    assert sorted(row["path"] for row in rows) == sorted(
        f"test/{k}/000{i}.png" for k in PRODUCTS["part"].kinds for i in (0, 1)
    )
    values = np.array([float(row["strength"]) for row in rows])
    assert abs((values < 0.25).sum() - 0.3 * 2 * kinds) <= 1
    assert ((values < 0.25) | (values >= 0.4)).all()
    dataset = read_dataset(root)
    assert len(dataset.items) == 2 * kinds
    assert not dataset.stray_masks


@pytest.mark.parametrize(("hard", "many"), [(0.15, 12), (0.5, 7), (0.0, 5), (1.0, 3)])
def test_the_share_holds_to_one_picture_and_kinds_take_turns(hard, many):
    for seed in range(5):
        kinds = PRODUCTS["part"].kinds
        weak = [[_strength("part", kind, i, seed, hard) < 0.25 for i in range(many)] for kind in kinds]
        assert abs(np.sum(weak) - hard * many * len(kinds)) <= 1
        assert np.ptp(np.sum(weak, axis=1)) <= 1


def test_more_of_one_sort_changes_no_other_picture(tmp_path):
    few = write_products(tmp_path / "few", "fabric", good=2, test_good=1, defective=1, size=48)
    more = write_products(tmp_path / "more", "fabric", good=4, test_good=2, defective=2, size=48)
    other = write_products(tmp_path / "other", "fabric", good=2, test_good=1, defective=1, size=48, seed=1)
    for path in few.rglob("*.png"):
        assert path.read_bytes() == (more / path.relative_to(few)).read_bytes()
        if "ground_truth" not in path.parts:
            assert path.read_bytes() != (other / path.relative_to(few)).read_bytes()


def test_no_two_pictures_are_twins(tmp_path):
    root = write_products(tmp_path, "fabric", good=4, test_good=4, defective=1, size=48)
    pictures = [pixels(path) for folder in ("train", "test") for path in (root / folder).rglob("*.png")]
    same = [(a == b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]
    assert max(same) < 0.3


def test_bad_wishes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="fabric"):
        write_products(tmp_path, "banana")
    with pytest.raises(UsageError, match="0 or more"):
        write_products(tmp_path, "part", good=-1)
    with pytest.raises(UsageError, match="from 0 to 1"):
        write_products(tmp_path, "part", hard=2)
    assert not list(tmp_path.iterdir())


def test_drawn_again_only_where_something_else_is_wished_for(tmp_path):
    def wish(**more):
        return write_products(tmp_path, "part", **{"good": 1, "test_good": 0, "defective": 0, "size": 32, **more})

    root = wish()
    first = (root / "train/good/0000.png").stat().st_mtime_ns
    assert (wish() / "train/good/0000.png").stat().st_mtime_ns == first
    assert len(list(wish(good=3).rglob("*.png"))) == 3
    assert len(list(wish(good=2, hard=0.5).rglob("*.png"))) == 2
    assert len(list(wish().rglob("*.png"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "part/train/good").mkdir(parents=True)
    (tmp_path / "part/train/good/0000.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="name another folder"):
        write_products(tmp_path, "part", good=1, size=32)
    assert (tmp_path / "part/train/good/0000.png").read_bytes() == b"mine"
