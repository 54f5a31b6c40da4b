"""One of the processes of `restora benchmark --jobs`: reads its job as a line on standard input, computes its cells."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import warnings

from restora.bench.folder import RunFolder
from restora.bench.jobs import Job
from restora.bench.run import Benchmark
from restora.errors import CancelledError


def main() -> int:
    """Work until every cell of the job is finished or has failed; the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # even where whoever started us had them ignored
        signal.signal(number, signal.default_int_handler)
    warnings.simplefilter("ignore")  # as for every command: what libraries warn about is for us
    try:
        job = Job.model_validate_json(sys.stdin.readline())
        threading.Thread(target=_end_with_starter, daemon=True).start()
        run = Benchmark(job.plan, RunFolder(job.folder), job.ablations)
        names = set(job.cells)
        run.work([cell for cell in run.cells if cell.name in names], job.root, job.device, _say)
    except (KeyboardInterrupt, CancelledError):
        return CancelledError.exit_status
    return 0


def _end_with_starter() -> None:
    """Interrupt the work when the process at the other end of standard input is gone."""
    # not through sys.stdin, whose lock would be held when the interpreter ends
    while os.read(0, 1024):
        pass
    if hasattr(signal, "pthread_kill"):  # breaks off what the main thread waits for, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        _thread.interrupt_main()


def _say(sentence: str) -> None:
    print(" ".join(sentence.split()), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
