"""Settings that every method shares; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from restora.features.settings import SMALL, PyramidPlan

Rule = Literal[
    "full", "diagonal", "content", "mse", "cosine", "cosine_mse", "mse_ssim", "mse_gms", "full_ssim", "full_gms"
]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A part of the settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ResidualSettings(Section):
    """From features and restored features to the anomaly map.

    Rules with two names join two distances: `cosine_mse` is their product, those with `ssim` or `gms` are the sum of
    one and `structure_weight` times the structural one.
    `fine_weight`: how many times as much a level counts as the next coarser one.
    `border`: within so many cells of the map's edge it is divided by how much more is usual there than further in, to
    the power of `border_power`.
    """

    rule: Rule = "full"
    directions: Annotated[int, Field(ge=1)] = 64
    places: Annotated[int, Field(ge=1)] = 2
    neighbours: Literal[1, 3, 5] = 3
    block_neighbours: Literal[1, 3, 5] = 1
    prior_pictures: Annotated[float, Field(ge=0)] = 50.0
    floor: Positive = 0.3
    clusters: Annotated[int, Field(ge=1)] = 64
    structure_weight: Annotated[float, Field(ge=0)] = 1.0
    fine_weight: Positive = 2.0
    smoothing: Positive = 1.0
    border: Annotated[int, Field(ge=0)] = 8
    border_power: Annotated[float, Field(ge=0)] = 2.0


class FitSettings(Section):
    """The optimiser and its schedule. Steps rule, never the clock; `epochs` is used where `steps` is not given."""

    steps: Annotated[int, Field(ge=0)] | None = 1200
    epochs: Annotated[int, Field(ge=1)] = 300
    batch: Annotated[int, Field(ge=1)] = 12
    learning_rate: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    warm_up_steps: Annotated[int, Field(ge=0)] = 50
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: Positive | None = None
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    save_every: Annotated[int, Field(ge=1)] = 50


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
