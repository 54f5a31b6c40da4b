"""Product `board`: a populated printed circuit board, always the same way round, hardly turned or moved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from restora.demo.board_layout import HOLES, LETTERS, PIECES, TRACES, VIAS, Piece, Trace, open_points
from restora.demo.board_parts import GOLD, KINDS, TIN, TWO_POLES, Look
from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, disc, inside, path, ramp, slab
from restora.demo.faults import Spot, colour
from restora.demo.lettering import lettering, reach
from restora.demo.light import Light, Surface
from restora.demo.product import Product
from restora.demo.scrape import scrape
from restora.demo.sheet import Sheet

MASK = np.array([0.035, 0.235, 0.125], dtype=np.float32)  # solder mask over bare laminate
COVERED = np.array([0.075, 0.385, 0.195], dtype=np.float32)  # solder mask over copper
LAMINATE = np.array([0.60, 0.50, 0.31], dtype=np.float32)
SILK = (0.80, 0.82, 0.78)
SHAVINGS = (0.66, 0.64, 0.50)  # what a scratch leaves of the solder mask
HALF = 0.90
CELLS, MARGIN = 20, 3  # places for faults are weighed by squares, not at the board's edge
LARGE = ("header", "processor", "driver", "can", "coil", "crystal")


@dataclass(frozen=True)
class Seat:
    """How one part sits.

    dx, dy : how far beside its place
    turn   : radians by which it is turned from its place
    tone   : a factor on its colour
    solder : how shiny and round the solder is, 0..1
    wet    : share of its pads that solder covers, 0..1
    there  : whether there is a part at all
    lifted : how far one end of it has lifted, 0..1
    """

    piece: Piece
    dx: float
    dy: float
    turn: float
    tone: float
    solder: float
    wet: float = 1.0
    there: bool = True
    lifted: float = 0.0


@dataclass(frozen=True)
class Flaw:
    """Solder where there should be none, or no copper where there should be some: at a point, heading, this long."""

    at: Point
    heading: float
    length: float
    width: float


@dataclass(frozen=True)
class Plan:
    """One board: where it lies, how its parts sit, what its make got wrong, and the seed of its texture."""

    angle: float
    centre: Point
    scale: float
    tone: float
    seats: tuple[Seat, ...]
    bridges: tuple[Flaw, ...]
    breaks: tuple[Flaw, ...]
    texture: int


def plan(rng: np.random.Generator) -> Plan:
    """A good board: parts within a pixel of their place."""
    seats = tuple(
        Seat(
            piece,
            dx=float(np.clip(rng.normal(0, 0.003), -0.007, 0.007)),
            dy=float(np.clip(rng.normal(0, 0.003), -0.007, 0.007)),
            turn=float(np.radians(np.clip(rng.normal(0, 0.6), -1.5, 1.5))),
            tone=float(np.clip(rng.normal(1, 0.04), 0.9, 1.1)),
            solder=float(rng.uniform(0.3, 0.7)),
        )
        for piece in PIECES
    )
    return Plan(
        angle=float(np.radians(rng.uniform(-2, 2))),
        centre=(float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
        scale=float(rng.uniform(0.995, 1.005)),
        tone=float(rng.uniform(0.96, 1.04)),
        seats=seats,
        bridges=(),
        breaks=(),
        texture=int(rng.integers(2**31)),
    )


def _copper(sheet: Sheet) -> Field:
    """Distance to all copper that the solder mask covers."""
    distance = np.full_like(sheet.own.x, np.float32(1))
    for trace in TRACES:
        for (ax, ay), (bx, by) in trace.sections:
            half = (abs(bx - ax) / 2 + 0.04, abs(by - ay) / 2 + 0.04)
            window = sheet.window(((ax + bx) / 2, (ay + by) / 2), half)
            own = Grid(sheet.own.x[window], sheet.own.y[window], sheet.own.pixel)
            line = path(own, ((ax, ay), (bx, by))) - np.float32(trace.width / 2)
            np.minimum(distance[window], line, out=distance[window])
    return distance


def _bare(plan: Plan, grid: Grid, own: Grid) -> tuple[Sheet, Field]:
    """The board without parts, on the table; and its share of each pixel."""
    rng = np.random.default_rng([plan.texture, 301])
    edge = slab(own, (0, 0), (HALF, HALF), 0.05)
    body = inside(edge, own.pixel)
    weave = clouds(rng, grid.size, max(8, grid.size // 3))
    table = 0.30 + 0.010 * clouds(rng, grid.size, 5) + 0.010 * weave
    shadow = ramp(slab(_moved(own, 0.012, 0.016), (0, 0), (HALF, HALF), 0.05), 0.03, -0.02)
    tint = np.array([0.98, 1.0, 1.04], dtype=np.float32)
    ground = (table * (1 - 0.6 * shadow))[..., None].astype(np.float32) * tint
    sheet = Sheet.flat(own, ground)
    copper = _copper(sheet)
    uneven = np.float32(plan.tone) * (1 + 0.02 * clouds(rng, grid.size, 4) + 0.012 * weave)
    green = (MASK[:, None, None] + (COVERED - MASK)[:, None, None] * inside(copper, own.pixel)) * uneven
    sheet.tint(body, green, gloss=0.10)
    rim = body * ramp(edge, -0.012, 0.0)
    sheet.tint(rim * np.float32(0.6), LAMINATE)
    sheet.height[...] += np.float32(0.0035) * ramp(copper, 0.010, -0.004) * body
    for flaw in plan.breaks:
        _break(sheet, flaw, np.random.default_rng([plan.texture, 302]))
    return sheet, body


def _moved(grid: Grid, dx: float, dy: float) -> Grid:
    """The same pixels seen from a point further on."""
    return Grid(grid.x - np.float32(dx), grid.y - np.float32(dy), grid.pixel)


def _break(sheet: Sheet, flaw: Flaw, rng: np.random.Generator) -> None:
    """A trace torn off: bare laminate, with the copper's bright ends."""
    spot = sheet.near(flaw.at, flaw.length + flaw.width + 0.05, flaw.heading)
    wander = np.float32(0.006) * np.sin(spot.own.x * 95 + np.float32(rng.uniform(0, 6)))
    gap = slab(replace(spot.own, y=spot.own.y + wander), (0, 0), (flaw.length / 2, flaw.width / 2), 0.008)
    spot.lay(gap - np.float32(0.006), GOLD, gloss=0.3)
    spot.lay(gap, LAMINATE * np.float32(0.6), gloss=0.02)
    spot.swell(gap, -0.006, 0.01)


