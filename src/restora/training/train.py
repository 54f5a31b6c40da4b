"""From good pictures to a model folder: fit, export, check parity, calibrate, write. The one composition of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from restora.bundle import is_model, other_files
from restora.detector.detector import Detector
from restora.errors import MissingError, RestoraError, SettingsError, UsageError
from restora.export.fold import fold_norms
from restora.export.network import Network
from restora.features.pyramid import Trunk, load_trunk
from restora.images.split import content_digest
from restora.methods.both import Both
from restora.methods.head import join_branches, trunk_levels
from restora.training import checkpoint
from restora.training.ignore import read_ignore
from restora.training.loop import Progress
from restora.training.part import CACHE_BATCH, Part, Surroundings, lay_out
from restora.training.plan import (
    Plan,
    Source,
    check_readable,
    make_plan,
    open_source,
    prepared_batches,
    resolve_settings,
)
from restora.training.settings import RunSettings
from restora.training.textures import list_textures
from restora.training.write import write_detector


def train(
    source: Source,
    *,
    out: str | Path,
    method: str | None = None,
    preset: str = "small",
    trunk: str | None = None,
    weights: str | Path | None = None,
    size: str | None = None,
    pixels: int | None = None,
    ignore: str | Path | None = None,
    depth: int | None = None,
    false_alarms: float | None = None,
    layout: str | None = None,
    textures: str | Path | None = None,
    device: str = "cpu",
    seed: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    config: RunSettings | None = None,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Detector:
    """Make a detector from good pictures.

    source : a folder of good pictures, a data set (its train/good is used), an archive of either (``sets.zip``, or
             ``sets.zip!folder``), a CSV or Parquet table, `Folders` named one by one, or arrays uint8
             [N, H, W(, C)]
    out    : the model folder to write, NAME.restora; while training, state lies beside it in NAME.restora.partial
    config : settings to start from instead of a preset; what is named beside it wins

    method, preset : "ura-net" (the default), "mfr-net" or "both"; "small" for two cores, "paper" for published sizes
    trunk, weights : the network whose features are restored, and a file of its weights; those at hand unless stated
    size, pixels   : HEIGHTxWIDTH of the input, multiples of 32; else at most so many pixels in the median shape
    ignore, depth  : a mask of places to leave out, in the pictures' shape; bits that 16-bit pictures really use
    false_alarms   : the rate to promise; 0.01, or the smallest that the pictures allow
    layout         : how the data set lies, where looking at it does not tell
    textures       : a folder of pictures of no product, for artificial anomalies
    device, seed   : "cpu" or "cuda"; of all randomness, the same seed makes the same model
    minutes        : becomes a number of steps once, at the start
    resume         : go on from the state of an interrupted training
    overwrite      : replace a model that is there
    progress, say  : take where it stands, and sentences for people

    Raises UsageError (and its kin) for what cannot be used, MissingError for what this machine lacks, StoppedError for
    NaN or refused parity, CancelledError when interrupted; state is then kept for `resume`.
    """
    out = Path(out)
    settings = resolve_settings(
        preset,
        config,
        {
            "method": method,
            "seed": seed,
            "trunk.name": trunk,
            "trunk.weights": str(weights) if weights is not None else None,
            "input.size": size,
            "input.pixels": pixels,
            "input.depth": depth,
            "input.ignore": str(ignore) if ignore is not None else None,
            "verdicts.false_alarms": false_alarms,
        },
    )
    if minutes is not None and not minutes > 0:
        raise SettingsError(f"--minutes is {minutes}; it must be above 0")
    where = pick_device(device)
    partial = claim_folder(out, resume=resume, overwrite=overwrite)
    dataset = open_source(source, layout, say)
    network_trunk = load_trunk(
        str(settings.trunk.name),
        weights=settings.trunk.weights,
        levels=trunk_levels(settings.parts),
        seed=settings.seed,
    )
    further = [list_textures(Path(textures))] if textures else []
    if settings.input.ignore:
        further.append(content_digest(settings.input.ignore))
    plan = make_plan(settings, dataset, network_trunk, further)
    plan = replace(plan, textures=Path(textures).name if textures else None)
    check_readable(plan.split.calibration, settings.input.depth)
    mask = read_ignore(settings.input.ignore, plan) if settings.input.ignore else None
    with checkpoint.sole_owner(partial):
        if resume:
            check_same(partial, plan)
        else:
            checkpoint.clear(partial)
        around = Surroundings(where, Path(textures) if textures else None, mask, progress, say or (lambda _: None))
        job = Job(plan, partial, around)
        try:
            network = job.fit(network_trunk, minutes)
            detector = write_detector(network, job.plan, out, mask)
        except BaseException:
            job.leave()
            raise
        checkpoint.remove(partial)
    return detector


def pick_device(name: str) -> torch.device:
    """The torch device of that name. Raises UsageError for an unknown one, MissingError for one not there."""
    if name not in ("cpu", "cuda"):
        raise UsageError(f"There is no device {name!r}; take cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise MissingError("No CUDA device is at hand; leave --device out, or install a CUDA build of torch")
    return torch.device(name)


def claim_folder(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Path of the partial folder, after checking that this training may write there."""
    if not out.name:
        raise UsageError(f"{out} is no name for a model; name a new folder, NAME.restora")
    partial = out.with_name(out.name + ".partial")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a new folder for the model")
    if not is_model(out) and (others := other_files(out)):
        raise UsageError(f"{out} is no model and holds other files ({others[0]}); name a new folder")
    unfinished = not overwrite and checkpoint.find(partial) is not None
    if is_model(out) and not overwrite and not (resume and unfinished):
        also = "and no unfinished training lies beside it" if resume else "already"
        raise UsageError(f"{out} holds a model {also}; name another folder or add --overwrite")
    if unfinished and not resume:
        raise UsageError(f"{partial} holds an unfinished training; add --resume to go on or --overwrite to start over")
    return partial


