"""Screw threads: the outer one of a shank that lies on its side, the inner one of a bore seen from above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restora.demo.canvas import Field, Grid, ramp

PITCH = 0.058
DEPTH = 0.60  # of the pitch; metric threads have .61


@dataclass(frozen=True)
class Cut:
    """How deep a thread was cut between two places along its shank: 1 as it should be, 0 not at all."""

    start: float
    end: float
    depth: float


@dataclass(frozen=True)
class Rod:
    """A round shank along y, seen from the side; fields float32 [H, W].

    distance : to its silhouette, negative inside
    height   : 0 at the crown of a full rod, down to minus the radius
    groove   : 0 on a crest to 1 in a root
    """

    distance: Field
    height: Field
    groove: Field


def rod(own: Grid, top: float, bottom: float, radius: float, cuts: Sequence[Cut]) -> Rod:
    """A shank from `top` to `bottom` with a thread cut as `cuts` say, chamfered at its end."""
    groove = _groove(own, radius) * _depth(own, cuts)
    tip = np.maximum(own.y - np.float32(bottom - 0.045), 0)
    reach = np.float32(radius) - np.float32(DEPTH * PITCH) * groove - tip
    across = np.abs(own.x)
    distance = np.maximum(across - reach, np.maximum(own.y - np.float32(bottom), np.float32(top) - own.y))
    rise = np.maximum(reach * reach - across * across, np.float32((0.1 * radius) ** 2))
    return Rod(distance, np.sqrt(rise) - np.float32(radius), groove)


def _groove(own: Grid, radius: float) -> Field:
    """The cut's profile, crest 0 to root 1, leaning as a helix does; it evens out where pixels are too large."""
    lean = np.arcsin(np.clip(own.x / np.float32(radius), -1, 1)) * np.float32(0.5 / np.pi)
    phase = own.y / np.float32(PITCH) + lean
    saw = np.abs(2 * (phase - np.floor(phase)) - 1)
    seen = float(np.clip((PITCH / own.pixel - 1.3) / 1.7, 0, 1))
    profile: Field = np.clip(saw * np.float32(1.25) - np.float32(0.125), 0, 1)
    return np.float32(0.5) + (profile - np.float32(0.5)) * np.float32(seen)


def _depth(own: Grid, cuts: Sequence[Cut]) -> Field:
    depth = np.zeros_like(own.y)
    for cut in cuts:
        there = ramp(own.y, cut.start - PITCH / 3, cut.start + PITCH / 3)
        there = there * ramp(own.y, cut.end + PITCH / 3, cut.end - PITCH / 3)
        depth = depth + np.float32(cut.depth) * there
    return np.clip(depth, 0, 1)


def bore(own: Grid, radius: Field, rings: float = 30.0) -> Field:
    """Flanks of an inner thread, -1..1, by the distance `radius` from the bore's axis: they wind down into it."""
    turn = np.arctan2(own.y, own.x) / np.float32(2 * np.pi)
    flanks: Field = np.sin((radius * np.float32(rings) + turn) * np.float32(2 * np.pi))
    return flanks
