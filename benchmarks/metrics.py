"""Times the exact metrics on 115 maps of 512 x 512 and checks them against scikit-learn.

    python benchmarks/metrics.py [--maps 115] [--side 512] [--levels 0]

The bar: AUROC, AP, F1-max and AUPRO at two limits in at most 2.5 s on two cores; AUPIMO comes with them.
`--levels N` rounds the scores to N steps, so that nearly all of them tie.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from numpy.typing import NDArray

from restora.metrics import PixelScores

BAR = 2.5


def draw(count: int, side: int, levels: int) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Maps of noise with a raised patch in two of three, and their masks; none is marked in every third."""
    rng = np.random.default_rng(0)
    maps, masks = [], []
    for index in range(count):
        scores = rng.gamma(2.0, 1.0, (side, side)).astype(np.float32)
        mask = np.zeros((side, side), dtype=bool)
        if index % 3:
            y, x, height, width = rng.integers(side // 32, side // 3, 4)
            mask[y : y + height, x : x + width] = True
            scores[mask] += 2
        maps.append(np.round(scores * levels) / np.float32(levels) if levels else scores)
        masks.append(mask)
    return maps, masks


def stream(maps: list[NDArray[np.float32]], masks: list[NDArray[np.bool_]]) -> tuple[dict[str, float | None], float]:
    """All figures and the seconds they took."""
    start = time.perf_counter()
    scores = PixelScores()
    for scored, mask in zip(maps, masks, strict=True):
        if mask.any():
            scores.add_defective(scored, mask)
    scores.close_defectives()
    for scored, mask in zip(maps, masks, strict=True):
        if not mask.any():
            scores.add_good(scored)
    return scores.figures().to_dict(), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=int, default=115)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--levels", type=int, default=0)
    asked = parser.parse_args()
    maps, masks = draw(asked.maps, asked.side, asked.levels)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = [stream(maps, masks) for _ in range(3)]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    figures, seconds = runs[0][0], sorted(run[1] for run in runs)[1]
    print(f"{asked.maps} maps of {asked.side} x {asked.side}, {sum(int(m.sum()) for m in masks):,} anomalous pixels")
    print("  ".join(f"{name} {value:.6f}" for name, value in figures.items() if value is not None))
    print(f"all figures in {seconds:.2f} s (bar {BAR}), {grown / 1024:.0f} MB beside the maps")

    from sklearn.metrics import average_precision_score, roc_auc_score

    start = time.perf_counter()
    truth, scores = np.concatenate(masks, axis=None), np.concatenate(maps, axis=None)
    peers = {"auroc": roc_auc_score(truth, scores), "ap": average_precision_score(truth, scores)}
    print(f"scikit-learn, AUROC and AP alone, in {time.perf_counter() - start:.2f} s")
    for name, value in peers.items():
        own = figures[name]
        print(f"{name}: differs from scikit-learn by {abs(value - own) if own is not None else np.nan:.1e}")
    if seconds > BAR and (asked.maps, asked.side) == (115, 512):
        raise SystemExit(f"too slow: {seconds:.2f} s, the bar is {BAR} s")


if __name__ == "__main__":
    main()
