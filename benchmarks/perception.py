"""What the perception says of planted feature anomalies: probability, aleatoric and epistemic doubt.

    python benchmarks/perception.py MODEL.restora DATA [MODEL.restora DATA ...]

For T = 1, 8 and 32 weight draws: AUROC of the probability over all cells (marked against not), by kind; the aleatoric
part within 2 cells of the marks' edges against its mean elsewhere; the epistemic part inside the marks against outside.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from planted import Subject
from restoration import UNSEEN
from torch import nn
from torch.nn import functional

from restora.methods.ura_net.network import UraNet
from restora.methods.ura_net.perception import Perceived, Perception
from restora.metrics.ranking import auroc

TRAINED = ("texture", "foreign", "shuffle", "noise")
DRAWS = (1, 8, 32)


def with_draws(perception: Perception, count: int) -> Perception:
    """The same means and spreads, with `count` fresh weight draws."""
    settings = perception.settings.model_copy(update={"samples": count})
    channels = [layer.in_channels for layer in perception.project if isinstance(layer, nn.Conv2d)]
    fresh = Perception(channels, settings)
    stored = {name: value for name, value in perception.state_dict().items() if not name.endswith(".samples")}
    fresh.load_state_dict(stored, strict=False)
    fresh.draw(torch.Generator().manual_seed(0))
    return fresh.eval()


@torch.inference_mode()
def measure(subject: Subject, perception: Perception, kind: str) -> dict[str, float]:
    """Figures of one kind over all held-out pictures."""
    parts: list[tuple[Perceived, torch.Tensor]] = []
    for batch in subject.planted(kind):
        parts.append((perception(batch.spoiled), batch.marks))
    marks = torch.cat([mark for _, mark in parts])
    probability, aleatoric, epistemic = (
        torch.cat([getattr(perceived, name) for perceived, _ in parts])
        for name in ("probability", "aleatoric", "epistemic")
    )
    inside, ring = marks > 0.5, near_edge(marks)
    figure = auroc(probability[~inside].numpy().astype(np.float64), probability[inside].numpy().astype(np.float64))
    return {
        "probability_auroc": float(figure) if figure is not None else float("nan"),
        "aleatoric_edge": float(aleatoric[ring].mean() / aleatoric[~ring].mean()),
        "epistemic_inside": float(epistemic[inside].mean() / epistemic[~inside].mean().clamp_min(1e-12)),
    }


def near_edge(marks: torch.Tensor, reach: int = 2) -> torch.Tensor:
    """Cells within `reach` cells of an edge of the marks, on either side."""
    grown = functional.max_pool2d(marks, 2 * reach + 1, 1, reach)
    shrunk = -functional.max_pool2d(-marks, 2 * reach + 1, 1, reach)
    return grown - shrunk > 0.5


def main() -> None:
    """Print one JSON line a model and number of draws."""
    for model, data in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        subject = Subject(Path(model), Path(data))
        if not isinstance(subject.restorer, UraNet) or subject.restorer.perception is None:
            print(json.dumps({"model": Path(model).name, "perception": "off"}))
            continue
        for count in DRAWS:
            perception = with_draws(subject.restorer.perception, count)
            figures = {kind: measure(subject, perception, kind) for kind in (*TRAINED, *UNSEEN)}
            mean = sum(figures[kind]["probability_auroc"] for kind in TRAINED) / len(TRAINED)
            rounded = {k: {name: round(value, 3) for name, value in v.items()} for k, v in figures.items()}
            print(
                json.dumps({"model": Path(model).name, "T": count, "mean_trained": round(mean, 4), **rounded}),
                flush=True,
            )


if __name__ == "__main__":
    main()
