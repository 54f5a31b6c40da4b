from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from restora.errors import SettingsError
from restora.features.levels import Level
from restora.features.vgg import VGG

# index of each convolution in `features`: (outputs, inputs)
VGG16 = {
    0: (64, 3),
    2: (64, 64),
    5: (128, 64),
    7: (128, 128),
    10: (256, 128),
    12: (256, 256),
    14: (256, 256),
    17: (512, 256),
    19: (512, 512),
    21: (512, 512),
    24: (512, 512),
    26: (512, 512),
    28: (512, 512),
}
LEVELS = (
    Level("relu1_2", 64, 1),
    Level("relu2_2", 128, 2),
    Level("relu3_3", 256, 4),
    Level("relu4_3", 512, 8),
    Level("relu5_3", 512, 16),
)


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        body = VGG("vgg16", (3,))
    expected = {f"features.{index}.weight": (*pair, 3, 3) for index, pair in VGG16.items()}
    expected |= {f"features.{index}.bias": pair[:1] for index, pair in VGG16.items()}
    assert {name: tuple(tensor.shape) for name, tensor in body.state_dict().items()} == expected
    assert sum(tensor.numel() for tensor in body.state_dict().values()) == 14_714_688


def test_levels_carry_their_facts() -> None:
    with torch.device("meta"):
        assert VGG("vgg16", (-1, 0, 1, 2, 3)).levels == LEVELS
        assert VGG("vgg16", (1, 2)).levels == LEVELS[2:4]


def test_levels_are_taken_before_the_pooling() -> None:
    body = VGG("vgg16", (-1, 0, 1)).eval()
    state = body.state_dict()
    pictures = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    x, expected = pictures, []
    with torch.inference_mode():
        for block in ((0, 2), (5, 7), (10, 12, 14)):
            for index in block:
                kernel, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
                x = functional.conv2d(x, kernel, bias, padding=1).clamp(min=0)
            expected.append(x)
            x = functional.max_pool2d(x, 2)
        for got, wanted in zip(body(pictures), expected, strict=True):
            torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("levels", [(-2, 1), (3, 4), (1, 0)])
def test_levels_that_are_not_there_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="from -1 to 3"):
        VGG("vgg16", levels)
