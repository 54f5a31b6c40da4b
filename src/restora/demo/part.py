"""Product `part`: a machined steel flange with ears, bores and a threaded shank, as a line's fixture holds it.

`loose_part` is the same thing lying in any direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, disc, grain, inside, ramp, slab, union
from restora.demo.faults import colour, crack, dent, scratch, stain
from restora.demo.light import Light, Surface
from restora.demo.product import Product
from restora.demo.thread import Cut, Rod, bore, rod

HEAD = (0.0, -0.25)  # middle of the flange
FACE = 0.44  # its radius
BORE = 0.165
SHANK = (0.34, 0.82, 0.155)  # top, bottom, radius
COLLAR = (0.215, 0.075, 0.285)  # half width, half height, middle
THREAD = (0.395, 0.84)
EARS: tuple[Point, Point] = ((-0.575, -0.25), (0.575, -0.25))
BOLTS: tuple[Point, ...] = tuple(
    (0.315 * float(np.cos(a)), -0.25 + 0.315 * float(np.sin(a))) for a in np.radians([40, 140, 220, 320])
)
DOWEL: Point = (0.43, -0.135)  # the part has one right way round
LAMP = np.radians(-125.0)  # where a line's lamp usually is, for the fan of light on turned faces


@dataclass(frozen=True)
class Hole:
    """A drilled hole, in the part's own coordinates."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Plan:
    """One part: where it lies, its holes, its thread, bites out of its edge, and the seed of its machining marks."""

    angle: float
    centre: Point
    scale: float
    holes: tuple[Hole, ...]
    cuts: tuple[Cut, ...]
    bites: tuple[tuple[Point, float], ...]
    tone: float
    texture: int


def _plan(rng: np.random.Generator, angle: float, centre: Point, scale: float) -> Plan:
    holes = [Hole(x, y, 0.082) for x, y in EARS] + [Hole(x, y, 0.050) for x, y in BOLTS]
    return Plan(
        angle=angle,
        centre=centre,
        scale=scale,
        holes=(*holes, Hole(*DOWEL, 0.027)),
        cuts=(Cut(*THREAD, 1.0),),
        bites=(),
        tone=float(rng.normal(0, 0.010)),
        texture=int(rng.integers(2**31)),
    )


def plan(rng: np.random.Generator) -> Plan:
    """A good part in its fixture: turned by 3 degrees at most, shifted by 2 % of the picture at most."""
    angle = float(np.radians(np.clip(rng.normal(0, 1.2), -3, 3)))
    x, y = (float(v) for v in np.clip(rng.normal(0, 0.015, 2), -0.04, 0.04))
    return _plan(rng, angle, (x, y), float(rng.normal(1.12, 0.004)))


def plan_loose(rng: np.random.Generator) -> Plan:
    """A good part lying in any direction."""
    angle = float(rng.uniform(0, 2 * np.pi))
    x, y = (float(v) for v in rng.uniform(-0.06, 0.06, 2))
    return _plan(rng, angle, (x, y), float(rng.normal(1.08, 0.009)))


def _head(plan: Plan, own: Grid) -> Field:
    """Distance to the flange with its ears, its notch, and what broke out of it."""
    x, y = HEAD
    body = union(disc(own, HEAD, FACE + 0.03), slab(own, HEAD, (0.72, 0.17), 0.15), 0.16)
    body = np.maximum(body, -slab(own, (x, y - FACE - 0.03), (0.06, 0.05), 0.03))
    for index, (centre, radius) in enumerate(plan.bites):
        bite = blob(own, centre, radius, np.random.default_rng([plan.texture, index]), 0.2)
        body = np.maximum(body, -bite)
    return body


def _outline(own: Grid) -> Field:
    """Distance to the whole part, roughly: enough for its shadow."""
    head = union(disc(own, HEAD, FACE + 0.03), slab(own, HEAD, (0.72, 0.17), 0.15), 0.16)
    top, bottom, radius = SHANK
    shank = slab(own, (0, (top + bottom) / 2), (radius, (bottom - top) / 2), 0.03)
    return np.minimum(head, np.minimum(shank, slab(own, (0, COLLAR[2]), COLLAR[:2], 0.02)))


