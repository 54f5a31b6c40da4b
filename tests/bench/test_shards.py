"""Parts of a benchmark in folders of their own, brought together: the tables of one run, byte for byte."""

from __future__ import annotations

import os

import pytest

from restora.bench.cells import list_cells
from restora.bench.folder import RunFolder
from restora.bench.run import Benchmark, run_cells
from restora.bench.shards import find_elsewhere, group_cells, share_cells, take_cells
from restora.cli.run import run
from restora.errors import UsageError


def silent(sentence: str) -> None:
    """Nobody reads it."""


@pytest.fixture
def joined(toml) -> str:
    """Both methods, both joined, and the control, on two products with two seeds."""
    return toml.replace('["control", "ura-net"]', '["both", "control"]')


def tables(plan, folder) -> list[bytes]:
    one = Benchmark(plan, folder)
    one.write()
    return [path.read_bytes() for path in (one.table, one.table.with_name("runs.csv"))]


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 20])
def test_every_cell_is_in_one_part_and_joined_ones_are_with_theirs(plan, joined, parts):
    cells = list_cells(plan(joined))
    shares = [share_cells(cells, part, parts) for part in range(1, parts + 1)]
    assert sorted(cell.name for share in shares for cell in share) == sorted(cell.name for cell in cells)
    for share in shares:
        names = [cell.name for cell in share]
        for cell in share:
            assert all(names.index(part.name) < names.index(cell.name) for part in cell.parts)


def test_parts_are_every_nth_group(plan, joined):
    cells = list_cells(plan(joined))
    labels = [[cell.label for cell in group] for group in group_cells(cells)]
    assert labels[:2] == [
        ["ura-net resnet18 fabric 0", "mfr-net resnet18 fabric 0", "both resnet18 fabric 0"],
        ["control resnet18 fabric 0"],
    ]
    assert len(labels) == 8
    assert [cell.label for cell in share_cells(cells, 2, 4)] == labels[1] + labels[5]


def test_what_two_joined_cells_share_keeps_them_together(plan, joined):
    cells = list_cells(plan(joined))[:3]
    both = cells[2]
    again = type(both)(**{**vars(both), "seed": 9})  # of the same finished models
    (group,) = group_cells([*cells, again])
    assert group == [*cells, again]


@pytest.mark.parametrize("parts", [2, 3])
def test_folders_of_parts_give_the_tables_of_one_run(plan, joined, tmp_path, counter, parts):
    plan = plan(joined)
    cells = list_cells(plan)
    run_cells(cells, RunFolder(tmp_path / "whole"), counter(), silent)
    folders = [tmp_path / f"part{part}" for part in range(1, parts + 1)]
    for part, folder in enumerate(folders, 1):
        run_cells(share_cells(cells, part, parts), RunFolder(folder), counter(), silent)
    together = RunFolder(tmp_path / "together")
    found = find_elsewhere(cells, folders)
    assert len(found) == len(cells)
    take_cells(cells, together, found)
    assert tables(plan, together) == tables(plan, RunFolder(tmp_path / "whole"))


def test_parts_are_brought_together_by_the_command_without_torch(write, joined, plan, tmp_path, counter, capsys):
    file = write(joined)
    cells = list_cells(plan(joined))
    run_cells(cells, RunFolder(tmp_path / "whole"), counter(), silent)
    for part in (1, 2):
        run_cells(share_cells(cells, part, 2), RunFolder(tmp_path / f"part{part}"), counter(), silent)
    line = ["benchmark", str(file), "--out", str(tmp_path / "all"), "--take", str(tmp_path / "part1")]
    assert run([*line, "--dry-run"]) == 0
    told = capsys.readouterr()
    assert (told.out.count("to be taken"), told.out.count("to do")) == (12, 4)  # three of a group, and one
    assert "16 cells, 12 of them finished" in told.err
    assert not (tmp_path / "all").exists()
    assert run([*line, "--take", str(tmp_path / "part2")]) == 0
    assert "16 cells, 16 of them finished before." in capsys.readouterr().err
    tables(plan(joined), RunFolder(tmp_path / "whole"))
    for name in ("results.csv", "runs.csv"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_part_is_dry_run_alone(write, joined, tmp_path, capsys):
    assert run(["benchmark", str(write(joined)), "--out", str(tmp_path / "a"), "--shard", "2/4", "--dry-run"]) == 0
    labels = [line.removeprefix("to do        ") for line in capsys.readouterr().out.splitlines()]
    assert labels == ["control resnet18 fabric 0", "control resnet18 fabric 1"]


def test_all_parts_are_all_cells_however_many_parts_there_are(write, joined, tmp_path, capsys):
    line = ["benchmark", str(write(joined)), "--out", str(tmp_path / "a"), "--dry-run"]
    assert run([*line, "--shard", "all/999999999"]) == 0
    told = capsys.readouterr().out
    assert run(line) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "add --data"),
        (["--data", ".", "--table", "{tmp}/small.toml/x.csv"], "small.toml is none"),
        (["--data", ".", "--table", "{tmp}/pipe.csv"], "a pipe or a device"),
        (["--data", ".", "--table", "{tmp}/" + "n" * 250 + ".csv"], "name too long"),
        (["--data", ".", "--jobs", "2", "--engine", "ray"], "leave one of them out"),
    ],
)
def test_cells_are_not_taken_where_the_rest_cannot_be_run(write, plan, toml, tmp_path, counter, capsys, more, told):
    text = toml.replace('fabric = { drawn = "fabric"', 'fabric = { path = "a" } #')
    os.mkfifo(tmp_path / "pipe.csv")
    run_cells(list_cells(plan(text))[:1], RunFolder(tmp_path / "part"), counter(), silent)
    line = ["benchmark", str(write(text)), "--out", str(tmp_path / "all"), "--take", str(tmp_path / "part")]
    assert run([*line, *(word.format(tmp=tmp_path) for word in more)]) == 2
    said = capsys.readouterr().err
    assert told in said.replace("File name", "name")
    assert said.count("\n") == 1
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("more", [["--shard", "0/4"], ["--take", "nowhere"], ["--seeds", "9" * 5000]])
def test_a_part_that_is_none_and_a_folder_without_cells_are_refused(write, joined, tmp_path, capsys, more):
    assert run(["benchmark", str(write(joined)), "--out", str(tmp_path / "a"), *more]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a").exists()


def test_a_damaged_cell_elsewhere_is_named(plan, joined, tmp_path, counter):
    cells = list_cells(plan(joined))
    run_cells(cells[:1], RunFolder(tmp_path), counter(), silent)
    (path,) = tmp_path.glob("cells/*")
    path.write_text(path.read_text()[:-9])
    with pytest.raises(UsageError, match="is damaged"):
        find_elsewhere(cells, [tmp_path])
