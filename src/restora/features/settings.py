"""What may be chosen about the trunk and its pyramid; no torch is loaded here."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from restora.errors import UsageError, inner

RESNETS = ("resnet18", "resnet34", "resnet50", "wide_resnet50_2")
VGGS = ("vgg16",)
TINY = "restora-tiny"  # its weights are in the package
PREFERRED = "resnet18"
TRUNKS = (*RESNETS, *VGGS, TINY)
TIMM_PREFIX = "timm/"
RANDOM = "random"


class TrunkSettings(BaseModel):
    """Which frozen network looks at the pictures, and where its weights are."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str | None = None
    """A trunk that `restora weights list` names, or timm/NAME; without it resnet18 where its weights are named or at
    hand, else restora-tiny.
    """
    weights: str | None = None
    """A file of weights, or random; without it those at hand."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return None if name is None else check_trunk_name(name)
        except UsageError as error:
            raise ValueError(inner(str(error))) from None


class PyramidPlan(BaseModel):
    """What a method wants to restore: which levels of the trunk, and what is made of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    levels: tuple[int, ...] = Field(default=(2, 3), min_length=1)
    """Numbers of the trunk's levels, ascending; level l has a cell every 2 ** (l + 1) picture pixels."""
    pool: Literal[1, 3, 5, 7] = 3
    """Side in cells of the mean window run over every level at stride 1; 1 for none."""
    merge: bool = False
    """All levels on one grid, joined along the channels into one; else kept apart."""
    grid_level: int | None = None
    """The level on whose grid they are merged; without it the first."""
    scaled: bool = True
    """Every level divided by one number, its standard deviation over the fitting pictures."""

    @field_validator("levels")
    @classmethod
    def _ascending(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if list(levels) != sorted(set(levels)):
            raise ValueError("levels must be different numbers in ascending order")
        return levels

    @model_validator(mode="after")
    def _grid_among_levels(self) -> PyramidPlan:
        if self.grid_level is not None and not (self.merge and self.grid_level in self.levels):
            raise ValueError("grid_level names one of the levels and goes with merge = true")
        return self


SMALL = PyramidPlan()
PAPER = PyramidPlan(levels=(1, 2, 3), merge=True, scaled=False)


def is_trunk(name: str) -> bool:
    """Whether there is such a trunk; what timm has behind its `timm/` is seen when it is loaded."""
    return name in TRUNKS or (name.startswith(TIMM_PREFIX) and name != TIMM_PREFIX)


def check_trunk_name(name: str) -> str:
    """Return `name` when there is such a trunk; UsageError with the nearest names otherwise.

    A name that begins with `timm/` is let through: whether timm knows it, is seen when it is loaded.
    """
    if is_trunk(name):
        return name
    near = get_close_matches(name, TRUNKS, n=3, cutoff=0.5) or list(TRUNKS)
    raise UsageError(
        f"There is no trunk named {name!r}; the nearest are {', '.join(near)} "
        f"(other models of timm are named {TIMM_PREFIX}NAME)."
    )
