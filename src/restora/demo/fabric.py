"""Product `fabric`: a twill of two yarns with coloured stripes, a new piece of the running web in every picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, grain, inside, ramp
from restora.demo.faults import Spot, colour, hair, stain
from restora.demo.light import Light, Surface
from restora.demo.product import Product

THREADS = 34  # across the picture, so 7.5 pixels each at 256
WARP = np.array([(0.32, 0.41, 0.52), (0.58, 0.42, 0.34)], dtype=np.float32)  # ground and stripe
WEFT = np.array([0.60, 0.61, 0.60], dtype=np.float32)
STRIPE = 17  # every so many warp threads, two of the stripe
REPEAT = 4  # threads of the weave's repeat: two over, two under, a step aside at each thread


@dataclass(frozen=True)
class Slip:
    """One thread gone wrong along a stretch of the web.

    upright : True for a warp thread (they run up and down), else weft
    index   : which thread, counted from the picture's middle
    start, end : the stretch, in threads of the other direction
    width   : factor on its thickness, its neighbours give way or close in; 0: it is not there
    tone    : colour it takes instead of its own
    """

    upright: bool
    index: int
    start: float
    end: float
    width: float = 1.0
    tone: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Plan:
    """One piece: how it lies under the camera, its faults, and the seed of its yarn."""

    angle: float
    shift: Point  # in threads
    pitch: float
    slips: tuple[Slip, ...]
    pull: tuple[float, float, float, float] | None
    texture: int


def plan(rng: np.random.Generator) -> Plan:
    """A good piece: anywhere along the web, which is guided at its edge and hardly turned."""
    return Plan(
        angle=float(np.radians(np.clip(rng.normal(0, 0.8), -2, 2))),
        shift=(float(rng.normal(0, 0.3)), float(rng.uniform(0, 100))),
        pitch=float(rng.normal(1, 0.006)),
        slips=(),
        pull=None,
        texture=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class _Web:
    """Coordinates of every pixel in threads, and those of the picture's middle."""

    u: Field
    v: Field
    middle: Point

    def of(self, upright: bool) -> tuple[Field, Field, Point]:
        """Across and along the threads of one direction, and the middle in that order."""
        x, y = self.middle
        return (self.u, self.v, (x, y)) if upright else (self.v, self.u, (y, x))


def _web(plan: Plan, grid: Grid) -> _Web:
    """Which thread lies where: coordinates in threads, wavering a little as cloth does."""
    rng = np.random.default_rng([plan.texture, 201])
    lying = grid.turned(plan.angle, (0, 0), plan.pitch)
    half = np.float32(THREADS / 2)
    u = lying.x * half + np.float32(plan.shift[0])
    v = lying.y * half + np.float32(plan.shift[1])
    u = u + np.float32(0.12) * clouds(rng, grid.size, 3) + np.float32(0.04) * clouds(rng, grid.size, 16)
    v = v + np.float32(0.12) * clouds(rng, grid.size, 3) + np.float32(0.04) * clouds(rng, grid.size, 16)
    row = grid.size // 2
    middle = float(u[row, row]), float(v[row, row])
    if plan.pull is not None:  # threads drawn together around a point
        x, y, radius, amount = plan.pull
        dx, dy = grid.x - np.float32(x), grid.y - np.float32(y)
        near = np.exp(-(dx * dx + dy * dy) / np.float32(radius * radius)) * np.float32(amount * THREADS / 2)
        u, v = u + dx * near, v + dy * near * np.float32(0.4)
    for slip in plan.slips:
        if slip.upright:
            u = _give_way(slip, u, v, middle)
        else:
            v = _give_way(slip, v, u, (middle[1], middle[0]))
    return _Web(u, v, middle)


def _there(slip: Slip, along: Field, middle: Point) -> Field:
    """1 along the stretch that went wrong, 0 beyond it, tapering over a thread or so; by the place along."""
    way = along - np.float32(middle[1])
    share: Field = ramp(way, slip.start - 0.5, slip.start + 1) * ramp(way, slip.end + 0.5, slip.end - 1)
    return share


