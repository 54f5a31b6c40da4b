"""The rows of the table: whatever is measured beside each other on the same pictures, and what makes each; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# trained   : a training of ours, with settings changed
# joined    : finished models of the same trunk, category and seed, made one
# refitted  : the finished training of another row, with the statistics of another residual
# yardstick : a simple detector of our own on the same features
# anomalib  : a model of anomalib, in an environment and a process of its own
Kind = Literal["trained", "joined", "refitted", "yardstick", "anomalib"]


@dataclass(frozen=True)
class Row:
    """One row.

    method  : the method of ours whose settings hold for it (a yardstick takes trunk and input from there)
    changes : settings by dotted key that make the row what its name says; they win over those of the TOML file
    base    : of a refitted row, the one whose training is taken
    part, change : of an ablation, what the row is called in its table
    """

    name: str
    kind: Kind = "trained"
    method: str = "ura-net"
    changes: Mapping[str, Any] = field(default_factory=dict)
    base: Row | None = None
    part: str | None = None
    change: str | None = None


YARDSTICKS = ("nearest-neighbour", "nearest-neighbour-coreset", "nearest-neighbour-position", "position-gaussian")
WHOLE = "whole"  # the change of an ablation's row that every other line is read against
ANOMALIB = "anomalib-"
ANOMALIB_MODELS = ("patchcore", "padim", "stfpm", "reverse-distillation")
ANOMALIB_TRUNK = "resnet18"  # the one that all of anomalib's rows have

# In the order of the table. Each value says what the row changes of the one recipe.
ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("ura-net"),
        Row("mfr-net", method="mfr-net"),
        Row("both", "joined", "both"),
        # URA-Net's trunk of layers without the paper's three ideas: FASM, UIAPM, RAM
        Row(
            "trunk-only",
            changes={
                "ura_net.synthesis.enabled": False,
                "ura_net.perception.mode": "off",
                "ura_net.attention.mode": "off",
            },
        ),
        Row("mfr-net-unmasked", method="mfr-net", changes={"mfr_net.masked": False}),
        # nothing is restored (restored = 0); the score is the same
        Row("control", changes={"ura_net.restorer.body": "none"}),
        *(Row(name, "yardstick") for name in YARDSTICKS),
        *(Row(ANOMALIB + name, "anomalib") for name in ANOMALIB_MODELS),
    )
}
