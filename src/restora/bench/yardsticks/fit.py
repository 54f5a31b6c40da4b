"""Which yardsticks there are, and how one is fitted on the same pictures and trunk as the rows beside it."""

from __future__ import annotations

from collections.abc import Callable

from restora.bench.yardsticks.gaussian import place_gaussian
from restora.bench.yardsticks.memory import coreset_memory, random_memory, standardised_memory
from restora.bench.yardsticks.patches import Distances, Patches, YardstickRuntime
from restora.errors import UsageError
from restora.features.pyramid import Trunk
from restora.runtimes.contract import Runtime
from restora.training.plan import Plan

YARDSTICKS: dict[str, Callable[[Plan, Patches], Distances]] = {
    "nearest-neighbour": random_memory,
    "nearest-neighbour-coreset": coreset_memory,
    "nearest-neighbour-position": standardised_memory,
    "position-gaussian": place_gaussian,
}


def fit_yardstick(name: str, plan: Plan, trunk: Trunk) -> Runtime:
    """One of `YARDSTICKS`, fitted on the plan's fitting pictures; nothing else of the good pictures is seen.

    Answers like a model's graph, on prepared pictures of the plan's size. Raises UsageError for an unknown name,
    PictureError for a fitting picture that cannot be read.
    """
    if name not in YARDSTICKS:
        raise UsageError(f"There is no yardstick {name!r}; there are: {', '.join(YARDSTICKS)}.")
    patches = Patches(trunk)
    return YardstickRuntime(name, patches, YARDSTICKS[name](plan, patches))
