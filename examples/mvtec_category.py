"""One category of MVTec AD, in the tree it is published in: train on train/good, measure on test, every figure exact.

    python examples/mvtec_category.py mvtec_anomaly_detection/bottle --out runs/bottle

Prints each figure with what it means, the share found of every kind of defect, and what was promised and happened.
Without a folder, pictures of a bottle cap are drawn in the same tree.

In the folder of --out: NAME.restora (the model), report.html.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import restora
from restora.config import load_settings
from restora.demo import write_products

DEFINITIONS = {
    "image.auroc": "chance that a defective picture scores above a good one, a tie counting half",
    "image.ap": "precision at each score of a defective picture, averaged over them",
    "image.f1_max": "largest F1 of any threshold; it is found on the test, so no threshold chosen before reaches it",
    "pixel.auroc": "chance that a defective pixel scores above a good one, good pictures included",
    "pixel.ap": "precision at each score of a defective pixel, averaged over them",
    "pixel.f1_max": "largest F1 of any threshold on pixels",
    "pixel.aupro_30": "share of each region that is found, mean over regions and over false-positive rates to 0.3",
    "pixel.aupro_05": "the same to a false-positive rate of 0.05",
    "pixel.aupimo": "mean share of a defect's pixels found at false-positive rates of 1e-5 to 1e-4 of good pictures",
    "pixel.spro_05": "where a set states how much of a region is enough: share of that, false-positive rates to 0.05",
}


def main(argv: Sequence[str] | None = None) -> restora.Evaluation:
    """Train, evaluate and report; returns the figures."""
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    category = args.category or write_products(args.out / "drawn", "cap", good=80, test_good=30, defective=3, size=128)

    # All defaults; the test part is not looked at. `seed` is that of all randomness: three seeds make a fair row.
    config = load_settings(args.config) if args.config else None
    model = args.out / f"{category.resolve().name}.restora"
    detector = restora.train(category, out=model, seed=args.seed, config=config, overwrite=True, say=print)

    evaluation = detector.evaluate(category, report=args.out / "report.html")
    show(evaluation)
    print(f"{args.out / 'report.html'}: pictures, maps and curves")
    return evaluation


def show(evaluation: restora.Evaluation) -> None:
    """Print every figure beside its definition."""
    record = evaluation.to_dict()
    for place, meaning in DEFINITIONS.items():
        part, name = place.split(".")
        value = record[part][name] if record[part] else None  # without masks there are no figures of pixels
        print(f"{place:<15} {'none' if value is None else f'{value:.4f}':>6}  {meaning}")
    for kind, figures in evaluation.kinds.items():
        print(f"{kind}: {figures.found} of {figures.n} called defect")
    for sentence in evaluation.promise.sentences if evaluation.promise else ():
        print(f"promised: {sentence}")
    if evaluation.verdicts.observed is not None:
        print(f"happened: {100 * evaluation.verdicts.observed:.1f} % of the good test pictures are called defect")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("category", type=Path, nargs="?", help="folder with train, test and ground_truth")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/mvtec-category"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, help="settings, as `restora config show` prints them")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
