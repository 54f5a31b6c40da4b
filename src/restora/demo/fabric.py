"""Product `fabric`: a plain weave of two yarns with a coloured stripe, a new piece of the web in every picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restora.demo.canvas import Field, Grid, Point, blend, blob, clouds, grain, inside, ramp
from restora.demo.faults import Spot, colour, hair, stain
from restora.demo.light import Light, Surface
from restora.demo.product import Product

THREADS = 30  # across the picture, so 8.5 pixels each at 256
WARP = np.array([(0.30, 0.40, 0.56), (0.70, 0.66, 0.56)], dtype=np.float32)  # ground and stripe
WEFT = np.array([0.66, 0.68, 0.70], dtype=np.float32)
STRIPE = 10  # every so many warp threads, two of the stripe


@dataclass(frozen=True)
class Slip:
    """One thread gone wrong along a stretch of the web.

    upright : True for a warp thread (they run up and down), else weft
    index   : which thread, counted from the picture's middle
    start, end : the stretch, in threads of the other direction
    width   : factor on its thickness; 0: it is not there
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
    shift: Point
    pitch: float
    slips: tuple[Slip, ...]
    pull: tuple[float, float, float, float] | None
    texture: int


def plan(rng: np.random.Generator) -> Plan:
    """A good piece: anywhere on the web, hardly turned."""
    return Plan(
        angle=float(np.radians(rng.normal(0, 1.2))),
        shift=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
        pitch=float(rng.normal(1, 0.008)),
        slips=(),
        pull=None,
        texture=int(rng.integers(2**31)),
    )


def _web(plan: Plan, grid: Grid) -> tuple[Field, Field]:
    """Which thread lies where: coordinates in threads, wavering as cloth does."""
    rng = np.random.default_rng([plan.texture, 201])
    lying = grid.turned(plan.angle, (0, 0), plan.pitch)
    half = np.float32(THREADS / 2)
    u = lying.x * half + np.float32(plan.shift[0]) * 2 * STRIPE
    v = lying.y * half + np.float32(plan.shift[1]) * 2 * STRIPE
    u = u + np.float32(0.22) * clouds(rng, grid.size, 3) + np.float32(0.05) * clouds(rng, grid.size, 16)
    v = v + np.float32(0.22) * clouds(rng, grid.size, 3) + np.float32(0.05) * clouds(rng, grid.size, 16)
    if plan.pull is not None:  # threads drawn together around a point
        x, y, radius, amount = plan.pull
        dx, dy = grid.x - np.float32(x), grid.y - np.float32(y)
        near = np.exp(-(dx * dx + dy * dy) / np.float32(radius * radius)) * np.float32(amount * THREADS / 2)
        u, v = u + dx * near, v + dy * near * np.float32(0.4)
    return u, v


@dataclass(frozen=True)
class _Yarn:
    """One direction's threads at every pixel: which, how far from its middle (-.5...5), how wide, which colour."""

    index: np.ndarray
    off: Field
    width: Field
    tone: Field


