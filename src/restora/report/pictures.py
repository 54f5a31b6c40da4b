"""One shown picture of a report: its maps, and how they become small images inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from restora.verdicts.prediction import Region, Verdict

Map = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

LARGEST_SIDE = 384  # of the picture in the page
LARGEST_MAP = 128  # of a map; the browser enlarges it smoothly, and the graph's own map is hardly finer
LEVELS = 32  # colours of a heat map: more cannot be told apart, and cost half as much again
LEVELS_BESIDE = 16  # of the small maps beside the picture
QUALITY = 76  # of photos; with LEVELS it keeps 200 pictures of the busiest texture under 15 MB


@dataclass(frozen=True)
class ReportPicture:
    """A picture as a report shows it.

    label  : 0 good, 1 defective, None where nobody knows; kind : "good" or the kind of defect
    pixels : uint8 [H, W, 3]; map and, where the method has them, probability (0..1), aleatoric, epistemic: float32
        [h, w] of any size, spread over the whole picture; mask : bool [H, W], the true defect, where there is one
    regions : what was found, in the picture's pixels
    """

    name: str
    kind: str
    label: int | None
    verdict: Verdict
    p_value: float | None
    score: float | None
    doubt: float | None
    pixels: Pixels
    map: Map | None = None
    probability: Map | None = None
    aleatoric: Map | None = None
    epistemic: Map | None = None
    regions: tuple[Region, ...] = ()
    mask: npt.NDArray[np.bool_] | None = None
    reason: str | None = None

    @property
    def mistake(self) -> str | None:
        """What the verdict got wrong: "missed" a defect, "false alarm", or None."""
        if self.label == 1 and self.verdict == "ok":
            return "missed"
        return "false alarm" if self.label == 0 and self.verdict == "defect" else None


def photo(pixels: Pixels) -> str:
    """The picture as a JPEG data address, at most 384 pixels a side."""
    image = Image.fromarray(pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return _address(image, "JPEG", quality=QUALITY)


def coloured(map: Map, low: float, high: float, table: Pixels, levels: int = LEVELS) -> str:
    """A map as a PNG data address; `table` [256, 3 or 4] gives the colours from `low` to `high`, `levels` of them."""
    # the peak of a small defect must not be averaged away: each cell keeps its largest value
    small = _largest(np.asarray(map, dtype=np.float32), LARGEST_MAP)
    share = np.clip((small - np.float32(low)) / np.float32(max(high - low, 1e-12)), 0, 1)
    few = table[np.round(np.linspace(0, 255, levels)).astype(int)]
    indexed = Image.fromarray(np.round(share * (levels - 1)).astype(np.uint8)).convert("P")
    indexed.putpalette(np.ascontiguousarray(few[:, :3]).tobytes())
    if table.shape[1] == 4:
        return _address(indexed, "PNG", optimize=True, transparency=few[:, 3].tobytes())
    return _address(indexed, "PNG", optimize=True)


def outline(mask: npt.NDArray[np.bool_]) -> str:
    """The edge of a true defect as a white PNG data address, clear elsewhere."""
    small = _largest(mask.astype(np.float32), LARGEST_SIDE) > 0
    padded = np.pad(small, 2)
    size = small.shape
    grown = np.zeros_like(small)
    for dy in range(5):
        for dx in range(5):
            grown |= padded[dy : dy + size[0], dx : dx + size[1]]
    edge = Image.fromarray((grown & ~small).astype(np.uint8)).convert("P")
    edge.putpalette([0, 0, 0, 255, 255, 255])
    return _address(edge, "PNG", optimize=True, transparency=b"\x00\xff", bits=1)


def common_scale(maps: Iterable[Map | None]) -> float:
    """The largest value of all the maps: colours then mean the same in every picture; 1 where there is none."""
    peaks = [float(map.max()) for map in maps if map is not None and map.size]
    return max(peaks, default=0.0) or 1.0


def worst_first(pictures: Sequence[ReportPicture]) -> list[ReportPicture]:
    """Mistakes first, then what is for review, then the rest; among equals those nearest to the other verdict first."""

    def rank(picture: ReportPicture) -> tuple[int, float]:
        p = 1.0 if picture.p_value is None else picture.p_value
        if picture.mistake == "missed":
            return 0, -p
        if picture.mistake == "false alarm":
            return 1, p
        order = {"review": 2, "defect": 3, "ok": 4, "error": 5}[picture.verdict]
        return order, -(picture.score or 0.0) if picture.verdict == "defect" else p

    return sorted(pictures, key=rank)


def _largest(values: Map, side: int) -> Map:
    """`values` at most `side` cells high and wide, each cell the largest of the values it stands for."""
    scale = min(1.0, side / max(values.shape))
    for axis in (0, 1):
        cells = max(1, round(values.shape[axis] * scale))
        values = np.maximum.reduceat(values, np.arange(cells) * values.shape[axis] // cells, axis=axis)
    return values


def _address(image: Image.Image, form: str, **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
