"""Lettering by strokes, as silk screens and engravers draw it: no font file is needed."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from restora.demo.canvas import Field, Grid

# Each letter is lines through points on a field 4 wide and 6 high; two digits a point (x, y down), a space a new line.
STROKES = {
    "A": "062046 1434",
    "B": "00063645443303 0030414233",
    "C": "4130100105163645",
    "D": "00062644422000",
    "E": "40000646 0333",
    "F": "400006 0333",
    "G": "41301001051636454323",
    "H": "0006 4046 0343",
    "I": "2026",
    "J": "4045361605",
    "K": "0006 400346",
    "L": "000646",
    "M": "0600234046",
    "N": "06004640",
    "O": "103041453616050110",
    "P": "06003041423303",
    "Q": "103041453616050110 3446",
    "R": "06003041423303 2346",
    "S": "413010010213334445361605",
    "T": "0040 2026",
    "U": "000516364540",
    "V": "002640",
    "W": "0016233640",
    "X": "0046 4006",
    "Y": "002340 2326",
    "Z": "00400646",
    "0": "103041453616050110",
    "1": "012026",
    "2": "01103041420646",
    "3": "0110304142334445361605 2333",
    "4": "36300444",
    "5": "400002324345361605",
    "6": "413010010516364544331304",
    "7": "004016",
    "8": "103041423313020110 1304051636454433",
    "9": "423313020110304145361605",
    "-": "1333",
    "+": "0444 2226",
    " ": "",
}
ADVANCE = 6  # from letter to letter, on the same field


@lru_cache(maxsize=256)
def _segments(text: str) -> tuple[tuple[float, float, float, float], ...]:
    """Start and end of every stroke of `text`, letters 1 high, the whole centred on (0, 0)."""
    found: list[tuple[float, float, float, float]] = []
    left = -(ADVANCE * len(text) - 2) / 2
    for place, letter in enumerate(text):
        for line in STROKES[letter].split():
            points = [(left + ADVANCE * place + int(line[i]), int(line[i + 1]) - 3) for i in range(0, len(line), 2)]
            found += [(ax / 6, ay / 6, bx / 6, by / 6) for (ax, ay), (bx, by) in pairwise(points)]
    return tuple(found)


def reach(text: str, height: float) -> float:
    """Radius around the middle of `text` within which it lies."""
    return height * float(np.hypot((ADVANCE * len(text) - 2) / 12, 0.5))


def lettering(grid: Grid, text: str, height: float) -> Field:
    """Distance (never negative) to the strokes of `text`, centred on (0, 0), letters `height` high.

    All strokes are measured at once, so give it no more of a picture than the text takes. Raises KeyError for a letter
    that is not in STROKES.
    """
    lines = np.array(_segments(text), dtype=np.float32).reshape(-1, 4, 1, 1) * np.float32(height)
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    px, py = grid.x - lines[:, 0], grid.y - lines[:, 1]
    t = np.clip((px * dx + py * dy) / np.maximum(dx * dx + dy * dy, np.float32(1e-12)), 0, 1)
    away: Field = np.sqrt((np.square(px - t * dx) + np.square(py - t * dy)).min(axis=0, initial=np.float32(100)))
    return away