def _furnish(sheet: Sheet) -> None:
    """Vias, test points, mounting holes and lettering."""
    for at, ring, hole in (*VIAS, *HOLES):
        spot = sheet.near(at, ring + 0.03)
        around = disc(spot.own, (0, 0), ring)
        spot.lay(around, GOLD, gloss=0.30)
        spot.swell(around, 0.003, 0.008)
        spot.lay(disc(spot.own, (0, 0), hole), (0.045, 0.045, 0.05), gloss=0.0)
    for text, at, height in LETTERS:
        spot = sheet.near(at, reach(text, height) + 0.02)
        width = 0.010 if height > 0.05 else 0.008
        spot.tint(inside(lettering(spot.own, text, height) - np.float32(width / 2), spot.own.pixel) * 0.9, SILK, 0.03)


def _seat(sheet: Sheet, seat: Seat) -> None:
    """Pads with their solder, the silk screen's frame, and the part."""
    piece, kind = seat.piece, KINDS[seat.piece.kind]
    place = sheet.near((piece.x, piece.y), kind.reach, piece.turn)
    if kind.frame is not None:
        frame = np.abs(slab(place.own, (0, 0), kind.frame, 0.01)) - np.float32(0.004)
        place.tint(inside(frame, place.own.pixel) * np.float32(0.9), SILK, 0.03)
    pads = kind.pads.distance(place.own)
    place.lay(pads, GOLD, gloss=0.25)
    wet = inside(pads, place.own.pixel) * np.float32(seat.wet)
    if seat.lifted:  # its other end draws no solder
        wet = wet * (1 - np.float32(min(1.0, 1.6 * seat.lifted)) * inside(-place.own.x, place.own.pixel))
    place.tint(wet, TIN, gloss=0.25 + 0.35 * seat.solder)
    place.height[...] += np.float32(0.008 + 0.006 * seat.solder) * ramp(pads, 0.0, -0.022) * wet
    if seat.there:
        body = sheet.near((piece.x + seat.dx, piece.y + seat.dy), kind.reach, piece.turn + seat.turn)
        kind.draw(body, piece.text, Look(seat.tone, seat.lifted))


