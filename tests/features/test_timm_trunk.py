"""The adapter against a stand-in of timm's interface, and against timm itself where it can be imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from restora.errors import MissingError, SettingsError, UsageError
from restora.features.levels import Level
from restora.features.pyramid import load_trunk
from restora.features.weights import import_weights


class Net(nn.Module):
    """Three convolutions of stride 2, then a head: strides 2, 4, 8."""

    feature_info: ClassVar = [
        {"module": "stem", "num_chs": 4, "reduction": 2},
        {"module": "a", "num_chs": 5, "reduction": 4},
        {"module": "b", "num_chs": 6, "reduction": 8},
    ]

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(3, 4, 2, 2), nn.Conv2d(4, 5, 2, 2), nn.Conv2d(5, 6, 2, 2)
        self.head: nn.Module = nn.Linear(6, 10)
        self.pretrained_cfg = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "input_size": (3, 64, 96)}
        self.pretrained_cfg |= {"fixed_input_size": fixed}

    def prune_intermediate_layers(self, indices: list[int], prune_norm: bool, prune_head: bool) -> None:
        del prune_norm
        self.head = nn.Identity() if prune_head else self.head
        if max(indices) < 2:
            self.b = nn.Identity()

    def forward_intermediates(self, x: Tensor, indices: list[int], intermediates_only: bool) -> list[Tensor]:
        assert intermediates_only
        stem = self.stem(x)
        a = self.a(stem)
        return [[stem, a, self.b(a)][index] for index in indices]


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, pretrained: bool) -> Any:
        assert not pretrained, "nothing may be fetched"
        return nn.Conv2d(3, 3, 1) if name == "plain" else Net(fixed=name == "fixed")

    module = SimpleNamespace(create_model=create, list_models=lambda: ["net", "fixed", "plain"])
    monkeypatch.setitem(sys.modules, "timm", module)


@pytest.mark.usefixtures("timm")
def test_levels_are_counted_from_stride_four() -> None:
    trunk = load_trunk("timm/net", weights="random", levels=(1, 2))
    assert trunk.levels == (Level("a", 5, 4), Level("b", 6, 8))
    pictures = torch.rand(2, 3, 32, 64) * 255
    got = trunk(pictures)
    net = trunk.body.network
    a = net.a(net.stem((pictures / 255 - 0.5) / 0.25))
    torch.testing.assert_close(got[0], a)
    torch.testing.assert_close(got[1], net.b(a))


@pytest.mark.usefixtures("timm")
def test_only_the_tensors_of_the_levels_wanted_are_needed(tmp_path: Path) -> None:
    state = {name: torch.rand_like(tensor) for name, tensor in Net(fixed=False).state_dict().items() if name[0] != "b"}
    save_file(state, tmp_path / "net.safetensors")
    trunk = load_trunk("timm/net", weights=tmp_path / "net.safetensors", levels=(1,))
    assert torch.equal(trunk.body.network.a.weight, state["a.weight"])
    assert trunk.card.name == "timm/net"
    with pytest.raises(SettingsError, match=r"tensor b\.weight is missing"):
        load_trunk("timm/net", weights=tmp_path / "net.safetensors", levels=(1, 2))


@pytest.mark.usefixtures("timm")
def test_imported_weights_are_found_by_the_models_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("RESTORA_WEIGHTS", raising=False)
    save_file(Net(fixed=False).state_dict(), tmp_path / "some.safetensors")
    told = import_weights(tmp_path / "some.safetensors", "timm/net")
    assert load_trunk("timm/net", levels=(1, 2)).weights == told


@pytest.mark.usefixtures("timm")
def test_a_model_of_one_size_takes_no_other() -> None:
    trunk = load_trunk("timm/fixed", weights="random", levels=(1,))
    trunk.check_size((64, 96))
    with pytest.raises(SettingsError, match=r"one size only; use --size 64x96"):
        trunk.check_size((96, 64))


@pytest.mark.usefixtures("timm")
def test_models_and_levels_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'fixd'; the nearest are timm/fixed"):
        load_trunk("timm/fixd", weights="random")
    with pytest.raises(SettingsError, match="from 1 to 2"):
        load_trunk("timm/net", weights="random", levels=(2, 3))
    with pytest.raises(SettingsError, match="does not give its inner levels"):
        load_trunk("timm/plain", weights="random")


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingError, match=r"restora\[timm\]"):
        load_trunk("timm/resnet18", weights="random")


@pytest.mark.filterwarnings("default")
def test_timms_own_resnet_gives_what_ours_gives(tmp_path: Path) -> None:
    if find_spec("timm") is None:
        pytest.skip("timm is not installed")
    try:
        import timm  # noqa: F401
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm cannot be imported here, see timm_trunk: {error}")
    ours = load_trunk("resnet18", weights="random", levels=(1, 2, 3))
    save_file(ours.body.state_dict(), tmp_path / "resnet18.safetensors")
    theirs = load_trunk("timm/resnet18", weights=tmp_path / "resnet18.safetensors", levels=(1, 2, 3))
    pictures = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    assert theirs.levels == ours.levels
    for got, expected in zip(theirs(pictures), ours(pictures), strict=True):
        assert torch.equal(got, expected)
