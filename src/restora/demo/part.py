"""Product `part`: a turned steel flange with two ears, a threaded bore and bolt holes, lying in any direction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, disc, grain, inside, ramp, slab, union
from restora.demo.faults import colour, crack, dent, scratch, stain
from restora.demo.light import Light, Surface
from restora.demo.product import Product

BORE = 0.17
EARS: tuple[Point, Point] = ((-0.56, 0.0), (0.56, 0.0))
BOLTS: tuple[Point, ...] = tuple((0.335 * np.cos(a), 0.335 * np.sin(a)) for a in np.radians([40, 140, 220, 320]))


@dataclass(frozen=True)
class Hole:
    """A drilled hole, in the part's own coordinates."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Plan:
    """One part: where it lies, its holes, bites out of its edge, and the seed of its machining marks."""

    angle: float
    centre: Point
    scale: float
    holes: tuple[Hole, ...]
    bites: tuple[tuple[Point, float], ...]
    tone: float
    texture: int


def plan(rng: np.random.Generator) -> Plan:
    """A good part in a random pose."""
    holes = [Hole(x, y, 0.085) for x, y in EARS] + [Hole(float(x), float(y), 0.042) for x, y in BOLTS]
    return Plan(
        angle=float(rng.uniform(0, 2 * np.pi)),
        centre=(float(rng.uniform(-0.07, 0.07)), float(rng.uniform(-0.07, 0.07))),
        scale=float(rng.normal(1.15, 0.009)),
        holes=(*holes, Hole(0.40, 0.145, 0.022)),  # the dowel hole: the part has one right way round
        bites=(),
        tone=float(rng.normal(0, 0.012)),
        texture=int(rng.integers(2**31)),
    )


def _outline(plan: Plan, own: Grid) -> Field:
    body = union(disc(own, (0, 0), 0.47), slab(own, (0, 0), (0.70, 0.17), 0.15), 0.16)
    body = np.maximum(body, -slab(own, (0.0, -0.47), (0.06, 0.05), 0.03))
    for index, (centre, radius) in enumerate(plan.bites):
        bite = blob(own, centre, radius, np.random.default_rng([plan.texture, index]), 0.2)
        body = np.maximum(body, -bite)
    return body


def _marks(plan: Plan, own: Grid, radius: Field) -> Field:
    """Machining marks, about -1..1: circles where the part was turned, lines where it was milled."""
    rng = np.random.default_rng([plan.texture, 101])
    table = rng.standard_normal((16, 256), dtype=np.float32)
    angle = np.arctan2(own.y, own.x) * np.float32(16 / (2 * np.pi))
    turned = grain(table, radius * 130, angle)
    milled = grain(table, own.y * 110, own.x * 5)
    return blend(milled, turned, ramp(radius, 0.475, 0.45))


def _cut(surface: Surface, distance: Field, chamfer: float, pixel: float) -> Surface:
    """A hole cut into the surface: chamfer around, darkness within."""
    within = inside(distance, pixel)
    depth = ramp(distance, 0.0, -0.05)
    dark = np.float32(0.10) * (1 - 0.6 * depth)
    return replace(
        surface,
        colour=blend(surface.colour, np.broadcast_to(dark[..., None], surface.colour.shape), within),
        height=surface.height - np.float32(chamfer * 0.8) * ramp(distance, chamfer, 0.0),
        gloss=surface.gloss * (1 - within),
    )


def _thread(surface: Surface, plan: Plan, radius: Field, own: Grid) -> Surface:
    """The bore: a counterbore step and the flanks of a thread going down into the dark."""
    distance = radius - np.float32(BORE)
    surface = replace(surface, height=surface.height - np.float32(0.012) * ramp(distance, 0.075, 0.055))
    surface = _cut(surface, distance, 0.018, own.pixel)
    turn = np.arctan2(own.y, own.x) / np.float32(2 * np.pi)
    flank = np.sin((radius * 34 + turn) * np.float32(2 * np.pi))
    zone = inside(distance, own.pixel) * ramp(radius, BORE - 0.085, BORE - 0.06)
    steel = np.float32(0.24) + np.float32(0.10) * flank
    return replace(
        surface,
        colour=blend(surface.colour, np.broadcast_to(steel[..., None], surface.colour.shape), zone),
        height=surface.height + np.float32(0.004) * flank * zone,
        gloss=surface.gloss + np.float32(0.15) * zone,
    )


