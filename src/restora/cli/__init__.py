"""The command `restora`: a file a verb; each parses, calls one function and prints."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with the status that design and `restora.errors` name."""
    import sys

    from restora.cli.run import run

    sys.exit(run(sys.argv[1:]))