def _yarn(plan: Plan, across: Field, along: Field, upright: bool) -> _Yarn:
    rng = np.random.default_rng([plan.texture, 202, int(upright)])
    floor = np.floor(across)
    index = floor.astype(np.int32)
    uneven = rng.standard_normal(128, dtype=np.float32)[index % 128]
    thick = grain(rng.standard_normal((128, 16), dtype=np.float32), along * np.float32(0.35), floor)
    width = np.float32(0.90) + np.float32(0.025) * uneven + np.float32(0.035) * thick
    tone = WARP[(index % STRIPE < 2).astype(np.int32)] if upright else np.broadcast_to(WEFT, (*across.shape, 3))
    tone = tone * (1 + np.float32(0.035) * rng.standard_normal(128, dtype=np.float32)[index % 128])[..., None]
    middle = int(np.floor(across[across.shape[0] // 2, across.shape[1] // 2]))
    centre = float(along[along.shape[0] // 2, along.shape[1] // 2])
    for slip in plan.slips:
        if slip.upright == upright:
            way = along - np.float32(centre)
            here = (index == middle + slip.index) & (way >= np.float32(slip.start)) & (way <= np.float32(slip.end))
            width = np.where(here, width * np.float32(slip.width), width)
            if slip.tone is not None:
                tone = np.where(here[..., None], np.array(slip.tone, dtype=np.float32), tone)
    return _Yarn(index, across - floor - np.float32(0.5), width, tone.astype(np.float32))


def _relief(yarn: _Yarn, lift: Field) -> Field:
    """Height of a thread, in threads: round across, rising and sinking along; far down where it is not."""
    reach = 2 * yarn.off / np.maximum(yarn.width, np.float32(1e-3))
    crown = np.float32(0.42) * yarn.width * (1 - reach * reach)
    there: Field = np.where((yarn.width > 0.05) & (crown > -0.35), crown, np.float32(-3))
    return there + np.float32(0.42) * lift


def paint(plan: Plan, grid: Grid) -> Surface:
    """The weave: of the two threads at a pixel, the higher one is seen."""
    u, v = _web(plan, grid)
    warp, weft = _yarn(plan, u, v, True), _yarn(plan, v, u, False)
    over = np.where((warp.index + weft.index) % 2 == 0, np.float32(1), np.float32(-1))
    high = _relief(warp, over * np.cos(np.float32(np.pi) * weft.off))
    low = _relief(weft, -over * np.cos(np.float32(np.pi) * warp.off))
    top = np.clip(np.float32(0.5) + (high - low) * 4, 0, 1)  # which is seen, softened over a pixel or so
    rng = np.random.default_rng([plan.texture, 203])
    fibre = rng.standard_normal((64, 64), dtype=np.float32)
    strands = blend(
        grain(fibre, u * np.float32(1.7), v * 9 + u * 3), grain(fibre, u * 9 + v * 3, v * np.float32(1.7)), top
    )
    height = np.maximum(np.maximum(high, low), np.float32(-0.5))
    gap = ramp(height, 0.12, -0.45)
    tone = blend(weft.tone, warp.tone, top)
    shade = (1 + np.float32(0.06) * strands + np.float32(0.02) * clouds(rng, grid.size, 4)) * (
        1 - np.float32(0.72) * gap
    )
    return Surface(
        colour=np.clip(tone * shade[..., None], 0.01, 1).astype(np.float32),
        height=height * np.float32(0.55 * 2 / THREADS),
        gloss=np.float32(0.05) * (1 - gap),
        body=np.ones_like(height),
    )


def place(surface: Surface, grid: Grid, rng: np.random.Generator) -> Point:
    """Anywhere but at the very edge."""
    return float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, 0.8))


def _stretch(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    length = rng.uniform(low, high)
    start = rng.uniform(-THREADS * 0.45, THREADS * 0.45 - length)
    return float(start), float(start + length)


def missing_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread is not there, for a while or all across."""
    start, end = _stretch(rng, 2 + 8 * strength, 6 + 18 * strength)
    slip = Slip(bool(rng.random() < 0.5), int(rng.integers(-12, 12)), start, end, width=0.0)
    return replace(plan, slips=(slip,))


def thick_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread swells (a slub), or thins out."""
    start, end = _stretch(rng, 3, 10)
    width = 1.25 + 0.5 * strength if rng.random() < 0.6 else 0.70 - 0.25 * strength
    return replace(plan, slips=(Slip(bool(rng.random() < 0.5), int(rng.integers(-12, 12)), start, end, width=width),))


def wrong_thread(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """A thread of another colour was woven in."""
    upright = bool(rng.random() < 0.5)
    start, end = _stretch(rng, 8, 26)
    own = WARP[0] if upright else WEFT
    other = np.array(
        [(0.62, 0.22, 0.20), (0.14, 0.16, 0.20), (0.25, 0.45, 0.30)][int(rng.integers(3))], dtype=np.float32
    )
    tone = own + (other - own) * (0.25 + 0.7 * strength)
    slip = Slip(upright, int(rng.integers(-12, 12)), start, end, tone=(float(tone[0]), float(tone[1]), float(tone[2])))
    return replace(plan, slips=(slip,))


def pulled(plan: Plan, strength: float, rng: np.random.Generator) -> Plan:
    """Threads drawn together: the weave is distorted, nothing is missing."""
    x, y = float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.7, 0.7))
    return replace(plan, pull=(x, y, float(rng.uniform(0.12, 0.22)), 0.35 + 0.75 * strength))


def hole(surface: Surface, grid: Grid, spot: Spot, rng: np.random.Generator) -> Surface:
    """A tear with loose ends, the dark table below."""
    radius = 0.025 + 0.06 * spot.strength
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
        "wrong_thread": wrong_thread,
    },
    faults={"colour": colour, "hair": hair, "hole": hole, "stain": stain},
)
