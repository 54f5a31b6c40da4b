"""Puts together what looks at a trunk's levels: the branch of one method, or several joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from restora.features.levels import Level
from restora.features.pyramid import Aggregate
from restora.methods.both import Both
from restora.methods.branch import Branch
from restora.methods.residual import Residual
from restora.methods.settings import MethodSettings
from restora.methods.table import METHODS


@dataclass(frozen=True)
class Frame:
    """What a head stands on.

    numbers, levels : the trunk's levels, by number and with their facts
    size            : (height, width) of the prepared pictures
    pictures        : how many fitting pictures there are
    """

    numbers: tuple[int, ...]
    levels: tuple[Level, ...]
    size: tuple[int, int]
    pictures: int


def trunk_levels(parts: Mapping[str, MethodSettings]) -> tuple[int, ...]:
    """Numbers of the trunk's levels that some methods need between them, ascending."""
    return tuple(sorted({level for settings in parts.values() for level in settings.pyramid.levels}))


def build_branch(method: str, settings: MethodSettings, frame: Frame) -> Branch:
    """The untrained, unfitted branch of one method."""
    picks = [frame.numbers.index(level) for level in settings.pyramid.levels]
    aggregate = Aggregate(settings.pyramid, frame.levels, picks)
    restorer = METHODS[method].build(settings, aggregate.levels, frame.size, frame.pictures)
    return Branch(aggregate, restorer, Residual(settings.residual, aggregate.levels, frame.size))


def join_branches(branches: Sequence[Branch]) -> Branch | Both:
    """The head of one branch is the branch; several are joined, which leaves their scales to be fitted."""
    return branches[0] if len(branches) == 1 else Both(branches)


def build_head(parts: Mapping[str, MethodSettings], frame: Frame) -> Branch | Both:
    """The untrained, unfitted head of some methods."""
    return join_branches([build_branch(method, settings, frame) for method, settings in parts.items()])
