"""Times a model from file to verdict, beside its own trunk alone, and the command from a cold start.

    python benchmarks/speed.py screw.restora screw/test/good --weights resnet18.safetensors
    python benchmarks/speed.py                     (draws pictures and makes a model of them)

The trunk alone is exported to ONNX up to the level the model uses, opened as the model's graph is, and given the same
number of normalised pictures of the same size that lie in memory already. Both run in turns, round by round; ratios
are medians over the rounds. Anything else that runs on the machine shows in the load average: wait until it is idle.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from bare_trunk import BareTrunk, export_trunk, in_turns
from PIL import Image

import restora
from restora.detector.detector import Detector
from restora.images.prepare import prepare
from restora.images.read import read_picture
from restora.images.sources import expand_sources
from restora.methods.table import parts, section
from restora.runtimes.contract import count_cores

TARGETS = {"restora predict": 1.5, "import restora": 0.15, "restora --help": 0.5}
RATIOS = {"ura-net": 2.0, "mfr-net": 2.5, "both": 3.0}  # of the whole way to the trunk alone
COLD_STARTS = 5


@contextmanager
def subject(asked: argparse.Namespace) -> Iterator[tuple[Path, list[str]]]:
    """The model and the pictures to measure with; drawn and made where none are named."""
    if asked.model is not None and asked.pictures is not None:
        sources = expand_sources([asked.pictures])
        yield asked.model, [str(source.locator) for source in islice(sources, asked.count)]
        return
    with tempfile.TemporaryDirectory(prefix="restora-speed-") as scratch:
        from restora.demo.draw import draw
        from restora.training.plan import resolve_settings

        (Path(scratch) / "good").mkdir()
        for number in range(24):
            path = Path(scratch) / f"good/{number:02d}.jpg"
            Image.fromarray(draw("part", "good", number, 512).pixels).save(path, quality=92)
        hasty = resolve_settings("small", None, {"ura_net.fit.steps": 4})  # speed does not learn
        restora.train(Path(scratch) / "good", out=Path(scratch) / "m.restora", config=hasty, weights=asked.weights)
        paths = sorted(str(path) for path in (Path(scratch) / "good").iterdir())
        yield Path(scratch) / "m.restora", list(islice(cycle(paths), asked.count))


def compare(detector: Detector, bare: BareTrunk, paths: list[str], batch: int, rounds: int) -> float:
    """Print milliseconds a picture and their ratios at one batch size; the clock's ratio of the whole way to the trunk.

    Time of the processor says more than the clock where other work runs on the machine.
    """
    size = detector.model.manifest.input.size
    rng = np.random.default_rng(0)
    normalised = rng.standard_normal((batch, 3, *size), dtype=np.float32)
    pixels = np.stack([prepare(read_picture(path).pixels, size) for path in islice(cycle(paths), batch)])
    runs = -(-len(paths) // batch)
    tasks: list[Callable[[], object]] = [
        lambda: list(detector.predict(paths, batch=batch)),
        lambda: [detector.runtime(pixels) for _ in range(runs)],
        lambda: [bare(normalised) for _ in range(runs)],
    ]
    found = in_turns(tasks, rounds)
    times = 1000 * np.median(found, 0) / len(paths)
    ratios = np.median(found[:, :2] / found[:, 2:], 0)
    for column, clock in enumerate(("by the clock", "of the processor")):
        whole, graph, alone = times[:, column]
        print(f"batch {batch}, ms {clock}: file to verdict {whole:.1f}, graph alone {graph:.1f}", end=", ")
        print(f"trunk alone {alone:.1f}; ratios {ratios[0, column]:.2f} and {ratios[1, column]:.2f}")
    return float(ratios[0, 0])


def fresh(arguments: Sequence[str]) -> float:
    """Median seconds of a process that is started anew, its files in the system's cache."""
    times = []
    for number in range(COLD_STARTS + 1):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        if number:
            times.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return statistics.median(times)


def judge(name: str, value: float, target: float, unit: str = "s") -> bool:
    """Print a figure beside its target; whether it is met."""
    print(f"{name}: {value:.3g} {unit}, target at most {target:g} {unit}: {'met' if value <= target else 'MISSED'}")
    return value <= target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("pictures", nargs="?", help="folder of pictures to look at")
    parser.add_argument("--weights", default="random", help="of the trunk (default random: no less work)")
    parser.add_argument("--count", type=int, default=40, help="pictures a round (default 40)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=None, help="of the runtime (default one a core)")
    asked = parser.parse_args()
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))
    import onnxruntime

    print(f"{platform.platform()}, {count_cores()} cores, Python {platform.python_version()}", end=", ")
    print(f"ONNX Runtime {onnxruntime.__version__}")
    with subject(asked) as (model, paths), tempfile.TemporaryDirectory(prefix="restora-speed-") as scratch:
        detector = Detector.load(model, runtime="onnx", threads=asked.threads)
        manifest = detector.model.manifest
        deepest = (manifest.settings[section(name)]["pyramid"]["levels"][-1] for name in parts(manifest.method))
        level = max(deepest)
        what = f"{manifest.trunk.name} to level {level}"
        export_trunk(Path(scratch) / "trunk.onnx", manifest.trunk.name, asked.weights, level, manifest.input.size)
        bare = BareTrunk(Path(scratch) / "trunk.onnx", asked.threads)
        height, width = read_picture(paths[0]).pixels.shape[:2]
        spec = detector.model.manifest.input
        print(f"{len(paths)} pictures of {height}x{width}, looked at as {spec.height}x{spec.width}", end="; ")
        print(f"trunk alone: {what}; {asked.threads or count_cores()} threads; {asked.rounds} rounds")
        ratios = {batch: compare(detector, bare, paths, batch, asked.rounds) for batch in (1, detector.batch)}
        met = [judge(f"ratio at batch {n}", ratio, RATIOS[manifest.method], "x") for n, ratio in ratios.items()]
        commands = {
            "restora predict": ["-m", "restora", "predict", str(model), paths[0]],
            "import restora": ["-c", "import restora"],
            "restora --help": ["-m", "restora", "--help"],
        }
        met += [judge(name, fresh(arguments), TARGETS[name]) for name, arguments in commands.items()]
    print("load average", *(f"{load:.2f}" for load in os.getloadavg()))
    if not all(met):
        raise SystemExit("some targets were missed")


if __name__ == "__main__":
    main()
