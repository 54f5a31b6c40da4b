"""Where everything is on the drawn board, in its own coordinates (-0.9..0.9): parts, traces, vias, holes, letters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from restora.demo.board_parts import KINDS
from restora.demo.canvas import Point

UP = float(np.pi / 2)


@dataclass(frozen=True)
class Piece:
    """A part's place: its kind, where, turned by how many radians, and what is written on it."""

    kind: str
    x: float
    y: float
    turn: float = 0.0
    text: str = ""


PIECES: tuple[Piece, ...] = (
    Piece("header", -0.74, 0.02),
    Piece("processor", -0.17, -0.06, text="URA9"),
    Piece("driver", 0.60, -0.40, text="D7042"),
    Piece("can", 0.59, 0.17),
    Piece("coil", 0.63, 0.58, text="100"),
    Piece("crystal", -0.17, -0.56, text="16M0"),
    Piece("transistor", 0.36, 0.60, text="T6"),
    *(Piece("resistor", x, 0.47, UP, text) for x, text in ((-0.45, "103"), (-0.30, "103"), (-0.15, "472"))),
    Piece("resistor", 0.0, 0.47, UP, "472"),
    Piece("ceramic", 0.17, 0.47, UP),
    Piece("ceramic", -0.42, 0.74),
    Piece("ceramic", -0.17, 0.74),
    Piece("resistor", 0.08, 0.74, text="220"),
    Piece("ceramic", 0.28, -0.27),
    Piece("ceramic", 0.28, -0.06),
    Piece("resistor", 0.28, 0.15, text="101"),
    Piece("ceramic", -0.47, -0.56, UP),
    Piece("ceramic", 0.13, -0.56, UP),
    Piece("resistor", -0.42, -0.78, text="331"),
    Piece("resistor", -0.16, -0.78, text="331"),
    Piece("lamp", 0.10, -0.78),
    Piece("lamp", 0.34, -0.78),
)


@dataclass(frozen=True)
class Trace:
    """A copper line through points, this wide."""

    points: tuple[Point, ...]
    width: float = 0.017

    @property
    def sections(self) -> tuple[tuple[Point, Point], ...]:
        """Its straight stretches."""
        return tuple(pairwise(self.points))