def _bridge(sheet: Sheet, flaw: Flaw, rng: np.random.Generator) -> None:
    spot = sheet.near(flaw.at, flaw.length + 0.06, flaw.heading)
    drop = slab(spot.own, (0, 0), (flaw.length / 2, flaw.width / 2), flaw.width / 2)
    drop = drop + np.float32(0.005) * np.sin(spot.own.x * 70 + np.float32(rng.uniform(0, 6)))
    spot.lay(drop, TIN, gloss=0.6)
    spot.height[...] += np.float32(0.014) * ramp(drop, 0.0, -flaw.width / 2)


def paint(plan: Plan, grid: Grid) -> Surface:
    """The board on its table."""
    own = grid.turned(plan.angle, plan.centre, plan.scale)
    sheet, body = _bare(plan, grid, own)
    _furnish(sheet)
    for seat in plan.seats:
        _seat(sheet, seat)
    for index, flaw in enumerate(plan.bridges):
        _bridge(sheet, flaw, np.random.default_rng([plan.texture, 303, index]))
    return sheet.surface(body)


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """A point well on the board, rather on open mask or a chip's back than among legs, where a fault would drown."""
    tone = surface.colour.mean(axis=2)
    edges = np.abs(np.diff(tone, axis=0, append=tone[-1:])) + np.abs(np.diff(tone, axis=1, append=tone[:, -1:]))
    coarse = Image.fromarray(edges).resize((CELLS, CELLS), Image.Resampling.BOX)
    inner = np.asarray(coarse, dtype=np.float64)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    weight = np.square(1 / (0.02 + inner)).ravel()
    row, column = divmod(int(rng.choice(weight.size, p=weight / weight.sum())), CELLS - 2 * MARGIN)
    side = 2 / CELLS
    x, y = (column + MARGIN + rng.random()) * side - 1, (row + MARGIN + rng.random()) * side - 1
    return float(x), float(y)


def _reseat(plan: Plan, index: int, seat: Seat) -> Plan:
    return replace(plan, seats=(*plan.seats[:index], seat, *plan.seats[index + 1 :]))


def _pick(plan: Plan, rng: np.random.Generator, kinds: tuple[str, ...]) -> int:
    fitting = [i for i, seat in enumerate(plan.seats) if seat.piece.kind in kinds]
    return fitting[int(rng.integers(len(fitting)))]


