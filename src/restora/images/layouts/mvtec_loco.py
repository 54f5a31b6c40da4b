"""MVTec LOCO AD: logical and structural defects, a mask a region, and how much of a region is enough."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from restora.errors import DataError
from restora.images.dataset import Dataset
from restora.images.layouts.mvtec_form import (
    Found,
    as_dataset,
    kind_items,
    masks_of_no_kind,
    required_good,
    validation_good,
)
from restora.images.read import read_samples
from restora.images.tree import Tree, last

NAME = "mvtec-loco"
SKETCH = """\
ROOT/train/good/*.png
ROOT/validation/good/*.png
ROOT/test/{good,logical_anomalies,structural_anomalies}/007.png
ROOT/ground_truth/{logical_anomalies,structural_anomalies}/007/000.png   a mask a region, any number of them
ROOT/defects_config.json                                                 saturation of each kind of defect"""
NOTE = "MVTec LOCO AD is CC BY-NC-SA 4.0: no commercial use."
SOURCE = (
    "MVTec Logical Constraints Anomaly Detection (MVTec LOCO AD). Bergmann, Batzner, Fauser, Sattlegger, Steger, "
    "Beyond Dents and Scratches: Logical Constraints in Unsupervised Anomaly Detection and Localization, IJCV 2022. "
    "Published by MVTec."
)

_KINDS = ("logical_anomalies", "structural_anomalies")
_CONFIG = "defects_config.json"
_NOT_SATURATED = (
    "A picture's masks count together, and our AUPRO asks for the whole of each connected region; the sPRO of the "
    "MVTec LOCO AD paper asks for each mask's saturation area only, so the two figures cannot be compared."
)


@dataclass(frozen=True)
class Saturation:
    """What the paper asks of one mask.

    defect : the kind of defect that the value of its pixels stands for
    area   : its marked pixels
    enough : how many of them count as all of it, at most `area`
    """

    defect: str
    area: int
    enough: int


def looks_like(tree: Tree) -> float:
    """1 with a test folder of logical or structural anomalies, 0 without."""
    return float(any(tree.folder("test", kind) is not None for kind in _KINDS))


def read(tree: Tree) -> Dataset:
    """train/good and validation/good to train on, all of test/ with its masks. Raises DataError."""
    test, truth = tree.folder("test"), tree.folder("ground_truth")
    if test is None or looks_like(tree) == 0:
        raise DataError(
            f"{tree.root} holds neither test/logical_anomalies nor test/structural_anomalies; name a category"
        )
    found = Found()
    if tree.folder("train") is not None:
        found += required_good(tree, "train")
    found += validation_good(tree, tree.folder("validation", "good"))
    for folder in tree.folders(test):
        found += kind_items(tree, folder, tree.folder("ground_truth", last(folder)), _as_numbered_mask)
    found += masks_of_no_kind(tree, truth, test)
    return as_dataset(tree, NAME, found + Found(notes=(_NOT_SATURATED,)))


def saturation(tree: Tree) -> dict[str, Saturation]:
    """What the paper asks of each mask below ground_truth/, by the locator that `Item.masks` holds; reads every mask.

    Raises DataError where defects_config.json is absent or does not know a mask, PictureError for a damaged mask.
    """
    rules, truth = _rules(tree), tree.folder("ground_truth")
    masks = tree.pictures(truth) if truth is not None else []
    return {tree.locator(name): _saturation(tree, name, rules) for name in masks}


@dataclass(frozen=True)
class _Rule:
    defect: str
    threshold: float
    relative: bool


def _rules(tree: Tree) -> dict[int, _Rule]:
    file = tree.file(_CONFIG)
    if file is None:
        raise DataError(f"{tree.root} holds no {_CONFIG}; MVTec LOCO AD keeps one in each category")
    try:
        return {
            int(entry["pixel_value"]): _Rule(
                str(entry["defect_name"]), float(entry["saturation_threshold"]), bool(entry["relative_saturation"])
            )
            for entry in json.loads(tree.read_text(file))
        }
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"{tree.locator(file)} is not a JSON list of defects with defect_name, pixel_value, saturation_threshold "
            "and relative_saturation; take the published file"
        ) from None


def _saturation(tree: Tree, name: str, rules: dict[int, _Rule]) -> Saturation:
    samples = read_samples(tree.locator(name), name)
    values = np.unique(samples[samples > 0])
    if len(values) != 1 or int(values[0]) not in rules:
        raise DataError(
            f"{tree.locator(name)} marks {len(values)} values ({', '.join(map(str, values[:3])) or 'nothing'}), but a "
            f"mask of MVTec LOCO AD holds one that {_CONFIG} knows"
        )
    rule, area = rules[int(values[0])], int((samples > 0).sum())
    enough = int(rule.threshold * area) if rule.relative else min(int(rule.threshold), area)
    return Saturation(rule.defect, area, enough)


def _as_numbered_mask(name: str) -> str:
    """``007/001.png``, the second mask of picture 007, under the name ``007_mask_001.png``."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}_mask_{file}" if slash else name
