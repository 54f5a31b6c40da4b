"""Exact figures of anybody's score maps: numpy arrays in, figures out. Neither torch nor a model is needed.

    python examples/only_metrics.py their_maps/ masks/

MAPS holds a map a picture, float NAME.npy [H, W], larger is stranger; MASKS the mask of each defective one, NAME.png or
NAME.npy of the same size, above 0 where it is defective. A map without a mask is that of a good picture. Without
folders the maps are those of a crude method: how far a drawn part is from the mean of 40 good ones.

`restora score-maps MAPS MASKS` does the same for more kinds of files; this is how a program of your own does it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora import metrics

Scored = tuple[NDArray[np.floating], NDArray[np.bool_] | None]  # a map, and its mask unless the picture is good


def main(argv: Sequence[str] | None = None) -> dict[str, float | None]:
    """Print and return the figures by name; None is what is not defined, as without a good picture."""
    args = parse(argv)
    if args.maps and not args.masks:
        raise SystemExit("MAPS and MASKS are two folders; name both, or neither.")
    scored = list(read_maps(args.maps, args.masks) if args.maps else crude_maps())

    # Of pictures: one score each, here the largest of its map. Any other scores will do.
    good = [float(map.max()) for map, mask in scored if mask is None]
    defective = [float(map.max()) for map, mask in scored if mask is not None]
    figures: dict[str, float | None] = {
        "image AUROC": metrics.auroc(good, defective),
        "image AP": metrics.average_precision(good, defective),
        "image F1-max": metrics.f1_max(good, defective),
    }

    # Of pixels: the defective maps first, then the good ones one by one, each of which is forgotten at once; so there
    # may be any number of them. With few maps, `metrics.pixel_figures(maps, masks)` is one call.
    pixels = metrics.PixelScores()
    for map, mask in scored:
        if mask is not None:
            pixels.add_defective(map, mask)
    pixels.close_defectives()
    for map, mask in scored:
        if mask is None:
            pixels.add_good(map)
    figures |= {f"pixel {name}": value for name, value in pixels.figures().to_dict().items()}
    figures["pixel aupro to 0.1"] = pixels.aupro(0.1)

    print(f"{len(good)} good, {len(defective)} defective")
    for name, value in figures.items():
        print(f"{name:<18} {'none' if value is None else f'{value:.4f}'}")
    return figures


def read_maps(maps: Path, masks: Path) -> Iterator[Scored]:
    """Maps of a folder with the masks of the same name."""
    for path in sorted(maps.glob("*.npy")):
        png, npy = masks / f"{path.stem}.png", masks / path.name
        mask: NDArray[Any] | None = np.asarray(Image.open(png)) if png.exists() else None
        if npy.exists():
            mask = np.load(npy)
        yield np.load(path), None if mask is None else mask > 0


def crude_maps() -> Iterator[Scored]:
    """Maps of drawn parts by a method that anybody could have: the difference from the mean of good ones."""
    from restora.demo import PRODUCTS, draw

    def picture(kind: str, seed: int) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        drawn = draw("part", kind, seed, 128, strength=None if kind == "good" else 0.7)
        return drawn.pixels.mean(axis=2), drawn.mask

    usual = np.mean([picture("good", seed)[0] for seed in range(40)], axis=0)
    for seed in range(20):
        yield abs(picture("good", 100 + seed)[0] - usual), None
    for seed, kind in enumerate(PRODUCTS["part"].kinds * 2):
        pixels, mask = picture(kind, 200 + seed)
        yield abs(pixels - usual), mask


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, nargs="?", help="folder of NAME.npy")
    parser.add_argument("masks", type=Path, nargs="?", help="folder of NAME.png or NAME.npy")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