def _mat(plan: Plan, grid: Grid, own: Grid, outline: Field) -> Field:
    """The rubber mat below, with the part's soft shadow; [H, W, 3]."""
    rng = np.random.default_rng([plan.texture, 102])
    base = 0.15 + 0.010 * clouds(rng, grid.size, 5) + 0.012 * clouds(rng, grid.size, max(8, grid.size // 4))
    shadow = ramp(outline, 0.07, -0.03)
    tint = np.array([0.95, 1.0, 1.08], dtype=np.float32)
    mat: Field = ((base * (1 - 0.55 * shadow))[..., None] * tint).astype(np.float32)
    return mat


def paint(plan: Plan, grid: Grid) -> Surface:
    """The part on its mat."""
    own = grid.turned(plan.angle, plan.centre, plan.scale)
    radius = np.hypot(own.x, own.y)
    outline = _outline(plan, own)
    body = inside(outline, own.pixel)
    marks = _marks(plan, own, radius)
    steel = 0.56 + plan.tone + 0.022 * marks + 0.02 * clouds(np.random.default_rng([plan.texture, 103]), grid.size, 4)
    tint = np.array([1.0, 1.0, 1.025], dtype=np.float32)
    # the shadow falls away from the lamp: the outline seen a little further to the lower right
    below = replace(grid, x=grid.x - np.float32(0.03), y=grid.y - np.float32(0.04))
    shadow = _outline(plan, below.turned(plan.angle, plan.centre, plan.scale))
    surface = Surface(
        colour=blend(_mat(plan, grid, own, shadow), (steel[..., None] * tint).astype(np.float32), body),
        height=np.float32(-0.018) * ramp(outline, -0.024, 0.0) + np.float32(0.00025) * marks * body,
        gloss=np.float32(0.30) * body,
        body=body,
    )
    groove = np.abs(radius - np.float32(0.42)) - np.float32(0.008)
    surface = replace(surface, height=surface.height - np.float32(0.006) * ramp(groove, 0.008, -0.004))
    surface = _thread(surface, plan, radius, own)
    for hole in plan.holes:
        distance = disc(own, (hole.x, hole.y), hole.radius)
        surface = _cut(surface, distance, min(0.016, hole.radius * 0.4), own.pixel)
    through = np.minimum.reduce([disc(own, (h.x, h.y), h.radius) for h in plan.holes] + [radius - np.float32(BORE)])
    return replace(surface, body=body * (1 - inside(through, own.pixel)))


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """A point on the metal."""
    rows, columns = np.nonzero(surface.body > 0.99)
    pick = int(rng.integers(rows.size))
    return float(grid.x[rows[pick], columns[pick]]), float(grid.y[rows[pick], columns[pick]])


def missing_hole(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """One hole was never drilled; the small ones are the hard ones."""
    order = sorted(plan.holes, key=lambda hole: hole.radius)
    lost = order[min(int(strength * len(order)), len(order) - 1)]
    return replace(plan, holes=tuple(hole for hole in plan.holes if hole != lost))


def misplaced_hole(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """One hole was drilled beside its place."""
    pick = int(rng.integers(2, len(plan.holes)))
    hole = plan.holes[pick]
    turn, far = rng.uniform(0, 2 * np.pi), 0.012 + 0.035 * strength
    moved = Hole(hole.x + far * float(np.cos(turn)), hole.y + far * float(np.sin(turn)), hole.radius)
    return replace(plan, holes=(*plan.holes[:pick], moved, *plan.holes[pick + 1 :]))


def chip(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A piece broken out of the edge."""
    turn = rng.uniform(0.6, np.pi - 0.6) * (1 if rng.random() < 0.5 else -1)
    centre = (0.48 * float(np.cos(turn)), 0.48 * float(np.sin(turn)))
    return replace(plan, bites=((centre, 0.022 + 0.05 * strength),))


PART = Product(
    name="part",
    plan=plan,
    paint=paint,
    light=Light.vary,
    place=place,
    makes={"chip": chip, "misplaced_hole": misplaced_hole, "missing_hole": missing_hole},
    faults={"colour": colour, "crack": crack, "dent": dent, "scratch": scratch, "stain": stain},
)