def _route(start: Point, end: Point, width: float = 0.017, late: bool = False) -> Trace:
    """From start to end with two bends of 45 degrees, the slanting stretch in the middle (or last, if `late`)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    slant = min(abs(dx), abs(dy))
    rest = max(abs(dx), abs(dy)) - slant
    first = rest if late else rest / 2
    ux, uy = (np.sign(dx), 0.0) if abs(dx) > abs(dy) else (0.0, np.sign(dy))
    bend = (start[0] + float(ux) * first, start[1] + float(uy) * first)
    after = (bend[0] + slant * float(np.sign(dx)), bend[1] + slant * float(np.sign(dy)))
    return Trace((start, bend, after, end), width)


def _leg(side: str, k: int) -> Point:
    """The k-th leg of the processor, counted from the middle of a side."""
    along = 0.044 * k
    return {
        "left": (-0.46, -0.06 + along),
        "right": (0.12, -0.06 + along),
        "top": (-0.17 + along, -0.35),
        "bottom": (-0.17 + along, 0.23),
    }[side]


TRACES: tuple[Trace, ...] = (
    *(_route((-0.70, -0.23 + 0.1 * i), _leg("left", k)) for i, k in enumerate((-4, -3, -1, 1, 3, 4))),
    *(_route(_leg("bottom", k), (x, 0.40)) for k, x in ((-4, -0.45), (-2, -0.30), (0, -0.15), (2, 0.0), (4, 0.17))),
    _route((-0.45, 0.54), (-0.49, 0.74)),
    _route((-0.30, 0.54), (-0.35, 0.74)),
    _route((-0.15, 0.54), (-0.24, 0.74)),
    _route((0.0, 0.54), (0.01, 0.74)),
    _route((0.17, 0.54), (0.15, 0.74)),
    _route(_leg("right", -4), (0.21, -0.27)),
    _route(_leg("right", 0), (0.21, -0.06)),
    _route(_leg("right", 4), (0.21, 0.15)),
    _route(_leg("right", -2), (0.33, -0.165)),
    _route(_leg("right", 2), (0.42, 0.05)),
    _route((0.35, -0.27), (0.45, -0.37)),
    _route((0.35, -0.06), (0.45, -0.255)),
    _route((0.33, -0.165), (0.45, -0.313)),
    _route((0.35, 0.15), (0.42, 0.16), 0.028),
    _route(_leg("top", -2), (-0.27, -0.53)),
    _route(_leg("top", 2), (-0.07, -0.53)),
    _route(_leg("top", -4), (-0.47, -0.49)),
    _route(_leg("top", 4), (0.13, -0.49)),
    _route((-0.47, -0.63), (-0.49, -0.78)),
    _route((-0.35, -0.78), (-0.23, -0.78)),
    _route((-0.09, -0.78), (0.03, -0.78)),
    _route((0.17, -0.78), (0.27, -0.78)),
    _route((0.41, -0.78), (0.45, -0.545), late=True),
    _route((0.13, -0.63), (0.45, -0.487)),
    *(_route((0.76, y), (0.84, y)) for y in (-0.545, -0.429, -0.313)),
    _route((0.60, 0.30), (0.55, 0.50), 0.036),
    _route((0.42, 0.60), (0.54, 0.58), 0.028),
    _route((0.74, 0.16), (0.83, 0.08), 0.028),
    Trace(((0.83, 0.08), (0.83, -0.10), (0.79, -0.14), (0.74, -0.19)), 0.028),
    Trace(((0.74, 0.58), (0.80, 0.52), (0.80, 0.32))),
    Trace(((0.30, 0.65), (0.26, 0.69), (0.26, 0.74), (0.15, 0.74))),
    Trace(((-0.78, 0.27), (-0.78, 0.44), (-0.62, 0.60), (-0.62, 0.72))),
    Trace(((-0.70, 0.27), (-0.70, 0.41), (-0.57, 0.54), (-0.57, 0.66))),
    Trace(((-0.78, -0.23), (-0.78, -0.40), (-0.66, -0.52), (-0.66, -0.66))),
    Trace(((-0.70, -0.23), (-0.62, -0.33), (-0.62, -0.44))),
)

_VIA, _POINT = (0.022, 0.010), (0.034, 0.0)
VIAS: tuple[tuple[Point, float, float], ...] = (
    *((at, *_VIA) for at in ((0.33, -0.165), (0.42, 0.05), (-0.62, 0.72), (-0.57, 0.66), (-0.66, -0.66))),
    *((at, *_VIA) for at in ((-0.62, -0.44), (0.80, 0.32), (0.83, 0.08), (0.74, -0.19), (0.26, 0.69))),
    *((at, *_POINT) for at in ((0.84, -0.545), (0.84, -0.429), (0.84, -0.313))),
)
HOLES: tuple[tuple[Point, float, float], ...] = tuple(
    ((x, y), 0.085, 0.055) for x in (-0.78, 0.78) for y in (-0.78, 0.78)
)
LETTERS: tuple[tuple[str, Point, float], ...] = (
    ("RESTORA", (0.43, 0.80), 0.068),
    ("J1", (-0.74, -0.36), 0.045),
    ("U2", (0.60, -0.66), 0.045),
    ("U1", (0.22, -0.38), 0.045),
    ("Y1", (-0.32, -0.44), 0.045),
    ("C1", (0.49, 0.385), 0.045),
    ("L1", (0.63, 0.405), 0.045),
    ("Q1", (0.36, 0.48), 0.045),
    *((f"R{i + 1}", (-0.45 + 0.15 * i + 0.04, 0.60), 0.038) for i in range(4)),
    ("C4", (0.21, 0.60), 0.038),
    ("C2", (-0.42, 0.82), 0.038),
    ("C3", (-0.17, 0.82), 0.038),
    ("R6", (0.08, 0.82), 0.038),
    ("C5", (0.27, -0.20), 0.038),
    ("C6", (0.28, 0.02), 0.038),
    ("R5", (0.28, 0.23), 0.038),
    ("R7", (-0.42, -0.70), 0.038),
    ("R8", (-0.16, -0.70), 0.038),
    ("D1", (0.10, -0.70), 0.038),
    ("D2", (0.34, -0.70), 0.038),
)


def _covered(at: Point) -> bool:
    """Whether a part, a via or a hole lies on this point, or next to it."""
    for piece in PIECES:
        half = KINDS[piece.kind].half
        wide, high = half if piece.turn == 0 else (half[1], half[0])
        if abs(at[0] - piece.x) < wide + 0.03 and abs(at[1] - piece.y) < high + 0.03:
            return True
    return any(np.hypot(at[0] - x, at[1] - y) < ring + 0.03 for (x, y), ring, _ in (*VIAS, *HOLES))


@lru_cache(maxsize=1)
def open_points() -> tuple[tuple[Point, float, Trace], ...]:
    """Points on traces that nothing lies upon, a hundredth apart: where, the trace's direction there, the trace."""
    found: list[tuple[Point, float, Trace]] = []
    for trace in TRACES:
        for (ax, ay), (bx, by) in trace.sections:
            length = float(np.hypot(bx - ax, by - ay))
            for t in np.arange(0.005, length, 0.01) / max(length, 1e-9):
                at = (float(ax + (bx - ax) * t), float(ay + (by - ay) * t))
                if not _covered(at):
                    found.append((at, float(np.arctan2(by - ay, bx - ax)), trace))
    return tuple(found)
