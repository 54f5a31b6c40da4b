"""What tests of several metrics work out the slow way."""

from __future__ import annotations

import itertools


def area_below(points, limit):
    """Area under the line through points (x, y) from x = 0 to `limit`, divided by it."""
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 >= limit:
            break
        end = min(x1, limit)
        y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0) if x1 > x0 else y1
        area += (end - x0) * (y0 + y_end) / 2
    return area / limit
