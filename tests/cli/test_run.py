from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from restora.cli import run as runner
from restora.cli.run import run
from restora.errors import CancelledError, DataError, MissingError, RestoraError, StoppedError, UsageError

FULL = OSError(errno.ENOSPC, "No space left on device", "rows.csv")
SHUT = PermissionError(errno.EACCES, "Permission denied", "rows.csv")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (UsageError("The folder is empty."), 2, "The folder is empty."),
        (DataError("No pictures."), 2, "No pictures."),
        (MissingError("No torch."), 3, "No torch."),
        (StoppedError("NaN at step 3."), 4, "NaN at step 3."),
        (CancelledError("Saved."), 130, "Saved."),
        (RestoraError("Odd."), 4, "Odd."),
        (ZeroDivisionError("division by zero"), 4, "fault of Restora, not yours (ZeroDivisionError: division by zero)"),
        (ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow"), 3, "No module named 'pyarrow'"),
        (ModuleNotFoundError("No module named 'restora.x'", name="restora.x"), 4, "fault of Restora"),
        (MemoryError(), 3, "too little memory"),
        (FULL, 3, "rows.csv: the disk is full"),
        (SHUT, 2, "rows.csv: permission denied"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (UsageError("two\nlines"), 2, "two lines"),
    ],
)
def test_every_error_is_one_sentence_and_a_status(monkeypatch, capsys, error, status, words):
    def fail(**_):
        raise error

    monkeypatch.setattr(runner, "app", fail)
    assert run(["train"]) == status
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize("line", [["--debug", "info", "none"], ["info", "none", "--debug"]])
def test_a_traceback_only_with_debug(capsys, line):
    assert run(line) == 2
    assert "Traceback" in capsys.readouterr().err
    assert run([word for word in line if word != "--debug"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["predict"], "Missing argument"),
        (["predict", "m", "p", "--batch", "many"], "--batch"),
        (["predict", "m", "p", "--batch", "0"], "--batch"),
        (["predict", "m", "p", "--bathc", "1"], "--batch"),
    ],
)
def test_a_mistyped_command_is_one_sentence_with_the_way_to_its_help(capsys, line, words):
    assert run(line) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "--help" in said
    assert said.count("\n") == 1


def test_termination_ends_as_an_interrupt_does():
    code = (
        "import sys, time\n"
        "from restora.cli import run as runner\n"
        "def wait(**_):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "runner.app = wait\n"
        "sys.exit(runner.run(['train']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "Interrupted.\n"


def test_a_reader_that_leaves_is_no_fault():
    command = f"{sys.executable} -m restora --help | head -c 1 > /dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (0, 130)  # 0 where the help fitted into the pipe before the reader left
    assert "Traceback" not in done.stderr


def best_of(count: int, line: list[str]) -> float:
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run([sys.executable, *line], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_help_comes_at_once():
    assert best_of(5, ["-m", "restora", "--help"]) < 0.5


def test_importing_costs_next_to_nothing():
    # the interpreter's own start is not ours
    assert best_of(5, ["-c", "import restora"]) - best_of(5, ["-c", "pass"]) < 0.15


def test_completion_knows_the_verbs():
    environment = os.environ | {"_RESTORA_COMPLETE": "complete_bash", "COMP_WORDS": "restora pre", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "restora"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["predict"]