def _give_way(slip: Slip, across: Field, along: Field, middle: Point) -> Field:
    """Neighbours make room for a thick thread and close in, half, on a thin one."""
    if slip.width in (0.0, 1.0):
        return across
    room = slip.width if slip.width > 1 else slip.width**0.4
    off = across - np.float32(np.floor(middle[0]) + slip.index + 0.5)
    near = np.exp(-np.square(off / np.float32(1.3))) * _there(slip, along, middle)
    moved: Field = across - off * near * np.float32(1 - 1 / room)
    return moved


@dataclass(frozen=True)
class _Yarn:
    """One direction's threads at every pixel.

    index : which; off : how far from its middle, -.5...5; width : in threads; rise : added height, in threads;
    tone : colour; lost : 0..1, how much of the thread is not there
    """

    index: Field
    off: Field
    width: Field
    rise: Field
    tone: Field
    lost: Field


def _yarn(plan: Plan, web: _Web, upright: bool) -> _Yarn:
    across, along, middle = web.of(upright)
    rng = np.random.default_rng([plan.texture, 202, int(upright)])
    floor = np.floor(across)
    index = floor.astype(np.int32)
    uneven = rng.standard_normal(128, dtype=np.float32)[index % 128]
    thick = grain(rng.standard_normal((128, 16), dtype=np.float32), along * np.float32(0.3), floor)
    width = np.float32(0.93) + np.float32(0.02) * uneven + np.float32(0.03) * thick
    own = 1 + np.float32(0.03) * rng.standard_normal((128, 1), dtype=np.float32)
    tone = (WARP[((index + STRIPE // 2) % STRIPE < 2).astype(np.int32)] if upright else WEFT) * own[index % 128]
    rise, lost = np.zeros_like(across), np.zeros_like(across)
    for slip in plan.slips:
        if slip.upright == upright:
            here = (floor == np.floor(middle[0]) + slip.index) * _there(slip, along, middle)
            width = width * (1 + here * np.float32(min(slip.width**0.6, 1.05) - 1))
            rise = here * np.float32(0.75 * max(slip.width - 1, 0))
            lost = here * np.float32(max(1 - slip.width, 0))
            if slip.tone is not None:
                tone = blend(tone, np.array(slip.tone, dtype=np.float32), here)
    return _Yarn(floor, across - floor - np.float32(0.5), width, rise, tone.astype(np.float32), lost)


def _lift(phase: Field) -> Field:
    """How high a thread rides, -1..1, over one repeat: two threads over, two under; 0 in the middle over."""
    wave = np.cos(phase * np.float32(2 * np.pi / REPEAT))
    ridden: Field = np.clip(wave * np.float32(1.25), -1, 1)
    return ridden


def _relief(yarn: _Yarn, lift: Field) -> Field:
    """Height of a thread, in threads: round across, rising and sinking along; far down where it is not."""
    reach = 2 * yarn.off / np.maximum(yarn.width, np.float32(1e-3))
    crown = np.float32(0.45) * yarn.width * (1 - reach * reach)
    there: Field = np.where((yarn.width > 0.05) & (crown > -0.35), crown, np.float32(-3))
    return there + yarn.rise + np.float32(0.42) * lift


def paint(plan: Plan, grid: Grid) -> Surface:
    """The weave: of the two threads at a pixel, the higher one is seen."""
    web = _web(plan, grid)
    u, v = web.u, web.v
    warp, weft = _yarn(plan, web, True), _yarn(plan, web, False)
    high = _relief(warp, _lift(v + warp.index - 1))
    low = _relief(weft, _lift(u + weft.index - 3))
    top = np.clip(np.float32(0.5) + (high - low) * 4, 0, 1)  # which is seen, softened over a pixel or so
    rng = np.random.default_rng([plan.texture, 203])
    fibre = rng.standard_normal((64, 64), dtype=np.float32)
    strands = blend(
        grain(fibre, u * np.float32(1.3), v * 5 + u * 4), grain(fibre, u * 5 + v * 4, v * np.float32(1.3)), top
    )
    height = np.maximum(np.maximum(high, low), np.float32(-0.5))
    gap = ramp(height, 0.22, -0.40)
    tone = blend(weft.tone, warp.tone, top)
    shade = (1 + np.float32(0.07) * strands + np.float32(0.015) * clouds(rng, grid.size, 4)) * (
        1 - np.float32(0.75) * gap
    )
    # through the place of a lost thread the dark below is seen, past what crosses it
    shade = shade * (1 - np.float32(0.3) * np.maximum(warp.lost * (1 - top), weft.lost * top))
    return Surface(
        colour=np.clip(tone * shade[..., None], 0.01, 1).astype(np.float32),
        height=height * np.float32(0.55 * 2 / THREADS),
        gloss=np.float32(0.06) * (1 - gap),
        body=np.ones_like(height),
    )


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """Anywhere but at the very edge."""
    return float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, 0.8))


def _stretch(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    length = rng.uniform(low, high)
    start = rng.uniform(-THREADS * 0.45, THREADS * 0.45 - length)
    return float(start), float(start + length)


def _which(rng: np.random.Generator) -> tuple[bool, int]:
    """A direction, and a thread well within the picture."""
    return bool(rng.random() < 0.5), int(rng.integers(-13, 13))


def missing_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread is not there, for a while or all across."""
    start, end = _stretch(rng, 1.5 + 20 * strength, 2.5 + 27 * strength)
    return replace(plan, slips=(Slip(*_which(rng), start, end, width=0.0),))


def thick_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread swells (a slub)."""
    start, end = _stretch(rng, 5 + 12 * strength, 7 + 18 * strength)
    return replace(plan, slips=(Slip(*_which(rng), start, end, width=1.45 + 1.5 * strength),))


def thin_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread thins out."""
    start, end = _stretch(rng, 5 + 18 * strength, 7 + 24 * strength)
    return replace(plan, slips=(Slip(*_which(rng), start, end, width=max(0.12, 0.55 - 0.8 * strength)),))


def wrong_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread of another colour was woven in."""
    upright, index = _which(rng)
    start, end = _stretch(rng, 4 + 18 * strength, 6 + 26 * strength)
    own = WARP[0] if upright else WEFT
    others = [(0.85, 0.82, 0.72), (0.80, 0.60, 0.12)] if upright else [(0.10, 0.12, 0.16), (0.55, 0.10, 0.10)]
    other = np.array(others[int(rng.integers(2))], dtype=np.float32)
    red, green, blue = (float(c) for c in own + (other - own) * (0.2 + 0.8 * min(1.0, 1.9 * strength)))
    return replace(plan, slips=(Slip(upright, index, start, end, tone=(red, green, blue)),))


def pulled(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """Threads drawn together: the weave is distorted, nothing is missing."""
    x, y = float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.7, 0.7))
    radius = (0.12 + 0.14 * strength) * float(rng.uniform(0.9, 1.1))
    return replace(plan, pull=(x, y, radius, 0.6 + 1.3 * strength))


def hole(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A tear with loose ends, the dark table below."""
    radius = 0.022 + 0.085 * spot.strength
    distance = blob(grid, spot.centre, radius, rng, 0.4) + np.float32(0.015) * clouds(rng, grid.size, grid.size // 5)
    within = inside(distance, grid.pixel * 2)
    frayed = ramp(distance, 0.04, 0.0) * (1 - within)
    shaded = surface.colour * (1 - np.float32(0.25) * frayed)[..., None]
    return replace(
        surface,
        colour=blend(shaded, np.array([0.05, 0.05, 0.06], dtype=np.float32), within),
        height=surface.height * (1 - within) + np.float32(0.006) * frayed,
        gloss=surface.gloss * (1 - within),
    )


FABRIC = Product(
    name="fabric",
    plan=plan,
    paint=paint,
    light=Light.vary,
    place=place,
    makes={
        "missing_thread": missing_thread,
        "pulled": pulled,
        "thick_thread": thick_thread,
        "thin_thread": thin_thread,
        "wrong_thread": wrong_thread,
    },
    faults={"colour": colour, "hair": hair, "hole": hole, "stain": stain},
)
