"""Runs command lines that it reads from standard input, a JSON list a line; a crash ends this process alone."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
from pathlib import Path

from restora.cli.run import run


def peak_memory() -> int:
    """Bytes this program held at the most; what getrusage says counts the process that it was forked from, too."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = sys.stdout
    for line in sys.stdin:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(json.loads(line))
            out.flush()
        ended = [status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()]
        print(json.dumps([*ended, peak_memory()]), file=answers, flush=True)


if __name__ == "__main__":
    main()
