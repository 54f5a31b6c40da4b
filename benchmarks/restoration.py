"""How much of a planted feature anomaly shines through the restoration, and what it costs elsewhere.

    python benchmarks/restoration.py MODEL.restora DATA [MODEL.restora DATA ...]

Shine-through of a kind = (|restored - clean|^2 in the marks - the same on the clean picture) / |spoiled - clean|^2,
on the finest level, summed over all held-out good pictures. Kinds marked * were never seen in training.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from planted import Planted, Subject

KINDS = ("foreign", "texture", "shuffle", "noise", "mirrored", "swapped")
UNSEEN = ("mirrored", "swapped")


@torch.inference_mode()
def measure(subject: Subject, kind: str) -> dict[str, float]:
    """Shine-through in the marks, and the error outside them on the spoiled and on the clean pictures."""
    sums = {"marked": 0.0, "clean_marked": 0.0, "planted": 0.0, "outside": 0.0, "clean_outside": 0.0, "cells": 0.0}
    for batch in subject.planted(kind):
        for name, value in batch_sums(subject, batch).items():
            sums[name] += value
    return {
        "shine_through": (sums["marked"] - sums["clean_marked"]) / sums["planted"],
        "outside": sums["outside"] / sums["cells"],
        "clean": sums["clean_outside"] / sums["cells"],
    }


def batch_sums(subject: Subject, batch: Planted) -> dict[str, float]:
    """Squared errors of one batch on the finest level, summed over marked and unmarked cells."""
    clean, spoiled, marks = batch.clean.levels[0], batch.spoiled.levels[0], batch.marks
    error = (subject.restorer.restore(batch.spoiled).levels[0] - clean).square().mean(1, keepdim=True)
    usual = (subject.restorer.restore(batch.clean).levels[0] - clean).square().mean(1, keepdim=True)
    planted = (spoiled - clean).square().mean(1, keepdim=True)
    rest = 1 - marks
    return {
        "marked": float((error * marks).sum()),
        "clean_marked": float((usual * marks).sum()),
        "planted": float((planted * marks).sum()),
        "outside": float((error * rest).sum()),
        "clean_outside": float((usual * rest).sum()),
        "cells": float(rest.sum()),
    }


def main() -> None:
    """Print one JSON line a model."""
    for model, data in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        subject = Subject(Path(model), Path(data))
        figures = {kind: measure(subject, kind) for kind in KINDS}
        shine = {kind + "*" * (kind in UNSEEN): round(figure["shine_through"], 4) for kind, figure in figures.items()}
        outside = sum(figure["outside"] for figure in figures.values()) / len(figures)
        clean = sum(figure["clean"] for figure in figures.values()) / len(figures)
        said = {
            "model": Path(model).name,
            "shine_through": shine,
            "outside": round(outside, 4),
            "clean": round(clean, 4),
        }
        print(json.dumps({**said, "outside_over_clean": round(outside / clean, 4)}), flush=True)


if __name__ == "__main__":
    main()
