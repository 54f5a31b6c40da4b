"""Two methods on one category over some seeds, and which of their differences are more than the spread.

    python examples/compare_methods.py mvtec_anomaly_detection/bottle --rows ura-net mfr-net --out runs/bottle

Writes the benchmark as a TOML file, runs its cells (one that is finished is never repeated: stop it, start it again),
pairs their figures over the seeds, and calls a difference what exceeds the spread. A row is a method or a yardstick:
ura-net, mfr-net, both, control, nearest-neighbour ... Without a folder, pictures of a part are drawn.

In the folder of --out: grid.toml, results.csv (the figures), runs.csv (what they took), models/.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from restora.bench.compare import Comparison, compare
from restora.bench.figures import FIGURE_NAMES, read_cells
from restora.bench.folder import RunFolder
from restora.bench.plan import BenchmarkSettings
from restora.bench.run import Benchmark
from restora.config import read_settings
from restora.features.weights import choose_trunk

DRAWN = {"drawn": "part", "good": 80, "test_good": 30, "defective": 3, "size": 128}


def main(argv: Sequence[str] | None = None) -> Comparison:
    """Run what is not finished, and compare; returns the differences."""
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "grid.toml"
    file.write_text(tomli_w.dumps(grid(args)), encoding="utf-8")  # `restora benchmark` takes the file as well

    run = Benchmark(read_settings(file, BenchmarkSettings), RunFolder(args.out))
    root = args.category.resolve().parent if args.category else None
    failed = run.go(run.cells, root=root, device="cpu", say=print)
    if failed:
        raise SystemExit("\n".join(f"{label} failed: {sentence}" for label, sentence in failed.items()))
    print(run.markdown())

    cells = read_cells(args.out)
    a, b = args.rows
    found = compare(cells, cells, (a, b))
    print(f"\n{b} minus {a}, over {args.seeds} seeds:")
    for one in found.differences:
        interval = "" if one.low is None or one.high is None else f" ({one.low:+.4f} to {one.high:+.4f})"
        higher = f"{b if one.mean > 0 else a} is higher, by more than the spread"
        said = higher if one.doubt is None else f"no difference is shown, since {one.doubt}"
        print(f"{FIGURE_NAMES[one.figure]} {one.mean:+.4f}{interval}: {said}.")
    return found


def grid(args: argparse.Namespace) -> dict[str, Any]:
    """The benchmark: every row with every seed on the one category, all with the same trunk and input."""
    name = args.category.resolve().name if args.category else "part"
    cells = {"methods": args.rows, "categories": [name], "trunks": [args.trunk or choose_trunk()]}
    return {
        "threads": args.threads,
        "categories": {name: name if args.category else DRAWN},
        "settings": {f"{method}.fit.steps": args.steps for method in ("ura_net", "mfr_net") if args.steps},
        "grid": [{**cells, "seeds": list(range(args.seeds))}],
    }


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("category", type=Path, nargs="?", help="folder of a data set that `restora data layouts` shows")
    parser.add_argument("--rows", nargs=2, default=["ura-net", "mfr-net"], metavar=("A", "B"))
    parser.add_argument("--seeds", type=int, default=3, help="how many; with one there is no spread and no difference")
    parser.add_argument("--steps", type=int, help="optimiser steps of a training; those of the method unless stated")
    parser.add_argument("--trunk", help="resnet18 where its weights are at hand, else restora-tiny, unless stated")
    parser.add_argument("--threads", type=int, default=2, help="processor threads of a cell; figures depend on them")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/compare-methods"))
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
