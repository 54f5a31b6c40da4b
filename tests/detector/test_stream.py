from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from restora.bundle import InputSpec
from restora.detector.stream import look_through, score_items
from restora.errors import PictureError, StoppedError

SPEC = InputSpec(height=32, width=32, resize="any")


@dataclass(frozen=True)
class At:
    name: str
    locator: object

    @property
    def source(self) -> object:
        return self.locator


def grey(value: int, size: int = 32) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def pictures(count: int, size: int = 32) -> list[At]:
    return [At(f"{i}.png", grey(i, size)) for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 11])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_picture_in_order_and_every_batch_full(runtime, count, workers):
    looks = list(look_through(runtime, pictures(count), SPEC, batch=4, workers=workers))
    assert [look.name for look in looks] == [f"{i}.png" for i in range(count)]
    assert [float(look.outputs["score"]) for look in looks] == list(range(count))
    assert runtime.sizes == [4] * -(-count // 4)


def test_order_is_kept_when_early_pictures_take_longer(runtime, monkeypatch):
    from restora.detector import stream

    real = stream.read_picture

    def slow(source, *, name, depth):
        time.sleep(0.02 if int(name[0]) % 3 == 0 else 0)
        return real(source, name=name, depth=depth)

    monkeypatch.setattr(stream, "read_picture", slow)
    looks = list(look_through(runtime, pictures(10), SPEC, batch=2, workers=4))
    assert [look.name for look in looks] == [f"{i}.png" for i in range(10)]


@pytest.mark.parametrize("broken", [(0,), (3,), (10,), (0, 1, 2, 3, 4), (4, 5, 9), tuple(range(11))])
def test_an_unreadable_picture_keeps_its_place(runtime, tmp_path, broken):
    sources = pictures(11)
    for i in broken:
        path = tmp_path / f"{i}.png"
        path.write_bytes(b"no picture at all")
        sources[i] = At(f"{i}.png", str(path))
    looks = list(look_through(runtime, sources, SPEC, batch=4))
    assert [look.name for look in looks] == [f"{i}.png" for i in range(11)]
    for i, look in enumerate(looks):
        if i in broken:
            assert look.outputs is None
            assert f"{i}.png" in look.error
        else:
            assert look.error is None
            assert look.outputs["score"] == i
    assert set(runtime.sizes) <= {4}


def test_a_picture_says_the_same_whatever_its_neighbours(runtime):
    rng = np.random.default_rng(0)
    mine = At("mine", rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    others = [At("other", rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(6)]
    alone = next(look_through(runtime, [mine], SPEC, batch=4))
    for place in range(7):
        looks = list(look_through(runtime, [*others[:place], mine, *others[place:]], SPEC, batch=4))
        for name, values in alone.outputs.items():
            assert looks[place].outputs[name].tobytes() == values.tobytes()


@pytest.mark.parametrize("taken", [1, 50, 200])
def test_an_endless_source_is_drawn_only_as_results_are_taken(runtime, taken):
    drawn = 0

    def endless():
        nonlocal drawn
        for i in itertools.count():
            drawn += 1
            yield At(str(i), grey(i % 256))

    looks = look_through(runtime, endless(), SPEC, batch=4, workers=2)
    for _ in range(taken):
        next(looks)
    assert drawn <= taken + 4 + 2 * 4 + 1
    looks.close()


def test_pictures_do_not_pile_up(runtime):
    alive, most = 0, 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def sources():
        nonlocal alive, most
        for i in range(300):
            pixels = grey(i % 256, 64)
            alive += 1
            most = max(most, alive)
            weakref.finalize(pixels, gone)
            yield At(str(i), pixels)
            del pixels

    for look in look_through(runtime, sources(), SPEC, batch=4, keep_pictures=True):
        assert look.picture is not None
    del look
    gc.collect()
    assert alive == 0
    assert most <= 4 * 4


def test_a_long_run_of_errors_does_not_pile_up(runtime, tmp_path):
    drawn = 0

    def sources():
        nonlocal drawn
        yield At("good", grey(5))
        for i in range(10_000):
            drawn += 1
            yield At(str(i), str(tmp_path / "missing.png"))

    looks = look_through(runtime, sources(), SPEC, batch=4)
    assert next(looks).name == "good"
    assert drawn < 40
    looks.close()


def test_pictures_are_handed_out_only_when_asked_for(runtime):
    source = At("a", np.zeros((50, 70, 3), np.uint8))
    plain = next(look_through(runtime, [source], SPEC, batch=1))
    assert (plain.shape, plain.picture) == ((50, 70), None)
    kept = next(look_through(runtime, [source], SPEC, batch=1, keep_pictures=True))
    assert kept.picture.pixels.shape == (50, 70, 3)
    assert plain.milliseconds > 0


def test_the_network_runs_in_the_thread_of_the_caller(runtime):
    list(look_through(runtime, pictures(5), SPEC, batch=2))
    assert runtime.threads == {threading.current_thread().name}


def test_reading_overlaps_with_the_network(runtime, monkeypatch):
    from restora.detector import stream

    started = threading.Event()
    real = stream.read_picture

    def read(source, *, name, depth):
        if name == "2.png":  # a picture of the second batch
            started.set()
        return real(source, name=name, depth=depth)

    def waits_for_the_next_picture(batch):
        assert started.wait(5)
        return runtime(batch)

    monkeypatch.setattr(stream, "read_picture", read)
    assert len(list(look_through(waits_for_the_next_picture, pictures(4), SPEC, batch=2))) == 4


def test_an_error_of_the_source_passes_through_and_no_thread_stays(runtime):
    def sources():
        yield from pictures(3)
        raise ValueError("the camera is gone")

    with pytest.raises(ValueError, match="camera"):
        list(look_through(runtime, sources(), SPEC, batch=8))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("restora-read")]


def test_threads_end_when_nobody_listens_any_more(runtime):
    looks = look_through(runtime, pictures(100), SPEC, batch=2)
    next(looks)
    looks.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("restora-read")]


def test_declared_depth_is_used(runtime, tmp_path):
    Image.fromarray(np.full((32, 32), 4095, np.uint16)).save(tmp_path / "a.png")
    source = At("a", str(tmp_path / "a.png"))
    twelve = next(look_through(runtime, [source], SPEC.model_copy(update={"depth": 12}), batch=1))
    sixteen = next(look_through(runtime, [source], SPEC, batch=1))
    assert twelve.outputs["score"] == 255
    assert sixteen.outputs["score"] == pytest.approx(16, abs=0.5)


def test_scores_of_items_for_a_calibration(runtime, tmp_path):
    scores, doubts = score_items(runtime, pictures(5), SPEC, batch=4)
    assert scores.tolist() == [0, 1, 2, 3, 4]
    assert doubts.tolist() == [0] * 5
    with pytest.raises(PictureError, match=r"missing\.png"):
        score_items(runtime, [*pictures(2), At("missing.png", str(tmp_path / "missing.png"))], SPEC)

    def broken(batch):
        return {name: np.full_like(values, np.nan) for name, values in runtime(batch).items()}

    with pytest.raises(StoppedError, match="no number"):
        score_items(broken, pictures(2), SPEC)
