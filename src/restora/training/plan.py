"""What a training is going to do, settled before anything is computed or written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from restora import __version__
from restora.errors import DataError
from restora.features.cache import bytes_needed
from restora.features.pyramid import Aggregate, Trunk
from restora.features.weights import choose_trunk
from restora.images.dataset import Dataset, Item
from restora.images.layouts import read_dataset
from restora.images.layouts.folders import Folders
from restora.images.prepare import choose_size, parse_size, prepare
from restora.images.read import read_picture, read_size
from restora.images.split import Split, fingerprint, split_good
from restora.methods.settings import MethodSettings
from restora.training.settings import (
    DEFAULT_METHOD,
    InputSettings,
    RunSettings,
    change_settings,
    run_preset,
    stored_settings,
)

Source = str | os.PathLike[str] | Folders | NDArray[Any] | Sequence[Any]

# Read from the header of so many pictures to choose the size; a folder of one camera needs no more.
SIZED = 1000


def resolve_settings(preset: str, base: RunSettings | None, overrides: dict[str, Any]) -> RunSettings:
    """Settings of a preset, or `base`, with what was named on top; dotted keys, None means not named.

    A trunk that nobody named is chosen by what is at hand (`features.weights.choose_trunk`).
    Raises SettingsError for an unknown preset, method or setting, or a value out of range.
    """
    settings = base or run_preset(overrides.get("method") or DEFAULT_METHOD, preset)
    settings = change_settings(settings, {key: value for key, value in overrides.items() if value is not None})
    if settings.trunk.name is not None:
        return settings
    return change_settings(settings, {"trunk.name": choose_trunk(settings.trunk.weights)})


def open_source(source: Source, layout: str | None, say: Callable[[str], None] | None = None) -> Dataset:
    """The data set behind a path or named folders, or one of arrays: [N, H, W(, C)] or any number of pictures.

    say : is told the notes of the data set, a sentence each

    Raises DataError when there is nothing to learn from.
    """
    if isinstance(source, str | os.PathLike | Folders):
        dataset = read_dataset(source if isinstance(source, Folders) else Path(source), layout)
        for note in dataset.notes:
            if say is not None:
                say(note)
        return dataset
    if isinstance(source, np.ndarray) and (source.ndim < 3 or (source.ndim == 3 and source.shape[2] <= 4)):
        raise DataError(
            f"An array of shape {source.shape} is one picture; hand in several, as [N, H, W] or [N, H, W, C]"
        )
    pictures = [as_source(picture) for picture in source]
    if not pictures:
        raise DataError("There are no good pictures to learn from; hand in at least one array")
    items = tuple(
        Item(f"array-{number:06d}", cast("str", picture), "train", 0, "good") for number, picture in enumerate(pictures)
    )
    return Dataset("arrays", "arrays", "arrays", items)


def as_source(picture: Any) -> str | NDArray[Any]:
    """A picture that was handed in as something with a content hash: a path or an array. Raises PictureError."""
    if isinstance(picture, str | os.PathLike):
        return os.fspath(picture)
    return picture if isinstance(picture, np.ndarray) else read_picture(picture).pixels


def choose_input(settings: InputSettings, items: Sequence[Item]) -> tuple[int, int]:
    """(height, width) of the network's input: as named, else the median shape of the pictures within the pixel
    limit.
    """
    if settings.size is not None:
        return parse_size(settings.size)
    return choose_size([read_size(item.source) for item in items[:SIZED]], settings.pixels)


def prepared_batches(
    items: Iterable[Item], size: tuple[int, int], depth: int | None, batch: int
) -> Iterator[NDArray[np.uint8]]:
    """Prepared pictures uint8 [B, H, W, 3] of the items, in order; the last batch may be smaller."""
    waiting: list[NDArray[np.uint8]] = []
    for item in items:
        waiting.append(prepare(read_picture(item.source, name=item.name, depth=depth).pixels, size))
        if len(waiting) == batch:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def check_readable(items: Iterable[Item], depth: int | None) -> None:
    """Read every picture once; a bad one among those kept back would else be found after the training.

    Raises PictureError.
    """
    for item in items:
        read_picture(item.source, name=item.name, depth=depth)


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the first picture goes through the trunk.

    steps : optimiser steps of every method; identity : hash of all that decides the result, for --resume
    textures : name of the folder that anomalies are made of, None for drawn ones
    """

    settings: RunSettings
    dataset: str
    split: Split
    size: tuple[int, int]
    steps: dict[str, int]
    identity: str
    textures: str | None = None

    @property
    def all_steps(self) -> int:
        """Steps of all methods together."""
        return sum(self.steps.values())

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the fitting pictures."""
        return fingerprint({item.name: self.split.digests[item.name] for item in self.split.fitting})


def make_plan(settings: RunSettings, dataset: Dataset, trunk: Trunk, further: Sequence[str] = ()) -> Plan:
    """Split the good pictures, choose the size, count the steps; `further`: hashes of what else decides the result.

    Raises DataError without good pictures, SettingsError for a size the trunk cannot take.
    """
    goods = dataset.good("train")
    if not goods:
        raise DataError(f"{dataset.root} has no good pictures to learn from; see: restora data inspect {dataset.root}")
    split = split_good(goods)
    size = choose_input(settings.input, split.fitting)
    trunk.check_size(size)
    steps = {name: count_steps(part, len(split.fitting)) for name, part in settings.parts.items()}
    kept = [split.digests[item.name] for item in split.fitting]
    facts = [__version__, stored_settings(settings), kept, trunk.weights.sha256, size, steps, *further]
    identity = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Plan(settings, dataset.name, split, size, steps, identity)


def count_steps(settings: MethodSettings, pictures: int) -> int:
    """Optimiser steps of a method: as named, else its epochs in batches; 0 where there is nothing to train."""
    fit = settings.fit
    if not settings.trains:
        return 0
    return fit.steps if fit.steps is not None else -(-fit.epochs * pictures // fit.batch)


def forecast_disk(plan: Plan, aggregate: Aggregate) -> str:
    """One sentence on the disk that the features of the fitting pictures take while a training runs."""
    megabytes = bytes_needed(aggregate.inputs, plan.size, len(plan.split.fitting)) / 1e6
    return f"Features of {len(plan.split.fitting)} pictures: {megabytes:,.0f} MB of disk while it runs."


def forecast(plan: Plan, method: str, aggregate: Aggregate, parameters: int, step_seconds: float) -> str:
    """One sentence on the time and memory that the training of a method will take."""
    # weights, gradients and two moments in float32, activations of a batch, and torch itself
    cells = sum(int(np.prod(level.shape(plan.size))) for level in aggregate.levels)
    memory = 16 * parameters + 60 * plan.settings.of(method).fit.batch * cells + 600e6
    steps = plan.steps[method]
    minutes = steps * step_seconds / 60
    return (
        f"{len(plan.split.fitting)} pictures to fit, {len(plan.split.calibration)} to calibrate, "
        f"{plan.size[0]}x{plan.size[1]} pixels; {steps} steps in about {max(minutes, 0.1):.1f} minutes, "
        f"{memory / 1e9:.1f} GB of memory."
    )
