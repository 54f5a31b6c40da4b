"""Which cells a benchmark has, what decides them, and what does not."""

from __future__ import annotations

import pytest

from restora.bench.cells import choose_cells, list_cells, make_cell
from restora.bench.rows import ROWS
from restora.errors import SettingsError, UsageError


def labels(cells) -> list[str]:
    return [cell.label for cell in cells]


def test_the_rows_are_those_of_the_yardstick_in_their_order():
    assert [name for name in ROWS if name != "mfr-net-unmasked"] == [
        *("ura-net", "mfr-net", "both", "trunk-only", "control"),
        *("nearest-neighbour", "nearest-neighbour-coreset", "nearest-neighbour-position", "position-gaussian"),
        *("anomalib-patchcore", "anomalib-padim", "anomalib-stfpm", "anomalib-reverse-distillation"),
    ]


def test_a_grid_is_every_combination_and_grids_that_overlap_give_each_cell_once(plan, toml):
    more = '\n[[grid]]\nmethods = ["ura-net"]\ncategories = ["cap"]\ntrunks = ["resnet18", "restora-tiny"]\n'
    more += "seeds = [1, 2]\n"
    assert labels(list_cells(plan(toml))) == [
        f"{row} resnet18 {category} {seed}"
        for seed in (0, 1)
        for category in ("fabric", "cap")
        for row in ("control", "ura-net")
    ]
    added = labels(list_cells(plan(toml + more)))[8:]
    assert added == ["ura-net restora-tiny cap 1", "ura-net resnet18 cap 2", "ura-net restora-tiny cap 2"]


def test_a_file_without_a_grid_has_nothing_to_run(plan):
    with pytest.raises(SettingsError, match=r"no \[\[grid\]\]"):
        list_cells(plan('[categories]\ncap = "drawn:cap"\n'))


def test_parts_of_a_joined_model_come_before_it_and_are_added_where_nobody_named_them(plan, toml):
    text = toml.replace('["control", "ura-net"]', '["both", "ura-net"]').replace("[0, 1]", "[1]")
    cells = list_cells(plan(text))
    assert labels(cells)[:3] == ["ura-net resnet18 fabric 1", "mfr-net resnet18 fabric 1", "both resnet18 fabric 1"]
    assert [part.name for part in cells[2].parts] == [cell.name for cell in cells[:2]]
    chosen = choose_cells(cells, methods=["both"], categories=["cap"])
    assert labels(chosen) == ["ura-net resnet18 cap 1", "mfr-net resnet18 cap 1", "both resnet18 cap 1"]


def test_a_row_s_own_settings_win_over_the_file_s(plan, toml):
    made = plan(
        toml.replace('"ura_net.fit.batch" = 2', '"ura_net.restorer.body" = "tokens"\n"ura_net.pyramid.merge" = true')
    )
    control = make_cell(made, ROWS["control"], "resnet18", "cap", 3)
    assert control.settings.ura_net.restorer.body == "none"
    assert control.settings.ura_net.fit.steps == 2
    assert (control.settings.seed, control.settings.trunk.name, control.settings.trunk.weights) == (
        3,
        "resnet18",
        "random",
    )
    trunk_only = make_cell(made, ROWS["trunk-only"], "resnet18", "cap", 3).settings.ura_net
    assert (trunk_only.synthesis.enabled, trunk_only.perception.mode, trunk_only.attention.mode) == (
        False,
        "off",
        "off",
    )


def test_a_recipe_is_one_for_all_categories_and_seeds_and_a_name_changes_with_settings_and_pictures(plan, toml):
    made = plan(toml)
    cells = list_cells(made)
    assert len({cell.recipe for cell in cells}) == 2
    assert len({cell.name for cell in cells}) == 8
    other = {
        cell.label: cell
        for cell in list_cells(plan(toml.replace('steps" = 2', 'steps" = 3').replace("hard = 0 ", "hard = 1 ")))
    }
    for cell in cells:
        assert other[cell.label].name != cell.name
        assert other[cell.label].recipe != cell.recipe
    harder = {cell.label: cell for cell in list_cells(plan(toml.replace("hard = 0 ", "hard = 1 ")))}
    for cell in cells:
        assert harder[cell.label].recipe == cell.recipe
        assert (harder[cell.label].name == cell.name) == (cell.category == "fabric")


@pytest.mark.parametrize(("row", "minutes"), [("nearest-neighbour", False), ("anomalib-padim", True)])
def test_what_is_no_training_of_ours_does_not_run_anew_for_another_training(plan, toml, row, minutes):
    def recipe(text: str) -> str:
        return make_cell(plan(text), ROWS[row], "resnet18", "cap", 0).recipe

    assert recipe(toml) == recipe(toml.replace('steps" = 2', 'steps" = 3'))
    assert recipe(toml) != recipe(toml.replace('"ura_net.fit.batch" = 2', '"input.pixels" = 65536'))
    assert (recipe(toml) != recipe(toml + "\n[anomalib]\nminutes = 1\n")) == minutes


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"methods": ["contol"]}, "no row 'contol' in this benchmark, the nearest is control"),
        ({"categories": ["fabrik"]}, "the nearest is fabric"),
        ({"seeds": [7]}, "no seed '7' in this benchmark; there are 0, 1"),
    ],
)
def test_asking_for_what_no_cell_has_names_the_nearest(plan, toml, asked, told):
    with pytest.raises(UsageError, match=told):
        choose_cells(list_cells(plan(toml)), **asked)


def test_names_of_timm_s_trunks_make_no_folders(plan, toml):
    assert "/" not in make_cell(plan(toml), ROWS["ura-net"], "timm/resnet10t", "cap", 0).name
