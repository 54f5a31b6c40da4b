"""What each part of a method is worth: the method with that part taken away or made plain; no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from restora.bench.cells import Cell, make_cell, once
from restora.bench.plan import BenchmarkSettings
from restora.bench.rows import WHOLE, Row
from restora.errors import SettingsError
from restora.methods.table import section

KINDS = ("texture", "foreign", "shuffle", "noise")
RULES = ("diagonal", "content", "mse", "cosine", "cosine_mse")  # beside the preset's
STRUCTURAL = ("mse_ssim", "full_ssim", "full_gms")

Change = tuple[str, str, Mapping[str, Any]]

# Part, what is done to it, and the settings that do it, in the order of the table.
URA_NET: tuple[Change, ...] = (
    ("URA-Net", WHOLE, {}),
    ("FASM", "off", {"ura_net.synthesis.enabled": False}),
    *(("FASM", f"{kind} only", {"ura_net.synthesis.kinds": [kind]}) for kind in KINDS),
    (
        *("FASM", "pasted into pictures"),
        {"ura_net.synthesis.level": "pictures", "ura_net.synthesis.textures": 192},
    ),
    ("UIAPM", "deterministic", {"ura_net.perception.mode": "deterministic"}),
    ("UIAPM", "off", {"ura_net.perception.mode": "off"}),
    ("uncertainty", "not used", {"ura_net.attention.widening": 0.0, "ura_net.perception.aleatoric": False}),
    ("RAM", "plain attention", {"ura_net.attention.mode": "plain"}),
    ("RAM", "off", {"ura_net.attention.mode": "off"}),
    ("RAM", "global tokens only", {"ura_net.attention.own_tokens": False}),
    ("RAM", "own tokens only", {"ura_net.attention.global_tokens": 0}),
    ("levels", "2 only", {"ura_net.pyramid.levels": [2]}),
    ("levels", "3 only", {"ura_net.pyramid.levels": [3]}),
    *(("residual", rule, {"ura_net.residual.rule": rule}) for rule in RULES),
)

ONE_SIDE = {"mfr_net.masks.repeats": 2}  # as many coverings as the two sides have, so that only the side differs

MFR_NET: tuple[Change, ...] = (
    ("MFRNet", WHOLE, {}),
    ("masks", "none", {"mfr_net.masked": False}),
    *(("masks", f"k = {side}", {"mfr_net.masks.sides": [side], **ONE_SIDE}) for side in (1, 2, 4, 8)),
    *(("masks", f"n = {parts}", {"mfr_net.masks.parts": parts}) for parts in (3, 4)),
    ("masks", "groups", {"mfr_net.masks.mode": "groups"}),
    ("masks", "k = 1, 2, 4", {"mfr_net.masks.sides": [1, 2, 4]}),
    ("masks", "one partition", {"mfr_net.masks.sides": [2]}),
    ("loss", "pixel only", {"mfr_net.loss.structure": "none", "mfr_net.loss.cosine_weight": 0.0}),
    ("loss", "structural only", {"mfr_net.loss.pixel": False, "mfr_net.loss.cosine_weight": 0.0}),
    ("levels", "each by itself", {"mfr_net.restore": "per_level"}),
    *(("residual of MFRNet", rule, {"mfr_net.residual.rule": rule}) for rule in (*RULES, *STRUCTURAL)),
)

CHANGES: dict[str, tuple[Change, ...]] = {"ura-net": URA_NET, "mfr-net": MFR_NET}


def ablation_rows() -> tuple[Row, ...]:
    """A row for every change, in the order of the table."""
    return tuple(row for method, lines in CHANGES.items() for row in _rows(method, lines))


def _rows(method: str, lines: Sequence[Change]) -> Iterator[Row]:
    part, change, _ = lines[0]
    whole = Row(_slug(f"{method} {part} {change}"), method=method, part=part, change=change)
    yield whole
    for part, change, changes in lines[1:]:
        name = _slug(f"{method} {part} {change}")
        if all(f"{section(method)}.residual." in key for key in changes):  # fitted behind the same network
            yield Row(name, "refitted", method, changes, whole, part, change)
        else:
            yield Row(name, method=method, changes=changes, part=part, change=change)


def list_ablations(plan: BenchmarkSettings) -> list[Cell]:
    """The cells of all changes in the order in which they are run.

    Raises SettingsError where the file has no table for them.
    """
    wanted = plan.ablations
    if wanted is None:
        raise SettingsError("There is no [ablations] in the file, so there is nothing to take away; add it.")
    steps = {f"{section(method)}.fit.steps": steps for method, steps in wanted.steps.items()}
    plan = plan.model_copy(update={"settings": {**plan.settings, **steps}})
    return once(_cells(plan, wanted.trunk, wanted.categories, wanted.seeds))


def _cells(plan: BenchmarkSettings, trunk: str, categories: tuple[str, ...], seeds: tuple[int, ...]) -> Iterator[Cell]:
    for seed, row, category in product(seeds, ablation_rows(), categories):
        yield make_cell(plan, row, trunk, category, seed)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