def check_same(partial: Path, plan: Plan) -> None:
    """Raise UsageError when the state that lies there is that of another training."""
    saved = checkpoint.find(partial)
    if saved is not None and saved.run != plan.identity:
        raise UsageError(
            f"{partial} belongs to another training (other pictures, settings or weights); "
            "repeat that command to go on, or start over with --overwrite"
        )


class Job:
    """The torch half of a training: its methods in turn, each with a folder for its state, then the head."""

    def __init__(self, plan: Plan, partial: Path, around: Surroundings) -> None:
        self.plan, self.partial, self.around = plan, partial, around

    def leave(self) -> None:
        """After a failure: without a saved step there is nothing to go on from, so nothing is left behind."""
        for features in self.partial.rglob("features*"):
            features.unlink(missing_ok=True)
        try:
            if checkpoint.find(self.partial) is None:
                checkpoint.remove(self.partial)
        except RestoraError:
            return

    def fit(self, trunk: Trunk, minutes: float | None) -> Network:
        """Train and fit everything; the finished network on the processor, in evaluation mode."""
        trunk = trunk.to(self.around.device)
        numbers = trunk_levels(self.plan.settings.parts)
        methods = list(self.plan.steps)
        branches = []
        for method in methods:
            folder = self.partial if len(methods) == 1 else self.partial / method
            part = Part(method, self.plan, folder, replace(self.around, progress=self._progress(method)))
            branches.append(part.fit(trunk, numbers, None if minutes is None else minutes / len(methods)))
            self.plan = part.plan
        return finish_network(Network(trunk, join_branches(branches)), self.plan)

    def _progress(self, method: str) -> Callable[[Progress], None] | None:
        """Told of a method's steps, tell those of the whole training."""
        tell = self.around.progress
        if tell is None or len(self.plan.steps) == 1:
            return tell
        names = list(self.plan.steps)
        before = sum(self.plan.steps[name] for name in names[: names.index(method)])
        later = sum(self.plan.steps[name] for name in names[names.index(method) + 1 :])

        def told(now: Progress) -> None:
            # What later methods take is not known before they begin; their steps are counted as this one's.
            each = now.seconds_left / (now.steps - now.step) if now.step < now.steps else 0.0
            tell(replace(now, step=before + now.step, steps=before + now.steps + later,
                         seconds_left=now.seconds_left + each * later))  # fmt: skip

        return told


def finish_network(network: Network, plan: Plan) -> Network:
    """The network as it is stored: on the processor, in evaluation mode, its norms folded, and joined methods on one
    scale. That is taken last, so that methods trained at once and joined later come to the same.
    """
    network.to("cpu").eval()
    fold_norms(network)
    lay_out(network, torch.contiguous_format)
    if isinstance(network.head, Both):
        network.head.fit(raw_levels(network.trunk, plan))
    return network


def raw_levels(trunk: Trunk, plan: Plan) -> Iterator[list[Tensor]]:
    """The trunk's levels of the fitting pictures, batch by batch."""
    for batch in prepared_batches(plan.split.fitting, plan.size, plan.settings.input.depth, CACHE_BATCH):
        with torch.no_grad():
            yield trunk(torch.from_numpy(batch).permute(0, 3, 1, 2).float())
