"""Everything that rules a training run, in one frozen record; no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restora.features.settings import TrunkSettings
from restora.methods.settings import Positive, Section, Share
from restora.methods.ura_net.settings import PAPER, SMALL, UraNetSettings

Method = Literal["ura-net"]
Preset = Literal["small", "paper"]


class InputSettings(Section):
    """How pictures become the network's input.

    `size` is HEIGHTxWIDTH, multiples of 32; without it the median shape at no more than `pixels` pixels.
    `depth` is the number of bits that 16-bit pictures really use. `ignore` is a mask file of places to leave out.
    """

    size: Annotated[str, Field(pattern=r"^\d+x\d+$")] | None = None
    pixels: Annotated[int, Field(ge=1024)] = 110_592
    depth: Annotated[int, Field(ge=1, le=16)] | None = None
    ignore: str | None = None


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


class VerdictSettings(Section):
    """The share of good pictures that may be called defective; without it 0.01, or what the pictures allow."""

    false_alarms: Annotated[float, Field(gt=0, lt=1)] | None = None


class RunSettings(Section):
    """One run, whole."""

    method: Method = "ura-net"
    preset: Preset = "small"
    seed: Annotated[int, Field(ge=0)] = 0
    input: InputSettings = InputSettings()
    trunk: TrunkSettings = TrunkSettings()
    ura_net: UraNetSettings = SMALL
    fit: FitSettings = FitSettings()
    verdicts: VerdictSettings = VerdictSettings()

    @property
    def chosen(self) -> UraNetSettings:
        """Settings of the method that this run uses."""
        return self.ura_net


PRESETS: dict[str, RunSettings] = {
    "small": RunSettings(),
    "paper": RunSettings(
        preset="paper",
        input=InputSettings(size="256x256"),
        trunk=TrunkSettings(name="wide_resnet50_2"),
        ura_net=PAPER,
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
    ),
}
