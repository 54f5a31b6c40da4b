"""Does a graph compute what torch computes? Checked on real pictures before a model is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restora.errors import StoppedError
from restora.runtimes.contract import Runtime

if TYPE_CHECKING:  # comparing two graphs needs no torch
    from restora.export.network import Network

# design: maps and scores within 1e-4 of their size, doubt within 1e-4 of the calibration's largest.
TOLERANCE = 1e-4

# A network that is hardly trained, or was never shown an anomaly, doubts nothing: its largest epistemic value is 1e-6
# or less, where rounding alone is more than 1e-4 of it. What is perceived, and the doubt, are compared as if they
# reached at least this.
SMALLEST_PERCEIVED = 1e-5

Outputs = Mapping[str, NDArray[np.float32]]


def torch_outputs(network: Network, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """What torch says of prepared pictures uint8 [N, H, W, 3], by name."""
    import torch

    device = next(network.parameters()).device
    with torch.inference_mode():
        outputs = network(torch.from_numpy(batch).to(device))
    return {name: value.cpu().numpy() for name, value in zip(network.outputs, outputs, strict=True)}


def differences(ours: Outputs, theirs: Outputs) -> dict[str, float]:
    """Largest differences: of maps relative to the map's largest value, of scores relative to the score, of
    doubt absolute.
    """
    found = {}
    for name, mine in ours.items():
        gap = np.abs(mine - theirs[name])
        if name == "doubt":
            found[name] = float(gap.max())
        elif name == "score":
            found[name] = float((gap / np.maximum(np.abs(mine), 1e-12)).max())
        else:
            smallest = 1e-12 if name == "map" else SMALLEST_PERCEIVED
            found[name] = float(gap.max() / max(float(np.abs(mine).max()), smallest))
    return found


def find_excess(gaps: Mapping[str, float], largest_doubt: float | None = None) -> str | None:
    """Name of the first output whose difference is too large: more than 1e-4 of its size, for doubt of
    `largest_doubt` (taken as at least 1e-5; not looked at where it is None or 0).
    """
    for name, gap in gaps.items():
        allowed = TOLERANCE
        if name == "doubt":
            if not largest_doubt:
                continue
            allowed = TOLERANCE * max(largest_doubt, SMALLEST_PERCEIVED)
        if not gap <= allowed:  # a gap that is no number is too large
            return name
    return None


def check_parity(network: Network, runtime: Runtime, batches: list[NDArray[np.uint8]]) -> dict[str, float]:
    """Largest differences between torch and the runtime over some batches.

    Raises StoppedError when maps or scores differ by more than 1e-4 of their size; doubt is compared with the
    calibration's by `check_doubt`.
    """
    worst: dict[str, float] = {}
    for batch in batches:
        for name, gap in differences(torch_outputs(network, batch), runtime(batch)).items():
            worst[name] = max(worst.get(name, 0.0), gap)
    if excess := find_excess(worst):
        raise StoppedError(
            f"The graph's {excess} differs from torch's by {worst[excess]:.1e} of its size, more than 1e-4 allowed; "
            "the model was not written, please report it with the versions that restora doctor prints."
        )
    return worst


def check_doubt(gap: float, largest: float) -> None:
    """Raise StoppedError when doubts differ by more than 1e-4 of the calibration's largest, taken as at least 1e-5."""
    if find_excess({"doubt": gap}, largest):
        raise StoppedError(
            f"The graph's doubt differs from torch's by {gap:.1e}, more than 1e-4 of the largest ({largest:.1e}); "
            "the model was not written, please report it with the versions that restora doctor prints."
        )
