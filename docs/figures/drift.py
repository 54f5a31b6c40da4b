"""What happens to a promise when the pictures change: verdicts on drawn good pictures, as they are and altered.

    python docs/figures/drift.py runs/figures/stage/part.restora runs/figures/stage/parts

Prints a Markdown table for the page "Is it right for my problem?".
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

import restora

Change = Callable[[Image.Image], Image.Image]


def _squeezed(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=40)
    return Image.open(stream).convert("RGB")


def _moved(picture: Image.Image) -> Image.Image:
    padded = np.pad(np.asarray(picture), ((12, 0), (12, 0), (0, 0)), mode="reflect")
    return Image.fromarray(np.ascontiguousarray(padded[: picture.height, : picture.width]))


def _nearer(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    box = (width * 0.05, height * 0.05, width * 0.95, height * 0.95)
    return picture.resize(picture.size, Image.Resampling.BICUBIC, box)


CHANGES: dict[str, Change] = {
    "as drawn": lambda picture: picture,
    "5 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.05),
    "20 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "a little out of focus (Gaussian, 1 pixel)": lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
    "saved as JPEG of quality 40": _squeezed,
    "the camera 12 pixels aside": _moved,
    "the camera nearer by a tenth": _nearer,
}


def main() -> None:
    """Print a row a change."""
    detector = restora.Detector.load(sys.argv[1])
    pictures = [Image.open(path).convert("RGB") for path in sorted(Path(sys.argv[2], "test", "good").glob("*.png"))]
    print("| good pictures | ok | review | defect |\n|---|---|---|---|")
    for name, change in CHANGES.items():
        seen = Counter(found.verdict for found in detector.predict([change(picture) for picture in pictures]))
        print(f"| {name} | {seen['ok']} | {seen['review']} | {seen['defect']} |")


if __name__ == "__main__":
    main()
