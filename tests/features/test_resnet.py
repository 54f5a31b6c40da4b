"""Names and shapes against tables written by hand; numbers against the paper's formulas on a bare state dict."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restora.errors import SettingsError
from restora.features.levels import Level
from restora.features.resnet import ResNet

RESNET18 = {
    "conv1": (64, 3, 7, 7),
    "layer1.0.conv1": (64, 64, 3, 3),
    "layer1.0.conv2": (64, 64, 3, 3),
    "layer1.1.conv1": (64, 64, 3, 3),
    "layer1.1.conv2": (64, 64, 3, 3),
    "layer2.0.conv1": (128, 64, 3, 3),
    "layer2.0.conv2": (128, 128, 3, 3),
    "layer2.0.downsample.0": (128, 64, 1, 1),
    "layer2.1.conv1": (128, 128, 3, 3),
    "layer2.1.conv2": (128, 128, 3, 3),
    "layer3.0.conv1": (256, 128, 3, 3),
    "layer3.0.conv2": (256, 256, 3, 3),
    "layer3.0.downsample.0": (256, 128, 1, 1),
    "layer3.1.conv1": (256, 256, 3, 3),
    "layer3.1.conv2": (256, 256, 3, 3),
    "layer4.0.conv1": (512, 256, 3, 3),
    "layer4.0.conv2": (512, 512, 3, 3),
    "layer4.0.downsample.0": (512, 256, 1, 1),
    "layer4.1.conv1": (512, 512, 3, 3),
    "layer4.1.conv2": (512, 512, 3, 3),
}
WIDE_STAGE_2 = {
    "layer2.0.conv1": (256, 256, 1, 1),
    "layer2.0.conv2": (256, 256, 3, 3),
    "layer2.0.conv3": (512, 256, 1, 1),
    "layer2.0.downsample.0": (512, 256, 1, 1),
    **{f"layer2.{block}.conv1": (256, 512, 1, 1) for block in (1, 2, 3)},
    **{f"layer2.{block}.conv2": (256, 256, 3, 3) for block in (1, 2, 3)},
    **{f"layer2.{block}.conv3": (512, 256, 1, 1) for block in (1, 2, 3)},
}


def with_norms(convolutions: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Every convolution has no bias and is followed by a batch norm of its own: bn1 for conv1, x.1 for x.0."""
    table: dict[str, tuple[int, ...]] = {}
    for name, shape in convolutions.items():
        norm = name[:-1] + "1" if name.endswith("downsample.0") else name.replace("conv", "bn")
        table[f"{name}.weight"] = shape
        table |= {f"{norm}.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
        table[f"{norm}.num_batches_tracked"] = ()
    return table


def shapes(body: ResNet) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in body.state_dict().items()}


def test_resnet18_has_the_published_names_and_shapes() -> None:
    assert shapes(ResNet("resnet18", (1, 2, 3, 4))) == with_norms(RESNET18)


def test_only_what_is_needed_is_built() -> None:
    kept = {name: shape for name, shape in RESNET18.items() if not name.startswith(("layer3", "layer4"))}
    assert shapes(ResNet("resnet18", (1, 2))) == with_norms(kept)


def test_wide_resnet_has_the_published_names_and_shapes() -> None:
    stage = {
        name: shape for name, shape in shapes(ResNet("wide_resnet50_2", (2,))).items() if name.startswith("layer2")
    }
    assert stage == with_norms(WIDE_STAGE_2)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [  # of the whole published network, less the 1,000-class layer
        ("resnet18", 11_689_512 - 513_000),
        ("resnet34", 21_797_672 - 513_000),
        ("resnet50", 25_557_032 - 2_049_000),
        ("wide_resnet50_2", 68_883_240 - 2_049_000),
    ],
)
def test_parameter_counts_are_the_published_ones(name: str, parameters: int) -> None:
    with torch.device("meta"):
        body = ResNet(name, (1, 2, 3, 4))
    assert sum(parameter.numel() for parameter in body.parameters()) == parameters


def test_facts_tell_channels_and_strides() -> None:
    assert ResNet("resnet18", (1, 3)).levels == (Level("layer1", 64, 4), Level("layer3", 256, 16))
    with torch.device("meta"):
        assert ResNet("resnet50", (2, 3)).levels == (Level("layer2", 512, 8), Level("layer3", 1024, 16))


def normalised(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    weight, bias, mean, variance = (
        state[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def convolved(x: Tensor, state: dict[str, Tensor], name: str, stride: int = 1) -> Tensor:
    kernel = state[f"{name}.weight"]
    return functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)


def block(x: Tensor, state: dict[str, Tensor], name: str, stride: int) -> Tensor:
    """The formula of a residual block, the stride in its first 3x3 convolution."""
    y, stride_left = x, stride
    number = 1
    while f"{name}.conv{number}.weight" in state:
        wide = state[f"{name}.conv{number}.weight"].shape[-1] == 3
        y = convolved(y, state, f"{name}.conv{number}", stride_left if wide else 1)
        stride_left = 1 if wide else stride_left
        y = normalised(y, state, f"{name}.bn{number}")
        number += 1
        if f"{name}.conv{number}.weight" in state:
            y = y.clamp(min=0)
    if f"{name}.downsample.0.weight" in state:
        x = normalised(convolved(x, state, f"{name}.downsample.0", stride), state, f"{name}.downsample.1")
    return (x + y).clamp(min=0)


def by_formula(x: Tensor, state: dict[str, Tensor], blocks: tuple[int, ...]) -> list[Tensor]:
    x = normalised(convolved(x, state, "conv1", 2), state, "bn1").clamp(min=0)
    x = functional.max_pool2d(x, 3, 2, 1)
    levels = []
    for stage, depth in enumerate(blocks, start=1):
        for index in range(depth):
            x = block(x, state, f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1)
        levels.append(x)
    return levels


@pytest.mark.parametrize(("name", "blocks"), [("resnet18", (2, 2, 2, 2)), ("resnet50", (3, 4, 6))])
def test_levels_are_those_of_the_formula(name: str, blocks: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(3)
    body = ResNet(name, tuple(range(1, len(blocks) + 1))).eval()
    for key, tensor in body.state_dict().items():  # statistics and gains that are not 0 and 1
        if ("bn" in key or "downsample.1" in key) and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=generator)
    pictures = torch.randn(2, 3, 64, 96, generator=generator)
    with torch.inference_mode():
        for got, expected in zip(body(pictures), by_formula(pictures, body.state_dict(), blocks), strict=True):
            assert got.shape == expected.shape
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("levels", [(), (0, 1), (3, 2), (2, 2), (4, 5)])
def test_levels_that_are_not_there_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="from 1 to 4"):
        ResNet("resnet18", levels)
