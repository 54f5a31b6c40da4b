"""`restora benchmark` from a file to its tables, on drawn products with random weights."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from restora.bench.folder import RunFolder
from restora.bench.run import Benchmark, run_cells
from restora.bundle import read_model
from restora.cli.run import run


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_grid_is_run_measured_and_not_repeated(small, write, tmp_path, capsys):
    text = small.replace('["control", "ura-net"]', '["nearest-neighbour", "control"]')
    file, out = write(text.replace('["fabric", "cap"]\nseeds', '["gone", "cap"]\nseeds')), tmp_path / "run"
    line = ["benchmark", str(file), "--out", str(out), "--data", str(tmp_path)]
    assert run(line) == 1
    told = capsys.readouterr()
    assert told.out.startswith("| row |")
    assert "no/such/folder" in told.err
    found = rows(out / "results.csv")
    assert [(row["method"], row["category"]) for row in found] == [("control", "cap"), ("nearest-neighbour", "cap")]
    assert all(0 <= float(row[figure]) <= 1 for row in found for figure in ("image_auroc", "pixel_auroc", "aupro_30"))
    assert {row["size"] for row in found} == {"64x64"}
    taken = {row["method"]: row for row in rows(out / "runs.csv")}
    assert taken["control"]["steps"] == "0"
    assert float(taken["control"]["megabytes"]) > 0
    model = read_model(next(out.glob("models/control-*-cap-*.restora")))
    assert model.manifest.threads == 1

    before = {path: path.stat().st_mtime_ns for path in out.glob("[cm]*/*")}
    assert run([*line, "--categories", "cap", "--json"]) == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("[cm]*/*")} == before
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == {}
    assert [cell["method"] for cell in told["cells"]] == ["control", "nearest-neighbour"]
    assert told["cells"][0]["image_auroc"] == pytest.approx(float(found[0]["image_auroc"]), abs=1e-4)


def test_a_training_that_was_broken_off_goes_on(small, write, tmp_path, capsys, monkeypatch):
    from restora.training import train

    file, out = (
        write(small.replace('"ura_net.fit.steps" = 2', '"ura_net.fit.steps" = 2\n"ura_net.fit.save_every" = 1')),
        tmp_path / "run",
    )
    line = ["benchmark", str(file), "--out", str(out), "--methods", "ura-net", "--categories", "cap"]
    write_detector = train.write_detector

    def interrupt(*rest):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "write_detector", interrupt)
    assert run(line) == 130
    assert not (out / "cells").exists()
    assert list(out.glob("models/ura-net-*.restora.partial/state.json"))
    monkeypatch.setattr(train, "write_detector", write_detector)
    assert run(line) == 0
    (taken,) = rows(out / "runs.csv")
    assert taken["fit_seconds"] == ""
    assert taken["steps"] == "2"
    assert not list(out.glob("models/*.partial"))


@pytest.mark.slow
def test_both_is_joined_of_the_models_beside_it(small, write, tmp_path, capsys):
    text = small.replace('["control", "ura-net"]', '["both"]')
    out, file = tmp_path / "run", str(write(text))
    assert run(["benchmark", file, "--out", str(out), "--categories", "cap"]) == 0
    found = rows(out / "results.csv")
    assert [row["method"] for row in found] == ["ura-net", "mfr-net", "both"]
    assert read_model(next(out.glob("models/both-*"))).manifest.method == "both"

    # the parts' figures came with a table, and their models did not
    for path in (out / "results.csv", out / "runs.csv"):
        path.write_text("\n".join(path.read_text().splitlines()[:3]) + "\n")
    line = ["benchmark", file, "--out", str(tmp_path / "other"), "--table", str(out / "results.csv"), "--from-table"]
    capsys.readouterr()
    assert run([*line, "--categories", "cap", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "in the table ura-net resnet18 cap 0",
        "in the table mfr-net resnet18 cap 0",
        "to do        both resnet18 cap 0",
    ]
    assert run([*line, "--categories", "cap"]) == 0
    assert rows(out / "results.csv") == found


def test_a_dry_run_names_the_cells_and_writes_nothing(small, write, tmp_path, capsys):
    out = tmp_path / "run"
    before = sorted(tmp_path.rglob("*"))
    file = write(small)
    assert run(["benchmark", str(file), "--out", str(out), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"to do        {row} resnet18 {category} 0" for category in ("fabric", "cap") for row in ("control", "ura-net")
    ]
    assert told.err == "4 cells, 0 of them finished; nothing was written.\n"
    assert run(["benchmark", str(file), "--out", str(out), "--dry-run", "--json", "--methods", "control"]) == 0
    assert {(cell["method"], cell["state"]) for cell in json.loads(capsys.readouterr().out)} == {("control", "to do")}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, file])


@pytest.mark.parametrize(
    ("change", "words", "told"),
    [
        (
            ("threads = 1", "threads = 0\nnonsense = 1"),
            [],
            ["threads (line 2) is 0", "nonsense (line 3) is not a setting"],
        ),
        (('"ura-net"]', '"ura-ent"]'), [], ["the nearest is ura-net"]),
        (("", ""), ["--methods", "control,ura-nte"], ["the nearest is ura-net"]),
        (("", ""), ["--categories", "capp"], ["the nearest is cap"]),
        (("", ""), ["--table", "results.md"], ["name a file that ends in .csv"]),
        (("", ""), ["--seeds", "one"], ["'one', which is no whole number"]),
        (("", ""), ["--ablations"], ["no [ablations] in the file"]),
        (('{ drawn = "fabric"', '"a" #'), [], ["add --data"]),
    ],
)
def test_what_cannot_be_run_is_one_sentence(small, write, tmp_path, capsys, change, words, told):
    out = tmp_path / "run"
    assert run(["benchmark", str(write(small.replace(*change))), "--out", str(out), *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert all(part in said.err for part in told)
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["{file}", "--from-table", "--table", "{pipe}"],
        ["--compare", "{pipe}", "{pipe}"],
        ["{file}", "--table", "{pipe}"],
    ],
)
def test_a_pipe_is_no_table(small, write, tmp_path, capsys, words):
    os.mkfifo(tmp_path / "pipe.csv")
    line = [word.format(file=write(small), pipe=tmp_path / "pipe.csv") for word in words]
    assert run(["benchmark", *line]) == 2
    said = capsys.readouterr().err
    assert "a pipe or a device" in said
    assert said.count("\n") == 1


def without_torch(*words: object) -> tuple[str, str]:
    """What a benchmark prints and says in a fresh interpreter, which has not loaded torch in the end."""
    code = "import sys; from restora.cli.run import run; s = run(sys.argv[1:]); sys.exit(s or 'torch' in sys.modules)"
    line = [sys.executable, "-c", code, "benchmark", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_neither_help_nor_a_dry_run_loads_torch(small, write, tmp_path):
    assert "--dry-run" in without_torch("--help")[0]
    assert without_torch(write(small), "--out", tmp_path / "run", "--dry-run")[0].startswith("to do")


@pytest.mark.parametrize("words", [["--table", "{whole}/results.csv", "--from-table"], ["--take", "{whole}"]])
def test_a_run_whose_cells_are_all_elsewhere_loads_no_torch(small, write, plan, tmp_path, counter, words):
    whole = Benchmark(plan(small), RunFolder(tmp_path / "whole"))
    run_cells(whole.cells, whole.folder, counter(), lambda sentence: None)
    whole.write()
    table = whole.table.read_bytes()
    words = [word.format(whole=whole.folder.root) for word in words]
    said = without_torch(write(small), "--out", tmp_path / "run", *words)[1]
    assert "4 cells, 4 of them finished before." in said
    made = whole.table if "--table" in words else tmp_path / "run/results.csv"
    assert made.read_bytes() == table
    assert len(list(tmp_path.glob("run/cells/*.json"))) == 4


def test_a_table_that_lacks_a_cell_is_not_enough_without_torch(
    small, write, plan, tmp_path, counter, monkeypatch, capsys
):
    whole = Benchmark(plan(small), RunFolder(tmp_path / "whole"))
    run_cells(whole.cells[1:], whole.folder, counter(), lambda sentence: None)
    whole.write()
    monkeypatch.setitem(sys.modules, "torch", None)
    line = ["benchmark", str(write(small)), "--out", str(tmp_path / "run"), "--table", str(whole.table), "--from-table"]
    assert run(line) == 3
    assert "pip install 'restora[train]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    chosen = ["--methods", "ura-net"]  # all of which the table has
    assert run([*line, *chosen]) == 0


@pytest.mark.slow
def test_killed_in_a_training_and_run_again_the_table_is_byte_for_byte_that_of_an_unbroken_run(small, write, tmp_path):
    text = small.replace('"ura_net.fit.steps" = 2', '"ura_net.fit.steps" = 6\n"ura_net.fit.save_every" = 1')
    file = write(text)

    def command(out) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "restora", "benchmark", str(file), "--out", str(out), "--categories", "cap"]
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert command(whole).wait(600) == 0
    process = command(broken)
    while process.poll() is None and not list(broken.glob("models/ura-net-*.partial/state.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert [path.name.partition("-resnet18")[0] for path in broken.glob("cells/*")] == ["control"]
    assert command(broken).wait(600) == 0
    assert (broken / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()
    assert [row["fit_seconds"] == "" for row in rows(broken / "runs.csv")] == [True, False]


@pytest.mark.slow
def test_a_state_that_is_another_training_s_is_begun_anew(small, write, tmp_path, capsys, monkeypatch):
    import restora.training.plan as plan
    from restora.training import train

    file, out = write(small), tmp_path / "run"
    line = ["benchmark", str(file), "--out", str(out), "--methods", "ura-net", "--categories", "cap"]
    write_detector = train.write_detector
    monkeypatch.setattr(train, "write_detector", lambda *rest: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(line) == 130
    monkeypatch.setattr(train, "write_detector", write_detector)
    monkeypatch.setattr(plan, "__version__", "9.9.9")
    assert run(line) == 0
    assert "cannot go on, and begins anew" in capsys.readouterr().err
    assert read_model(next(out.glob("models/ura-net-*.restora"))).manifest.settings["steps"] == 2
