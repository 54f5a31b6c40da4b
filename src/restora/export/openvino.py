"""OpenVINO files of a model: its one graph in another program's form, compared with it before they are kept.

In full precision they compute what the graph computes. In 8 bits most of the trunk and the restorer round. The
perception and the residual do not, since a variance of nearly equal probabilities and a difference of nearly equal
features would be lost first; nor does the first part of the trunk, whose rounding all later ones carry on. What 8 bits
change is measured on pictures and said; the verdicts stay those of the graph's calibration.
"""

from __future__ import annotations

import io
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.bundle import Model, read_model, write_model
from restora.errors import StoppedError, UsageError, need
from restora.export.parity import Outputs, differences, find_excess
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.images.sources import expand_sources
from restora.runtimes.contract import Runtime
from restora.runtimes.onnx import OnnxRuntime
from restora.runtimes.openvino import OpenvinoRuntime
from restora.verdicts.calibration import Calibration
from restora.verdicts.prediction import Rule, judge

BATCH = 8
# Pictures that are drawn to compare on where none are named, and the most that are used of those that are.
DRAWN, MOST_PICTURES = 16, 128
# Maps in 8 bits must agree with the graph's at least so well (Pearson), else the files are not kept.
LEAST_CORRELATION = 0.99
# Parts of the network that keep full precision in an 8-bit graph, by the names of their numbers.
PRECISE = ("residual.", "restorer.perception.", "trunk.body.conv1.", "trunk.body.layer1.")
# Operators that only hand numbers on; the first of another kind behind a number is what computes with it.
CARRIERS = {"Reshape", "Transpose", "Convert", "Concat", "Unsqueeze", "Squeeze", "Broadcast", "Tile"}

Pixels = NDArray[np.uint8]


def to_openvino(folder: Path, *, int8: bool = False, pictures: Path | None = None) -> dict[str, float]:
    """Add OpenVINO files to a model folder; returns how they differ from its graph.

    folder   : the model folder; its other files stay
    int8     : quantise to 8 bits, with the ranges that `pictures` show
    pictures : good pictures to compare on, a folder or file; needed for 8 bits, drawn ones are used otherwise

    The figures are largest differences ("map", "probability", ... relative to their largest value, "score" relative,
    "doubt" absolute); in 8 bits also "map_correlation" and, of a calibrated model, "verdicts_changed" (a share).
    Raises MissingError without the packages, UsageError without pictures for 8 bits, StoppedError when the files
    differ too much; the model folder is then as before.
    """
    model = read_model(folder)
    openvino: Any = need("openvino", "openvino")
    if int8 and pictures is None:
        raise UsageError("8 bits need good pictures to measure ranges on; name a folder of them with --pictures.")
    batches = list(_in_batches(_read(model, pictures) if pictures is not None else _draw(model)))
    network = openvino.Core().read_model(str(model.path("graph")))
    if int8:
        network = _quantise(network, batches)
    _rename(network)
    with tempfile.TemporaryDirectory(prefix="restora-") as scratch:
        graph, weights = Path(scratch) / "graph.xml", Path(scratch) / "graph.bin"
        openvino.save_model(network, str(graph), compress_to_fp16=False)
        graph.write_bytes(_strip(graph.read_bytes()))
        ours, theirs = OnnxRuntime(model.path("graph")), OpenvinoRuntime(graph, weights=weights)
        figures = _compare_rounded(model, ours, theirs, batches) if int8 else _compare(model, ours, theirs, batches)
        parity = {name: gap for name, gap in model.manifest.parity.items() if not name.startswith("openvino_")}
        parity |= {f"openvino_{name}": gap for name, gap in figures.items()}
        manifest = model.manifest.model_copy(update={"parity": parity})
        write_model(model.folder, manifest, {"openvino": graph, "openvino_weights": weights})
    return figures


# --------------------------------------------------------------------------------------------------------- pictures


def _read(model: Model, pictures: Path) -> Iterator[Pixels]:
    """The named pictures, at the model's size; PictureError for one that cannot be read."""
    spec = model.manifest.input
    for source in islice(expand_sources([pictures]), MOST_PICTURES):
        yield prepare(read_picture(source.locator, name=source.name, depth=spec.depth).pixels, spec.size)


def _draw(model: Model) -> Iterator[Pixels]:
    """Soft fields of random colour with grain: enough to set every number of the network in motion."""
    size, rng = model.manifest.input.size, np.random.default_rng(0)
    for number in range(DRAWN):
        coarse = 2 ** (1 + number % 4)
        field = prepare(rng.integers(0, 256, (coarse, coarse, 3), dtype=np.uint8), size)
        grain = rng.normal(0, 8, (*size, 1))
        yield np.clip(field + grain, 0, 255).astype(np.uint8)


def _in_batches(pictures: Iterable[Pixels]) -> Iterator[Pixels]:
    remaining = iter(pictures)
    while batch := list(islice(remaining, BATCH)):
        yield np.stack(batch)


