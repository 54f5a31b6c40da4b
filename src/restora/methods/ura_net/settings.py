"""Every knob of URA-Net, with its range; no torch.

What the paper leaves open is chosen here. Two presets: `small` trains in minutes on two processor cores, `paper` has
the sizes that the public description and its author's habits point to.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restora.features.settings import PAPER as PAPER_PYRAMID
from restora.methods.settings import FitSettings, MethodSettings, Positive, Preset, ResidualSettings, Section, Share

Kind = Literal["texture", "foreign", "shuffle", "noise"]


class SynthesisSettings(Section):
    """FASM: artificial anomalies on the features, in training only."""

    enabled: bool = True
    """Whether anomalies are made at all."""
    level: Literal["features", "pictures"] = "features"
    """Anomalies on the features; or, for comparison, textures and other good pictures pasted into good pictures before
    the trunk.
    """
    kinds: tuple[Kind, ...] = ("foreign", "foreign", "texture", "shuffle", "noise")
    """Kinds of anomaly; one named twice is drawn twice as often."""
    clean_share: Share = 0.4
    """Share of the samples that stay as they are."""
    full_strength_share: Share = 0.7
    """Share of the altered samples in which the anomaly takes the feature's place whole."""
    weakest: Share = 0.3
    """Smallest strength of the others; it is drawn between this and 1."""
    one_level_share: Share = 0.1
    """Share of the batches in which one level alone is altered."""
    area: tuple[Share, Share] = (0.01, 0.4)
    """Smallest and largest share of a map that is altered."""
    textures: Annotated[int, Field(ge=1, le=4096)] = 64
    """Textures kept for the whole training; so many pasted pictures where level is pictures."""

    @model_validator(mode="after")
    def _ordered(self) -> SynthesisSettings:
        if self.enabled and not self.kinds:
            raise ValueError("kinds is empty; name at least one kind of anomaly or set enabled to false")
        if self.area[0] > self.area[1]:
            raise ValueError(f"area runs from the smaller share to the larger, not {self.area}")
        return self


class PerceptionSettings(Section):
    """UIAPM: where something is wrong and how sure that is."""

    mode: Literal["bayes", "deterministic", "off"] = "bayes"
    """Weights as distributions, as plain numbers, or no perception."""
    projection: Annotated[int, Field(ge=8, multiple_of=8)] = 64
    """Channels that all levels are projected to."""
    hidden: tuple[Annotated[int, Field(ge=8, multiple_of=8)], ...] = (32,)
    """Channels of the layers after that, one number a layer."""
    samples: Annotated[int, Field(ge=1, le=64)] = 8
    """Draws of the weights that a prediction takes the mean and the spread of; one where mode is deterministic."""
    prior_std: Positive = 0.1
    """Deviation of the prior of a weight."""
    kl_weight: Annotated[float, Field(ge=0)] = 1.0
    """How much the distance from the prior counts."""
    warm_up: Share = 0.2
    """Share of the training over which that rises from nothing."""
    aleatoric: bool = True
    """Whether the network says a variance of its own beside the mean."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """How much the perception counts in the whole loss."""


class AttentionSettings(Section):
    """RAM: restoration attention over global normal tokens and the picture's own normal places."""

    mode: Literal["gated", "plain", "off"] = "gated"
    """Attention with both gates, without them, or none."""
    global_tokens: Annotated[int, Field(ge=0, le=4096)] = 64
    """Learned tokens of normal features that every picture can attend to."""
    own_tokens: bool = True
    """Whether a picture's own normal places can be attended to."""
    widening: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How far the mask grows where the perception hesitates: p + widening p (1 - p)."""

    @model_validator(mode="after")
    def _has_keys(self) -> AttentionSettings:
        if self.mode != "off" and not self.own_tokens and not self.global_tokens:
            raise ValueError("attention has no keys; set own_tokens to true or global_tokens above 0")
        return self


class RestorerSettings(Section):
    """The network that carries the three parts."""

    body: Literal["squeeze", "tokens", "none"] = "squeeze"
    """Levels squeezed together and unfolded again, tokens of one level, or none: the control, which restores nothing.
    """
    width: Annotated[int, Field(ge=32, multiple_of=32)] = 256
    """Channels inside the network."""
    heads: Annotated[int, Field(ge=1)] = 8
    """Of the attention; they divide the width."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 1
    """Blocks before and after the attention (squeeze), or of attention (tokens)."""
    token: Annotated[int, Field(ge=1)] = 4
    """Side of a token in cells, where the body is tokens."""
    normal_feature: Literal["place", "global"] = "place"
    """What takes a marked cell's place: a learned feature of that place, or one for all places."""
    cosine_weight: Annotated[float, Field(ge=0)] = 1.0
    """How much the angle between restored and good features counts in the loss."""
    mse_weight: Annotated[float, Field(ge=0)] = 0.5
    """How much their squared difference counts."""
    altered_weight: Annotated[float, Field(ge=0)] = 3.0
    """How many times more an altered cell counts than another."""

    @model_validator(mode="after")
    def _divisible(self) -> RestorerSettings:
        if self.width % self.heads:
            raise ValueError(f"heads share the width evenly; {self.heads} do not divide {self.width}")
        return self


