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
    """FASM: artificial anomalies on the features, in training only. A kind named twice is drawn twice as often.

    `level`: `pictures` instead pastes textures and other good pictures into good pictures before the trunk, `textures`
    of them once for the whole training; for comparison.
    """

    enabled: bool = True
    level: Literal["features", "pictures"] = "features"
    kinds: tuple[Kind, ...] = ("foreign", "foreign", "texture", "shuffle", "noise")
    clean_share: Share = 0.4
    full_strength_share: Share = 0.7
    weakest: Share = 0.3
    one_level_share: Share = 0.1
    area: tuple[Share, Share] = (0.01, 0.4)
    textures: Annotated[int, Field(ge=1, le=4096)] = 64

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
    projection: Annotated[int, Field(ge=8, multiple_of=8)] = 64
    hidden: tuple[Annotated[int, Field(ge=8, multiple_of=8)], ...] = (32,)
    samples: Annotated[int, Field(ge=1, le=64)] = 8
    prior_std: Positive = 0.1
    kl_weight: Annotated[float, Field(ge=0)] = 1.0
    warm_up: Share = 0.2
    aleatoric: bool = True
    weight: Annotated[float, Field(ge=0)] = 1.0


class AttentionSettings(Section):
    """RAM: restoration attention over global normal tokens and the picture's own normal places."""

    mode: Literal["gated", "plain", "off"] = "gated"
    global_tokens: Annotated[int, Field(ge=0, le=4096)] = 64
    own_tokens: bool = True
    widening: Annotated[float, Field(ge=0, le=2)] = 0.5

    @model_validator(mode="after")
    def _has_keys(self) -> AttentionSettings:
        if self.mode != "off" and not self.own_tokens and not self.global_tokens:
            raise ValueError("attention has no keys; set own_tokens to true or global_tokens above 0")
        return self


class RestorerSettings(Section):
    """The network that carries the three parts."""

    body: Literal["squeeze", "tokens", "none"] = "squeeze"
    width: Annotated[int, Field(ge=32, multiple_of=32)] = 256
    heads: Annotated[int, Field(ge=1)] = 8
    blocks: Annotated[int, Field(ge=0, le=64)] = 1
    token: Annotated[int, Field(ge=1)] = 4
    normal_feature: Literal["place", "global"] = "place"
    cosine_weight: Annotated[float, Field(ge=0)] = 1.0
    mse_weight: Annotated[float, Field(ge=0)] = 0.5
    altered_weight: Annotated[float, Field(ge=0)] = 3.0

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
