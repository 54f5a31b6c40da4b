from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from restora.errors import UsageError
from restora.features.settings import PAPER, SMALL, TRUNKS, PyramidPlan, TrunkSettings, check_trunk_name


def test_settings_load_no_torch() -> None:
    program = "import sys, restora.features.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", [*TRUNKS, "timm/convnext_atto"])
def test_names_that_exist_pass(name: str) -> None:
    assert check_trunk_name(name) == name


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("resnet19", "resnet18"), ("ResNet50", "resnet50"), ("vgg", "vgg16"), ("xyz", "resnet18"), ("timm/", "timm/NAME")],
)
def test_names_that_do_not_exist_come_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_trunk_name(name)
    assert repr(name) in str(caught.value)
    assert nearest in str(caught.value)


@pytest.mark.parametrize("levels", [(), (3, 2), (2, 2)])
def test_plans_take_different_levels_in_order(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        PyramidPlan(levels=levels)


def test_presets_and_round_trip() -> None:
    assert (SMALL.levels, SMALL.merge, SMALL.scaled) == ((2, 3), False, True)
    assert (PAPER.levels, PAPER.merge, PAPER.scaled) == ((1, 2, 3), True, False)
    assert PyramidPlan.model_validate_json(PAPER.model_dump_json()) == PAPER
    with pytest.raises(ValidationError):
        TrunkSettings.model_validate({"nam": "resnet18"})