class UraNetSettings(MethodSettings):
    """URA-Net whole."""

    synthesis: SynthesisSettings = SynthesisSettings()
    perception: PerceptionSettings = PerceptionSettings()
    attention: AttentionSettings = AttentionSettings()
    restorer: RestorerSettings = RestorerSettings()

    @property
    def trains(self) -> bool:
        """Without a body nothing is restored and nothing is trained: the control."""
        return self.restorer.body != "none"

    @property
    def textures_wanted(self) -> int:
        """Textures for FASM, where it draws that kind."""
        return self.synthesis.textures if self._synthesises("features") and "texture" in self.synthesis.kinds else 0

    @property
    def pasted_wanted(self) -> int:
        """Spoiled pictures, where FASM is done without."""
        return self.synthesis.textures if self._synthesises("pictures") else 0

    def _synthesises(self, level: str) -> bool:
        return self.trains and self.synthesis.enabled and self.synthesis.level == level

    @model_validator(mode="after")
    def _one_level_for_tokens(self) -> UraNetSettings:
        if self.restorer.body == "tokens" and not self.pyramid.merge and len(self.pyramid.levels) > 1:
            raise ValueError("the token body restores one level; set pyramid.merge to true or name one of its levels")
        return self


SMALL = UraNetSettings()

# WideResNet-50-2 levels 1-3 merged to C = 1792, textures only, eight gated blocks of 768, the
# author's map (mean squared error times cosine distance, Gaussian of 4 pixels). The image score is the maximum.
PAPER = UraNetSettings(
    pyramid=PAPER_PYRAMID,
    synthesis=SynthesisSettings(
        kinds=("texture",), clean_share=0.5, full_strength_share=0.0, weakest=0.2, one_level_share=0.2
    ),
    perception=PerceptionSettings(projection=256, hidden=(128, 64)),
    attention=AttentionSettings(global_tokens=8),
    restorer=RestorerSettings(
        body="tokens",
        width=768,
        heads=12,
        blocks=8,
        normal_feature="global",
        cosine_weight=5.0,
        mse_weight=1.0,
        altered_weight=1.0,
    ),
    residual=ResidualSettings(rule="cosine_mse", border=0, fine_weight=1.0),
    fit=FitSettings(
        steps=None,
        batch=8,
        learning_rate=1e-4,
        weight_decay=0.01,
        betas=(0.9, 0.95),
        warm_up_steps=0,
        schedule="constant",
        precision="float32",
    ),
)
PRESETS = {"small": Preset(SMALL), "paper": Preset(PAPER, trunk="wide_resnet50_2", size="256x256")}
