"""Residual networks up to the deepest level asked for, with the parameter names of published checkpoints.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; the wide one is
Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016. The stride of a bottleneck stands in its 3x3
convolution, as in the published weights. Names fit the checkpoints of torchvision and timm (`conv1.weight`,
`layer2.0.downsample.1.running_var`, ...).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from restora.features.levels import Body, Level, check_levels

WIDTHS = (64, 128, 256, 512)


@dataclass(frozen=True)
class ResNetSpec:
    """Blocks a stage, and the width of a bottleneck's inner convolution (None: two plain 3x3 convolutions)."""

    blocks: tuple[int, int, int, int]
    inner: int | None = None


SPECS = {
    "resnet18": ResNetSpec((2, 2, 2, 2)),
    "resnet34": ResNetSpec((3, 4, 6, 3)),
    "resnet50": ResNetSpec((3, 4, 6, 3), inner=64),
    "wide_resnet50_2": ResNetSpec((3, 4, 6, 3), inner=128),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: [N, C_in, H, W] -> [N, width, H / stride, W / stride]."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut, rectify last."""
        y: Tensor = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y))
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        return (y + shortcut).relu()


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up beside a shortcut: [N, C_in, H, W] -> [N, width, H / stride, W / stride]."""

    def __init__(self, channels: int, width: int, stride: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut, rectify last."""
        y: Tensor = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        return (y + shortcut).relu()


class ResNet(Body):
    """The stem and the stages up to the deepest of `levels` (1 to 4, strides 4 to 32).

    `forward`: normalised pictures float32[N, 3, H, W] -> one float32[N, C_l, H / stride_l, W / stride_l] a level.
    Raises SettingsError for levels it does not have.
    """

    def __init__(self, name: str, levels: tuple[int, ...]) -> None:
        super().__init__()
        check_levels(name, levels, deepest=len(WIDTHS))
        spec = SPECS[name]
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels, facts = 64, []
        for number in range(1, levels[-1] + 1):
            stage = _stage(channels, number, spec)
            channels = WIDTHS[number - 1] * (1 if spec.inner is None else 4)
            self.add_module(f"layer{number}", stage)
            facts.append(Level(f"layer{number}", channels, 2 ** (number + 1)))
        self.wanted = levels
        self.levels = tuple(facts[number - 1] for number in levels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the stages one after another and keep what was asked for."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        kept = []
        for number in range(1, self.wanted[-1] + 1):
            x = self.get_submodule(f"layer{number}")(x)
            if number in self.wanted:
                kept.append(x)
        return kept


def _stage(channels: int, number: int, spec: ResNetSpec) -> nn.Sequential:
    width = WIDTHS[number - 1]
    blocks: list[nn.Module] = []
    for index in range(spec.blocks[number - 1]):
        stride = 2 if index == 0 and number > 1 else 1
        if spec.inner is None:
            blocks.append(BasicBlock(channels, width, stride))
            channels = width
        else:
            blocks.append(Bottleneck(channels, 4 * width, stride, spec.inner * width // 64))
            channels = 4 * width
    return nn.Sequential(*blocks)


def _shortcut(channels: int, width: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and channels == width:
        return None
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
