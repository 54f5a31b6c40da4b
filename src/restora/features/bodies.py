"""The networks that can stand behind a trunk, by name."""

from __future__ import annotations

from restora.features.levels import Body
from restora.features.resnet import WIDTHS, ResNet
from restora.features.settings import RESNETS, TINY, VGGS, check_trunk_name
from restora.features.timm_trunk import TimmBody, timm_depth
from restora.features.tiny.network import WIDTHS as TINY_WIDTHS
from restora.features.tiny.network import TinyNet
from restora.features.vgg import DEEPEST, VGG

_BUILDERS: dict[str, tuple[type[ResNet] | type[VGG] | type[TinyNet], int]] = {
    **dict.fromkeys(RESNETS, (ResNet, len(WIDTHS))),
    **dict.fromkeys(VGGS, (VGG, DEEPEST)),
    TINY: (TinyNet, len(TINY_WIDTHS)),
}


def build_body(name: str, levels: tuple[int, ...]) -> Body:
    """Build trunk `name` up to the deepest of `levels`, with torch's own starting numbers.

    Raises UsageError for a name that does not exist (the nearest are named), SettingsError for levels it does not
    have, MissingError where a package is missing.
    """
    if check_trunk_name(name) in _BUILDERS:
        return _BUILDERS[name][0](name, levels)
    return TimmBody(name, levels)


def depth(name: str) -> int:
    """Return the number of the deepest level that trunk `name` has."""
    return _BUILDERS[name][1] if check_trunk_name(name) in _BUILDERS else timm_depth(name)
