"""What a drawn product is made of: a plan, how it is painted, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from restora.demo.canvas import Grid, Point
from restora.demo.faults import Fault
from restora.demo.light import Light, Surface

P = TypeVar("P")


@dataclass(frozen=True)
class Product(Generic[P]):
    """A product and its ways to fail; a further product is one file with one of these and a line in `draw.PRODUCTS`.

    plan   : draws one good piece's pose and parameters; the plan also holds the seed of its texture
    paint  : the surface of a planned piece; a function of plan and grid alone
    light  : the lamp of one picture
    place  : a point where a fault of the surface may happen
    makes  : defects of the make, kind -> (plan, strength 0..1, rng) -> another plan
    faults : defects of the surface, kind -> restora.demo.faults.Fault
    research : True for a product made to try methods on; `restora demo` leaves it out

    Strength means the same everywhere: under .25 a person finds the defect after a look, from .4 on at a glance.
    """

    name: str
    plan: Callable[[np.random.Generator], P]
    paint: Callable[[P, Grid], Surface]
    light: Callable[[np.random.Generator], Light]
    place: Callable[[Surface, Grid, np.random.Generator], Point]
    makes: Mapping[str, Callable[[P, float, np.random.Generator], P]]
    faults: Mapping[str, Fault]
    research: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of defect, sorted; "good" is not among them."""
        return tuple(sorted([*self.makes, *self.faults]))
