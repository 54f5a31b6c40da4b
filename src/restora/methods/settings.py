"""Settings that every method shares; no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rule = Literal["full", "diagonal", "content", "mse", "cosine", "cosine_mse"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A part of the settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ResidualSettings(Section):
    """From features and restored features to the anomaly map."""

    rule: Rule = "full"
    directions: Annotated[int, Field(ge=1)] = 64
    places: Annotated[int, Field(ge=1)] = 2
    neighbours: Literal[1, 3, 5] = 3
    block_neighbours: Literal[1, 3, 5] = 1
    prior_pictures: Annotated[float, Field(ge=0)] = 50.0
    floor: Positive = 0.3
    clusters: Annotated[int, Field(ge=1)] = 64
    smoothing: Positive = 1.0
