"""Figures of anything that answers like a model's graph, without a model folder; no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restora.bundle import InputSpec
from restora.detector.examine import Examination
from restora.detector.stream import look_through
from restora.errors import DataError
from restora.evaluation import Evaluation, evaluate_rows
from restora.images.dataset import Dataset
from restora.images.prepare import RESIZE
from restora.runtimes.contract import Runtime
from restora.verdicts.calibration import DEFAULT_RATE
from restora.verdicts.prediction import Rule

BATCH = 8


def evaluate_runtime(runtime: Runtime, dataset: Dataset, spec: InputSpec) -> Evaluation:
    """Every figure of `Detector.evaluate` but those of verdicts: nothing is calibrated here.

    spec : how pictures become the runtime's input. The image score is the runtime's `score`; maps are carried to the
    pictures' own pixels, masks stay as they are.

    Raises DataError for a data set without test pictures, or a mask that does not fit its picture.
    """
    if not dataset.test:
        raise DataError(f"{dataset.root} has no test pictures; there is nothing to measure on.")
    examination = Examination(Rule.at(None, DEFAULT_RATE), ignore=None, masks=dataset.has_masks)
    examination.take_all(dataset.test, lambda sources: look_through(runtime, sources, spec, batch=BATCH))
    facts = {"name": dataset.name, "layout": dataset.layout}
    return evaluate_rows(facts, examination.rows(), pixel=examination.pixels)


def input_spec(size: tuple[int, int], depth: int | None = None) -> InputSpec:
    """The usual preparation at (height, width) `size`."""
    return InputSpec(height=size[0], width=size[1], resize=RESIZE, depth=depth)


def figures(evaluation: Evaluation) -> dict[str, float | None]:
    """The three figures of the table: `image_auroc`, `pixel_auroc`, `aupro_30`, None where undefined."""
    pixel = evaluation.pixel
    return {
        "image_auroc": evaluation.image.auroc,
        "pixel_auroc": None if pixel is None else pixel.auroc,
        "aupro_30": None if pixel is None else pixel.aupro_30,
    }


class StoredMaps:
    """Answers with maps that something else made: the map of a prepared picture is found by its pixels.

    maps : digest of a prepared picture (`pixel_digest`) -> .npy file, float32 [h, w], all of one shape
    The score is the map's maximum, the doubt 0.
    """

    def __init__(self, name: str, maps: Mapping[str, Path]) -> None:
        self.name = name
        self._maps = dict(maps)

    def __call__(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """uint8 [N, H, W, 3] -> score [N], doubt [N], map [N, h, w]. Raises DataError for a picture without a map."""
        maps = np.stack([self._map(picture) for picture in batch])
        score = maps.max(axis=(1, 2))
        return {"score": score, "doubt": np.zeros_like(score), "map": maps}

    def _map(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        path = self._maps.get(pixel_digest(picture))
        if path is None:
            raise DataError(f"{self.name} made no map for one of the pictures; make its maps again.")
        found: NDArray[np.float32] = np.load(path)
        return found


def pixel_digest(picture: NDArray[np.uint8]) -> str:
    """Hash of a prepared picture, uint8 [H, W, 3]; all have one size, so the bytes alone say which it is."""
    return hashlib.sha256(picture.tobytes()).hexdigest()
