"""Every ablation is a training that can be, and changes something."""

from __future__ import annotations

import csv

import pytest

from restora.bench.ablations import CHANGES, WHOLE, ablation_rows, list_ablations
from restora.bench.cells import list_cells
from restora.bench.folder import RunFolder
from restora.bench.run import Benchmark, run_cells
from restora.errors import SettingsError
from restora.training.settings import change_settings, run_preset

TABLE = '\n[ablations]\ncategories = ["cap"]\n\n[ablations.steps]\nura-net = 7\n'


def test_every_change_is_a_recipe_of_its_own(plan, toml):
    cells = list_ablations(plan(toml + TABLE))
    assert len({cell.recipe for cell in cells}) == len({cell.name for cell in cells}) == len(ablation_rows())
    usual = {method: run_preset(method).of(method) for method in CHANGES}
    for row in ablation_rows():
        made = change_settings(run_preset(row.method), row.changes)
        assert (made.of(row.method) == usual[row.method]) == (row.change == WHOLE), row.name
        assert made.of(row.method).trains


@pytest.mark.parametrize("method", list(CHANGES))
def test_a_method_as_it_is_stands_first(method):
    assert [change for _, change, _ in CHANGES[method]].index(WHOLE) == 0
    assert sum(change == WHOLE for _, change, _ in CHANGES[method]) == 1


def test_another_residual_is_fitted_behind_the_whole_methods_network(plan, toml):
    cells = {cell.label: cell for cell in list_ablations(plan(toml + TABLE))}
    residuals = [cell for cell in cells.values() if ".residual." in "".join(cell.row.changes)]
    assert residuals
    for cell in residuals:
        assert cell.row.kind == "refitted"
        (part,) = cell.parts
        assert (part.row.method, part.row.change) == (cell.row.method, WHOLE)
        assert list(cells).index(part.label) < list(cells).index(cell.label)
    assert {cell.row.kind for cell in cells.values() if cell not in residuals} == {"trained"}


def test_steps_are_those_of_the_file(plan, toml):
    cells = list_ablations(plan(toml + TABLE))
    steps = {cell.row.method: cell.settings.of(cell.row.method).fit.steps for cell in cells}
    assert steps == {"ura-net": 7, "mfr-net": run_preset("mfr-net").mfr_net.fit.steps}
    assert {(cell.category, cell.seed, cell.trunk) for cell in cells} == {("cap", 0, "resnet18")}


def test_a_file_without_the_table_has_nothing_to_take_away(plan, toml):
    with pytest.raises(SettingsError, match=r"no \[ablations\] in the file"):
        list_ablations(plan(toml))


def test_their_table_names_part_and_change(plan, toml, tmp_path, counter):
    run = Benchmark(plan(toml + TABLE), RunFolder(tmp_path), ablations=True)
    compute = counter()
    run_cells(run.cells, run.folder, compute, lambda sentence: None)
    run.write()
    with (tmp_path / "ablations.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == ["part", "change", "category", "seed", "image_auroc", "pixel_auroc", "aupro_30"]
    assert [(row["part"], row["change"]) for row in found] == [(row.part, row.change) for row in ablation_rows()]
    assert (tmp_path / "ablations-runs.csv").exists()
    assert run.markdown().splitlines()[3].startswith("| FASM: off |")
    assert not set(compute.done) & {cell.label for cell in list_cells(run.plan)}
