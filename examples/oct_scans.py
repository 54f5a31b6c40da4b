"""OCT-2017, scans of the retina, in the tree it is published in; patients are never on both sides.

    python examples/oct_scans.py OCT2017 --out runs/oct

This compares methods on published pictures. It is no diagnosis, and Restora is no medical device.

Fitted on train/NORMAL alone. There are no masks, so there are figures of pictures only: three diseases together against
the normal scans of the test, then without the patients that training has met. The middle part of a file's name is its
patient (NORMAL-1001666-1.jpeg). Without a folder, pictures of a fabric are drawn into the same tree.

In the folder of --out: oct.restora (the model), report.html.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

import restora
from restora.config import load_settings
from restora.demo import draw
from restora.images.layouts import read_dataset
from restora.images.split import split_good

# What stands in for scans: which drawn defect a class shows.
STAND_IN = {"NORMAL": "good", "CNV": "hole", "DME": "stain", "DRUSEN": "thick_thread"}


def main(argv: Sequence[str] | None = None) -> restora.Evaluation:
    """Train, evaluate and report; returns the figures."""
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    scans = read_dataset(args.root or draw_scans(args.out / "drawn"), "oct2017")

    # The split that a training makes by itself: all scans of a patient are fitted, or all are kept for the calibration.
    split = split_good(scans.good("train"))
    fitted, kept = ({item.group for item in part if item.group} for part in (split.fitting, split.calibration))
    print(f"{len(fitted)} patients are fitted, {len(kept)} others calibrated on, {len(fitted & kept)} are in both")

    # Training says what was left out, which edition this is, and how many patients the published parts share.
    config = load_settings(args.config) if args.config else None
    model = args.out / "oct.restora"
    detector = restora.train(scans.root, out=model, layout=scans.layout, config=config, overwrite=True, say=print)
    evaluation = detector.evaluate(scans.root, layout=scans.layout, report=args.out / "report.html")
    show(evaluation)
    return evaluation


def show(evaluation: restora.Evaluation) -> None:
    """Print the figures of pictures, with and without the patients that training has met."""
    for kind, figures in evaluation.kinds.items():
        print(f"{kind}: AUROC {number(figures.auroc)} against NORMAL, {figures.n} scans")
    print(f"all: AUROC {number(evaluation.image.auroc)}, {evaluation.dataset['pictures']} scans")
    if (apart := evaluation.apart) is None:
        print("No patient of the test is one that training has met, as far as the names tell.")
    else:
        left = f"the {apart.groups} patients that training has met ({apart.pictures} scans)"
        print(f"without {left}: AUROC {number(apart.image.auroc)}")


def number(figure: float | None) -> str:
    """Four digits; a figure without a normal or without another scan is none, never 0."""
    return "none" if figure is None else f"{figure:.4f}"


def draw_scans(root: Path) -> Path:
    """The published tree with drawn pictures: 40 patients are fitted, of whom 10 come again in the test."""
    scans = [("train", "NORMAL", patient, number) for patient in range(40) for number in (1, 2)]
    scans += [("train", name, 80 + number, 1) for name in ("CNV", "DME", "DRUSEN") for number in range(3)]
    scans += [("test", "NORMAL", patient, 3) for patient in range(36, 60)]
    for turn, name in enumerate(("CNV", "DME", "DRUSEN")):
        again, others = range(30 + 2 * turn, 32 + 2 * turn), range(60 + 6 * turn, 66 + 6 * turn)
        scans += [("test", name, patient, 4) for patient in (*again, *others)]
    for place, (part, name, patient, number) in enumerate(scans):
        path = root / part / name / f"{name}-{1000 + patient}-{number}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        strength = None if name == "NORMAL" else 0.2
        pixels = draw("fabric", STAND_IN[name], place, 128, strength=strength).pixels
        Image.fromarray(pixels).convert("L").save(path, quality=95)
    return root


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", help="folder with train and test")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/oct-scans"))
    parser.add_argument("--config", type=Path, help="settings, as `restora config show` prints them")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
