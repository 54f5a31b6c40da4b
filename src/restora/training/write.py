"""The end of a training: export the graph, check it against torch, calibrate with it, write the model folder."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import numpy as np
import torch

from restora import __version__
from restora.bundle import (
    CalibrationFacts,
    FittingFacts,
    InputSpec,
    Manifest,
    TrunkCard,
    hash_settings,
    hashed_name,
    write_model,
)
from restora.detector.detector import Detector
from restora.detector.strangest import choose_strangest
from restora.detector.stream import look_through, score_items, sources_of
from restora.errors import StoppedError
from restora.export.graph import export_graph, save_state
from restora.export.network import Network
from restora.export.parity import TOLERANCE, check_doubt, check_parity, torch_outputs
from restora.features.pyramid import Trunk
from restora.features.tiny import BUNDLED
from restora.images.prepare import RESIZE
from restora.images.split import fingerprint
from restora.methods.table import section
from restora.runtimes.contract import Runtime
from restora.runtimes.onnx import OnnxRuntime
from restora.training.ignore import IgnoreMask
from restora.training.plan import Plan, prepared_batches
from restora.training.settings import recipe, run_preset, stored_settings
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Rule

# Pictures that parity is checked on.
PARITY_PICTURES = 16
# Fitting pictures that the finished graph looks at for the strangest of them; more would take longer than they tell.
FITTING_LOOKED_AT = 200
BATCH = 8


def write_detector(network: Network, plan: Plan, out: Path, mask: IgnoreMask | None) -> Detector:
    """Export, check, calibrate, write.

    Raises StoppedError when the graph does not compute what torch does; nothing is then written.
    """
    with tempfile.TemporaryDirectory(prefix="restora-") as scratch:
        state = Path(scratch) / "restorer.safetensors"
        save_state(network, state)
        # The graph points into the state by the name it will have in the model folder.
        named = state.rename(state.with_name(hashed_name("restorer", state)))
        graph = Path(scratch) / "graph.onnx"
        export_graph(network, plan.size, named, named.name, graph)
        runtime = OnnxRuntime(graph)
        some = plan.split.fitting[:PARITY_PICTURES]
        batches = list(prepared_batches(some, plan.size, plan.settings.input.depth, BATCH))
        parity = check_parity(network, runtime, batches)
        spec = InputSpec(
            height=plan.size[0],
            width=plan.size[1],
            resize=RESIZE,
            depth=plan.settings.input.depth,
            ignore="ignore" if mask is not None else None,
        )
        facts = calibrate(runtime, plan, spec)
        if facts is not None:
            check_doubt(parity["doubt"], max(facts.doubts))
            check_verdicts(network, runtime, batches, facts)
        files: dict[str, Path | bytes] = {"graph": graph, "restorer": named}
        if mask is not None:
            files["ignore"] = mask.png
        partial = out.with_name(out.name + ".partial")
        for log in sorted(partial.rglob("log.csv")):
            files["log" if log.parent == partial else f"log_{section(log.parent.name)}"] = log
        manifest = describe(network, plan, spec, facts, parity)
        fitting = look_at_fitting(runtime, plan, spec, manifest.fitting)
        write_model(out, manifest.model_copy(update={"fitting": fitting}), files)
    return Detector.load(out)


def calibrate(runtime: Runtime, plan: Plan, spec: InputSpec) -> CalibrationFacts | None:
    """Scores and doubts of the calibration part, by the graph itself; None when no pictures were kept back."""
    items = plan.split.calibration
    if not items:
        return None
    scores, doubts = score_items(runtime, items, spec, batch=BATCH)
    return CalibrationFacts(
        scores=tuple(float(score) for score in scores),
        doubts=tuple(float(doubt) for doubt in doubts),
        false_alarms=plan.settings.verdicts.false_alarms,
        fingerprint=fingerprint({item.name: plan.split.digests[item.name] for item in items}),
        strangest=choose_strangest([(item.name, plan.split.digests[item.name]) for item in items], scores.tolist()),
    )


def look_at_fitting(runtime: Runtime, plan: Plan, spec: InputSpec, facts: FittingFacts) -> FittingFacts:
    """The facts with the strangest of at most `FITTING_LOOKED_AT` fitting pictures, spread evenly over all of them.

    They tell a person where to look, and nothing else: neither threshold nor p-value depends on them. A file that has
    gone since it was fitted is passed over.
    """
    items = plan.split.fitting
    chosen = np.linspace(0, len(items) - 1, min(FITTING_LOOKED_AT, len(items))).round().astype(int).tolist()
    some = [items[place] for place in chosen]
    named, scores = [], []
    for item, look in zip(some, look_through(runtime, sources_of(some), spec, batch=BATCH), strict=True):
        if look.outputs is not None and np.isfinite(look.outputs["score"]):
            named.append((item.name, plan.split.digests[item.name]))
            scores.append(float(look.outputs["score"]))
    return facts.model_copy(update={"looked_at": len(scores), "strangest": choose_strangest(named, scores)})


def check_verdicts(
    network: Network,
    runtime: Runtime,
    batches: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
    facts: CalibrationFacts,
) -> None:
    """Raise StoppedError when a verdict of torch differs from the graph's, but for pictures that lie on a threshold.

    A fitting picture that all but equals a calibration picture (frames of a video) has its score; which side of it the
    two fall on is rounding, and within the tolerance that `check_parity` holds both to.
    """
    calibration = Calibration.fit(facts.scores, facts.doubts)
    rule = Rule.at(calibration, calibration.rate(facts.false_alarms).rate)
    slack = TOLERANCE * max(facts.doubts)
    for batch in batches:
        ours, theirs = torch_outputs(network, batch), runtime(batch)
        for n in range(len(batch)):
            mine = rule.verdict(float(ours["score"][n]), float(ours["doubt"][n]))[0]
            if mine not in near_verdicts(rule, float(theirs["score"][n]), float(theirs["doubt"][n]), slack):
                raise StoppedError(
                    "The graph and torch give different verdicts on a fitting picture; the model was not written, "
                    "please report it with the versions that restora doctor prints."
                )


def near_verdicts(rule: Rule, score: float, doubt: float, slack: float) -> set[str]:
    """Every verdict within the tolerance of a score (relative) and a doubt (`slack`, absolute)."""
    scores = (score * (1 - TOLERANCE), score, score * (1 + TOLERANCE))
    doubts = (doubt - slack, doubt, doubt + slack)
    return {rule.verdict(near, close)[0] for near in scores for close in doubts}


def describe(
    network: Network, plan: Plan, spec: InputSpec, calibration: CalibrationFacts | None, parity: dict[str, float]
) -> Manifest:
    """The manifest, all but its files."""
    settings = plan.settings
    trunk = network.trunk
    if not isinstance(trunk, Trunk):
        raise TypeError(f"expected a trunk, not {type(trunk).__name__}")
    card = trunk.weights
    return Manifest(
        package_version=__version__,
        method=settings.method,
        preset=settings.preset,
        settings={**stored_settings(settings), "steps": plan.all_steps},
        settings_hash=hash_settings(recipe(settings)),
        trunk=TrunkCard(name=card.trunk, sha256=card.sha256, licence=card.licence, terms=card.terms),
        input=spec,
        outputs=network.outputs,
        fitting=FittingFacts(
            count=len(plan.split.fitting),
            fingerprint=plan.fingerprint,
            digests=tuple(sorted(plan.split.digests[item.name][:16] for item in plan.split.fitting)),
        ),
        calibration=calibration,
        parity=parity,
        batch=BATCH,
        threads=torch.get_num_threads(),
        reproduce=reproduce(plan, card.path),
    )


def reproduce(plan: Plan, weights: Path | None) -> str:
    """The command that makes this model again; files by their names only.

    Settings that no option names are those of the preset, or else of a file `settings.toml` with the manifest's, which
    `restora config show --model` prints.
    """
    settings = plan.settings
    as_preset = settings.parts == run_preset(settings.method, settings.preset).parts
    options = {
        "--out": f"{plan.dataset}.restora",
        "--method": settings.method,
        "--preset": settings.preset if as_preset else None,
        "--config": None if as_preset else "settings.toml",
        "--trunk": settings.trunk.name,
        "--weights": "random" if weights is None else None if weights == BUNDLED else weights.name,
        "--size": f"{plan.size[0]}x{plan.size[1]}",
        "--seed": settings.seed,
        "--depth": settings.input.depth,
        "--ignore": Path(settings.input.ignore).name if settings.input.ignore is not None else None,
        "--textures": plan.textures,
        "--false-alarms": settings.verdicts.false_alarms,
    }
    named = [str(word) for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["restora", "train", plan.dataset, *named])