# -------------------------------------------------------------------------------------------------------- comparing


def _compare(model: Model, ours: Runtime, theirs: Runtime, batches: list[Pixels]) -> dict[str, float]:
    """Largest differences in full precision; StoppedError where they are more than rounding."""
    worst = _largest(differences(ours(batch), theirs(batch)) for batch in batches)
    facts = model.manifest.calibration
    if excess := find_excess(worst, largest_doubt=max(facts.doubts) if facts is not None else None):
        raise StoppedError(
            f"OpenVINO's {excess} differs from the graph's by {worst[excess]:.1e}, more than 1e-4 allowed; "
            "its files were not written, please report it with the versions that restora doctor prints."
        )
    return worst


def _compare_rounded(model: Model, ours: Runtime, theirs: Runtime, batches: list[Pixels]) -> dict[str, float]:
    """What 8 bits change; StoppedError where maps no longer agree."""
    pairs = [(ours(batch), theirs(batch)) for batch in batches]
    figures = _largest(differences(*pair) for pair in pairs)
    maps = [np.concatenate([outputs["map"].ravel() for outputs in side]) for side in zip(*pairs, strict=True)]
    figures["map_correlation"] = float(np.corrcoef(np.stack(maps))[0, 1])
    if not figures["map_correlation"] >= LEAST_CORRELATION:
        raise StoppedError(
            f"In 8 bits the maps agree with the graph's only to {figures['map_correlation']:.3f} (correlation), less "
            f"than {LEAST_CORRELATION}; its files were not written, give more --pictures or export without --int8."
        )
    facts = model.manifest.calibration
    if facts is not None:
        calibration = Calibration.fit(facts.scores, facts.doubts)
        rule = Rule.at(calibration, calibration.rate(facts.false_alarms).rate)
        verdicts = [[_verdicts(outputs, rule) for outputs in pair] for pair in pairs]
        changed = [mine != other for pair in verdicts for mine, other in zip(*pair, strict=True)]
        figures["verdicts_changed"] = sum(changed) / len(changed)
    return figures


def _largest(figures: Iterable[dict[str, float]]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for found in figures:
        worst |= {name: max(worst.get(name, 0.0), gap) for name, gap in found.items()}
    return worst


def _verdicts(outputs: Outputs, rule: Rule) -> list[str]:
    count, height, width = outputs["map"].shape
    each = ({name: values[number] for name, values in outputs.items()} for number in range(count))
    return [judge("", mine, (height, width), rule).verdict for mine in each]


# ------------------------------------------------------------------------------------------------------------ 8 bits


def _quantise(network: Any, batches: list[Pixels]) -> Any:
    """The network in 8 bits where that is harmless."""
    passes: Any = need("openvino.passes", "openvino")
    with _no_usage_report():
        nncf: Any = need("nncf", "openvino")
    # what computes with which numbers is seen before folding: folded numbers lose their names
    precise = nncf.IgnoredScope(names=sorted(_precise(network)), validate=False)
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())  # nncf reads the shapes of weights, not of what makes them
    manager.run_passes(network)
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(io.StringIO()):  # its progress bars; standard output is for data
        return nncf.quantize(
            network,
            nncf.Dataset(batches),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
            ignored_scope=precise,
        )


def _precise(network: Any) -> set[str]:
    """Names of the operators that compute with the numbers of `PRECISE` parts, and all behind the residual's."""
    names: set[str] = set()
    for prefix in PRECISE:
        todo = [op for op in network.get_ops() if op.get_friendly_name().startswith(prefix)]
        todo = [op for op in todo if op.get_type_name() == "Constant"]
        while todo:
            for user in (put.get_node() for out in todo.pop().outputs() for put in out.get_target_inputs()):
                name = user.get_friendly_name()
                if name not in names and (prefix == "residual." or user.get_type_name() in CARRIERS):
                    todo.append(user)
                # nncf calls an operator with a bias by the name of both
                names |= {name, name.removesuffix("/WithoutBiases")}
    return names


@contextmanager
def _no_usage_report() -> Iterator[None]:
    """nncf sends its maker figures about its use, unless this variable is set when it is imported."""
    before = os.environ.get("NNCF_CI")
    os.environ["NNCF_CI"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NNCF_CI"]
        else:
            os.environ["NNCF_CI"] = before


def _rename(network: Any) -> None:
    """Number the operators that have no name of ours: OpenVINO numbers them on through all that a process makes."""
    for number, op in enumerate(network.get_ordered_ops()):
        kind = op.get_type_name()
        if re.fullmatch(rf"{re.escape(kind)}_\d+", op.get_friendly_name()):
            op.set_friendly_name(f"{kind}_{number}")


def _strip(graph: bytes) -> bytes:
    """Without the facts about the conversion (versions, settings) that stand at the end of the file."""
    start = graph.rfind(b"\t<rt_info>\n\t\t<info ")
    end = graph.rfind(b"</net>")
    return graph[:start] + graph[end:] if 0 <= start < end else graph
