"""Settings that every method shares; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from restora.features.settings import SMALL, PyramidPlan

Rule = Literal[
    "full", "diagonal", "content", "mse", "cosine", "cosine_mse", "mse_ssim", "mse_gms", "full_ssim", "full_gms"
]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class OneOf:
    """Of a text: that it is one of `choices`, where a table has them rather than a type."""

    choices: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look at the text after it was found to be one."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, text: str) -> str:
        if text not in self.choices:
            near = get_close_matches(text, self.choices, n=1, cutoff=0)
            raise ValueError(f"the nearest is {near[0]}, all are {', '.join(self.choices)}")
        return text


class Section(BaseModel):
    """A part of the settings: frozen, and an unknown key is an error.

    The text under a key says what it means; `restora config show` prints it above the key, this text above the table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ResidualSettings(Section):
    """From features and restored features to the anomaly map."""

    rule: Rule = "full"
    """How features and restored ones are compared, full being Mahalanobis's distance. Two names join two distances:
    cosine_mse is their product, those with ssim or gms are the sum of one and the structural one.
    """
    directions: Annotated[int, Field(ge=1)] = 64
    """Strongest directions of a covariance that are stored; the rest share their mean variance."""
    places: Annotated[int, Field(ge=1)] = 2
    """Side in cells of the finest level of what counts as one place, which has a covariance of its own."""
    neighbours: Literal[1, 3, 5] = 3
    """Side of the square of places around one, itself among them, that its statistics are taken from."""
    block_neighbours: Literal[1, 3, 5] = 1
    """The same on a level where a place is several cells."""
    prior_pictures: Annotated[float, Field(ge=0)] = 50.0
    """A place's covariance is drawn towards that of all places as by so many pictures of it."""
    floor: Positive = 0.3
    """Added to every variance, in mean variances of all places."""
    clusters: Annotated[int, Field(ge=1)] = 64
    """Of restored features, for the rule content."""
    structure_weight: Annotated[float, Field(ge=0)] = 1.0
    """How many times as much the structural distance counts as the other."""
    fine_weight: Positive = 2.0
    """How many times as much a level counts as the next coarser one."""
    smoothing: Positive = 1.0
    """Deviation in cells of the Gaussian that the map is smoothed by; a cell of the map is four input pixels."""
    border: Annotated[int, Field(ge=0)] = 8
    """Within so many cells of its edge the map is divided by how much more is usual there than further in; 0 for
    nowhere.
    """
    border_power: Annotated[float, Field(ge=0)] = 2.0
    """The power to which that divisor is raised."""


class FitSettings(Section):
    """The optimiser and its schedule. Steps rule, never the clock."""

    steps: Annotated[int, Field(ge=0)] | None = 1200
    """Optimiser steps; without it as many as the epochs make."""
    epochs: Annotated[int, Field(ge=1)] = 300
    """Passes over the fitting pictures, where steps is not given."""
    batch: Annotated[int, Field(ge=1)] = 12
    """Pictures a step."""
    learning_rate: Positive = 2e-3
    """Of AdamW, after the warm-up."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Of AdamW, on weights alone."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Of AdamW: how much of the first and second moments is kept from step to step."""
    warm_up_steps: Annotated[int, Field(ge=0)] = 50
    """Steps over which the learning rate rises from nothing."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """The learning rate after the warm-up: it falls to zero by a cosine, or stays."""
    clip: Positive | None = None
    """Largest norm of the gradients; without it they are not clipped."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """What the forward pass computes in; weights are always float32."""
    save_every: Annotated[int, Field(ge=1)] = 50
    """Steps between two saved states, from which --resume goes on."""


class MethodSettings(Section):
    """What every method's settings have; a method adds its own parts."""

    pyramid: PyramidPlan = SMALL
    residual: ResidualSettings = ResidualSettings()
    fit: FitSettings = FitSettings()

    @property
    def trains(self) -> bool:
        """Whether there is anything to train; without it no step is taken."""
        return True

    @property
    def textures_wanted(self) -> int:
        """Number of pictures of no product whose features the training needs."""
        return 0

    @property
    def pasted_wanted(self) -> int:
        """Number of good pictures with something pasted in whose features the training needs; above 0 only for a
        restorer that has `pasted` (`contract.PastingRestorer`).
        """
        return 0


@dataclass(frozen=True)
class Preset:
    """A method's settings under a name, with the trunk and the input size that go with them (None: left open)."""

    settings: MethodSettings
    trunk: str | None = None
    size: str | None = None
