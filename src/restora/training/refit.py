"""A model of a finished model with another residual: the statistics are fitted anew, the network stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from restora.bundle import read_model
from restora.detector.detector import Detector
from restora.errors import UsageError
from restora.export.network import Network
from restora.export.torch_runtime import load_network
from restora.features.pyramid import load_trunk
from restora.methods.branch import Branch
from restora.methods.head import trunk_levels
from restora.training import checkpoint
from restora.training.join import check_source, stored_steps
from restora.training.part import Part, Surroundings
from restora.training.plan import Source, make_plan, open_source
from restora.training.settings import RunSettings
from restora.training.train import claim_folder, finish_network
from restora.training.write import write_detector


def refit(model: str | Path, source: Source, settings: RunSettings, *, out: str | Path) -> Detector:
    """Fit the residual of a finished model of one method anew; seconds, where a training takes minutes.

    model    : folder of the model
    source   : the good pictures that it was made of
    settings : those of its training, but for the method's `residual`

    Raises UsageError for a model of several methods or of other pictures, weights or places left out, and what `train`
    raises for its source and folder.
    """
    read = read_model(Path(model))
    out = Path(out)
    partial = claim_folder(out, resume=False, overwrite=False)
    numbers = trunk_levels(settings.parts)
    trunk = load_trunk(str(settings.trunk.name), weights=settings.trunk.weights, levels=numbers, seed=settings.seed)
    plan = make_plan(settings, open_source(source, None), trunk)
    check_source(read, plan, trunk.weights.sha256)
    head = load_network(read).head
    if not isinstance(head, Branch):
        raise UsageError(f"{read.folder} is of several methods; fit the residual of each before they are joined.")
    if read.manifest.input.ignore is not None:
        raise UsageError(f"{read.folder} leaves places out; train it anew with the other residual and --ignore.")
    plan = replace(plan, steps={read.manifest.method: stored_steps(read)})
    with checkpoint.sole_owner(partial):
        part = Part(read.manifest.method, plan, partial, Surroundings(torch.device("cpu")))
        network = finish_network(Network(trunk, part.refit(head, trunk, numbers)), plan)
        return write_detector(network, plan, out, None)
