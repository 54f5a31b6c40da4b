"""Work that is handed out comes back in order, once, whichever workers die; the same through Ray where it is there."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from restora.detector.detector import Detector
from restora.detector.engine import BATCHES, TRIES, LostWorkerError, in_order, predict_in_blocks
from restora.detector.ray_pool import Opening, RayPool
from restora.errors import DataError, StoppedError
from restora.images.sources import expand_sources


@dataclass
class Lossy:
    """A pool in this process: `losses` says how many workers die over a task before one lives."""

    work: object = staticmethod(lambda task: task * 10)
    losses: dict[object, int] = field(default_factory=dict)
    submitted: list[object] = field(default_factory=list)
    out: int = 0
    most_out: int = 0

    def submit(self, task):
        self.submitted.append(task)
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        return task

    def result(self, task):
        if self.losses.get(str(task), 0):
            self.losses[str(task)] -= 1
            raise LostWorkerError("its node is gone")
        self.out -= 1
        return self.work(task)


def test_results_come_in_the_order_of_the_tasks_and_no_more_is_handed_out_than_asked():
    pool = Lossy()
    assert list(in_order(pool, range(9), ahead=3)) == [10 * task for task in range(9)]
    assert pool.most_out == 3


def test_an_endless_list_of_tasks_is_drawn_from_as_results_are_taken():
    pool = Lossy()
    assert list(islice(in_order(pool, count(), ahead=4), 5)) == [0, 10, 20, 30, 40]
    assert len(pool.submitted) <= 9


def test_what_a_lost_worker_had_is_handed_out_anew_and_keeps_its_place():
    pool = Lossy(losses={"2": TRIES - 1, "5": 1})
    assert list(in_order(pool, range(7), ahead=3)) == [10 * task for task in range(7)]
    assert pool.submitted.count(2) == TRIES
    assert pool.submitted.count(5) == 2


def test_what_kills_every_worker_is_given_up_in_one_sentence():
    found = in_order(Lossy(losses={"1": TRIES}), range(3), ahead=2)
    assert next(found) == 0
    with pytest.raises(StoppedError, match=r"lost 4 times over the same pictures \(its node is gone\); give"):
        next(found)
    assert list(in_order(Lossy(losses={"1": TRIES}), range(3), ahead=2, give_up=lambda task, _: -task)) == [0, -1, 20]


def test_an_error_of_the_work_itself_is_not_tried_again():
    def refuse(task):
        raise DataError("No pictures.")

    pool = Lossy(work=refuse)
    with pytest.raises(DataError):
        list(in_order(pool, range(3), ahead=1))
    assert pool.submitted == [0]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """More than two blocks of the tiny model's, one of them broken."""
    rng = np.random.default_rng(0)
    (tmp_path / "line").mkdir()
    for number in range(2 * 4 * BATCHES + 7):
        pixels = rng.integers(0, 100, (32, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"line/{number:04d}.png")
    (tmp_path / "line/0066.png").write_text("no picture")
    return tmp_path / "line"


def test_blocks_give_the_predictions_of_one_process(tiny_model, pictures):
    detector = Detector.load(tiny_model, threads=1)
    pool = Lossy(work=lambda block: list(detector.predict(block)), losses={})
    pool.submit, submit = (lambda block: submit(tuple(block))), pool.submit
    sources = list(expand_sources(str(pictures)))
    found = list(predict_in_blocks(pool, iter(sources), batch=4, ahead=2))
    assert found == list(detector.predict(sources))
    assert [len(block) for block in pool.submitted] == [4 * BATCHES, 4 * BATCHES, 7]


class UnavailableError(Exception):
    """Ray's own of an actor that is being started anew."""


@dataclass
class StandIn:
    """As much of Ray as a pool uses, with one actor: lost over its first block, then refusing what it is told twice."""

    refusals: list[bool] = field(default_factory=lambda: [True, True, True])
    exceptions = SimpleNamespace(RayTaskError=KeyError, RayError=UnavailableError, RayActorError=UnavailableError)

    def remote(self, **options):
        call = SimpleNamespace(remote=lambda *words: tuple(map(tuple, words)))
        return lambda kind: SimpleNamespace(remote=lambda opening: SimpleNamespace(look=call, __ray_ready__=call))

    def nodes(self):
        return [{"Resources": {"CPU": 2.0}}]

    def wait(self, tickets, num_returns, timeout):
        return [], tickets

    def get(self, words):
        if self.refusals and self.refusals.pop():
            raise UnavailableError("The actor is being started.\nMore of it")
        return [f"judged {word}" for word in words[0]] if words else None


def test_a_block_is_handed_out_anew_when_its_worker_is_back_and_not_before(monkeypatch, tmp_path):
    monkeypatch.setattr("restora.detector.ray_pool.PAUSE_SECONDS", 0.0)
    ray = StandIn()
    pool = RayPool(ray, Opening(tmp_path, "", "onnx", threads=1, batch=4), 1)
    ticket = pool.submit(["a", "b"])
    with pytest.raises(LostWorkerError, match="started"):
        pool.result(ticket)
    assert ray.refusals == []
    assert pool.result(pool.submit(["a", "b"])) == ["judged a", "judged b"]


@pytest.fixture
def ray_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray on this machine alone; not imported, as it reads the environment then."""
    if find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own are not ours
@pytest.mark.usefixtures("ray_alone")
def test_rays_workers_give_the_rows_of_one_process_though_one_is_killed(tiny_model, pictures):
    from restora.detector.ray_pool import ray_running

    detector = Detector.load(tiny_model, threads=1)
    opening = Opening(tiny_model, detector.model.fingerprint, "onnx", threads=1, batch=4)
    sources = list(expand_sources(str(pictures)))
    with ray_running() as ray:
        assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]
        pool = RayPool(ray, opening, 2)

        def kill(self):
            os.kill(os.getpid(), signal.SIGKILL)

        found = []
        kills = {0: 0, 100: 1, 250: 0}  # of workers by place; one that is being started refuses what it is handed
        for place, prediction in enumerate(predict_in_blocks(pool, iter(3 * sources), batch=1, ahead=4)):
            found.append(prediction)
            if place in kills:
                pool._actors[kills[place]].__ray_call__.remote(kill)
        alone = Detector.load(tiny_model, threads=1, batch=1)
        assert found == list(alone.predict(3 * sources))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("ray_alone")
def test_the_command_writes_the_same_bytes_on_ray(tiny_model, pictures, tmp_path, capfd):
    from restora.cli.run import run

    line = ["predict", str(tiny_model), str(pictures), "--threads", "1"]
    assert run([*line, "--out", str(tmp_path / "one.csv")]) == 1
    assert run([*line, "--out", str(tmp_path / "ray.csv"), "--engine", "ray", "--workers", "2"]) == 1
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    parts = ["--engine", "ray", "--workers", "2", "--shard", "all/3", "--out", str(tmp_path / "parts")]
    assert run([*line, *parts]) == 1
    assert run(["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "parts.csv")]) == 1
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    # what is wrong with a model where a worker sees it comes back as a sentence
    (tiny_model / "manifest.json").rename(tiny_model / "manifest.jsonx")
    capfd.readouterr()
    assert run([*line, "--engine", "ray"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