def missing_part(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A part is not there; the hard ones are small and have left their solder, the plain ones have bare gold pads."""
    index = _pick(plan, rng, LARGE if rng.random() < 1.5 * strength - 0.15 else (*TWO_POLES, "transistor"))
    return _reseat(plan, index, replace(plan.seats[index], there=False, wet=max(0.0, 1 - strength / 0.4)))


def misplaced_part(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A part sits beside its place, or askew."""
    index = _pick(plan, rng, (*TWO_POLES, "transistor", "driver", "crystal", "coil", "can"))
    seat, heading = plan.seats[index], rng.uniform(0, 2 * np.pi)
    far, askew = 0.025 + 0.060 * strength, np.radians(8 + 37 * strength) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.5:
        far, askew = far * 0.4, float(askew)
    else:
        askew = askew * 0.25
    moved = replace(
        seat,
        dx=seat.dx + far * float(np.cos(heading)),
        dy=seat.dy + far * float(np.sin(heading)),
        turn=seat.turn + float(askew),
    )
    return _reseat(plan, index, moved)


def lifted_part(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """One end of a small part has left its pad, as when solder pulls it up."""
    index = _pick(plan, rng, TWO_POLES)
    return _reseat(plan, index, replace(plan.seats[index], lifted=0.12 + 0.88 * strength))


def solder_bridge(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """Solder joins neighbouring legs."""
    seat = plan.seats[_pick(plan, rng, ("processor", "driver"))]
    legs = KINDS[seat.piece.kind].pads
    joined = min(1 + int(6 * strength), legs.count - 2)
    first = int(rng.integers(legs.count - joined))
    along = (first + joined / 2 - (legs.count - 1) / 2) * legs.pitch
    side = int(rng.integers(legs.sides)) * (1 if legs.sides == 4 else 2)
    out = legs.middle - 0.005 + 0.030 * strength
    x, y = [(out, along), (along, out), (-out, along), (along, -out)][side]
    heading = np.pi / 2 if side in (0, 2) else 0.0
    at = (seat.piece.x + seat.dx + x, seat.piece.y + seat.dy + y)
    flaw = Flaw(at, heading, (joined + 0.7) * legs.pitch + 0.02 * strength, 0.044 + 0.120 * strength)
    return replace(plan, bridges=(flaw,))


def broken_trace(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A trace torn off for a stretch."""
    at, heading, trace = _open(rng)
    flaw = Flaw(at, heading, 0.030 + 0.15 * strength, trace.width + 0.012 + 0.075 * strength)
    return replace(plan, breaks=(flaw,))


def _open(rng: np.random.Generator) -> tuple[Point, float, Trace]:
    points = open_points()
    return points[int(rng.integers(len(points)))]


def stain(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """Flux left behind: a milky film with a brownish rim."""
    radius = float(rng.uniform(0.08, 0.12)) + 0.10 * spot.strength
    distance = blob(grid, spot.centre, radius, rng)
    rim = np.exp(-np.square((distance + np.float32(0.02)) / np.float32(0.02)))
    uneven = np.clip(np.float32(0.75) + np.float32(0.4) * clouds(rng, grid.size, 14), 0.3, 1.2)
    film = ramp(distance, 0.02, -0.03) * uneven * np.float32(0.14 + 0.52 * spot.strength) * surface.body
    ring = rim * np.float32(0.28 + 0.60 * spot.strength) * surface.body
    milky = blend(surface.colour, np.array([0.60, 0.58, 0.46], dtype=np.float32), film)
    return replace(
        surface,
        colour=blend(milky, np.array([0.44, 0.33, 0.14], dtype=np.float32), ring),
        gloss=surface.gloss * (1 - 0.6 * film),
    )


def burnt(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """Charred: black in the middle, brown around."""
    radius = float(rng.uniform(0.05, 0.08)) + 0.09 * spot.strength
    distance = blob(grid, spot.centre, radius, rng)
    share = np.float32(0.40 + 0.55 * spot.strength)
    brown = ramp(distance, 0.07, -0.02) * share * surface.body
    black = ramp(distance, 0.0, -radius * 0.8) * share * surface.body
    scorched = blend(surface.colour, np.array([0.24, 0.15, 0.06], dtype=np.float32), brown)
    return replace(
        surface,
        colour=blend(scorched, np.array([0.03, 0.028, 0.025], dtype=np.float32), black),
        gloss=surface.gloss * (1 - brown),
    )


BOARD = Product(
    name="board",
    plan=plan,
    paint=paint,
    light=Light.vary,
    place=place,
    makes={
        "broken_trace": broken_trace,
        "lifted_part": lifted_part,
        "misplaced_part": misplaced_part,
        "missing_part": missing_part,
        "solder_bridge": solder_bridge,
    },
    faults={"burnt": burnt, "colour": colour, "scratch": scrape(SHAVINGS), "stain": stain},
)
