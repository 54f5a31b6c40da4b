"""Any model of timm that can give its inner levels, as a trunk named `timm/NAME` (extra `timm`).

Levels are counted from the first whose stride is 4, so level 1 of `timm/resnet18` is `layer1`, as it is of
`resnet18`; a plain vision transformer has one level a block. Parameter names are timm's own.

timm imports torchvision. Where torchvision was built for another torch (a CUDA build beside a CPU torch), its import
fails over two operators that nobody needs here; declaring them beforehand lets it pass:

    declared = torch.library.Library("torchvision", "DEF")  # keep this reference
    for name in ("nms", "qnms"):
        declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

Restora does not do this by itself: it would hide a real mismatch from everything else in the process.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from types import ModuleType
from typing import Any, cast

from torch import Tensor, nn

from restora.errors import SettingsError, UsageError, need
from restora.features.levels import MULTIPLE, Body, Level, check_levels
from restora.features.settings import TIMM_PREFIX

FINEST_STRIDE = 4


class TimmBody(Body):
    """A timm model cut off behind the deepest of `levels`; nothing is fetched.

    `forward`: normalised pictures float32[N, 3, H, W] -> one float32[N, C_l, H / stride_l, W / stride_l] a level.
    Raises MissingError without timm, UsageError for an unknown model, SettingsError for levels it does not have.
    """

    def __init__(self, name: str, levels: tuple[int, ...]) -> None:
        super().__init__()
        net: Any = _create(name)
        facts = _counted(net)
        check_levels(name, levels, deepest=len(facts))
        self.taken = [facts[number - 1][0] for number in levels]
        self.levels = tuple(facts[number - 1][1] for number in levels)
        net.prune_intermediate_layers(self.taken, prune_norm=True, prune_head=True)
        self.net: nn.Module = net
        card = net.pretrained_cfg
        self.mean, self.deviation = tuple(card["mean"]), tuple(card["std"])
        self.multiple = math.lcm(MULTIPLE, *(level.stride for level in self.levels))
        if card.get("fixed_input_size"):
            self.only_size = tuple(card["input_size"][1:])

    @property
    def network(self) -> nn.Module:
        """The timm model itself."""
        return self.net

    def forward(self, x: Tensor) -> list[Tensor]:
        """Ask the model for its inner levels, not normalised, channels second."""
        net: Any = self.net
        return cast("list[Tensor]", net.forward_intermediates(x, indices=self.taken, intermediates_only=True))


def timm_depth(name: str) -> int:
    """Return the number of levels of model `timm/...`."""
    return len(_counted(_create(name)))


def timm_repository(name: str) -> str:
    """Return the repository of timm's hub that holds the weights of `timm/NAME`; nothing is asked of the hub.

    Raises MissingError without timm, UsageError for an unknown model or tag, or where its weights lie elsewhere.
    """
    model = name.removeprefix(TIMM_PREFIX)
    timm: Any = _knowing(model)
    try:
        card = timm.get_pretrained_cfg(model)
    except RuntimeError:  # what timm says of a tag that it does not know
        card = None
    repository = str(getattr(card, "hf_hub_id", None) or "")
    if not repository.startswith(TIMM_PREFIX):
        raise UsageError(
            f"timm's hub has no weights for {model!r}; timm.list_pretrained('{model.partition('.')[0]}*') names those "
            "that it has."
        )
    return repository


def _create(name: str) -> Any:
    model = name.removeprefix(TIMM_PREFIX)
    timm: Any = _knowing(model)
    net = timm.create_model(model, pretrained=False)
    if not hasattr(net, "forward_intermediates"):
        raise SettingsError(f"The model {name} does not give its inner levels; choose another trunk.")
    return net


def _knowing(model: str) -> ModuleType:
    """timm itself, where it knows `model`; UsageError with the nearest names otherwise."""
    timm = need("timm", "timm")
    known = timm.list_models()
    if model.partition(".")[0] not in known:
        near = get_close_matches(model, known, n=3, cutoff=0.5)
        hint = (
            f"the nearest are {', '.join(TIMM_PREFIX + other for other in near)}" if near else "see timm.list_models()"
        )
        raise UsageError(f"timm has no model named {model!r}; {hint}.")
    return timm


def _counted(net: Any) -> list[tuple[int, Level]]:
    return [
        (index, Level(str(fact["module"]), int(fact["num_chs"]), int(fact["reduction"])))
        for index, fact in enumerate(_facts(net))
        if fact["reduction"] >= FINEST_STRIDE
    ]


def _facts(net: Any) -> list[dict[str, Any]]:
    info = net.feature_info
    return cast("list[dict[str, Any]]", info if isinstance(info, list) else info.get_dicts())
