"""Peak anonymous memory: of a training at few and at many pictures, and of many predictions.

    python benchmarks/memory.py
    python benchmarks/memory.py --pictures 30 60 --predictions 200 --steps 2      (a quick look)

Anonymous memory (RssAnon of /proc) is what a process asks for itself; the cache of features is a mapped file, which the
system may drop. Each run is a process of its own, sampled fifty times a second. Linux only.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

DRAWN = 24  # pictures that are really drawn; the others differ from them by a pixel
LIMIT = 2500  # MB at the fewer pictures
ALLOWED = 1.05  # times as much at more pictures, or in the last fifth of the predictions
SECONDS = 0.02


def draw_pictures(folder: Path, count: int) -> None:
    """`count` different good pictures, 256 x 256, PNG."""
    from restora.demo.draw import draw

    folder.mkdir(parents=True)
    drawn = [draw("part", "good", number, 256).pixels for number in range(min(DRAWN, count))]
    for number in range(count):
        pixels = drawn[number % len(drawn)].copy()
        pixels[number // 256 % 256, number % 256] ^= 1  # content decides on split and cache, so all must differ
        Image.fromarray(pixels).save(folder / f"{number:05d}.png", compress_level=1)


def anonymous(process: int) -> float:
    """Anonymous memory of a process in MB, 0 once it has ended."""
    try:
        found = re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def sample(*arguments: object) -> list[float]:
    """Run this file with other arguments; its anonymous memory in MB while it ran."""
    child = subprocess.Popen([sys.executable, __file__, *map(str, arguments)], stdout=subprocess.DEVNULL)
    found = []
    while child.poll() is None:
        found.append(anonymous(child.pid))
        time.sleep(SECONDS)
    if child.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} ended with {child.returncode}")
    return found


def train(folder: Path, out: Path, steps: int, weights: str) -> None:
    """The child that trains."""
    import restora
    from restora.training.plan import resolve_settings

    few = resolve_settings("small", None, {"ura_net.fit.steps": steps})
    restora.train(folder, out=out, config=few, weights=weights)


def predict(model: Path, folder: Path, count: int) -> None:
    """The child that predicts; paths are repeated."""
    from restora import Detector

    detector = Detector.load(model)
    paths = islice(cycle(sorted(folder.iterdir())), count)
    assert sum(1 for _ in detector.predict(paths)) == count


def measure(asked: argparse.Namespace, scratch: Path) -> bool:
    """Print all figures; whether every bar is met."""
    peaks = []
    for count in asked.pictures:
        draw_pictures(scratch / f"good-{count}", count)
        start = time.perf_counter()
        peaks.append(max(sample("--train", scratch / f"good-{count}", scratch / f"{count}.restora", *_knobs(asked))))
        seconds = time.perf_counter() - start
        print(f"training, {count} pictures, {asked.steps} steps: at most {peaks[-1]:.0f} MB, {seconds:.0f} s")
    model, folder = scratch / f"{asked.pictures[0]}.restora", scratch / f"good-{asked.pictures[0]}"
    found = np.array(sample("--predict", model, folder, asked.predictions))
    first, last = found[: len(found) * 2 // 5].max(), found[len(found) * 4 // 5 :].max()
    print(f"{asked.predictions} predictions: {first:.0f} MB in the first two fifths, {last:.0f} MB in the last fifth")
    met = [
        judge(f"at most {LIMIT} MB at {asked.pictures[0]} pictures", peaks[0] <= LIMIT),
        judge(f"no more at {asked.pictures[-1]} (5 %)", peaks[-1] <= ALLOWED * peaks[0]),
        judge("predictions in flat memory (5 %)", bool(last <= ALLOWED * first)),
    ]
    return all(met)


def judge(name: str, met: bool) -> bool:
    """Print whether a bar is met."""
    print(f"{name}: {'met' if met else 'MISSED'}")
    return met


def _knobs(asked: argparse.Namespace) -> tuple[object, ...]:
    return "--steps", asked.steps, "--weights", asked.weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[300, 3000], help="sizes of the trainings")
    parser.add_argument("--predictions", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=10, help="steps of each training (default 10)")
    parser.add_argument("--weights", default="random", help="of the trunk (default random)")
    parser.add_argument("--train", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--predict", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        train(asked.train[0], asked.train[1], asked.steps, asked.weights)
    elif asked.predict:
        predict(Path(asked.predict[0]), Path(asked.predict[1]), int(asked.predict[2]))
    else:
        with tempfile.TemporaryDirectory(prefix="restora-memory-") as scratch:
            if not measure(asked, Path(scratch)):
                raise SystemExit("some bars were missed")


if __name__ == "__main__":
    main()
