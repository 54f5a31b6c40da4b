"""Whether one table's figures are better than another's, or only otherwise; no torch.

Figures of the same trunk, category and seed are a pair, so what makes a category hard or a seed lucky for both falls
out of their difference. Two spreads are left, and a difference is called one only where it exceeds both:

- over categories: the 95 % t interval of the mean of the categories' mean differences must leave 0 out. Categories are
  what one would like to conclude beyond; pictures and seeds within one are no independent evidence. The t interval, and
  not an exact sign or permutation test, because a benchmark of three categories would have no test at all then: with k
  categories the least two-sided p-value is 2 / 2**k, under 0.05 from six on. What t assumes, about normal differences,
  is mild for means over seeds.
- over seeds: the mean difference must be larger than the deviation of that mean from seed to seed, the noise floor. The
  interval over categories sees noise of each training by itself, but not what all categories of one seed have in common
  (the same drawn weights and masks).

One seed has no spread, so nothing is called a difference. With one category the t interval is that over its seeds, and
what is said holds for that category. Each interval is right by itself: of twenty comparisons of equals, one will leave
0 out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any, NamedTuple

from scipy.special import stdtrit

from restora.bench.figures import FIGURE_NAMES, Cells, Place
from restora.bench.forms import to_markdown
from restora.errors import UsageError

CONFIDENCE = 0.95

# (category, seed) -> difference
Pairs = Mapping[tuple[str, int], float]


class Spread(NamedTuple):
    """Mean of some values, their deviation, and the t interval of the mean; None with fewer than two values."""

    mean: float
    deviation: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """How much higher B's figure is than A's, in the figure's own unit (0..1).

    row, trunk    : whose cells were compared; `A against B` where the rows differ
    mean          : of the categories' mean differences, each category counting once
    low, high     : 95 % t interval of it over categories (over seeds where there is one category), None with one value
    of_categories : deviation of the categories' mean differences, None with one category
    of_seeds      : deviation from seed to seed of the mean over the categories, None with one seed
    categories    : mean difference by category; seeds : number of seeds that all categories have
    """

    row: str
    trunk: str
    figure: str
    mean: float
    low: float | None
    high: float | None
    of_categories: float | None
    of_seeds: float | None
    categories: Mapping[str, float]
    seeds: int

    @property
    def doubt(self) -> str | None:
        """Why this is no difference, in words; None where it is one."""
        if self.of_seeds is None or self.low is None or self.high is None:
            return "fewer than two seeds that all categories have"
        if self.low <= 0 <= self.high:
            return f"the interval over {'categories' if len(self.categories) > 1 else 'seeds'} holds 0"
        return None if abs(self.mean) > self.of_seeds else "not larger than the spread over seeds"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `shown` says whether this is a difference."""
        return {**vars(self), "categories": dict(self.categories), "shown": self.doubt is None, "doubt": self.doubt}


@dataclass(frozen=True)
class Comparison:
    """Two tables beside each other.

    differences : by row, trunk and figure, in A's order
    pairs       : number of cells that both have; alone : of those that only A has, and only B
    sizes       : number of pairs whose pictures were not of one size
    """

    differences: tuple[Difference, ...]
    pairs: int
    alone: tuple[int, int]
    sizes: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "differences": [one.to_dict() for one in self.differences], "alone": list(self.alone)}


def compare(a: Cells, b: Cells, rows: tuple[str, str] | None = None) -> Comparison:
    """Pair the cells of two tables (`figures.read_cells`), and say by how much B's figures are higher.

    rows : A's row of the first name against B's row of the second (a and b may be one table); each row against the one
           of its name unless stated

    Raises UsageError where no cell has a partner.
    """
    if rows is not None:
        name = rows[0] if rows[0] == rows[1] else f"{rows[0]} against {rows[1]}"
        a, b = _renamed(a, rows[0], name), _renamed(b, rows[1], name)
    both = [place for place in a if place in b]
    if not both:
        raise UsageError(
            "No cell of one table has a partner of the same row, trunk, category and seed in the other; "
            "name the two rows to compare with --rows."
        )
    groups = dict.fromkeys((place.row, place.trunk) for place in both)
    return Comparison(
        tuple(one for row, trunk in groups for one in _of_group(a, b, row, trunk, both)),
        len(both),
        (len(a) - len(both), len(b) - len(both)),
        sum(a[place].size != b[place].size for place in both),
    )


def _renamed(cells: Cells, row: str, name: str) -> Cells:
    if not any(place.row == row for place in cells):
        there = ", ".join(dict.fromkeys(place.row for place in cells))
        raise UsageError(f"There is no row {row!r} in the table; there are {there}.")
    return {place._replace(row=name): found for place, found in cells.items() if place.row == row}


def _of_group(a: Cells, b: Cells, row: str, trunk: str, both: Sequence[Place]) -> Iterator[Difference]:
    mine = [place for place in both if (place.row, place.trunk) == (row, trunk)]
    for figure in FIGURE_NAMES:
        values = ((place, a[place].figures[figure], b[place].figures[figure]) for place in mine)
        pairs = {(at.category, at.seed): y - x for at, x, y in values if x is not None and y is not None}
        if pairs:
            yield difference(pairs, row, trunk, figure)


def difference(pairs: Pairs, row: str = "", trunk: str = "", figure: str = "") -> Difference:
    """What the differences by category and seed come to. Raises ValueError for none at all."""
    names = dict.fromkeys(category for category, _ in pairs)
    seeds_of = [{seed for category, seed in pairs if category == name} for name in names]
    by_category = {
        name: fmean(pairs[name, seed] for seed in seeds) for name, seeds in zip(names, seeds_of, strict=True)
    }
    common = sorted(set.intersection(*seeds_of)) if seeds_of else []
    by_seed = spread(fmean(pairs[name, seed] for name in names) for seed in common) if common else None
    over = spread(by_category.values())
    shown = by_seed if len(names) == 1 and by_seed is not None else over
    return Difference(
        *(row, trunk, figure, over.mean, shown.low, shown.high, over.deviation),
        None if by_seed is None else by_seed.deviation,
        by_category,
        len(common),
    )


def spread(values: Iterable[float]) -> Spread:
    """Mean, deviation and 95 % t interval of the mean. Raises ValueError for no values."""
    found = list(values)
    if not found:
        raise ValueError("There are no values, so they have no mean")
    mean = fmean(found)
    if len(found) < 2:
        return Spread(mean, None, None, None)
    deviation = stdev(found)
    half = float(stdtrit(len(found) - 1, (1 + CONFIDENCE) / 2)) * deviation / sqrt(len(found))
    return Spread(mean, deviation, mean - half, mean + half)


def comparison_markdown(found: Comparison) -> str:
    """The comparison as a Markdown table, one line a row, trunk and figure."""
    heads = ["row", "trunk", "figure", "categories x seeds", "B - A", "95 % interval"]
    heads += ["over categories", "over seeds", "so"]
    lines = [heads]
    for one in found.differences:
        interval = "-" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}"
        said = f"no difference shown: {one.doubt}" if one.doubt else f"{'B' if one.mean > 0 else 'A'} is higher"
        values = [
            *(one.row, one.trunk, FIGURE_NAMES[one.figure], f"{len(one.categories)} x {one.seeds}", f"{one.mean:+.4f}"),
            *(interval, _digits(one.of_categories), _digits(one.of_seeds), said),
        ]
        lines.append(values)
    return to_markdown(lines)


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
