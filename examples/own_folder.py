"""A folder of good pictures becomes a detector, and says of every picture that is new to it what it is.

    python examples/own_folder.py parts/good --defective parts/bad --out runs/parts

Every fifth good picture is kept for the test; the others are fitted and calibrated on. Pictures of defects are only
ever tested on, and are not needed. From 20 good pictures on there are enough. Without a folder, pictures of a part are
drawn.

In the folder of --out: pictures.csv (which picture serves for what), parts.restora (the model), verdicts.csv (a row for
every picture of the test), report.html (the same to look at).
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import restora
from restora.config import load_settings
from restora.demo import write_products
from restora.images.files import picture_files
from restora.images.sources import Source
from restora.report.rows import write_rows

TESTED = 5  # every so many-th good picture is kept for the test

Rows = list[tuple[str, str, str, str]]  # path from the table's folder, label, split, kind


def main(argv: Sequence[str] | None = None) -> restora.Evaluation:
    """Train, calibrate, judge and report; returns the figures of the report."""
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    good, defective = (args.good, args.defective) if args.good else draw_parts(args.out)

    rows = [*good_rows(good, args.out), *(defective_rows(defective, args.out) if defective else ())]
    table = args.out / "pictures.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("path", "label", "split", "kind"), *rows])

    config = load_settings(args.config) if args.config else None
    detector = restora.train(table, out=args.out / "parts.restora", config=config, overwrite=True, say=print)

    # Training has kept good pictures back and calibrated with them. Here the rate is set that verdicts keep to; with
    # more good pictures, taken later and named instead of the table, a smaller rate can be promised.
    print(*detector.calibrate(table, false_alarms=args.false_alarms).sentences, sep="\n")

    new = [Source(path, args.out / path) for path, _, split, _ in rows if split == "test"]
    with (args.out / "verdicts.csv").open("wb") as stream:
        counts = write_rows(stream, detector.predict(new))
    print(f"{args.out / 'verdicts.csv'}: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}")

    evaluation = detector.evaluate(table, report=args.out / "report.html")
    print(f"{args.out / 'report.html'}: {evaluation}")
    return evaluation


def good_rows(folder: Path, out: Path) -> Iterator[tuple[str, str, str, str]]:
    """Rows of good pictures, to train on and to test with."""
    for number, path in enumerate(picture_files(folder), start=1):
        yield os.path.relpath(path, out), "good", "train" if number % TESTED else "test", "good"


def defective_rows(folder: Path, out: Path) -> Iterator[tuple[str, str, str, str]]:
    """Rows of defective pictures; the folder that one lies in says which kind it is."""
    for path in picture_files(folder):
        yield os.path.relpath(path, out), "defect", "test", path.parent.name


def draw_parts(out: Path) -> tuple[Path, Path]:
    """Folders of good and of defective pictures of a part, drawn."""
    drawn = write_products(out / "drawn", "part", good=150, test_good=0, defective=3, size=128)
    return drawn / "train" / "good", drawn / "test"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("good", type=Path, nargs="?", help="folder of good pictures")
    parser.add_argument("--defective", type=Path, help="folder of defective ones, a folder a kind if there are kinds")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/own-folder"))
    parser.add_argument("--false-alarms", type=float, default=0.05, help="share of good pictures called defect")
    parser.add_argument("--config", type=Path, help="settings, as `restora config show` prints them")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
