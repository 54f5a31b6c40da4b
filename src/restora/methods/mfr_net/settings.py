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
    """Crossed masks: what is hidden from the network, and thereby restored.

    `sides`: the paper's k, side of the hidden squares in cells; training draws one a picture, looking takes each.
    `parts`: the paper's n; `disjoint` cuts the squares into so many sets, `groups` draws so many groups of
    `complements` masks that complement each other. `repeats`: draws of each side at prediction.
    """

    mode: Literal["disjoint", "groups"] = "disjoint"
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = (2, 4)
    parts: Annotated[int, Field(ge=2, le=64)] = 2
    complements: Annotated[int, Field(ge=2, le=64)] = 2
    repeats: Annotated[int, Field(ge=1, le=64)] = 1

    @property
    def sets(self) -> int:
        """Masks that cover a picture once between them."""
        return self.parts if self.mode == "disjoint" else self.complements

    @property
    def members(self) -> int:
        """Coverings that a prediction averages over."""
        return len(self.sides) * self.repeats * (1 if self.mode == "disjoint" else self.parts)


class NetworkSettings(Section):
    """The restoration network.

    `directions`: strongest principal components of the normal features that are restored, None for all channels,
    each standardised. `token`: side of a token in cells.
    """

    directions: Annotated[int, Field(ge=1)] | None = 192
    width: Annotated[int, Field(ge=16, multiple_of=4)] = 128
    heads: Annotated[int, Field(ge=1)] = 2
    blocks: Annotated[int, Field(ge=1, le=64)] = 2
    widening: Annotated[int, Field(ge=1, le=8)] = 2
    token: Annotated[int, Field(ge=1, le=16)] = 1

    @model_validator(mode="after")
    def _divisible(self) -> NetworkSettings:
        if self.width % self.heads:
            raise ValueError(f"heads share the width evenly; {self.heads} do not divide {self.width}")
        return self


class LossSettings(Section):
    """The hybrid loss: squared error and structure, and the angle of the features beside them.

    `window`: what a mean over a neighbourhood is taken with, `window_side` cells wide. `span`: the dynamic range of a
    feature, in its standard deviations.
    """

    pixel: bool = True
    structure: Literal["ssim", "gms", "none"] = "ssim"
    structure_weight: Annotated[float, Field(ge=0)] = 0.5
    cosine_weight: Annotated[float, Field(ge=0)] = 1.0
    window: Literal["mean", "gaussian"] = "mean"
    window_side: Literal[3, 5, 7, 9, 11] = 7
    span: Positive = 6.0

    @model_validator(mode="after")
    def _something(self) -> LossSettings:
        structural = self.structure != "none" and self.structure_weight > 0
        if not (self.pixel or structural or self.cosine_weight > 0):
            raise ValueError("the loss has no term left; set pixel to true or give structure or cosine a weight")
        return self


class MfrNetSettings(MethodSettings):
    """MFRNet whole.

    `restore`: one network for all levels merged, or one a level. `masked`: false shows the network everything.
    """

    restore: Literal["merged", "per_level"] = "merged"
    masked: bool = True
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
