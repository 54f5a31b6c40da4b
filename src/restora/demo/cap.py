"""Product `cap`: a moulded bottle cap seen from above, ribbed, embossed and printed, hardly turned or moved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, disc, inside, ramp
from restora.demo.faults import Spot, colour, crack, dent, stain
from restora.demo.lettering import lettering, reach
from restora.demo.light import Light, Surface
from restora.demo.product import Product
from restora.demo.scrape import scrape
from restora.demo.sheet import Sheet

PLASTIC = np.array([0.115, 0.335, 0.505], dtype=np.float32)
BREAK = np.array([0.42, 0.58, 0.70], dtype=np.float32)  # plastic whitens where it breaks
SCRAPED = (0.76, 0.84, 0.88)  # plastic whitens there, too
WHITE = (0.84, 0.85, 0.83)
RED = (0.74, 0.17, 0.13)
RIM, TOP = 0.86, 0.755  # radii: of the ribs' crowns, and of the flat top
RIBS = 72
RING = 0.60  # radius of the embossed ring
LOGO = 0.335  # radius of the printed disc
HEADLINE = "RESTORA"
FOOTLINE = "PRESS + TURN"
PRINTED = "38 MM"


@dataclass(frozen=True)
class Print:
    """How the print came out.

    at    : how far beside its place
    turn  : radians by which it is turned
    cover : share of the ink that is there, 0..1
    lost  : a direction (radians) in which it runs out, and how much of the print is lost there, 0..1
    blur  : half-width of its edges, 0 for sharp
    """

    at: Point = (0.0, 0.0)
    turn: float = 0.0
    cover: float = 1.0
    lost: tuple[float, float] = (0.0, 0.0)
    blur: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One cap: where it lies, its print, its ribs and rim, and the seed of its texture.

    gone  : ribs that are missing: first and number
    bites : pieces broken out of the rim: centre and radius
    """

    angle: float
    centre: Point
    scale: float
    tone: float
    print: Print
    gone: tuple[int, int]
    bites: tuple[tuple[Point, float], ...]
    texture: int


