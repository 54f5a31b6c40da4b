"""The pictures of the page "MFRNet": the way of drawn pictures through a trained network.

    python docs/figures/mfr_net.py runs/figures       # draws and trains what is not there yet; minutes

Writes PNG files into docs/figures/mfr-net/. Needs the extra `train`.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from looks import NORMAL, SHOWN, Way, branch, go, plane, read_all, show_verdicts, show_way
from numpy.typing import NDArray
from panels import HERE, FalseColours, Pixels, coloured, save
from stage import set_up_mfr
from torch import Tensor

import restora
from restora.export.network import Network
from restora.export.torch_runtime import load_network
from restora.features.pyramid import Pyramid
from restora.methods.mfr_net.network import MfrNet

OUT = HERE / "mfr-net"
CROSSED = "missing_hole"  # the picture whose passes are shown one by one
HIDDEN = 58  # grey value of a cell that is hidden, or not taken


def main() -> None:
    """Draw and train what is not there, then write every picture."""
    stage = set_up_mfr(Path(sys.argv[1]))
    data, detector = stage / "parts", restora.Detector.load(stage / "mfr.restora")
    network = load_network(detector.model)
    pictures = read_all(data, list(SHOWN.values()))
    with torch.inference_mode():
        way, usual = go(network, pictures), go(network, read_all(data, NORMAL))
        colours = [FalseColours(level.numpy()) for level in usual.pyramid.levels]
        show_way(OUT, way, usual, colours, [_spread(way, row, usual) for row in range(len(SHOWN))])
        _show_passes(_restorer(network), way.pyramid, colours[0])
    show_verdicts(OUT, detector, pictures)


def _restorer(network: Network) -> MfrNet:
    restorer = branch(network).restorer
    if not isinstance(restorer, MfrNet):
        raise SystemExit("these pictures are of MFRNet; name a model of that method")
    return restorer


def _spread(way: Way, row: int, usual: Way) -> dict[str, Pixels]:
    return {"spread": coloured(plane(way.restoration.epistemic, row), 0, _widest(usual))}


def _widest(usual: Way) -> float:
    """Twice the spread that good pictures have at most: where the colours of the spread end."""
    if usual.restoration.epistemic is None:
        raise SystemExit("this model has one draw of masks and so no spread; train one with several sides")
    return 2 * float(usual.restoration.epistemic.max())


def _show_passes(restorer: MfrNet, pyramid: Pyramid, colours: FalseColours) -> None:
    """For every side: what each pass sees, what is taken from it, and all together."""
    row = list(SHOWN).index(CROSSED)
    one = Pyramid([level[row : row + 1] for level in pyramid.levels])
    seen = colours(one.levels[0][0].numpy())
    hidden = restorer.streams[0].hidden
    for side, sets in zip(restorer.settings.masks.sides, hidden, strict=True):
        save(OUT / f"pass-{side}-all.png", colours(_restored(restorer, one, sets[None])))
        for number, cells in enumerate(sets, start=1):
            covered = _enlarged(cells, seen.shape[0])
            save(OUT / f"pass-{side}-{number}-seen.png", _grey(seen, covered))
            taken = colours(_restored(restorer, one, cells[None, None]))
            save(OUT / f"pass-{side}-{number}-taken.png", _grey(taken, ~covered))


def _restored(restorer: MfrNet, pyramid: Pyramid, hidden: Tensor) -> NDArray[np.float32]:
    """The finest level [C, h, w] as masks [members, sets, h, w] restore it, of one picture."""
    other = deepcopy(restorer)
    other.streams[0].hidden = hidden
    restored: NDArray[np.float32] = other.restore(pyramid).levels[0][0].numpy()
    return restored


def _enlarged(cells: Tensor, side: int) -> NDArray[np.bool_]:
    """Cells of the gathered map, on the grid of the finest level."""
    factor = side // cells.shape[0]
    return np.kron(cells.numpy() > 0, np.ones((factor, factor), np.bool_))


def _grey(pixels: Pixels, where: NDArray[np.bool_]) -> Pixels:
    shown = pixels.copy()
    shown[where] = HIDDEN
    return shown


if __name__ == "__main__":
    main()
