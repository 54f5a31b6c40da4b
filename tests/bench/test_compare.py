"""Paired differences against scipy's own tests, and what is refused to be called one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from restora.bench.compare import compare, difference, spread
from restora.bench.figures import FIGURE_NAMES, read_cells
from restora.cli.run import run
from restora.errors import UsageError

HEAD = "method,trunk,size,category,seed,image_auroc,pixel_auroc,aupro_30"


def pairs_of(grid: np.ndarray) -> dict[tuple[str, int], float]:
    """Differences [categories, seeds] by name."""
    return {(f"c{c}", s): float(value) for (c, s), value in np.ndenumerate(grid)}


def lines(row: str, grid: np.ndarray, size: str = "64x64") -> list[str]:
    return [
        f"{row},resnet18,{size},{category},{seed},{value:.4f},{value / 2:.4f},"
        for (category, seed), value in pairs_of(grid).items()
    ]


def write(path, *parts: list[str]):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([HEAD, *(line for part in parts for line in part)]) + "\n", encoding="utf-8")
    return path


def test_mean_and_interval_are_those_of_a_paired_t_test():
    draws = np.random.default_rng(0)
    a, b = draws.uniform(0.5, 1, (2, 5, 3))
    found = difference(pairs_of(b - a))
    test = stats.ttest_rel(b.mean(1), a.mean(1))
    interval = test.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean == pytest.approx((b - a).mean())
    assert found.of_categories == pytest.approx((b - a).mean(1).std(ddof=1))
    assert found.of_seeds == pytest.approx((b - a).mean(0).std(ddof=1))
    assert (found.doubt is None) == (test.pvalue < 0.05 and abs(found.mean) > found.of_seeds)


def test_of_one_category_the_interval_is_over_its_seeds():
    grid = np.array([[0.02, 0.03, 0.025, 0.02]])
    found = difference(pairs_of(grid))
    interval = stats.ttest_1samp(grid[0], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.of_categories is None
    assert found.doubt is None


@pytest.mark.parametrize(
    ("grid", "doubt"),
    [
        (np.full((4, 1), 0.1), "fewer than two seeds"),
        (np.array([[0.1]]), "fewer than two seeds"),
        (np.array([[0.3, 0.3], [-0.1, -0.1], [0.1, 0.1]]), "the interval over categories holds 0"),
        (np.array([[0.3, -0.1]]), "the interval over seeds holds 0"),
        (np.array([[0.2, -0.1], [0.21, -0.1], [0.2, -0.11]]), "not larger than the spread over seeds"),
        (np.zeros((3, 3)), "the interval over categories holds 0"),
    ],
)
def test_what_does_not_exceed_the_spread_is_no_difference(grid, doubt):
    assert difference(pairs_of(grid)).doubt.startswith(doubt)
    assert difference(pairs_of(-grid)).doubt.startswith(doubt)


def test_of_equals_no_more_than_one_in_twenty_are_called_different_and_true_differences_are_found():
    draws = np.random.default_rng(1)
    noise = draws.normal(0, 0.01, (600, 6, 3)) + draws.normal(0, 0.01, (600, 6, 1))
    called = [difference(pairs_of(grid)).doubt is None for grid in noise]
    assert np.mean(called) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    # noise that all categories of a seed share is seen by the spread over seeds alone
    shared = draws.normal(0, 0.01, (600, 1, 3)) + draws.normal(0, 0.0005, (600, 6, 3))
    without = [difference(pairs_of(grid)) for grid in shared]
    assert np.mean([not one.low <= 0 <= one.high for one in without]) > 0.8
    assert np.mean([one.doubt is None for one in without]) < 0.6
    assert np.mean([difference(pairs_of(grid + 0.05)).doubt is None for grid in noise]) > 0.95


def test_an_uneven_grid_counts_each_category_once_and_only_common_seeds():
    pairs = {("a", 0): 0.1, ("a", 1): 0.3, ("a", 2): 0.8, ("b", 0): 0.2, ("b", 1): 0.2}
    found = difference(pairs)
    assert found.mean == pytest.approx((0.4 + 0.2) / 2)
    assert found.seeds == 2
    assert found.of_seeds == pytest.approx(np.std([0.15, 0.25], ddof=1))


def test_no_values_have_no_spread():
    with pytest.raises(ValueError, match="no values"):
        spread([])


def test_the_command_says_which_differences_exceed_the_spread(tmp_path, capsys):
    draws = np.random.default_rng(2)
    base = draws.uniform(0.7, 0.9, (5, 3))
    near, far = base + draws.normal(0, 0.01, base.shape), base + 0.05 + draws.normal(0, 0.002, base.shape)
    a = write(tmp_path / "a/results.csv", lines("ura-net", base), lines("mfr-net", base), lines("both", base))
    b = write(tmp_path / "b.csv", lines("ura-net", near, "32x32"), lines("mfr-net", far))
    assert run(["benchmark", "--compare", str(a.parent), str(b)]) == 0
    told = capsys.readouterr()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.out.splitlines()[2:]]
    assert [line[:4] for line in table] == [
        [row, "resnet18", figure, "5 x 3"]
        for row in ("ura-net", "mfr-net")
        for figure in ("image AUROC", "pixel AUROC")
    ]
    assert [line[-1].partition(":")[0] for line in table] == ["no difference shown"] * 2 + ["B is higher"] * 2
    assert "30 pairs of cells; 15 cells are in A only, 0 in B only." in told.err
    assert "In 15 pairs A's pictures are not of B's size" in told.err

    assert run(["benchmark", "--compare", str(b), str(b), "--rows", "mfr-net,ura-net", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [one["row"] for one in record["differences"]] == ["mfr-net against ura-net"] * 2
    assert record["differences"][0]["shown"]
    assert record["differences"][0]["mean"] == pytest.approx((near - far).mean(), abs=1e-4)


def test_a_table_of_ablations_is_compared_by_part_and_change(tmp_path):
    path = tmp_path / "ablations.csv"
    path.write_text(
        "part,change,category,seed,image_auroc,pixel_auroc,aupro_30\nFASM,off,cap,0,0.9,0.8,\nRAM,off,cap,0,1,1,\n"
    )
    cells = read_cells(tmp_path)
    found = compare(cells, cells, ("FASM: off", "RAM: off"))
    assert [(one.figure, round(one.mean, 4)) for one in found.differences] == [
        ("image_auroc", 0.1),
        ("pixel_auroc", 0.2),
    ]
    assert set(FIGURE_NAMES) > {one.figure for one in found.differences}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{a}", "{a}", "--rows", "ura-net"], "name the row of A and that of B"),
        (["{a}", "{a}", "--rows", "ura-net,x"], "no row 'x' in the table; there are ura-net"),
        (["{a}", "{b}"], "No cell of one table has a partner"),
        (["{a}", "{twice}"], "is there twice"),
        (["{a}", "{broken}"], "line 2, is no cell of a benchmark"),
        (["{a}", "{gone}"], "cannot be read (No such file or directory)"),
        (["{a}", "{a}", "x.toml"], "leave x.toml out"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(tmp_path, capsys, words, told):
    one = lines("ura-net", np.full((1, 1), 0.5))
    paths = {
        "a": write(tmp_path / "a.csv", one),
        "b": write(tmp_path / "b.csv", lines("control", np.full((1, 1), 0.5))),
        "twice": write(tmp_path / "twice.csv", one, one),
        "broken": write(tmp_path / "broken.csv", ["ura-net,resnet18,64x64,cap,0,high,,"]),
        "gone": tmp_path / "gone",
    }
    assert run(["benchmark", "--compare", *(word.format(**paths) for word in words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert told in said.err


def test_a_benchmark_without_a_file_and_rows_without_tables_are_refused(capsys):
    assert run(["benchmark"]) == 2
    assert "name a TOML file, or two tables with --compare" in capsys.readouterr().err
    assert run(["benchmark", "x.toml", "--rows", "a,b"]) == 2
    assert "choose rows to run with --methods" in capsys.readouterr().err


def test_infinite_figures_are_no_figures(tmp_path):
    path = write(tmp_path / "a.csv", ["ura-net,resnet18,64x64,cap,0,inf,,"])
    with pytest.raises(UsageError, match="is no cell"):
        read_cells(path)
