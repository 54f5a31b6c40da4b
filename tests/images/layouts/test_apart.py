"""The layouts of published sets never claim each other's trees; what they say of themselves is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from restora.images.layouts import btad, dagm, kolektor_sdd, kolektor_sdd2, oct2017, visa, visa_one_class
from restora.images.tree import Tree

MODULES = (btad, dagm, kolektor_sdd, kolektor_sdd2, oct2017, visa, visa_one_class)

TREES = {
    "btad": ("train/ok/0000.bmp", "test/ok/0000.bmp", "test/ko/0001.bmp", "ground_truth/ko/0001.png"),
    "dagm": ("Train/0001.PNG", "Train/Label/Labels.txt", "Test/0001.PNG", "Test/Label/0001_label.PNG"),
    "kolektor-sdd": ("kos01/Part0.jpg", "kos01/Part0_label.bmp"),
    "kolektor-sdd2": ("train/10000.png", "train/10000_GT.png", "test/20000.png", "test/20000_GT.png"),
    "oct2017": ("train/NORMAL/NORMAL-1-1.jpeg", "train/CNV/CNV-2-1.jpeg", "test/NORMAL/NORMAL-3-1.jpeg"),
    "visa": ("Data/Images/Normal/0836.JPG", "Data/Images/Anomaly/000.JPG", "image_anno.csv"),
    "visa-one-class": ("train/good/0.JPG", "test/good/1.JPG", "test/bad/000.JPG", "ground_truth/bad/000.png"),
    "mvtec-ad": ("train/good/000.png", "test/good/000.png", "test/bad/000.png", "test/dent/000.png"),
    "folder": ("1.png", "more/2.png"),
}


def tree_of(names: tuple[str, ...], above: str = "") -> Tree:
    return Tree(Path("sets/candle"), tuple(sorted(above + name for name in names)))


@pytest.mark.parametrize("name", TREES)
def test_one_layout_claims_a_tree_and_the_others_do_not(name):
    likeness = {module.NAME: module.looks_like(tree_of(TREES[name])) for module in MODULES}
    assert likeness == {module.NAME: float(name == module.NAME) for module in MODULES}


@pytest.mark.parametrize("name", [name for name in TREES if name not in ("mvtec-ad", "folder")])
def test_a_folder_around_a_tree_is_known_for_what_it_is(name):
    around = tree_of(TREES[name], above="pcb1/")
    likeness = {module.NAME: module.looks_like(around) for module in MODULES}
    assert {name for name, value in likeness.items() if value} == {name}
    assert likeness[name] < 0.8


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.NAME)
def test_a_layout_says_where_it_is_from_and_under_which_terms(module):
    assert module.SKETCH.startswith("ROOT/")
    assert module.NOTE.startswith(("CC BY", "The readme"))
    assert "Published" in module.SOURCE
    assert max(map(len, module.SKETCH.splitlines())) <= 100
