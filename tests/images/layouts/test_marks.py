"""Each set is known by marks of its own: no other layout here claims its tree, and none claims anybody's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.images.layouts import aitex, magnetic_tile, mpdd, mvtec_3d_ad, mvtec_ad_2, mvtec_loco, real_iad
from restora.images.tree import Tree

LAYOUTS = (aitex, magnetic_tile, mpdd, mvtec_3d_ad, mvtec_ad_2, mvtec_loco, real_iad)
TREES = {
    "aitex": ("AITEX", "Defect_images/0044_019_04.png", "NODefect_images/2306881-210020u/0001_000_05.png"),
    "magnetic-tile": ("tiles", "MT_Free/Imgs/exp1_num_1.jpg", "MT_Fray/Imgs/exp1_num_2.jpg"),
    "mpdd": ("connector", "train/good/000.png", "test/parts_mismatch/000.png"),
    "mvtec-3d-ad": ("bagel", "train/good/rgb/000.png", "train/good/xyz/000.tiff", "test/hole/rgb/000.png"),
    "mvtec-ad-2": ("can", "train/good/000_regular.png", "test_public/bad/000_regular.png"),
    "mvtec-loco": ("pushpins", "train/good/000.png", "test/logical_anomalies/000.png"),
    "real-iad": ("toy", "OK/S0001/toy_0001_OK_C1_1.jpg", "NG/QS/S0001/toy_0001_NG_QS_C1_1.jpg"),
}
OTHERS = [
    ("bottle", "train/good/000.png", "test/broken/000.png", "ground_truth/broken/000_mask.png"),
    ("tubes", "train/good/000.png", "test/dented/000.png"),
    ("mine", "a.png", "b/c.png"),
    ("mine", "OK/1.png", "NG/2.png"),
    ("mine",),
]


def claims(name: str, *files: str) -> dict[str, float]:
    tree = Tree(Path("/nowhere", name), tuple(sorted(files)))
    return {layout.NAME: layout.looks_like(tree) for layout in LAYOUTS}


@pytest.mark.parametrize("name", TREES)
def test_one_layout_claims_its_tree(name):
    assert claims(*TREES[name]) == {layout.NAME: float(name == layout.NAME) for layout in LAYOUTS}


@pytest.mark.parametrize("files", OTHERS)
def test_none_claims_what_bears_no_mark(files):
    assert set(claims(*files).values()) == {0.0}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.NAME)
def test_every_layout_explains_itself(layout):
    assert layout.NAME in TREES
    for text in (layout.SKETCH, layout.NOTE, layout.SOURCE):
        assert text.strip()
