"""What the scripts beside this one share: small pictures of equal size, and charts on a card of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.report.colours import unsure_table

HERE = Path(__file__).parent
SIDE = 192  # pixels of a panel: a whole multiple of every grid of a 256 x 256 picture
COLOURS = 160  # of a panel's palette; more cannot be told apart at this size

Pixels = NDArray[np.uint8]


def save(path: Path, pixels: Pixels, side: int = SIDE) -> None:
    """Write uint8 [H, W, 3] as a small PNG; cells stay cells, pictures are shrunk smoothly."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    way = Image.Resampling.NEAREST if max(image.size) <= side else Image.Resampling.LANCZOS
    image = image.resize((side, round(side * image.height / image.width)), way)
    image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def coloured(values: NDArray[np.float32], low: float, high: float) -> Pixels:
    """A map [h, w] in the colours of the report's maps: dark at `low` and below, light at `high` and above."""
    share = np.clip((values - low) / (high - low), 0, 1)
    picked: Pixels = unsure_table()[np.rint(share * 255).astype(np.intp)]
    return picked


class FalseColours:
    """Features as colours: red, green and blue are the three directions in which some features differ most."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        """Learn the directions and their range from features [N, C, h, w]."""
        cells = features.transpose(0, 2, 3, 1).reshape(-1, features.shape[1]).astype(np.float64)
        self.mean = cells.mean(0)
        self.directions = np.linalg.svd(np.cov((cells - self.mean).T))[0][:, :3]
        seen = (cells - self.mean) @ self.directions
        self.low, self.high = np.percentile(seen, [1, 99], axis=0)

    def __call__(self, feature: NDArray[np.float32]) -> Pixels:
        """One picture's features [C, h, w] as uint8 [h, w, 3]."""
        seen = (feature.transpose(1, 2, 0) - self.mean) @ self.directions
        shown: Pixels = np.rint(np.clip((seen - self.low) / (self.high - self.low), 0, 1) * 255).astype(np.uint8)
        return shown


class Chart:
    """An SVG on a light card, so that it reads on a light and on a dark page alike."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height = width, height
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="14" fill="#24292f"><title>{title}</title>',
            f'<rect width="{width}" height="{height}" rx="8" fill="#f6f8fa"/>',
        ]

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        """A straight line; `style` holds the SVG attributes of its stroke."""
        self.parts.append(f'<path d="M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" fill="none" {style}/>')

    def box(self, corner: tuple[float, float], size: tuple[float, float], style: str) -> None:
        """A rectangle."""
        sides = f'width="{size[0]:.1f}" height="{size[1]:.1f}"'
        self.parts.append(f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" {sides} {style}/>')

    def dot(self, centre: tuple[float, float], radius: float, style: str) -> None:
        """A filled circle."""
        self.parts.append(f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius}" {style}/>')

    def text(self, place: tuple[float, float], words: str, style: str = "") -> None:
        """Words that begin at a place, or end there or lie around it by `text-anchor`."""
        self.parts.append(f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" {style}>{words}</text>')

    def save(self, path: Path) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n", encoding="utf-8")
