"""A model of several finished models: their restorers over one pass of the trunk, with nothing trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from restora.bundle import Model, read_model
from restora.detector.detector import Detector
from restora.errors import UsageError
from restora.export.network import Network
from restora.export.torch_runtime import load_network, method_settings
from restora.features.pyramid import load_trunk
from restora.methods.both import Both
from restora.methods.branch import Branch
from restora.methods.head import trunk_levels
from restora.methods.table import JOINED, section
from restora.training import checkpoint
from restora.training.plan import Plan, Source, make_plan, open_source
from restora.training.settings import RunSettings
from restora.training.train import claim_folder, finish_network
from restora.training.write import write_detector


def join(
    models: Sequence[str | Path],
    source: Source,
    *,
    out: str | Path,
    weights: str | Path | None = None,
    layout: str | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] | None = None,
) -> Detector:
    """Join finished models of single methods into one; seconds, where a training takes minutes.

    models  : folders of models with the same trunk, input and fitting pictures, one of each method that is joined
    source  : the good pictures they were made of; what was kept back there calibrates the new model
    weights : the trunk's weights, where those at hand are not meant

    Raises UsageError for models that do not belong together, and what `train` raises for its source and folder.
    """
    read = [read_model(Path(model)) for model in models]
    method = joined_method(read)
    check_alike(read)
    out = Path(out)
    partial = claim_folder(out, resume=False, overwrite=overwrite)
    settings = joined_settings(read, method)
    numbers = trunk_levels(settings.parts)
    trunk = load_trunk(str(settings.trunk.name), weights=weights, levels=numbers, seed=settings.seed)
    plan = make_plan(settings, open_source(source, layout, say), trunk)
    plan = replace(plan, steps={model.manifest.method: stored_steps(model) for model in _in_order(read, method)})
    check_source(read[0], plan, trunk.weights.sha256)
    branches = [_branch(model, numbers) for model in _in_order(read, method)]
    with checkpoint.sole_owner(partial):
        network = finish_network(Network(trunk, Both(branches)), plan)
        return write_detector(network, plan, out, None)


def joined_method(models: Sequence[Model]) -> str:
    """The method whose parts these models are. Raises UsageError where there is none."""
    given = sorted(model.manifest.method for model in models)
    for name, wanted in JOINED.items():
        if given == sorted(wanted):
            return name
    can = "; ".join(f"{name} joins {' and '.join(wanted)}" for name, wanted in JOINED.items())
    raise UsageError(f"Models of {' and '.join(given)} cannot be joined: {can}, one model of each.")


def check_alike(models: Sequence[Model]) -> None:
    """Raise UsageError for models of different trunks, inputs or fitting pictures, or with places left out."""
    first = models[0].manifest
    for model in models:
        mine = model.manifest
        if mine.input.ignore is not None:
            raise UsageError(f"{model.folder} leaves places out; train both at once with --method and --ignore.")
        for what, one, other in (
            ("trunk", (first.trunk.name, first.trunk.sha256), (mine.trunk.name, mine.trunk.sha256)),
            ("input", first.input, mine.input),
            ("fitting pictures", first.fitting.fingerprint, mine.fitting.fingerprint),
        ):
            if one != other:
                raise UsageError(
                    f"{models[0].folder} and {model.folder} differ in their {what}; join models made alike."
                )


def check_source(model: Model, plan: Plan, trunk: str) -> None:
    """Raise UsageError unless the plan has the fitting pictures and the trunk (its hash) that the model was made of."""
    if plan.fingerprint != model.manifest.fitting.fingerprint:
        raise UsageError(f"{model.folder} was not made of the pictures of {plan.dataset}; name those it was made of.")
    if trunk != model.manifest.trunk.sha256:
        raise UsageError(f"{model.folder} was made with other weights of its trunk; name them with --weights.")


def joined_settings(models: Sequence[Model], method: str) -> RunSettings:
    """The settings of one run that would make all the models."""
    stored = models[0].manifest.settings
    record = {name: stored[name] for name in ("preset", "seed", "trunk", "verdicts")}
    record["input"] = {**stored["input"], "size": "x".join(map(str, models[0].manifest.input.size))}
    for model in models:
        name = model.manifest.method
        record[section(name)] = method_settings(model)[name]
    return RunSettings.model_validate({**record, "method": method})


def _in_order(models: Sequence[Model], method: str) -> list[Model]:
    return sorted(models, key=lambda model: JOINED[method].index(model.manifest.method))


def stored_steps(model: Model) -> int:
    """Steps that a finished model was trained for."""
    return int(model.manifest.settings["steps"])


def _branch(model: Model, numbers: tuple[int, ...]) -> Branch:
    """The finished branch of a model, taking its levels from a trunk that gives those of `numbers`."""
    head = load_network(model).head
    if not isinstance(head, Branch):
        raise TypeError(f"{model.folder} holds no single method")
    head.aggregate.picks = tuple(numbers.index(level) for level in head.aggregate.plan.levels)
    return head
