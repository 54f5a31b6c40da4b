"""The pictures of the pages "URA-Net" and "My folder": the way of drawn pictures through a trained network.

    python docs/figures/ura_net.py runs/figures       # draws and trains what is not there yet; minutes

Writes PNG files into docs/figures/ura-net/. Needs the extra `train`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from looks import NORMAL, SHOWN, branch, features, go, plane, read_all, show_verdicts, show_way
from numpy.typing import NDArray
from panels import HERE, FalseColours, Pixels, coloured, save
from stage import SIZE, set_up

import restora
from restora.export.network import Network
from restora.export.torch_runtime import load_network
from restora.features.pyramid import Pyramid
from restora.methods.contract import Restoration
from restora.methods.layers.noise import random_mask
from restora.methods.ura_net.attention import widen
from restora.methods.ura_net.network import UraNet
from restora.methods.ura_net.synthesis import Source, plant
from restora.training.textures import draw_texture

OUT = HERE / "ura-net"
TRAINED = ("texture", "foreign", "shuffle", "noise")
MASK_SEED = 5
# Where the colours of a map end, as the page says.
PLANTED_SCALE = {"probability": 1.0, "aleatoric": 0.25, "epistemic": 0.02}
REAL_SCALE = {"probability": 0.5, "aleatoric": 0.25, "epistemic": 0.01}


def main() -> None:
    """Draw and train what is not there, then write every picture."""
    stage = set_up(Path(sys.argv[1]))
    data, model = stage / "parts", stage / "part.restora"
    detector = restora.Detector.load(model)
    network = load_network(detector.model)
    pictures = read_all(data, list(SHOWN.values()))
    with torch.inference_mode():
        way, usual = go(network, pictures), go(network, read_all(data, NORMAL))
        colours = [FalseColours(level.numpy()) for level in usual.pyramid.levels]
        show_way(OUT, way, usual, colours, _perception(_restorer(network), way.restoration))
        _show_synthesis(OUT, network, usual.pyramid, colours[0])
    show_verdicts(OUT, detector, pictures)


def _restorer(network: Network) -> UraNet:
    restorer = branch(network).restorer
    if not isinstance(restorer, UraNet):
        raise SystemExit("these pictures are of URA-Net; name a model of that method")
    return restorer


def _perceived(found: Restoration, row: int, scale: dict[str, float]) -> dict[str, Pixels]:
    return {name: coloured(plane(getattr(found, name), row), 0, most) for name, most in scale.items()}


def _perception(restorer: UraNet, found: Restoration) -> list[dict[str, Pixels]]:
    """Of each shown picture what is perceived, and the mask that comes of it."""
    if found.probability is None:
        raise SystemExit("this model perceives nothing; train one with perception on")
    mask = widen(found.probability, restorer.settings.attention.widening)
    return [
        {**_perceived(found, row, REAL_SCALE), "mask": coloured(plane(mask, row), 0, REAL_SCALE["probability"])}
        for row in range(len(SHOWN))
    ]


def _central_mask(grid: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A mask as training draws them, in one piece and in the middle of the picture: there the part is."""
    while True:
        mask = random_mask(grid, rng, area=(0.04, 0.12))
        places = np.argwhere(mask > 0) / grid
        if np.abs(places.mean(0) - 0.5).max() < 0.15 and np.ptp(places, axis=0).max() < 0.5:
            return mask


def _show_synthesis(out: Path, network: Network, normal: Pyramid, colours: FalseColours) -> None:
    """One mask, and every kind of artificial anomaly planted under it in the features of one good picture."""
    first, rng = normal.levels[0], np.random.default_rng(MASK_SEED)
    mask = torch.from_numpy(_central_mask((first.shape[2], first.shape[3]), rng))[None, None]
    textures = features(network, np.stack([draw_texture((SIZE, SIZE), rng) for _ in range(4)])).levels
    restorer = _restorer(network)
    save(out / "fasm-mask.png", coloured(mask[0, 0].numpy(), 0, 1))
    save(out / "fasm-clean.png", colours(first[0].numpy()))
    for kind in TRAINED:
        source = Source(normal.levels, torch.tensor([0]), textures, rng)
        spoiled = plant(normal, kind, mask, source, torch.ones(1, 1, 1, 1))
        save(out / f"fasm-{kind}.png", colours(spoiled[0][0].numpy()))
        found = restorer.restore(Pyramid(spoiled))
        shown = _perceived(found, 0, PLANTED_SCALE) | {"restored": colours(found.levels[0][0].numpy())}
        for name, pixels in shown.items():
            save(out / f"planted-{kind}-{name}.png", pixels)


if __name__ == "__main__":
    main()
