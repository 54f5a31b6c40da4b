"""Runs command lines that it reads from standard input, a JSON list a line; a crash ends this process alone."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys

from restora.cli.run import run


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = sys.stdout
    for line in sys.stdin:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(json.loads(line))
            out.flush()
        ended = [status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()]
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps([*ended, peak]), file=answers, flush=True)


if __name__ == "__main__":
    main()