def _mat(plan: Plan, grid: Grid) -> Surface:
    """The rubber mat below, with the part's soft shadow, which falls away from the lamp."""
    rng = np.random.default_rng([plan.texture, 102])
    base = 0.15 + 0.008 * clouds(rng, grid.size, 5) + 0.012 * clouds(rng, grid.size, max(8, grid.size // 4))
    away = replace(grid, x=grid.x - np.float32(0.035), y=grid.y - np.float32(0.045))
    shadow = ramp(_outline(away.turned(plan.angle, plan.centre, plan.scale)), 0.07, -0.03)
    tint = np.array([0.95, 1.0, 1.08], dtype=np.float32)
    tone = ((base * (1 - 0.6 * shadow))[..., None] * tint).astype(np.float32)
    none = np.zeros_like(grid.x)
    return Surface(colour=tone, height=none - np.float32(0.02), gloss=none, body=none)


def _lay(below: Surface, distance: Field, steel: Field, height: Field, pixel: float) -> Surface:
    """A piece of steel of brightness `steel` [H, W] laid over what is below."""
    share = inside(distance, pixel)
    tint = np.array([0.99, 1.0, 1.025], dtype=np.float32)
    return Surface(
        colour=blend(below.colour, steel[..., None] * tint, share),
        height=blend(below.height, height, share),
        gloss=blend(below.gloss, np.full_like(steel, 0.32), share),
        body=np.maximum(below.body, share),
    )


def _shaft(below: Surface, own: Grid, thread: Rod, head: Field, tone: float, marks: Field) -> Surface:
    """The threaded shank and the six-sided collar above it."""
    steel = (np.float32(0.52 + tone) + np.float32(0.02) * marks) * (1 - np.float32(0.55) * thread.groove)
    surface = _lay(below, thread.distance, steel, thread.height - np.float32(0.02), own.pixel)
    half, tall, middle = COLLAR
    box = slab(own, (0, middle), (half, tall), 0.012)
    face = np.float32(-0.004) - np.float32(1.2) * np.maximum(np.abs(own.x) - np.float32(half / 2), 0)
    face = face - np.float32(0.02) * ramp(box, -0.022, 0.0)
    near = ramp(head, 0.06, -0.01)  # the flange stands above and takes light away
    steel = (np.float32(0.56 + tone) + np.float32(0.025) * marks) * (1 - np.float32(0.35) * near)
    return _lay(surface, box, steel, face, own.pixel)


def _face(plan: Plan, own: Grid, radius: Field) -> tuple[Field, Field]:
    """Machining marks of the flange, about -1..1 (turned in the middle, milled beyond), and the fan of light."""
    rng = np.random.default_rng([plan.texture, 101])
    x, y = own.x - np.float32(HEAD[0]), own.y - np.float32(HEAD[1])
    angle = np.arctan2(y, x) * np.float32(16 / (2 * np.pi))
    turned = grain(rng.standard_normal((16, 256), dtype=np.float32), radius * 150, angle)
    milled = grain(rng.standard_normal((16, 256), dtype=np.float32), y * 110, x * 5)
    middle = inside(radius - np.float32(FACE), own.pixel)
    turn = 2 * (LAMP - plan.angle)
    cosine = ((x * x - y * y) * np.float32(np.cos(turn)) + 2 * x * y * np.float32(np.sin(turn))) / (radius**2 + 1e-4)
    fan = np.square(np.float32(0.5) + np.float32(0.5) * cosine) - np.float32(0.375)
    return blend(milled, turned, middle), fan * middle


def _flange(below: Surface, plan: Plan, own: Grid, head: Field, radius: Field, marks: Field, fan: Field) -> Surface:
    steel = np.float32(0.55 + plan.tone) + np.float32(0.026) * marks + np.float32(0.13) * fan
    step = ramp(radius, FACE + 0.010, FACE - 0.004)  # the turned face stands a little above the ears
    height = np.float32(-0.012) * (1 - step) - np.float32(0.02) * ramp(head, -0.024, 0.0) + np.float32(0.0003) * marks
    ring = np.abs(radius - np.float32(0.395)) - np.float32(0.007)
    height = height - np.float32(0.007) * ramp(ring, 0.007, -0.004)
    surface = _lay(below, head, steel, height, own.pixel)
    return replace(surface, height=surface.height - np.float32(0.014) * ramp(radius, BORE + 0.075, BORE + 0.060))


def _cut(surface: Surface, distance: Field, chamfer: float, pixel: float) -> Surface:
    """A hole cut into the surface: chamfer around, darkness within, and no body there any more."""
    within = inside(distance, pixel)
    dark = np.float32(0.10) * (1 - np.float32(0.6) * ramp(distance, 0.0, -0.05))
    return Surface(
        colour=blend(surface.colour, np.broadcast_to(dark[..., None], surface.colour.shape), within),
        height=surface.height - np.float32(chamfer * 0.9) * ramp(distance, chamfer, 0.0),
        gloss=surface.gloss * (1 - within),
        body=surface.body * (1 - within),
    )


def _bore(surface: Surface, own: Grid, radius: Field) -> Surface:
    """The middle bore: flanks of a thread go down into the dark; the wall across from the lamp is the bright one."""
    distance = radius - np.float32(BORE)
    surface = _cut(surface, distance, 0.018, own.pixel)
    flank = bore(replace(own, y=own.y - np.float32(HEAD[1])), radius)
    zone = inside(distance, own.pixel) * ramp(radius, BORE - 0.095, BORE - 0.065)
    side = (own.x * np.float32(0.57) + (own.y - np.float32(HEAD[1])) * np.float32(0.82)) / np.float32(BORE)
    steel = (np.float32(0.25) + np.float32(0.13) * flank) * (1 + np.float32(0.45) * side)
    return replace(
        surface,
        colour=blend(surface.colour, np.broadcast_to(steel[..., None], surface.colour.shape), zone),
        height=surface.height + np.float32(0.004) * flank * zone,
        gloss=surface.gloss + np.float32(0.15) * zone,
    )


def paint(plan: Plan, grid: Grid) -> Surface:
    """The part on its mat: shank, collar and flange laid over each other, then everything that is drilled."""
    own = grid.turned(plan.angle, plan.centre, plan.scale)
    radius = np.hypot(own.x - np.float32(HEAD[0]), own.y - np.float32(HEAD[1]))
    head = _head(plan, own)
    marks, fan = _face(plan, own, radius)
    surface = _shaft(_mat(plan, grid), own, rod(own, *SHANK, plan.cuts), head, plan.tone, marks)
    surface = _flange(surface, plan, own, head, radius, marks, fan)
    surface = _bore(surface, own, radius)
    for hole in plan.holes:
        distance = disc(own, (hole.x, hole.y), hole.radius)
        surface = _cut(surface, distance, min(0.016, hole.radius * 0.4), own.pixel)
    return surface


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """A point on the metal."""
    rows, columns = np.nonzero(surface.body > 0.99)
    pick = int(rng.integers(rows.size))
    return float(grid.x[rows[pick], columns[pick]]), float(grid.y[rows[pick], columns[pick]])


def missing_hole(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """One hole was never drilled; the smallest one is the hard one."""
    pick = len(plan.holes) - 1 if strength < 0.3 else int(rng.integers(len(plan.holes) - 1))
    return replace(plan, holes=plan.holes[:pick] + plan.holes[pick + 1 :])


def misplaced_hole(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A bolt hole was drilled beside its place, by .4 to 2.3 of its radii."""
    pick = int(rng.integers(2, 6))
    hole = plan.holes[pick]
    towards = np.arctan2(hole.y - HEAD[1], hole.x - HEAD[0]) + (1 if rng.random() < 0.5 else -1) * np.pi / 2
    turn, far = towards + rng.normal(0, 0.25), hole.radius * (0.42 + 1.9 * strength)
    moved = Hole(hole.x + far * float(np.cos(turn)), hole.y + far * float(np.sin(turn)), hole.radius)
    return replace(plan, holes=(*plan.holes[:pick], moved, *plan.holes[pick + 1 :]))


def missing_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """The thread was cut short, or not at all: the shank's end stays plain."""
    start = THREAD[0]
    length = (SHANK[1] - start) * (0.08 + 0.92 * strength) * float(rng.uniform(0.9, 1.1))
    return replace(plan, cuts=(Cut(start, max(SHANK[1] - length, start - 0.1), 1.0),))


def thin_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """The thread is shallow along a stretch: worn, or cut with a blunt tool."""
    start, end = THREAD
    length = (SHANK[1] - start) * (0.4 + 0.55 * strength)
    first = float(rng.uniform(start, SHANK[1] - length))
    depth = max(0.08, 0.75 - 0.9 * strength)
    cuts = (Cut(start, first, 1.0), Cut(first, first + length, depth), Cut(first + length, end, 1.0))
    return replace(plan, cuts=cuts)


def chip(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A piece broken out of the flange's edge."""
    turn = np.pi / 2 + rng.uniform(0.35, 0.85) * (1 if rng.random() < 0.5 else -1)  # below, beside the collar
    if rng.random() < 0.5:
        turn = -turn
    reach = FACE + 0.03
    centre = (HEAD[0] + reach * float(np.cos(turn)), HEAD[1] + reach * float(np.sin(turn)))
    return replace(plan, bites=((centre, 0.030 + 0.085 * strength),))


PART = Product(
    name="part",
    plan=plan,
    paint=paint,
    light=Light.vary,
    place=place,
    makes={
        "chip": chip,
        "misplaced_hole": misplaced_hole,
        "missing_hole": missing_hole,
        "missing_thread": missing_thread,
        "thin_thread": thin_thread,
    },
    faults={"colour": colour, "crack": crack, "dent": dent, "scratch": scratch, "stain": stain},
)
LOOSE_PART = replace(PART, name="loose_part", plan=plan_loose, research=True)
