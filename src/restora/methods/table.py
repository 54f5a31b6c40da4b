"""Which methods there are: a plain dictionary. A further method is one folder beside this file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from restora.features.levels import Level
from restora.methods.contract import Restorer
from restora.methods.settings import Section
from restora.methods.ura_net.network import UraNet
from restora.methods.ura_net.settings import UraNetSettings


@dataclass(frozen=True)
class Method:
    """A method's settings, which name its `pyramid` and its `residual`, and what makes its restorer of them.

    build : (settings, facts of the pyramid's levels, (height, width), number of fitting pictures) -> restorer
    """

    settings: type[Section]
    build: Callable[[Any, tuple[Level, ...], tuple[int, int], int], Restorer]


METHODS = {"ura-net": Method(UraNetSettings, UraNet)}


def section(method: str) -> str:
    """The key under which a method's settings stand in a run's settings."""
    return method.replace("-", "_")
