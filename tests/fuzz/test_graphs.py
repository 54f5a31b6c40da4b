"""Graphs changed on purpose, their hashes put right, so that they reach the runtime: in a process that may crash."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.bundle import read_model, write_model

from .commands import Ended, check_ended, check_rows
from .graph_cases import cases, changed_files, link_outside
from .harness import LIMIT_GROWTH, LIMIT_SECONDS, Fault, explore

pytest.importorskip("onnx")
#: What a child may hold: the interpreter, ONNX Runtime, and the growth allowed to every family.
LARGEST_CHILD = 300_000_000 + LIMIT_GROWTH


class Child:
    """A process that runs command lines one by one; a new one where the last has crashed or hangs."""

    def __init__(self, noise: Path) -> None:
        self._noise = noise
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, arguments: list[str]) -> Ended:
        if self._process is None:
            line = [sys.executable, str(Path(__file__).with_name("child.py"))]
            with self._noise.open("ab") as noise:
                self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=noise)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], LIMIT_SECONDS - 5)
        answer = self._process.stdout.readline() if ready else b""
        if not answer:
            what = "the process hangs" if not ready else f"the process ends with {self._process.wait()}"
            self.close()
            raise Fault(what)
        status, out, err, peak = json.loads(answer)
        if peak > LARGEST_CHILD:
            self.close()
            raise Fault(f"the process took {peak:,} bytes")
        return Ended(status, out.encode(), err)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture
def opened(tmp_path: Path, tiny_model: Path):
    """Writes a model with the graph of a case beside numbers that are nobody's business, and looks at a picture."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.bin").write_bytes(np.full(4, 0.017578125, np.float32).tobytes())
    Image.new("RGB", (64, 32), (128, 128, 128)).save(tmp_path / "grey.png")
    model = read_model(tiny_model)
    graph, restorer = (model.path(role).read_bytes() for role in ("graph", "restorer"))
    name = model.path("restorer").name
    changed, child = tmp_path / "changed.restora", Child(tmp_path / "noise.txt")

    def body(case: tuple) -> str:
        shutil.rmtree(changed, ignore_errors=True)
        files = changed_files(case, graph, restorer)
        written = write_model(
            changed, model.manifest.model_copy(update={"files": {}}), {"graph": files[0], "restorer": files[1]}
        )
        if not (changed / name).exists():  # the graph asks for its numbers by the name they had
            shutil.copy(written.path("restorer"), changed / name)
        link_outside(changed)
        ended = child.command(["predict", str(changed), str(tmp_path / "grey.png")])
        check_ended(ended)
        if ended.status < 2:
            check_rows(ended.out)
        if b",2.25," in ended.out:  # 128 times the number outside
            raise Fault("the graph has read a file outside its folder")
        return ended.outcome

    yield body
    child.close()


def test_a_few_graphs(tally, opened):
    explore(tally("graphs"), cases, opened, 60)


@pytest.mark.slow
def test_many_graphs(tally, opened):
    explore(tally("graphs"), cases, opened, 900)
