"""Which methods there are: a plain dictionary. A further method is one folder beside this file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from restora.features.levels import Level
from restora.methods.contract import Restorer
from restora.methods.ura_net.network import UraNet

if TYPE_CHECKING:
    Factory = Callable[[Any, tuple[Level, ...], tuple[int, int], int], Restorer]


def _ura_net(settings: Any, levels: tuple[Level, ...], size: tuple[int, int], pictures: int) -> Restorer:
    return UraNet(settings.ura_net, levels, size, pictures)


# name -> (settings of the run, facts of the pyramid, (height, width), number of fitting pictures) -> restorer
METHODS: dict[str, Factory] = {"ura-net": _ura_net}