def plan(rng: np.random.Generator) -> Plan:
    """A good cap; its print wanders by a pixel or so."""
    return Plan(
        angle=float(np.radians(rng.uniform(-3, 3))),
        centre=(float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
        scale=float(rng.uniform(0.995, 1.005)),
        tone=float(rng.uniform(0.965, 1.035)),
        print=Print(
            at=(float(rng.uniform(-0.006, 0.006)), float(rng.uniform(-0.006, 0.006))),
            turn=float(np.radians(rng.uniform(-1, 1))),
            cover=float(rng.uniform(0.95, 1.0)),
        ),
        gone=(0, 0),
        bites=(),
        texture=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class _Round:
    """The cap in polar coordinates: radius, angle in ribs, and how high the ribs stand at each pixel, 0..1."""

    radius: Field
    ribs: Field
    stand: Field

    @classmethod
    def of(cls, plan: Plan, own: Grid) -> _Round:
        radius: Field = np.hypot(own.x, own.y)
        ribs: Field = np.arctan2(own.y, own.x) * np.float32(RIBS / (2 * np.pi))
        first, number = plan.gone
        stand = np.ones_like(radius)
        if number:
            off = (ribs - np.float32(first + (number - 1) / 2) + RIBS / 2) % RIBS - RIBS / 2
            stand = inside(np.abs(off) - np.float32(number / 2), 0.25)
            stand = 1 - stand
        return cls(radius, ribs, stand)

    @property
    def wave(self) -> Field:
        """Relief of the ribs, 0 in the grooves to 1 on the crowns, flat topped."""
        crest = np.float32(0.5) + np.float32(0.95) * np.cos(self.ribs * np.float32(2 * np.pi))
        relief: Field = np.clip(crest, 0, 1) * self.stand
        return relief


def _bitten(plan: Plan, own: Grid) -> Field:
    """Distance to the pieces that are broken out; far away everywhere on a good cap."""
    nearest = np.full_like(own.x, np.float32(1))
    for index, (centre, radius) in enumerate(plan.bites):
        bite = blob(own, centre, radius, np.random.default_rng([plan.texture, 411, index]), 0.25)
        nearest = np.minimum(nearest, bite)
    return nearest


def _belt(plan: Plan, grid: Grid, outline: Field) -> Field:
    """The pale belt below, with the cap's soft shadow; [H, W, 3]."""
    rng = np.random.default_rng([plan.texture, 401])
    base = 0.50 + 0.010 * clouds(rng, grid.size, 4) + 0.010 * clouds(rng, grid.size, max(8, grid.size // 3))
    light = base * (1 - 0.62 * ramp(outline, 0.07, -0.05))
    tint = np.array([1.0, 0.99, 0.96], dtype=np.float32)
    belt: Field = (light[..., None] * tint).astype(np.float32)
    return belt


def _relief(polar: _Round) -> Field:
    """Height: ribbed skirt that falls away, flat top with a rolled edge, a ring and a shallow dish."""
    radius = polar.radius
    skirt = np.float32(0.030) * polar.wave * ramp(radius, TOP, TOP + 0.035)
    fall = np.float32(-0.060) * ramp(radius, TOP + 0.02, RIM + 0.03)
    rolled = np.float32(0.012) * np.exp(-np.square((radius - np.float32(TOP - 0.03)) / np.float32(0.022)))
    ring = np.float32(0.010) * np.exp(-np.square((radius - np.float32(RING)) / np.float32(0.013)))
    dish = np.float32(-0.010) * ramp(radius, LOGO + 0.045, LOGO + 0.015)
    height: Field = skirt + fall + rolled + ring + dish
    return height


def _emboss(sheet: Sheet) -> None:
    """Letters standing out of the plastic, around the print; their feet point to the middle above, outwards below."""
    for text, middle, size, step in ((HEADLINE, -np.pi / 2, 0.105, 0.245), (FOOTLINE, np.pi / 2, 0.072, 0.150)):
        below = middle > 0
        for place, letter in enumerate(text):
            away = (place - (len(text) - 1) / 2) * step
            angle = middle - away if below else middle + away
            at = (0.475 * float(np.cos(angle)), 0.475 * float(np.sin(angle)))
            spot = sheet.near(at, reach(letter, size) + 0.03, angle + (-np.pi / 2 if below else np.pi / 2))
            stroke = lettering(spot.own, letter, size)
            spot.height[...] += np.float32(0.012) * ramp(stroke, 0.017, 0.002)
            spot.tint(ramp(stroke, 0.016, 0.006) * np.float32(0.35), PLASTIC * np.float32(1.35))


def _ink(sheet: Sheet, made: Print, rng: np.random.Generator) -> None:
    """The print: a white disc with a red drop in a ring, and letters."""
    spot = sheet.near(made.at, LOGO + 0.05, made.turn)
    own = spot.own
    edge = max(made.blur * 2, own.pixel)
    cover = np.full_like(own.x, np.float32(made.cover))
    heading, lost = made.lost
    if lost:
        far = own.x * np.float32(np.cos(heading)) + own.y * np.float32(np.sin(heading))
        border = np.float32(LOGO * (1 - 1.5 * lost)) + np.float32(0.03) * np.sin(own.x * 31 + own.y * 47)
        speck = clouds(rng, max(own.x.shape), 34)[: own.x.shape[0], : own.x.shape[1]]
        cover = cover * (1 - ramp(far, border - 0.03, border + 0.06) * np.clip(0.85 + 0.4 * speck, 0, 1))
    for distance, tone in _artwork(own):
        spot.tint(inside(distance, edge) * cover, tone, gloss=0.16)


def _artwork(own: Grid) -> tuple[tuple[Field, tuple[float, float, float]], ...]:
    """Distances and inks, from the lowest layer up."""
    radius = np.hypot(own.x, own.y)
    drop = disc(own, (0, -0.030), 0.115)
    tip = np.maximum(np.abs(own.x) - (own.y + np.float32(0.280)) * np.float32(0.52), own.y + np.float32(0.083))
    glint = np.maximum(np.abs(disc(own, (0, -0.030), 0.073)) - np.float32(0.010), own.x + np.float32(0.02))
    glint = np.maximum(glint, -(own.y + np.float32(0.048)))
    line = lettering(Grid(own.x, own.y - np.float32(0.188), own.pixel), PRINTED, 0.066)
    return (
        (radius - np.float32(LOGO), WHITE),
        (np.abs(radius - np.float32(LOGO - 0.038)) - np.float32(0.011), RED),
        (np.minimum(drop, tip * np.float32(0.88)), RED),
        (glint, WHITE),
        (line - np.float32(0.008), RED),
    )


def paint(plan: Plan, grid: Grid) -> Surface:
    """The cap on its belt."""
    own = grid.turned(plan.angle, plan.centre, plan.scale)
    polar = _Round.of(plan, own)
    bitten = _bitten(plan, own)
    rim = polar.radius - np.float32(RIM - 0.022) - np.float32(0.022) * polar.wave
    body = inside(np.maximum(rim, -bitten), own.pixel)
    below = Grid(own.x - np.float32(0.035), own.y - np.float32(0.05), own.pixel)
    shadow = np.hypot(below.x, below.y) - np.float32(RIM)
    rng = np.random.default_rng([plan.texture, 402])
    uneven = np.float32(plan.tone) * (1 + np.float32(0.018) * clouds(rng, grid.size, 4))
    groove = 1 - np.float32(0.38) * (polar.stand - polar.wave) * ramp(polar.radius, TOP, TOP + 0.03)
    sheet = Sheet.flat(own, _belt(plan, grid, shadow))
    sheet.tint(body, PLASTIC[:, None, None] * (uneven * groove), gloss=0.30)
    sheet.tint(body * ramp(bitten, 0.03, 0.005) * np.float32(0.75), BREAK, gloss=0.05)
    sheet.height[...] = _relief(polar) * body
    sheet.height[...] += np.float32(0.00022) * clouds(rng, grid.size, max(8, grid.size // 3)) * body
    _emboss(sheet)
    _ink(sheet, plan.print, np.random.default_rng([plan.texture, 403]))
    return sheet.surface(body)


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """A point on the top."""
    angle, radius = rng.uniform(0, 2 * np.pi), 0.74 * np.sqrt(rng.uniform(0, 1))
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def missing_rib(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """Ribs that the mould did not fill: one to nine in a row."""
    return replace(plan, gone=(int(rng.integers(-RIBS // 2, RIBS // 2)), 1 + int(8.9 * strength)))


def broken_rim(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A piece broken out of the rim."""
    angle, radius = rng.uniform(0, 2 * np.pi), 0.035 + 0.16 * strength
    far = RIM + 0.2 * radius
    return replace(plan, bites=(((far * float(np.cos(angle)), far * float(np.sin(angle))), radius),))


def misplaced_print(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """The print lies beside its place, or is turned."""
    heading, far = rng.uniform(0, 2 * np.pi), 0.024 + 0.110 * strength
    turn = np.radians(5 + 40 * strength) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.6:
        turn = turn * 0.15
    else:
        far = far * 0.3
    at = (plan.print.at[0] + far * float(np.cos(heading)), plan.print.at[1] + far * float(np.sin(heading)))
    return replace(plan, print=replace(plan.print, at=at, turn=plan.print.turn + float(turn)))


def thin_print(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """Ink ran out: the whole print is pale and blurred, or a side of it is gone."""
    if rng.random() < 0.4:
        faded = replace(plan.print, cover=0.90 - 0.80 * strength, blur=0.004 + 0.020 * strength)
    else:
        faded = replace(plan.print, lost=(float(rng.uniform(0, 2 * np.pi)), 0.05 + 0.85 * strength))
    return replace(plan, print=faded)


def hole(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A hole burnt or pierced through the plastic, its edge drawn in."""
    radius = 0.014 + 0.05 * spot.strength
    distance = blob(grid, spot.centre, radius, rng, 0.15)
    within = inside(distance, grid.pixel)
    lip = np.exp(-np.square((distance - np.float32(radius * 0.25)) / np.float32(max(radius * 0.35, grid.pixel))))
    return replace(
        surface,
        colour=blend(surface.colour, np.array([0.03, 0.035, 0.04], dtype=np.float32), within),
        height=surface.height + np.float32(radius * 0.25) * lip * surface.body,
        gloss=surface.gloss * (1 - within),
    )


CAP = Product(
    name="cap",
    plan=plan,
    paint=paint,
    light=Light.vary,
    place=place,
    makes={
        "broken_rim": broken_rim,
        "misplaced_print": misplaced_print,
        "missing_rib": missing_rib,
        "thin_print": thin_print,
    },
    faults={"colour": colour, "crack": crack, "dent": dent, "hole": hole, "scratch": scrape(SCRAPED), "stain": stain},
)
