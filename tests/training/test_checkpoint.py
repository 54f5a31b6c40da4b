from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from restora.errors import MissingError, UsageError
from restora.training import checkpoint
from restora.training.checkpoint import STATE, State
from restora.training.log import Log


def network(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1)
    return module, optimiser


def step(module: nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
    given = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    module(given).square().sum().sqrt().backward()
    optimiser.step()


def test_going_on_from_a_state_is_going_on(tmp_path):
    module, optimiser = network()
    step(module, optimiser, 1)
    checkpoint.save(tmp_path, module, optimiser, State(1, 9, "run", ""))
    step(module, optimiser, 2)
    other, its_optimiser = network(seed=7)
    saved = checkpoint.read(tmp_path)
    assert (saved.step, saved.steps, saved.run) == (1, 9, "run")
    checkpoint.restore(tmp_path, saved, other, its_optimiser)
    step(other, its_optimiser, 2)
    for (name, mine), expected in zip(other.state_dict().items(), module.state_dict().values(), strict=True):
        assert torch.equal(mine, expected), name


def test_the_last_state_alone_is_kept(tmp_path):
    module, optimiser = network()
    step(module, optimiser, 1)
    for number in (5, 10, 15):
        checkpoint.save(tmp_path, module, optimiser, State(number, 20, "run", ""))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state-00000015.safetensors", STATE]


def test_no_state_is_none(tmp_path):
    assert checkpoint.read(tmp_path) is None
    assert checkpoint.read(tmp_path / "nowhere") is None


def test_a_damaged_record_says_so(tmp_path):
    (tmp_path / STATE).write_text('{"step": 3')
    with pytest.raises(UsageError, match=r"state\.json is damaged .* --overwrite"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("spoil", ["missing", "cut", "other"])
def test_weights_that_do_not_fit_say_so(tmp_path, spoil):
    module, optimiser = network()
    step(module, optimiser, 1)
    checkpoint.save(tmp_path, module, optimiser, State(1, 9, "run", ""))
    saved = checkpoint.read(tmp_path)
    path = tmp_path / saved.weights
    if spoil == "missing":
        path.unlink()
    elif spoil == "cut":
        path.write_bytes(path.read_bytes()[:200])
    else:
        module = nn.Linear(3, 3)
    with pytest.raises(UsageError, match="cannot be resumed from") as caught:
        checkpoint.restore(tmp_path, saved, module, optimiser)
    assert "\n" not in str(caught.value)


def fill_disk(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """From now on the disk is full, as seen by whoever writes the weights, or the record beside them."""

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def no_room_in_rust(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    if where == "weights":
        monkeypatch.setattr(checkpoint, "save_file", no_room_in_rust)
    else:
        monkeypatch.setattr(Path, "write_text", no_room)


@pytest.mark.parametrize("where", ["weights", "record"])
def test_a_full_disk_is_said_and_the_old_state_stays(tmp_path, monkeypatch, where):
    module, optimiser = network()
    step(module, optimiser, 1)
    checkpoint.save(tmp_path, module, optimiser, State(1, 9, "run", ""))
    with monkeypatch.context() as patched:
        fill_disk(patched, where)
        with pytest.raises(MissingError, match="No space left") as caught:
            checkpoint.save(tmp_path, module, optimiser, State(2, 9, "run", ""))
    assert "\n" not in str(caught.value)
    saved = checkpoint.read(tmp_path)
    assert saved.step == 1
    checkpoint.restore(tmp_path, saved, *network())
    assert not list(tmp_path.glob("*.tmp"))


def test_removing_takes_all_and_minds_nothing(tmp_path):
    folder = tmp_path / "m.restora.partial"
    folder.mkdir()
    (folder / STATE).write_text("{}")
    (folder / "log.csv").write_text("step\n")
    checkpoint.remove(folder)
    assert not folder.exists()
    checkpoint.remove(folder)


def rows(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_log_that_goes_on_is_the_log_of_an_unbroken_run(tmp_path):
    whole = Log(tmp_path / "whole.csv")
    for number in (0, 10, 20, 29):
        whole.write(number, {"loss": 1 / (number + 3), "kl": 2e-9 * number})
    broken = Log(tmp_path / "broken.csv")
    for number in (0, 10, 20):
        broken.write(number, {"loss": 1 / (number + 3), "kl": 2e-9 * number})
    again = Log(tmp_path / "broken.csv", resume_at=15)  # step 20 was logged but its state never saved
    assert len(rows(tmp_path / "broken.csv")) == 3
    for number in (20, 29):
        again.write(number, {"loss": 1 / (number + 3), "kl": 2e-9 * number})
    assert (tmp_path / "broken.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert rows(tmp_path / "whole.csv")[:2] == ["step,loss,kl", "0,0.3333333,0"]


def test_a_log_from_the_start_begins_anew(tmp_path):
    Log(tmp_path / "log.csv").write(0, {"loss": 1.0})
    Log(tmp_path / "log.csv")
    assert not (tmp_path / "log.csv").exists()


def test_a_folder_is_held_by_one_training(tmp_path):
    folder = tmp_path / "m.restora.partial"
    with checkpoint.sole_owner(folder):
        (folder / "log.csv").write_text("step\n")
        with pytest.raises(UsageError, match="a training that is running"), checkpoint.sole_owner(folder):
            pytest.fail("two hold it")
        checkpoint.clear(folder)
        assert list(folder.iterdir()) == []
        with pytest.raises(UsageError, match="running"), checkpoint.sole_owner(folder):
            pytest.fail("emptying it let it go")
        (folder / "log.csv").write_text("step\n")
    with checkpoint.sole_owner(folder):  # what lies there is held again, and kept
        assert (folder / "log.csv").read_text() == "step\n"
        checkpoint.clear(folder)
    assert not folder.exists()
