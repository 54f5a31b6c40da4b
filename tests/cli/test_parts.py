"""Parts of a job, and what joins them: the bytes of one process, and one sentence where they are not of one job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from restora.cli.run import run


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """Eleven pictures with odd names, two of them broken."""
    folder = tmp_path / "line"
    (folder / "b").mkdir(parents=True)
    names = ["0.png", 'b/a "quoted", one.png', "b/two\nlines.png", "b/größe.png", *(f"b/{n}.png" for n in range(7))]
    for number, name in enumerate(names):
        Image.new("RGB", (64, 32), (number * 20,) * 3).save(folder / name)
    for name in ("b/3.png", "b/5.png"):
        (folder / name).write_text("no picture")
    return folder


@pytest.fixture
def words(tiny_model: Path, line: Path) -> list[str]:
    return ["predict", str(tiny_model), str(line), "--threads", "1"]


def look(words: list[str], parts: int, out: Path, *more: str) -> None:
    for part in range(1, parts + 1):
        assert run([*words, "--shard", f"{part}/{parts}", "--out", str(out), *more]) in (0, 1)


def refused(capfd: pytest.CaptureFixture[str], line: list[str]) -> str:
    capfd.readouterr()
    assert run(line) == 2
    out, said = capfd.readouterr()
    assert out == ""
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("parts", [1, 2, 3, 7, 16])
def test_parts_joined_are_the_bytes_of_one_process(words, tmp_path, form, parts, capfdbinary):
    whole, joined, folder = tmp_path / f"whole.{form}", tmp_path / f"joined.{form}", tmp_path / "parts"
    assert run([*words, "--format", form, "--out", str(whole)]) == 1
    look(words, parts, folder, "--format", form)
    assert run(["merge", str(folder), "--out", str(joined)]) == 1  # as one process: there are error rows
    assert joined.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in folder.glob(f"*.{form}"))[0] == f"part-00001-of-{parts:05d}.{form}"
    capfdbinary.readouterr()
    assert run(["merge", str(folder)]) == 1
    assert capfdbinary.readouterr().out == whole.read_bytes()


def test_blocks_smaller_than_a_row_give_the_same_bytes(words, tmp_path, monkeypatch):
    look(words, 3, tmp_path / "parts")
    assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "large.csv")]) == 1
    monkeypatch.setattr("restora.report.merge.BLOCKS", 15)
    monkeypatch.setattr("restora.report.merge.SMALLEST_BLOCK", 1)
    assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "small.csv")]) == 1
    assert (tmp_path / "small.csv").read_bytes() == (tmp_path / "large.csv").read_bytes()


def test_parquet_parts_give_the_rows_of_one_process(words, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra tables")
    for place in ("rows", "merge"):
        monkeypatch.setattr(f"restora.report.{place}.PARQUET_GROUP", 2)
    whole, joined, folder = tmp_path / "whole.parquet", tmp_path / "joined.parquet", tmp_path / "parts"
    assert run([*words, "--format", "parquet", "--out", str(whole)]) == 1
    look(words, 4, folder, "--format", "parquet")
    assert run(["merge", str(folder), "--out", str(joined)]) == 1
    one, other = parquet.read_table(whole), parquet.read_table(joined)
    assert other.to_pylist() == one.to_pylist()
    assert other.schema.equals(one.schema, check_metadata=True)


def test_all_parts_one_by_one_are_those_of_many_processes(words, tmp_path, capfd):
    look(words, 4, tmp_path / "many")
    assert run([*words, "--shard", "all/4", "--out", str(tmp_path / "one")]) == 1
    assert "write i/n" in refused(capfd, [*words, "--shard", "all/0", "--out", str(tmp_path / "none")])
    assert "name a folder" in refused(capfd, [*words, "--shard", "all/4"])
    held = {name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("many", "one")}
    assert held["one"] == held["many"]


def test_a_finished_part_is_not_looked_at_again_and_ends_as_it_did(words, line, tmp_path, capfd):
    out = tmp_path / "parts"
    ends = [run([*words, "--shard", f"{part}/2", "--out", str(out), "--fail-on", "defect"]) for part in (1, 2)]
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    for picture in line.rglob("*.png"):
        picture.unlink()
    capfd.readouterr()
    again = [run([*words, "--shard", f"{part}/2", "--out", str(out), "--fail-on", "defect"]) for part in (1, 2)]
    assert again == ends == [1, 1]
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    assert capfd.readouterr().err.count("is finished.") == 2


def test_a_part_says_which_job_it_is_of(words, tmp_path):
    look(words, 2, tmp_path / "parts", "--false-alarms", "0.02")
    held = json.loads((tmp_path / "parts/part-00002-of-00002.csv.json").read_text())
    assert (held["part"], held["parts"], held["rows"], held["sources"]) == (2, 2, 5, 11)
    assert held["job"]["false_alarms"] == 0.02
    assert held["job"]["batch"] == 4
    assert sum(held["verdicts"].values()) == 5


@pytest.mark.parametrize("change", [["--batch", "2"], ["--threads", "2"], ["--false-alarms", "0.05"], ["--timings"]])
def test_parts_of_another_job_are_neither_taken_for_finished_nor_joined(words, tmp_path, capfd, change):
    look(words, 2, tmp_path / "one")
    look(words, 2, tmp_path / "other", *change)
    line = [*words, "--shard", "1/2", "--out", str(tmp_path / "one"), *change]
    assert "is of another job" in refused(capfd, line)
    for suffix in ("", ".json"):
        name = f"part-00002-of-00002.csv{suffix}"
        (tmp_path / "one" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    assert "another job than part 1" in refused(capfd, ["merge", str(tmp_path / "one"), "--out", str(tmp_path / "j")])
    assert not (tmp_path / "j").exists()


def test_pictures_that_came_in_between_are_noticed(words, line, tmp_path, capfd):
    out = tmp_path / "parts"
    assert run([*words, "--shard", "1/2", "--out", str(out)]) == 1
    (line / "0.png").rename(line / "1.png")
    assert run([*words, "--shard", "2/2", "--out", str(out)]) == 0
    assert "other sources than part 1" in refused(capfd, ["merge", str(out)])


def cut(out: Path) -> None:
    path = out / "part-00002-of-00003.csv"
    path.write_bytes(path.read_bytes()[:-9])


def change_a_row(out: Path) -> None:
    """As many bytes, but a line less."""
    path = out / "part-00002-of-00003.csv"
    path.write_bytes(path.read_bytes()[:-1] + b".")


def lose_facts(out: Path) -> None:
    (out / "part-00002-of-00003.csv.json").unlink()


def swap_facts(out: Path) -> None:
    other = out / "part-00001-of-00003.csv.json"
    (out / "part-00002-of-00003.csv.json").write_bytes(other.read_bytes())


def lose_a_part(out: Path) -> None:
    (out / "part-00002-of-00003.csv").unlink()


def mix(out: Path) -> None:
    (out / "part-00001-of-00004.csv").write_text("name\n")


def lose_all(out: Path) -> None:
    for path in out.iterdir():
        path.unlink()


def lose_the_folder(out: Path) -> None:
    lose_all(out)
    out.rmdir()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (cut, "bytes instead of"),
        (change_a_row, "does not hold the rows"),
        (lose_facts, "cannot be read"),
        (swap_facts, "is of another part"),
        (lose_a_part, "lacks 1 of 3 parts; run those of --shard 2/3"),
        (mix, "several jobs (of 00003.csv and of 00004.csv)"),
        (lose_all, "holds no part"),
        (lose_the_folder, "cannot be listed"),
    ],
)
def test_what_cannot_be_joined_is_one_sentence(words, tmp_path, capfd, harm, told):
    out = tmp_path / "parts"
    look(words, 3, out)
    harm(out)
    assert told in refused(capfd, ["merge", str(out), "--out", str(tmp_path / "rows.csv")])
    assert not [path for path in tmp_path.iterdir() if "rows" in path.name]


def test_a_file_of_another_form_is_refused(words, tmp_path, capfd):
    look(words, 1, tmp_path / "parts")
    assert "are csv" in refused(capfd, ["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "rows.jsonl")])


def test_what_was_joined_is_told_to_machines(words, tmp_path, capfd):
    look(words, 3, tmp_path / "parts")
    assert "name one with --out" in refused(capfd, ["merge", str(tmp_path / "parts"), "--json"])
    assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "rows.csv"), "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert told == {"parts": 3, "rows": 11, "verdicts": {"defect": 4, "error": 2, "ok": 5}, "threads": [1]}


def test_a_folder_of_parts_is_refused_before_the_model_is_opened(words, line, capfd):
    assert "cannot be a folder" in refused(capfd, [*words, "--shard", "1/2", "--out", str(line / "0.png")])
    many = [*words, "--shard", "1/100000", "--out", str(line / "parts")]
    assert "99999" in refused(capfd, many)
    assert not (line / "parts").exists()


def test_one_file_by_its_name_is_still_a_file(words, tmp_path):
    assert run([*words, "--shard", "1/2", "--out", str(tmp_path / "one.csv")]) == 1
    assert (tmp_path / "one.csv").read_text().startswith("name,")


def test_threads_that_nobody_named_are_told_where_they_differ(words, tmp_path, capfd):
    words = words[:3]
    look(words, 2, tmp_path / "parts")
    path = tmp_path / "parts/part-00002-of-00002.csv.json"
    held = json.loads(path.read_text())
    path.write_text(json.dumps({**held, "threads": held["threads"] + 1}))
    capfd.readouterr()
    assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "rows.csv")]) == 1
    assert "threads, so last digits may differ" in capfd.readouterr().err


def test_a_worker_killed_between_and_within_parts_loses_nothing(words, line, tmp_path):
    """Standard input names the pictures one by one, so that the process can be killed where the test wants it."""
    names = [str(path) for path in sorted(line.rglob("*.png")) if "\n" not in path.name]
    whole, out = tmp_path / "whole.csv", tmp_path / "parts"
    assert run([words[0], words[1], *names, *words[3:], "--out", str(whole)]) == 1
    shard = [sys.executable, "-m", "restora", words[0], words[1], *names, *words[3:], "--out", str(out)]
    # killed as soon as the first part lies there, somewhere in the second or behind it
    process = subprocess.Popen([*shard, "--shard", "all/5"], stderr=subprocess.DEVNULL)
    while process.poll() is None and not (out / "part-00001-of-00005.csv").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    first = (out / "part-00001-of-00005.csv").stat().st_mtime_ns
    # killed within a part: it waits for names on standard input that never come
    waiting = [sys.executable, "-m", "restora", words[0], words[1], "-", *words[3:], "--out", str(out / "b")]
    process = subprocess.Popen([*waiting, "--shard", "1/1"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(f"{names[0]}\n".encode() * 20)
    process.stdin.flush()
    while process.poll() is None and not list(out.glob("b/.unfinished-*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    process.stdin.close()
    assert not list(out.glob("b/part-*"))

    assert subprocess.run([*shard, "--shard", "all/5"], stderr=subprocess.DEVNULL, check=False).returncode == 1
    assert (out / "part-00001-of-00005.csv").stat().st_mtime_ns == first
    assert run(["merge", str(out), "--out", str(tmp_path / "rows.csv")]) == 1
    assert (tmp_path / "rows.csv").read_bytes() == whole.read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs limits of a process")
def test_more_parts_than_files_may_be_open(words, tmp_path):
    import resource

    look(words, 1, tmp_path / "whole")
    assert run([*words, "--shard", "all/200", "--out", str(tmp_path / "parts")]) == 1
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(100, soft), hard))
    try:
        assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "rows.csv")]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "whole/part-00001-of-00001.csv").read_bytes()


def test_an_engine_that_is_not_installed_is_named_and_nothing_is_written(words, tmp_path, capfd, monkeypatch):
    def not_there(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("restora.errors.import_module", not_there)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):  # set by the command
        monkeypatch.setenv(name, "")
    assert run([*words, "--engine", "ray", "--out", str(tmp_path / "rows.csv")]) == 3
    out, said = capfd.readouterr()
    assert out == ""
    assert "pip install 'restora[ray]'" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--engine", "spark"], "process, ray"),
        (["--workers", "2"], "add --engine ray"),
        (["--engine", "ray", "--runtime", "torch"], "no torch runtime"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(words, capfd, more, told):
    assert told in refused(capfd, [*words, *more])
