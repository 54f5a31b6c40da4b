"""The parts of the drawn board: how each kind looks, lying at (0, 0), and the pads it is soldered to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restora.demo.canvas import Field, Grid, Point, disc, inside, ramp, slab
from restora.demo.lettering import lettering
from restora.demo.sheet import Sheet

TIN = (0.66, 0.67, 0.68)
GOLD = (0.74, 0.58, 0.27)
BLACK = (0.075, 0.078, 0.085)
INK = (0.60, 0.61, 0.60)  # laser marks on chips


@dataclass(frozen=True)
class Look:
    """What varies from part to part: a factor on its tone, and how far one end has lifted, 0..1 (0: it lies flat)."""

    tone: float = 1.0
    lifted: float = 0.0


@dataclass(frozen=True)
class Legs:
    """Rows of equal legs or pads: `count` on each of `sides` (2: left and right, 4: all), `pitch` apart.

    middle : of a leg, from the part's centre
    half   : a leg's half sides, along the row and outwards
    """

    sides: int
    count: int
    pitch: float
    middle: float
    half: Point

    def distance(self, grid: Grid) -> Field:
        """Distance to the nearest of them."""
        out, along = np.abs(grid.x), grid.y
        if self.sides == 4:
            upright = np.abs(grid.y) > out
            out, along = np.where(upright, np.abs(grid.y), out), np.where(upright, grid.x, along)
        last = (self.count - 1) / 2
        which = np.clip(np.round(along / np.float32(self.pitch) + np.float32(last)), 0, 2 * last) - np.float32(last)
        return slab(Grid(along - which * np.float32(self.pitch), out, grid.pixel), (0, self.middle), self.half, 0.004)


@dataclass(frozen=True)
class Kind:
    """One kind of part.

    half   : half sides of all it takes on the board, pads included
    pads   : what it is soldered to
    draw   : paints it, without pads
    frame  : half sides of the silk-screen frame around it, if there is one
    """

    half: Point
    pads: Legs
    draw: Callable[[Sheet, str, Look], None]
    frame: Point | None = None

    @property
    def reach(self) -> float:
        """Radius of what must be repainted for it, shadow included."""
        return float(np.hypot(*self.half)) + 0.08


def _tones(tone: tuple[float, float, float], look: Look) -> tuple[float, float, float]:
    return tone[0] * look.tone, tone[1] * look.tone, tone[2] * look.tone


def _mark(sheet: Sheet, text: str, height: float, width: float = 0.007, at: Point = (0.0, 0.0)) -> None:
    own = Grid(sheet.own.x - np.float32(at[0]), sheet.own.y - np.float32(at[1]), sheet.own.pixel)
    sheet.tint(inside(lettering(own, text, height) - np.float32(width / 2), own.pixel) * np.float32(0.85), INK)


def _two_pole(sheet: Sheet, half: Point, tone: tuple[float, float, float], look: Look) -> None:
    """A little block with a tinned cap at either end, seen shorter where one end lifts."""
    long = half[0] * (1 - 0.62 * look.lifted)
    middle = long - half[0]  # the other end stays on its pad
    tall = 0.03 + 0.09 * look.lifted
    sheet.stand(lambda grid: slab(grid, (middle, 0), (long, half[1]), 0.006), TIN, tall=tall, gloss=0.45)
    core = slab(sheet.own, (middle, 0), (long * 0.62, half[1]), 0.004)
    sheet.lay(core, _tones(tone, look), gloss=0.10)


def resistor(sheet: Sheet, text: str, look: Look) -> None:
    """A chip resistor: black, its value printed on top."""
    _two_pole(sheet, (0.068, 0.037), BLACK, look)
    if look.lifted == 0:
        _mark(sheet, text, 0.034, 0.007)


def ceramic(sheet: Sheet, text: str, look: Look) -> None:
    """A ceramic capacitor: plain brown."""
    _two_pole(sheet, (0.064, 0.040), (0.56, 0.41, 0.26), look)


def lamp(sheet: Sheet, text: str, look: Look) -> None:
    """A light-emitting diode: white body, yellow window."""
    _two_pole(sheet, (0.066, 0.042), (0.74, 0.74, 0.70), look)
    long = 0.068 * (1 - 0.62 * look.lifted)
    sheet.lay(slab(sheet.own, (long - 0.068, 0), (long * 0.42, 0.028), 0.02), (0.80, 0.62, 0.12), gloss=0.35)


def _chip(sheet: Sheet, half: Point, legs: Legs, look: Look) -> None:
    """Black moulded body with tinned legs and the dot that marks leg 1."""
    sheet.shadow(lambda grid: slab(grid, (0, 0), half, 0.01), 0.07)
    distance = legs.distance(sheet.own)
    share = inside(distance, sheet.own.pixel)
    sheet.tint(share, TIN, gloss=0.5)
    out = np.maximum(np.abs(sheet.own.x) - np.float32(half[0]), np.abs(sheet.own.y) - np.float32(half[1]))
    sheet.height[...] += share * (np.float32(0.02) * ramp(out, 0.05, 0.0) + np.float32(0.004))
    sheet.stand(lambda grid: slab(grid, (0, 0), half, 0.01), _tones(BLACK, look), tall=0.03, bevel=0.02, gloss=0.10)
    spot = (-half[0] + 0.055, -half[1] + 0.055)
    dimple = disc(sheet.own, spot, 0.022)
    sheet.lay(dimple, (0.13, 0.13, 0.14))
    sheet.swell(dimple, -0.006, 0.008)


QFP = Legs(4, 9, 0.044, 0.262, (0.0125, 0.038))
SOIC = Legs(2, 6, 0.058, 0.142, (0.017, 0.038))


def processor(sheet: Sheet, text: str, look: Look) -> None:
    """The large chip, legs on all sides."""
    _chip(sheet, (0.225, 0.225), QFP, look)
    _mark(sheet.near((0, -0.03), 0.17), text, 0.062, 0.010)
    _mark(sheet.near((0, 0.06), 0.13), "R18-C", 0.042, 0.007)
    _mark(sheet.near((0, 0.13), 0.13), "2617", 0.042, 0.007)


def driver(sheet: Sheet, text: str, look: Look) -> None:
    """A chip with legs left and right, lettered along."""
    _chip(sheet, (0.105, 0.185), SOIC, look)
    _mark(sheet.near((0.012, 0.02), 0.14, -np.pi / 2), text, 0.046, 0.008)
    sheet.lay(slab(sheet.own, (0, -0.158), (0.075, 0.0035), 0.001), INK)


def transistor(sheet: Sheet, text: str, look: Look) -> None:
    """Three legs."""
    sheet.shadow(lambda grid: slab(grid, (0, 0), (0.04, 0.075), 0.006), 0.05)
    for x, y in ((-0.052, -0.05), (-0.052, 0.05), (0.052, 0.0)):
        sheet.lay(slab(sheet.own, (x, y), (0.026, 0.015), 0.004), TIN, gloss=0.5)
    sheet.stand(lambda grid: slab(grid, (0, 0), (0.038, 0.078), 0.006), _tones(BLACK, look), tall=0.025, gloss=0.1)
    _mark(sheet.near((0, 0), 0.07, -np.pi / 2), text, 0.04)


def can(sheet: Sheet, text: str, look: Look) -> None:
    """An electrolytic capacitor: an aluminium can on a black base, its minus side marked."""
    sheet.stand(lambda grid: _clipped(grid, 0.168), BLACK, tall=0.02, gloss=0.08)
    sheet.stand(lambda grid: disc(grid, (0, 0), 0.152), _tones((0.63, 0.64, 0.66), look), tall=0.11, gloss=0.35)
    radius = disc(sheet.own, (0, 0), 0.128)
    sheet.height[...] -= np.float32(0.010) * ramp(np.abs(radius), 0.014, 0.0)
    minus = np.maximum(radius, sheet.own.x + np.float32(0.045))
    sheet.lay(minus, (0.10, 0.10, 0.12), gloss=0.1)
    _mark_dark(sheet.near((0.045, -0.03), 0.1), "47", 0.058)
    _mark_dark(sheet.near((0.04, 0.05), 0.1), "16V", 0.042)


def _clipped(grid: Grid, half: float) -> Field:
    corner = (np.abs(grid.y) + grid.x) * np.float32(np.sqrt(0.5)) - np.float32(half * 1.22)
    box: Field = np.maximum(slab(grid, (0, 0), (half, half), 0.012), corner)
    return box


def _mark_dark(sheet: Sheet, text: str, height: float) -> None:
    sheet.tint(inside(lettering(sheet.own, text, height) - np.float32(0.0045), sheet.own.pixel), (0.10, 0.10, 0.12))


def coil(sheet: Sheet, text: str, look: Look) -> None:
    """A shielded coil: grey ferrite with a round window."""
    tone = _tones((0.235, 0.235, 0.245), look)
    sheet.stand(lambda grid: slab(grid, (0, 0), (0.118, 0.118), 0.035), tone, tall=0.06, bevel=0.02, gloss=0.05)
    well = disc(sheet.own, (0, 0), 0.088)
    sheet.lay(well, _tones((0.155, 0.155, 0.165), look))
    sheet.swell(well, -0.012, 0.012)
    _mark(sheet.near((0, 0), 0.1), text, 0.055, 0.010)


def crystal(sheet: Sheet, text: str, look: Look) -> None:
    """A quartz in a drawn metal can."""
    tone = _tones((0.60, 0.60, 0.585), look)
    sheet.stand(lambda grid: slab(grid, (0, 0), (0.155, 0.066), 0.06), tone, tall=0.03, gloss=0.35)
    sheet.stand(lambda grid: slab(grid, (0, 0), (0.128, 0.046), 0.042), tone, tall=0.05, bevel=0.02, gloss=0.35)
    _mark_dark(sheet.near((0, 0), 0.12), text, 0.044)


def header(sheet: Sheet, text: str, look: Look) -> None:
    """A connector: two rows of six square gold pins in black plastic."""
    sheet.stand(lambda grid: slab(grid, (0, 0), (0.095, 0.315), 0.008), _tones(BLACK, look), tall=0.06, bevel=0.012)
    well = slab(sheet.own, (0, 0), (0.078, 0.298), 0.006)
    sheet.lay(well, _tones((0.11, 0.112, 0.12), look))
    sheet.swell(well, -0.012, 0.01)
    pins = Legs(2, 6, 0.1, 0.04, (0.018, 0.018))
    sheet.shadow(pins.distance, 0.05, 0.7)
    distance = pins.distance(sheet.own)
    sheet.lay(distance, GOLD, gloss=0.5)
    sheet.swell(distance, 0.03, 0.014)


_POLES = Legs(2, 1, 1.0, 0.068, (0.040, 0.030))
KINDS: dict[str, Kind] = {
    "resistor": Kind((0.1, 0.05), _POLES, resistor),
    "ceramic": Kind((0.1, 0.05), _POLES, ceramic),
    "lamp": Kind((0.1, 0.05), _POLES, lamp),
    "processor": Kind((0.31, 0.31), Legs(4, 9, 0.044, 0.275, (0.015, 0.040)), processor),
    "driver": Kind((0.19, 0.2), Legs(2, 6, 0.058, 0.152, (0.020, 0.040)), driver),
    "transistor": Kind((0.09, 0.08), Legs(2, 2, 0.10, 0.062, (0.022, 0.030)), transistor),
    "can": Kind((0.2, 0.18), Legs(2, 1, 1.0, 0.16, (0.035, 0.045)), can, frame=(0.188, 0.188)),
    "coil": Kind((0.15, 0.13), Legs(2, 1, 1.0, 0.112, (0.07, 0.038)), coil, frame=(0.142, 0.142)),
    "crystal": Kind((0.17, 0.08), Legs(2, 1, 1.0, 0.10, (0.03, 0.06)), crystal, frame=(0.178, 0.088)),
    "header": Kind((0.1, 0.32), Legs(2, 6, 0.1, 0.04, (0.033, 0.033)), header, frame=(0.112, 0.332)),
}
TWO_POLES = ("resistor", "ceramic", "lamp")
