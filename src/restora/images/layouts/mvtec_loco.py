"""MVTec LOCO AD: logical and structural defects, a mask a region, and how much of a region is enough."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
from restora.images.saturation import Enough, Saturation
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
_JOINED = (
    "AUPRO joins the masks of a picture and asks for the whole of what is connected, so the two cannot be compared."
)
_SATURATED = (
    "sPRO is the figure of the MVTec LOCO AD paper: each mask is a region, of which its saturation area is enough. "
    + _JOINED
)
_NOT_SATURATED = f"There is no {_CONFIG}, so sPRO, the figure of the MVTec LOCO AD paper, is not made. {_JOINED}"


def looks_like(tree: Tree) -> float:
    """1 with a test folder of logical or structural anomalies, 0 without."""
    return float(any(tree.folder("test", kind) is not None for kind in _KINDS))


def read(tree: Tree) -> Dataset:
    """Good pictures of train/ and validation/, all of test/ with masks and their saturation. Raises DataError."""
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
    saturation = _saturation(tree)
    items = tuple(replace(item, saturation=saturation) if item.masks else item for item in found.items)
    notes = (*found.notes, _NOT_SATURATED if saturation is None else _SATURATED)
    return as_dataset(tree, NAME, replace(found, items=items, notes=notes))


def _saturation(tree: Tree) -> Saturation | None:
    """What the category's table states, None without one. Raises DataError for one that is not as published."""
    file = tree.file(_CONFIG)
    if file is None:
        return None
    try:
        return Saturation(tuple(_enough(entry) for entry in json.loads(tree.read_text(file))), _CONFIG)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise DataError(
            f"{tree.locator(file)} is not a JSON list of defects with pixel_value, saturation_threshold and "
            "relative_saturation; take the published file, or none"
        ) from None


def _enough(entry: Mapping[str, Any]) -> Enough:
    amount = float(entry["saturation_threshold"])
    if not 0 <= amount < math.inf:
        raise ValueError
    return Enough(int(entry["pixel_value"]), amount, bool(entry["relative_saturation"]))


def _as_numbered_mask(name: str) -> str:
    """``007/001.png``, the second mask of picture 007, under the name ``007_mask_001.png``."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}_mask_{file}" if slash else name
