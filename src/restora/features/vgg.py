"""VGG-16 up to the deepest level asked for, with the parameter names of published checkpoints.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration D. A level is what the last convolution of a block gives after its rectifier, before the pooling:
relu1_2 is level -1 (stride 1), relu2_2 level 0, relu3_3 level 1 (stride 4), relu4_3 level 2, relu5_3 level 3.
Names fit torchvision's and timm's files (`features.0.weight`, ...).
"""

from __future__ import annotations

from torch import Tensor, nn

from restora.features.levels import Body, Level, check_levels

BLOCKS = {-1: (64, 2), 0: (128, 2), 1: (256, 3), 2: (512, 3), 3: (512, 3)}  # level: channels, convolutions
FINEST, DEEPEST = min(BLOCKS), max(BLOCKS)


class VGG(Body):
    """The convolutions of VGG-16 up to the deepest of `levels` (-1 to 3, strides 1 to 16).

    `forward`: normalised pictures float32[N, 3, H, W] -> one float32[N, C_l, H / stride_l, W / stride_l] a level.
    Raises SettingsError for levels it does not have.
    """

    def __init__(self, name: str, levels: tuple[int, ...]) -> None:
        super().__init__()
        check_levels(name, levels, deepest=DEEPEST, finest=FINEST)
        layers: list[nn.Module] = []
        self.ends: list[int] = []
        facts, channels = [], 3
        for number in range(FINEST, levels[-1] + 1):
            width, depth = BLOCKS[number]
            if number > FINEST:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            if number in levels:
                self.ends.append(len(layers) - 1)
                facts.append(Level(f"relu{number + 2}_{depth}", width, 2 ** (number + 1)))
        self.features = nn.Sequential(*layers)
        self.levels = tuple(facts)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the layers one after another and keep what was asked for."""
        kept = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.ends:
                kept.append(x)
        return kept
