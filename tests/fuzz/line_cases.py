"""Command lines of every verb, with values good and bad, and the places that they name."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from restora.bench.cells import list_cells
from restora.bench.folder import RunFolder
from restora.bench.plan import BenchmarkSettings
from restora.bench.run import Benchmark
from restora.config import from_toml
from tests.bench.records import record_of

from .harness import mostly

#: Below the folder that a case runs in; {long} is a name as long as a name can be, {x} far longer.
PLACES = (
    "tiny.restora", "tiny.restora", "line", "line/0.png", "line/1.png", "parts", "parts/test", "list.csv",
    "gone", "gone.png", "gone/deep.csv", "empty", "pipe.png", "pipe.csv", "text.png", "ö/ü.png", "{long}.png",
    "{long}{long}", "line/*.png", "line/[", "**/*.png", ".", "..", "", " ", "-", "list.csv/x", "~",
    "a\udcffb.png", "shut", "run.toml", "/dev/null", "/dev/zero", "/dev/full", "/dev/stdin", "/proc/self/mem",
    "http://x/y.png", "loop", "{x}", "sets.zip", "sets.zip!parts", "sets.zip!gone", "sets.zip!line/0.png", "sets.zip!",
    "sets.tgz!parts", "cut.zip", "cut.zip!line/0.png", "list.parquet", "pipe.parquet", "bench.toml", "run",
    "run/results.csv", "half", "parted", "parted/part-00001-of-00002.csv", "train/good", "test/good",
)  # fmt: skip
OUTPUTS = (
    "out/rows.csv", "out/rows.csv", "out/report.html", "out/maps", "out/deep/er", "out/{long}", "out/old.csv",
    "out", "/dev/null", "/dev/full", "pipe.png", "gone/x.csv", "text.png/x", "", "out/a\udcff", "loop",
    "out/link.csv",
)  # fmt: skip
WORDS = (
    "0", "-1", "1", "2", "3", "7", "1024", "1025", "1e9", "9" * 25, "{9}", "nan", "inf", "-inf", "-0",
    "0.5", "1e-300", "0.01", "0.999999999999999999", "1e-7", "\u0663", "", "x", "1/1", "1/2", "2/2", "3/2",
    "0/0", "1/", "99/100", "1/x", "csv", "jsonl", "parquet", "npy", "png", "defect", "review", "auto", "onnx",
    "openvino", "torch", "mvtec-ad", "folder", "table", "small", "paper", "ura-net", "resnet18", "random",
    "cpu", "cuda", "32x32", "32x64", "1x1", "tiny.restora", "\u202e", "\n", "--", "-h", "--json", "%s{}",
    "a\udcff", "'; DROP", "all/2", "all/999999999", "999999999/999999999", "all/x", "ray", "process", "control",
    "control,both", "cap", "0,1", ",", "control,control",
)  # fmt: skip
FOLDERS = ("--normal", "--abnormal", "--normal-test", "--masks")
VERBS = {
    "predict": (2, ("--out", "--format", "--json", "--maps", "--map-format", "--overlays", "--false-alarms",
                    "--runtime", "--batch", "--threads", "--timings", "--fail-on", "--shard", "--engine",
                    "--workers")),
    "evaluate": (2, ("--report", "--layout", "--false-alarms", "--runtime", "--batch", "--threads", "--json",
                     *FOLDERS)),
    "calibrate": (2, ("--false-alarms", "--layout", "--runtime", "--batch", "--threads", "--json")),
    "info": (1, ("--json",)),
    "data inspect": (1, ("--layout", "--quick", "--json", *FOLDERS)),
    "merge": (1, ("--out", "--json")),
    "benchmark": (1, ("--out", "--data", "--table", "--from-table", "--dry-run", "--methods", "--categories", "--seeds",
                      "--ablations", "--shard", "--take", "--engine", "--device", "--jobs", "--compare", "--rows",
                      "--page", "--json")),
    "data layouts": (0, ("--json",)),
    "score-maps": (2, ("--json",)),
    "config show": (0, ("--method", "--preset", "--json")),
    "config check": (1, ("--json",)),
    "weights list": (0, ("--json",)),
    "weights import": (1, ("--name", "--licence", "--terms", "--overwrite", "--json")),
    "weights fetch": (1, ("--yes", "--overwrite", "--json")),
    "train": (1, ("--out", "--method", "--preset", "--trunk", "--weights", "--size", "--pixels", "--ignore", "--depth",
                  "--false-alarms", "--layout", "--textures", "--device", "--seed", "--minutes", "--resume",
                  "--overwrite", "--config", "--join", "--json", *FOLDERS)),
    "export": (1, ("--to", "--int8", "--pictures", "--json")),
    "doctor": (0, ("--json",)),
    "demo": (0, ("--out", "--quick", "--trunk", "--weights", "--json")),
    "": (0, ("--version", "--help", "-h")),
    "data": (0, ("--help",)),
    "trian": (1, ("--out",)),
}  # fmt: skip
FLAGS = {
    "--json", "--timings", "--quick", "--resume", "--overwrite", "--int8", "--yes", "--version", "--help", "-h",
    "--from-table", "--dry-run", "--ablations", "--page",
}  # fmt: skip
#: Of these values most are good, so that a line with several options still gets somewhere.
GOOD = {
    "--format": ("csv", "jsonl"), "--map-format": ("npy", "png"), "--false-alarms": ("0.05", "0.01", "1e-7"),
    "--runtime": ("auto", "onnx"), "--batch": ("1", "3", "7"), "--threads": ("1", "2"), 
    "--fail-on": ("defect", "review"),
    "--shard": ("1/1", "1/2", "2/2", "99/100"), "--layout": ("folder", "mvtec-ad"), "--size": ("32x64",),
    "--preset": ("small", "paper"), "--method": ("ura-net",), "--weights": ("random",), "--trunk": ("resnet18",),
    "--engine": ("process", "process", "ray"), "--workers": ("1", "2"), "--jobs": ("1", "2"),
    "--methods": ("control", "control,nearest-neighbour"), "--categories": ("cap", "cap,line3"), "--seeds": ("0", "1"),
    "--rows": ("control,nearest-neighbour", "control,control"), "--take": ("run", "half"), "--data": (".",),
    "--compare": ("run", "half", "run/results.csv"), "--device": ("cpu",), "--normal": ("train/good", "line"),
    "--abnormal": ("test/spot",), "--normal-test": ("test/good",), "--masks": ("ground_truth/spot",),
}  # fmt: skip
PATH_OPTIONS = {"--out", "--maps", "--overlays", "--report", "--table"}
PICTURES = ("line", "parts", "line/0.png", "line/*.png", "list.csv", "-", "parts/test", "list.parquet")
#: What a verb takes first; all else are pictures.
FIRST = {
    **dict.fromkeys(("predict", "evaluate", "calibrate", "info", "export"), ("tiny.restora",)),
    "benchmark": ("bench.toml",), "merge": ("parted",),
}  # fmt: skip
#: Half of all lines are of the verbs that people use most; training and its like take long to import and start.
FREQUENT = ("predict", "predict", "predict", "evaluate", "calibrate", "info", "data inspect", "score-maps",
            "benchmark", "benchmark", "merge")  # fmt: skip


WRITERS = ("predict", "evaluate", "merge", "benchmark")
BENCH = """
[weights]
resnet18 = "random"

