"""Frames of a camera, arrays in memory, judged one by one as they come.

    python examples/camera_arrays.py parts.restora --frames line/

A real camera is a generator of uint8 arrays [H, W, 3] (RGB) or [H, W] in place of `read_frames`; a generator is drawn
from as verdicts are taken, so it may be endless. Without --frames the camera is simulated, and without a model one is
trained on what it has seen (arrays, no files). One frame of the simulated camera fails: that is a row with the verdict
`error`, and the line goes on.

`predict` reads some frames ahead, so that the network never waits, and a verdict comes as many frames later. Where a
part must be judged before the next is taken, call `detector.look(frame)` instead.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import restora
from restora.config import load_settings
from restora.demo import draw
from restora.images.files import picture_files

Frame = NDArray[np.uint8]

SIZE = 128
SPOILED = {5: "missing_hole", 9: "stain", 14: "chip"}
FAILED = 11


def main(argv: Sequence[str] | None = None) -> Counter[str]:
    """Judge every frame; returns how often each verdict came."""
    args = parse(argv)
    detector = restora.Detector.load(args.model) if args.model else train(args.out, args.config)

    seen: Counter[str] = Counter()
    frames = read_frames(args.frames) if args.frames else simulate_camera(20)
    for number, prediction in enumerate(detector.predict(frames, batch=1)):
        seen[prediction.verdict] += 1
        act(number, prediction)
    print(dict(seen))
    return seen


def act(number: int, prediction: restora.Prediction) -> None:
    """What the line does about a verdict; here it only says so."""
    match prediction.verdict:
        case "ok":
            return
        case "defect":
            x0, y0, x1, y1 = prediction.regions[0].bbox
            print(f"frame {number}: out, p-value {prediction.p_value:.3f}; look at x {x0} to {x1}, y {y0} to {y1}")
        case "review":
            print(f"frame {number}: aside for a person, since {prediction.reason}")
        case "error":
            print(f"frame {number}: take it again; {prediction.error}")


def simulate_camera(count: int) -> Iterator[Frame]:
    """So many frames of the drawn part, some of them defective, one of them an empty buffer."""
    for number in range(count):
        if number == FAILED:
            yield np.zeros((0, 0, 3), dtype=np.uint8)
        else:
            kind = SPOILED.get(number, "good")
            yield draw("part", kind, 1000 + number, SIZE, strength=0.8 if number in SPOILED else None).pixels


def read_frames(folder: Path) -> Iterator[Frame]:
    """The pictures of a folder, as a camera would hand them out."""
    for path in picture_files(folder):
        yield np.asarray(Image.open(path).convert("RGB"))


def train(out: Path, settings: Path | None) -> restora.Detector:
    """A detector of the drawn part from arrays [N, H, W, 3] of good ones."""
    good = np.stack([draw("part", "good", number, SIZE).pixels for number in range(100)])
    config = load_settings(settings) if settings else None
    out.mkdir(parents=True, exist_ok=True)
    return restora.train(good, out=out / "camera.restora", config=config, overwrite=True, say=print)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", help="model folder, NAME.restora")
    parser.add_argument("--frames", type=Path, help="folder of pictures that stand for a camera's frames")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/camera-arrays"), help="where a model is made")
    parser.add_argument("--config", type=Path, help="settings, as `restora config show` prints them")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
