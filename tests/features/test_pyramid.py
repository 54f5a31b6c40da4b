from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from restora.errors import SettingsError, UsageError
from restora.features.levels import Body, Level
from restora.features.pyramid import Aggregate, Trunk, load_trunk
from restora.features.settings import PAPER, SMALL, PyramidPlan
from restora.features.weights import Weights

FINE, COARSE = Level("fine", 2, 8), Level("coarse", 3, 16)


class Identity(Body):
    """Gives the normalised picture itself."""

    levels = (Level("input", 3, 1),)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return load_trunk("resnet18", weights="random", levels=(2, 3))


def test_pictures_are_normalised_inside() -> None:
    trunk = Trunk(Identity(), Weights("identity", None, "", "", ""))
    pictures = torch.tensor([255.0, 0.0, 127.5]).view(1, 3, 1, 1)
    (level,) = trunk(pictures)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]
    torch.testing.assert_close(level.flatten(), torch.tensor(expected))


def test_bytes_and_floats_of_a_picture_give_the_same(trunk: Trunk) -> None:
    pictures = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for got, expected, level in zip(trunk(pictures), trunk(pictures.float()), trunk.levels, strict=True):
        assert torch.equal(got, expected)
        assert got.dtype == torch.float32
        assert tuple(got.shape) == (2, *level.shape((64, 96)))


def test_a_trunk_never_learns(trunk: Trunk) -> None:
    nn.Sequential(trunk).train()
    assert not any(module.training for module in trunk.modules())
    assert not any(parameter.requires_grad for parameter in trunk.parameters())


def test_channels_last_pictures_stay_so(trunk: Trunk) -> None:
    pictures = torch.zeros(2, 64, 64, 3).permute(0, 3, 1, 2)
    assert all(level.is_contiguous(memory_format=torch.channels_last) for level in trunk(pictures))


@pytest.mark.parametrize(("size", "near"), [((250, 256), "256x256"), ((64, 1), "64x32"), ((0, 0), "32x32")])
def test_a_size_that_cannot_be_taken_is_refused_with_the_nearest(
    trunk: Trunk, size: tuple[int, int], near: str
) -> None:
    with pytest.raises(SettingsError, match=f"multiples of 32; use --size {near}"):
        trunk.check_size(size)


