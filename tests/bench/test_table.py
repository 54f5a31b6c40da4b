"""What the tables hold, and means and deviations against their definitions."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from restora.bench.cells import list_cells
from restora.bench.folder import RunFolder
from restora.bench.forms import to_latex
from restora.bench.run import Benchmark, run_cells
from restora.bench.table import FIGURES, overall, read_tables, to_csv, write_tables


@pytest.fixture
def run(plan, toml, tmp_path, counter) -> Benchmark:
    """A finished benchmark with a second trunk, and a name that sorts before the usual one."""
    more = '\n[[grid]]\nmethods = ["ura-net"]\ncategories = ["fabric"]\ntrunks = ["restora-tiny", "resnet34"]\n'
    made = Benchmark(plan(toml + more), RunFolder(tmp_path / "run"))
    run_cells(made.cells, made.folder, counter(), lambda sentence: None)
    made.write()
    return made


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_results_are_sorted_and_have_four_digits_and_no_times(run):
    found = rows(run.table)
    assert list(found[0]) == ["method", "trunk", "size", "category", "seed", *FIGURES]
    assert [(row["method"], row["trunk"], row["category"], row["seed"]) for row in found] == [
        *(("ura-net", "resnet18", category, seed) for category in ("fabric", "cap") for seed in "01"),
        ("ura-net", "resnet34", "fabric", "0"),
        ("ura-net", "restora-tiny", "fabric", "0"),
        *(("control", "resnet18", category, seed) for category in ("fabric", "cap") for seed in "01"),
    ]
    assert all(len(row[figure]) == 6 and 0 <= float(row[figure]) <= 1 for row in found for figure in FIGURES)
    taken = rows(run.table.with_name("runs.csv"))
    assert [(row["method"], row["trunk"], row["category"], row["seed"]) for row in taken] == [
        (row["method"], row["trunk"], row["category"], row["seed"]) for row in found
    ]
    assert {row["fit_seconds"] for row in taken} == {"1.5"}


def test_another_name_of_the_table_names_the_other_one_too(run, plan, toml, tmp_path):
    named = Benchmark(run.plan, run.folder, named=tmp_path / "new" / "mine.csv")
    named.write()
    assert named.table.read_bytes() == run.table.read_bytes()
    assert (tmp_path / "new" / "mine-runs.csv").read_bytes() == run.table.with_name("runs.csv").read_bytes()


def test_what_is_undefined_is_empty(run):
    without = [one.model_copy(update={"pixel_auroc": None, "aupro_30": None}) for one in run.records()[:1]]
    assert to_csv(without, FIGURES).splitlines()[1] == f"{without[0].image_auroc:.4f},,"


def test_means_and_deviations_are_those_of_their_definition(run):
    mine = [one for one in run.records() if one.method == "control"]
    grid = np.array([[one.image_auroc for one in mine if one.category == name] for name in ("fabric", "cap")])
    whole, spread = overall(mine, ("fabric", "cap"), "image_auroc")
    assert whole == pytest.approx(grid.mean())
    assert spread == pytest.approx(grid.mean(0).std(ddof=1))


def test_a_mean_waits_for_every_category_and_a_deviation_for_two_seeds(run):
    mine = [one for one in run.records() if one.method == "control"]
    assert overall([one for one in mine if one.category == "cap"], ("fabric", "cap"), "image_auroc") == (None, None)
    once = [one for one in mine if one.seed == 0]
    whole, spread = overall(once, ("fabric", "cap"), "image_auroc")
    assert spread is None
    assert whole == pytest.approx(np.mean([one.image_auroc for one in once]))
    # one category has a seed more: its mean counts once, and the deviation has the common seeds
    uneven = [one for one in mine if one.seed == 0 or one.category == "cap"]
    whole, spread = overall(uneven, ("fabric", "cap"), "image_auroc")
    means = [np.mean([one.image_auroc for one in uneven if one.category == name]) for name in ("fabric", "cap")]
    assert whole == pytest.approx(np.mean(means))
    assert spread is None


def test_a_figure_that_a_category_has_not_is_left_out_of_its_mean(run):
    mine = [one for one in run.records() if one.method == "control" and one.seed == 0]
    mine[1] = mine[1].model_copy(update={"aupro_30": None})
    assert overall(mine, ("fabric", "cap"), "aupro_30")[0] == pytest.approx(mine[0].aupro_30)


def test_people_see_a_line_a_row_with_the_groups_named(run):
    head, line, *body = run.markdown().splitlines()
    assert head.split(" | ")[1:3] == ["fabric (develop)", "cap (report)"]
    assert line.count("|") == head.count("|")
    assert [text.split(" | ")[0] for text in body] == [
        *("| ura-net, resnet18", "| ura-net, resnet34", "| ura-net, restora-tiny", "| control, resnet18")
    ]
    tiny = body[2].split(" | ")
    assert tiny[2:4] == ["-", "-"]  # no cap with this trunk, and so no mean
    control = [one for one in run.records() if one.method == "control" and one.category == "cap"]
    means = [np.mean([getattr(one, figure) for one in control]) for figure in FIGURES]
    assert body[3].split(" | ")[2] == " / ".join(f"{value:.3f}" for value in means)


def test_the_same_table_lies_there_in_further_forms(run):
    run.write_forms()
    grid, folder = run.grid(), run.table.parent
    assert (folder / "results.md").read_text() == run.markdown() + "\n"
    tex = (folder / "results.tex").read_text().splitlines()
    assert tex[1] == r"\begin{tabular}{lrrrrr}"
    assert [tex[place] for place in (2, 4, -2, -1)] == [r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}"]
    assert [line.removesuffix(r" \\").split(" & ") for line in (tex[3], *tex[5:-2])] == grid
    before = {path: path.read_bytes() for path in folder.glob("results.*")}
    run.write_forms()
    assert {path: path.read_bytes() for path in folder.glob("results.*")} == before


def test_signs_that_mean_something_to_latex_are_written_as_themselves():
    text = to_latex([["a_b & c%", "x\\{}~^#$"], ["1", "2"]])
    assert r"a\_b \& c\% & x\textbackslash{}\{\}\textasciitilde{}\textasciicircum{}\#\$ \\" in text.splitlines()


def test_parquet_holds_what_the_csv_holds(run):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra tables")
    run.write_forms()
    found = parquet.read_table(run.table.with_suffix(".parquet")).to_pylist()
    told = [
        {**row, "seed": int(row["seed"]), **{name: float(row[name]) for name in FIGURES}} for row in rows(run.table)
    ]
    assert found == told


def test_only_cells_of_the_file_are_in_the_table(run, plan, toml):
    fewer = Benchmark(plan(toml.replace('"control", ', "")), run.folder)
    assert {one.method for one in fewer.records()} == {"ura-net"}
    assert len(fewer.records()) == len(list_cells(fewer.plan)) == 4


def test_what_is_read_back_is_what_was_written_with_figures_that_are_not_defined(run, tmp_path):
    written = [
        run.records()[0].model_copy(
            update={"image_auroc": 0.5, "pixel_auroc": None, "aupro_30": None, "cut": "a: 1, 2"}
        )
    ]
    write_tables(tmp_path / "results.csv", written)
    assert read_tables(tmp_path / "results.csv") == written
