"""Runs a command line; the one place that turns whatever it ends with into a sentence and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import typer

from restora.cli.app import app
from restora.cli.output import say
from restora.errors import CancelledError, MissingError, RestoraError, StoppedError, UsageError, inner

DEBUG = "--debug"


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit status; sentences go to stderr."""
    debug, arguments = _take_debug(arguments)
    with warnings.catch_warnings(), _terminate_as_interrupt():
        if not debug:  # what libraries warn about is for us; a command speaks in sentences of its own
            warnings.simplefilter("ignore")
        try:
            status = app(args=list(arguments), prog_name="restora", standalone_mode=False)
            sys.stdout.flush()
        except SystemExit as leaving:  # typer leaves so after completion (0), and with 1 when our output's reader left
            return CancelledError.exit_status if leaving.code == 1 else int(leaving.code or 0)
        except BaseException as error:
            return _end(error, debug)
    if status == CancelledError.exit_status:  # typer turns an interrupt into this status by itself
        say("Interrupted.")
    return int(status or 0)


def _take_debug(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Accept --debug before and behind the verb alike, up to a bare ``--``."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return DEBUG in arguments[:end], [word for word in arguments[:end] if word != DEBUG] + arguments[end:]


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that both save what they can."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(error: BaseException, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError):  # the reader of our output left: nobody to tell, nothing to flush to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CancelledError.exit_status
    sentence, status = _judge(error)
    if sentence:
        say(" ".join(sentence.split()))
    return status


def _judge(error: BaseException) -> tuple[str, int]:
    """Sentence and exit status of an error."""
    if isinstance(error, RestoraError):
        return str(error), error.exit_status
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "Interrupted.", CancelledError.exit_status
    if isinstance(error, typer.TyperException):
        return _usage_sentence(error), UsageError.exit_status
    if isinstance(error, MemoryError):
        return (
            "This machine has too little memory for it; ask for a smaller --batch or --size.",
            MissingError.exit_status,
        )
    if isinstance(error, OSError):
        return _os_sentence(error)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("restora"):
        return f"{error}; see what this machine lacks with: restora doctor", MissingError.exit_status
    return (
        f"This is a fault of Restora, not yours ({type(error).__name__}: {error}); "
        "please report it with what the same command prints with --debug.",
        StoppedError.exit_status,
    )


def _usage_sentence(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "restora"
    format_message = getattr(error, "format_message", None)
    message = (format_message() if format_message is not None else str(error)).rstrip(".")
    if not message:  # a bare `restora` or `restora data`: the help has been printed, which says all
        return ""
    return f"{message}; see: {command} --help"


def _os_sentence(error: OSError) -> tuple[str, int]:
    place = f"{error.filename}: " if error.filename is not None else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{place}the disk is full; nothing half-written was left, make room and try again.",
            MissingError.exit_status,
        )
    reason = error.strerror or str(error)
    if error.errno is None or error.errno in (errno.EIO, errno.ENOMEM):
        return f"{place}{reason}; see restora doctor.", MissingError.exit_status
    return (
        f"{place}{inner(reason)}; name another path or change its permissions.",
        UsageError.exit_status,
    )