def test_sizes_of_multiples_are_taken(trunk: Trunk) -> None:
    trunk.check_size((32, 650 // 32 * 32))


@pytest.mark.parametrize(("name", "near"), [("resnet81", "resnet18"), ("wideresnet50_2", "wide_resnet50_2")])
def test_an_unknown_trunk_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"{name}.*nearest are .*{near}"):
        load_trunk(name, weights="random")


def test_pooling_counts_only_cells_that_are_there() -> None:
    level = torch.arange(9.0).view(1, 1, 3, 3)
    plan = PyramidPlan(levels=(2,), pool=3)
    (pooled,) = Aggregate(plan, [Level("a", 1, 8)])([level]).levels
    # corners: mean of four, edges: of six, middle: of nine
    expected = [[2.0, 2.5, 3.0], [3.5, 4.0, 4.5], [5.0, 5.5, 6.0]]
    torch.testing.assert_close(pooled[0, 0], torch.tensor(expected))


def test_levels_kept_apart_are_divided_by_one_number_each() -> None:
    aggregate = Aggregate(SMALL, [FINE, COARSE])
    raw = [torch.full((1, 2, 4, 4), 6.0), torch.full((1, 3, 2, 2), 5.0)]
    aggregate.set_scale([2.0, 0.0])
    fine, coarse = aggregate(raw).levels
    assert aggregate.levels == (FINE, COARSE)
    assert torch.equal(fine, torch.full((1, 2, 4, 4), 3.0))
    assert torch.equal(coarse, raw[1]), "a level that never varies is left as it is"


def test_merged_levels_lie_on_the_first_grid() -> None:
    plan = PyramidPlan(levels=(2, 3), pool=1, merge=True, scaled=False)
    aggregate = Aggregate(plan, [FINE, COARSE])
    aggregate.set_scale([7.0, 8.0])  # not asked for by this plan
    ramp = torch.tensor([0.0, 9.0]).view(1, 1, 2, 1).expand(1, 3, 2, 2)
    (merged,) = aggregate([torch.full((1, 2, 4, 4), 5.0), ramp]).levels
    assert aggregate.levels == (Level("fine+coarse", 5, 8),)
    assert torch.equal(merged[:, :2], torch.full((1, 2, 4, 4), 5.0))
    # corners stay where they are, so a ramp of 0 and 9 over four cells is 0, 3, 6, 9
    torch.testing.assert_close(merged[0, 2:, :, 1], torch.tensor([[0.0, 3.0, 6.0, 9.0]]).expand(3, 4))


def test_merged_levels_lie_on_the_grid_of_the_level_that_is_named() -> None:
    """Finer ones are averaged over its cells, coarser ones enlarged with cells in their places."""
    plan = PyramidPlan(levels=(1, 2, 3), pool=1, merge=True, grid_level=2, scaled=False)
    aggregate = Aggregate(plan, [Level("finest", 1, 4), FINE, COARSE])
    finest = torch.arange(64.0).view(1, 1, 8, 8)
    middle = torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    ramp = torch.tensor([0.0, 8.0]).view(1, 1, 2, 1).expand(1, 3, 2, 2)
    raw = [finest, middle, ramp]
    assert [tuple(kept.shape[1:]) for kept in aggregate.pooled(raw)] == [
        level.shape((32, 32)) for level in aggregate.inputs
    ]
    (merged,) = aggregate(raw).levels
    assert aggregate.levels == (Level("finest+fine+coarse", 6, 8),)
    assert merged.shape == (1, 6, 4, 4)
    assert merged[0, 0, 0].tolist() == [4.5, 6.5, 8.5, 10.5]  # (0 + 1 + 8 + 9) / 4 and so on
    assert torch.equal(merged[:, 1:3], middle)
    # a coarse cell's middle lies between those of its two fine cells, and nothing is known beyond the outer middles
    torch.testing.assert_close(merged[0, 3:, :, 1], torch.tensor([[0.0, 2.0, 6.0, 8.0]]).expand(3, 4))


@pytest.mark.parametrize("changes", [{"grid_level": 1}, {"grid_level": 2, "merge": False}])
def test_a_grid_that_no_merged_level_has_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="grid_level names one of the levels"):
        PyramidPlan.model_validate({"levels": (2, 3), "merge": True, **changes})


def test_merged_levels_are_scaled_each_by_its_own_number() -> None:
    aggregate = Aggregate(PyramidPlan(levels=(2, 3), merge=True), [FINE, COARSE])
    aggregate.set_scale([2.0, 4.0])
    (merged,) = aggregate([torch.full((1, 2, 4, 4), 6.0), torch.full((1, 3, 2, 2), 6.0)]).levels
    assert merged[0, :, 0, 0].tolist() == [3.0, 3.0, 1.5, 1.5, 1.5]


def test_the_papers_pyramid_has_1792_channels_at_a_quarter() -> None:
    trunk = load_trunk("wide_resnet50_2", weights="random", levels=PAPER.levels)
    aggregate = Aggregate(PAPER, trunk.levels)
    (level,) = aggregate.levels
    assert level.shape((256, 256)) == (1792, 64, 64)
    with torch.inference_mode():
        (merged,) = aggregate(trunk(torch.zeros(1, 3, 64, 64))).levels
    assert merged.shape == (1, 1792, 16, 16)


@pytest.mark.parametrize("plan", [SMALL, PAPER])
def test_trunk_and_pyramid_can_be_exported_for_any_number_of_pictures(plan: PyramidPlan) -> None:
    trunk = load_trunk("resnet18", weights="random", levels=plan.levels)
    aggregate = Aggregate(plan, trunk.levels)

    class Way(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk, self.aggregate = trunk, aggregate

        def forward(self, pictures: Tensor) -> list[Tensor]:
            levels: list[Tensor] = self.aggregate(self.trunk(pictures)).levels
            return levels

    way = Way().eval()
    sample = torch.zeros(2, 3, 32, 64, dtype=torch.uint8)
    program = torch.export.export(way, (sample,), dynamic_shapes=({0: torch.export.Dim("n")},), strict=False)
    pictures = torch.randint(0, 256, (3, 3, 32, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for got, expected in zip(program.module()(pictures), way(pictures), strict=True):
        torch.testing.assert_close(got, expected)
