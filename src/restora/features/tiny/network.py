"""The network of `restora-tiny`: a residual network narrow enough to travel in the package.

A choice of ours. One 7x7 convolution and a maximum, then three stages of residual blocks at strides 4, 8 and 16; a
1x1 convolution behind each stage turns its features into the strongest principal components of the teacher's features
at the same level. Convolutions carry biases and no batch norm: `teaching/` teaches with norms and folds them.
"""

from __future__ import annotations

from torch import Tensor, nn

from restora.features.levels import Body, Level, check_levels

WIDTHS = (48, 96, 160)
BLOCKS = (1, 2, 2)


class Unit(nn.Sequential):
    """A convolution [N, C_in, H, W] -> [N, C_out, H / stride, W / stride]; behind it a batch norm while `normed`."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, normed: bool) -> None:
        super().__init__(nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=not normed))
        if normed:
            self.append(nn.BatchNorm2d(width))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; a strided shortcut averages, so that no cell is left out."""

    def __init__(self, channels: int, width: int, stride: int, normed: bool) -> None:
        super().__init__()
        self.first = Unit(channels, width, 3, stride, normed)
        self.second = Unit(width, width, 3, 1, normed)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.shortcut = nn.Identity() if channels == width else Unit(channels, width, 1, 1, normed)

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut, rectify last."""
        y: Tensor = self.second(self.first(x).relu()) + self.shortcut(self.pool(x))
        return y.relu()


class TinyNet(Body):
    """The stem and the stages up to the deepest of `levels` (1 to 3, strides 4 to 16).

    `forward`: normalised pictures float32[N, 3, H, W] -> one float32[N, C_l, H / stride_l, W / stride_l] a level, with
    48, 96 and 160 channels of either sign. `normed`: with batch norms, as it is taught.
    Raises SettingsError for levels it does not have.
    """

    def __init__(self, name: str, levels: tuple[int, ...], *, normed: bool = False) -> None:
        super().__init__()
        check_levels(name, levels, deepest=len(WIDTHS))
        self.stem = nn.Sequential(Unit(3, WIDTHS[0], 7, 2, normed), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        self.stages, self.heads = nn.ModuleList(), nn.ModuleDict()
        channels = WIDTHS[0]
        for number in range(1, levels[-1] + 1):
            width = WIDTHS[number - 1]
            strides = [2 if number > 1 else 1] + [1] * (BLOCKS[number - 1] - 1)
            self.stages.append(
                nn.Sequential(
                    *(Block(channels if i == 0 else width, width, stride, normed) for i, stride in enumerate(strides))
                )
            )
            if number in levels:
                self.heads[str(number)] = nn.Conv2d(width, width, 1)
            channels = width
        self.levels = tuple(Level(f"level{number}", WIDTHS[number - 1], 2 ** (number + 1)) for number in levels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the stages one after another and keep what was asked for, through its head."""
        x = self.stem(x)
        kept = []
        for number, stage in enumerate(self.stages, start=1):
            x = stage(x)
            if str(number) in self.heads:
                kept.append(self.heads[str(number)](x))
        return kept