[categories]
cap = { drawn = "cap", good = 9, test_good = 2, defective = 1, size = 64 }
line3 = { path = "parts", normal = "train/good", abnormal = "test/spot", normal_test = "test/good" }

[[grid]]
methods = ["control", "nearest-neighbour", "both"]
categories = ["cap", "line3"]
seeds = [0, 1]
"""


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """The words of one command line."""
    verb = draw(mostly(st.sampled_from(FREQUENT), st.sampled_from(sorted(VERBS)), 4))
    count, options = VERBS[verb]
    words = verb.split()
    for place in range(max(0, count + draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1, -1))))):
        good = FIRST.get(verb, PICTURES) if place == 0 else PICTURES
        words.append(draw(mostly(st.sampled_from(good), st.sampled_from(PLACES))))
    for option in draw(st.lists(st.sampled_from(options), max_size=3, unique=True)):
        words.append(option)
        if option not in FLAGS:
            words += [draw(_values(option, verb)) for _ in range(1 + (option == "--compare"))]
    if draw(st.integers(0, 19)) == 0:
        words.insert(draw(st.integers(0, len(words))), draw(st.sampled_from((*WORDS, "--bathc", "-x"))))
    return words


def _values(option: str, verb: str) -> st.SearchStrategy[str]:
    if option in PATH_OPTIONS:
        outputs = OUTPUTS if verb in WRITERS else ("out/new.restora", "tiny.restora", "out/old.csv", "line")
        return st.sampled_from(outputs)
    good = GOOD.get(option, PLACES)
    return mostly(st.sampled_from(good), st.sampled_from(WORDS), 4)


standard_inputs = st.sampled_from(
    (
        b"",
        b"line/0.png\nline/1.png\n",
        b"gone.png\n\xff\xfe.png\n",
        b"\0\n",
        b"line\n",
        b"x" * 5000,
        b"pipe.png\n" * 3,
    )
)
cases = st.tuples(lines(), standard_inputs)


def lay_out(folder: Path) -> None:
    """Everything that `PLACES` names; the model is put there by the caller."""
    rng = np.random.default_rng(0)
    for place in ("line/0", "line/1", "ö/ü", "parts/test/spot/0", "parts/test/good/0", "n" * 251):
        path = folder / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    for number in range(9):
        path = folder / f"parts/train/good/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 90, (32, 64, 3), dtype=np.uint8)).save(path)
    for form in ("zip", "gztar"):
        shutil.move(shutil.make_archive(str(folder.parent / "sets"), form, folder), folder)
    (folder / "sets.tar.gz").rename(folder / "sets.tgz")
    (folder / "cut.zip").write_bytes((folder / "sets.zip").read_bytes()[:-400])
    Image.new("RGB", (8, 8)).save(folder / "a\udcffb.png")
    mask = folder / "parts/ground_truth/spot/0_mask.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.eye(20, 30, dtype=np.uint8) * 255).save(mask)
    for name in ("pipe.png", "pipe.csv", "pipe.parquet"):
        os.mkfifo(folder / name)
    for name in ("empty", "shut"):
        (folder / name).mkdir()
    (folder / "shut").chmod(0)
    (folder / "loop").symlink_to("loop")
    (folder / "text.png").write_text("no picture")
    (folder / "run.toml").write_text("seed = 1\n")
    (folder / "list.csv").write_text("path,label\nline/0.png,good\nline/1.png,defect\n")
    _lay_out_table(folder / "list.parquet")
    _lay_out_runs(folder)


def _lay_out_table(path: Path) -> None:
    if importlib.util.find_spec("pyarrow") is None:  # nor can a verb read it then
        path.write_bytes(b"PAR1")
        return
    import pyarrow
    from pyarrow import parquet

    columns = {"path": ["line/0.png", "line/1.png"], "label": ["good", "defect"]}
    parquet.write_table(pyarrow.table(columns), path)


def _lay_out_runs(folder: Path) -> None:
    """A benchmark, a run of it that is finished and one that is half so; neither has models."""
    (folder / "bench.toml").write_text(BENCH)
    plan = from_toml(BENCH, BenchmarkSettings)
    cells = list_cells(plan)
    for name, some in (("run", cells), ("half", cells[::2])):
        run = Benchmark(plan, RunFolder(folder / name))
        for cell in some:
            run.folder.finish(cell, record_of(cell))
        run.write()


def spelt(words: list[str]) -> list[str]:
    """The words with long names put in."""
    for short, long in (("{long}", "n" * 251), ("{x}", "x" * 5000), ("{9}", "9" * 5000)):
        words = [word.replace(short, long) for word in words]
    return words
