"""Every knob of MFRNet, with its range; no torch.

What the paper leaves open is chosen here. Two presets: `small` trains in minutes on two processor cores, `paper` has
the sizes that the public description points to.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restora.features.settings import PyramidPlan
from restora.methods.settings import FitSettings, MethodSettings, Positive, Preset, ResidualSettings, Section

Side = Annotated[int, Field(ge=1, le=256)]


class MaskSettings(Section):
    """Crossed masks: what is hidden from the network, and thereby restored."""

    mode: Literal["disjoint", "groups"] = "disjoint"
    """disjoint cuts the squares into sets; groups draws groups of masks that complement each other."""
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = (2, 4)
    """The paper's k: sides of the hidden squares in cells. Training draws one a picture, looking takes each."""
    parts: Annotated[int, Field(ge=2, le=64)] = 2
    """The paper's n: so many sets, or so many groups."""
    complements: Annotated[int, Field(ge=2, le=64)] = 2
    """Masks of a group, where mode is groups."""
    repeats: Annotated[int, Field(ge=1, le=64)] = 1
    """Draws of each side at prediction."""

    @property
    def sets(self) -> int:
        """Masks that cover a picture once between them."""
        return self.parts if self.mode == "disjoint" else self.complements

    @property
    def members(self) -> int:
        """Coverings that a prediction averages over."""
        return len(self.sides) * self.repeats * (1 if self.mode == "disjoint" else self.parts)


class NetworkSettings(Section):
    """The restoration network."""

    directions: Annotated[int, Field(ge=1)] | None = 192
    """Strongest principal components of the normal features that are restored, each standardised; without it all
    channels.
    """
    width: Annotated[int, Field(ge=16, multiple_of=4)] = 128
    """Channels inside the network."""
    heads: Annotated[int, Field(ge=1)] = 2
    """Of the attention; they divide the width."""
    blocks: Annotated[int, Field(ge=1, le=64)] = 2
    """Hybrid blocks: neighbours, attention, token by itself."""
    widening: Annotated[int, Field(ge=1, le=8)] = 2
    """How many times as many channels the inner layer of a block has."""
    token: Annotated[int, Field(ge=1, le=16)] = 1
    """Side of a token in cells."""

    @model_validator(mode="after")
    def _divisible(self) -> NetworkSettings:
        if self.width % self.heads:
            raise ValueError(f"heads share the width evenly; {self.heads} do not divide {self.width}")
        return self


class LossSettings(Section):
    """The hybrid loss: squared error and structure, and the angle of the features beside them."""

    pixel: bool = True
    """Whether the squared difference counts."""
    structure: Literal["ssim", "gms", "none"] = "ssim"
    """Structural similarity, similarity of gradients, or none."""
    structure_weight: Annotated[float, Field(ge=0)] = 0.5
    """How much structure counts."""
    cosine_weight: Annotated[float, Field(ge=0)] = 1.0
    """How much the angle of the features counts."""
    window: Literal["mean", "gaussian"] = "mean"
    """What a mean over a neighbourhood is taken with."""
    window_side: Literal[3, 5, 7, 9, 11] = 7
    """Side of that window in cells."""
    span: Positive = 6.0
    """The dynamic range of a feature, in its standard deviations."""

    @model_validator(mode="after")
    def _something(self) -> LossSettings:
        structural = self.structure != "none" and self.structure_weight > 0
        if not (self.pixel or structural or self.cosine_weight > 0):
            raise ValueError("the loss has no term left; set pixel to true or give structure or cosine a weight")
        return self


class MfrNetSettings(MethodSettings):
    """MFRNet whole."""

    restore: Literal["merged", "per_level"] = "merged"
    """One network for all levels merged, or one a level."""
    masked: bool = True
    """false shows the network everything, for comparison."""
    masks: MaskSettings = MaskSettings()
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    fit: FitSettings = FitSettings(batch=8, learning_rate=8e-3)

    @property
    def members(self) -> int:
        """Restorations that a prediction averages over."""
        return self.masks.members if self.masked else 1


SMALL = MfrNetSettings()

# VGG-16 relu1_2, relu2_2, relu3_3 and relu4_3 merged to C = 960 at a quarter of the picture, six blocks of 384 on
# tokens of 2 x 2 cells. The paper's example shows k = 2 and n = 3; the other sides, and every size here, are ours.
PAPER = MfrNetSettings(
    pyramid=PyramidPlan(levels=(-1, 0, 1, 2), pool=1, merge=True, grid_level=1, scaled=True),
    masks=MaskSettings(sides=(2, 4, 8), parts=3),
    network=NetworkSettings(directions=None, width=384, heads=6, blocks=6, widening=4, token=2),
    loss=LossSettings(structure_weight=1.0, cosine_weight=0.0, window="gaussian", window_side=11),
    residual=ResidualSettings(rule="mse_ssim", border=0, fine_weight=1.0),
    fit=FitSettings(
        steps=None,
        batch=8,
        learning_rate=1e-4,
        weight_decay=1e-5,
        warm_up_steps=0,
        schedule="cosine",
        precision="float32",
    ),
)
PRESETS = {"small": Preset(SMALL), "paper": Preset(PAPER, trunk="vgg16", size="256x256")}
