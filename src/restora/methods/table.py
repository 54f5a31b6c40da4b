"""Which methods there are: a plain dictionary; no torch until a restorer is built.

A further method is one folder beside this file and one line in `METHODS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from restora.methods.mfr_net import settings as mfr_net
from restora.methods.settings import MethodSettings, Preset
from restora.methods.ura_net import settings as ura_net

if TYPE_CHECKING:
    from restora.features.levels import Level
    from restora.methods.contract import Restorer


@dataclass(frozen=True)
class Method:
    """A method: its settings by preset (`small` is the default), and where its restorer is, `module:Class`.

    The class is named in words and imported when it is needed: whoever only reads settings needs no torch.
    """

    presets: Mapping[str, Preset]
    network: str

    @property
    def settings(self) -> type[MethodSettings]:
        """The class of its settings."""
        return type(self.presets["small"].settings)

    def build(
        self, settings: MethodSettings, levels: tuple[Level, ...], size: tuple[int, int], pictures: int
    ) -> Restorer:
        """An untrained restorer.

        levels, size : facts of the pyramid's levels, (height, width) of the prepared pictures
        pictures     : number of fitting pictures
        """
        module, name = self.network.split(":")
        return cast("Restorer", getattr(import_module(module), name)(settings, levels, size, pictures))


METHODS: dict[str, Method] = {
    "ura-net": Method(ura_net.PRESETS, "restora.methods.ura_net.network:UraNet"),
    "mfr-net": Method(mfr_net.PRESETS, "restora.methods.mfr_net.network:MfrNet"),
}

# Several methods over one pass of the trunk, their maps joined (`both.py`).
JOINED: dict[str, tuple[str, ...]] = {"both": ("ura-net", "mfr-net")}

NAMES = (*METHODS, *JOINED)


def parts(method: str) -> tuple[str, ...]:
    """The methods that a method is made of: itself, or those it joins."""
    return JOINED.get(method, (method,))


def section(method: str) -> str:
    """The key under which a method's settings stand in a run's settings."""
    return method.replace("-", "_")
