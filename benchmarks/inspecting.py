"""How long `restora data inspect` takes on many small pictures, and how much memory, in a folder and in a zip.

    python benchmarks/inspecting.py
    python benchmarks/inspecting.py --pictures 2000      (a quick look)

A tree of MVTec AD's form is made in a temporary folder: 9 of 10 pictures to train on, a mask for every defective one.
Each run is a process of its own; memory is the most that was resident in it. Linux and macOS only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

QUICK_SECONDS = 10
FULL_SECONDS = 300
MEGABYTES = 1000
SIDE = 16  # pixels
#: Folder of every tenth picture; the last has masks.
PLACES = ("train/good",) * 9 + ("test/scratch",)


@dataclass(frozen=True)
class Run:
    """seconds : from start to end of the process; megabytes : the most that was resident."""

    seconds: float
    megabytes: float


def make_tree(root: Path, count: int) -> None:
    """`count` different grey pictures and the masks of a tenth of them."""
    for place in {*PLACES, "ground_truth/scratch"}:
        (root / place).mkdir(parents=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[4:8, 4:8] = 255
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE), np.uint8)
        place = PLACES[number % len(PLACES)]
        Image.fromarray(pixels).save(root / place / f"{number:06d}.png", compress_level=1)
        if place == PLACES[-1]:
            Image.fromarray(mask).save(root / f"ground_truth/scratch/{number:06d}_mask.png")


def run(path: Path, *options: str) -> Run:
    """Inspect in a process of its own. Raises SystemExit where it finds a problem."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "restora", "data", "inspect", str(path), *options], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"data inspect {path.name} {' '.join(options)} ended with {child.returncode}")
    per_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Run(time.perf_counter() - start, used.ru_maxrss / per_megabyte)


def measure(count: int, scratch: Path) -> bool:
    """Print all figures; whether every bar is met. Bars are for 100,000 pictures, whatever `count` is."""
    root = scratch / "small"
    make_tree(root, count)
    packed = Path(shutil.make_archive(str(scratch / "small"), "zip", root))
    met = True
    for path in (root, packed):
        for name, options, seconds in (("quick", ("--quick",), QUICK_SECONDS), ("full", (), FULL_SECONDS)):
            found = run(path, *options)
            good = found.seconds <= seconds and found.megabytes < MEGABYTES
            met = met and good
            print(
                f"{path.name}, {count} pictures, {name}: {found.seconds:.1f} s (at most {seconds}), "
                f"{found.megabytes:.0f} MB (under {MEGABYTES}): {'met' if good else 'MISSED'}",
                flush=True,
            )
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="restora-inspecting-") as scratch:
        if not measure(asked.pictures, Path(scratch)):
            raise SystemExit("some bars were missed")


if __name__ == "__main__":
    main()
