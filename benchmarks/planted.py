"""Feature anomalies planted into held-out good pictures: what the measurements of restoration and perception share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restora.bundle import Model, read_model
from restora.export.torch_runtime import load_network
from restora.features.pyramid import Pyramid
from restora.images.layouts import read_dataset
from restora.images.split import split_good
from restora.methods.branch import Branch
from restora.methods.contract import as_restorer
from restora.methods.layers.noise import random_mask
from restora.methods.ura_net.synthesis import Source, plant
from restora.training.plan import prepared_batches
from restora.training.textures import texture_pictures

BATCH = 16
AREA = (0.06, 0.10)  # of the map that is planted: about 8 %


@dataclass(frozen=True)
class Planted:
    """One batch: clean features, spoiled features, and the marked cells [B, 1, h, w] (0 or 1) of the finest level."""

    clean: Pyramid
    spoiled: Pyramid
    marks: Tensor


class Subject:
    """A trained model and the features of good pictures that it was not fitted on (the calibration part)."""

    def __init__(self, model: Path, data: Path) -> None:
        self.model: Model = read_model(model)
        network = load_network(self.model)
        if not isinstance(network.head, Branch):
            raise SystemExit(f"{model} joins several methods; name a model of one of them")
        self.restorer = as_restorer(network.head.restorer)
        self._trunk = network.trunk
        self._aggregate = network.head.aggregate
        size = self.model.manifest.input.size
        held_out = split_good(read_dataset(data).good("train")).calibration
        self.batches = [self._features(batch) for batch in prepared_batches(held_out, size, None, BATCH)]
        rng = np.random.default_rng(1)
        pictures = np.stack(list(texture_pictures(BATCH, size, rng)))
        self.textures = self._features(pictures).levels

    @torch.inference_mode()
    def _features(self, batch: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Pyramid:
        pyramid: Pyramid = self._aggregate(self._trunk(torch.from_numpy(batch).permute(0, 3, 1, 2).float()))
        return pyramid

    def planted(self, kind: str, seed: int = 0) -> Iterator[Planted]:
        """Every held-out picture with one kind planted at full strength inside a hard mask; foreign needs a batch
        of two.
        """
        rng = np.random.default_rng([seed, 2])
        for clean in self.batches:
            count, _, *grid = clean.levels[0].shape
            if count < 2:
                continue
            coarse = clean.levels[-1].shape[2:]
            stride = grid[0] // coarse[0]
            drawn = np.stack([random_mask((coarse[0], coarse[1]), rng, area=AREA) > 0.5 for _ in range(count)])
            # Marks are whole cells of the coarsest level, so that no cell of any level is half spoiled.
            marks = torch.from_numpy(drawn.repeat(stride, 1).repeat(stride, 2))[:, None].float()
            # Full strength: the loudest noise that training draws, in every batch.
            source = Source(clean.levels, torch.arange(count), self.textures, rng, loudness=(1.2, 1.2))
            levels = plant(clean, kind, marks, source, torch.ones(count, 1, 1, 1))
            yield Planted(clean, Pyramid(levels), marks)
