"""A surface painted thing by thing: each touches only the pixels near it, so that a hundred things stay cheap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restora.demo.canvas import Field, Grid, Point, inside, ramp
from restora.demo.light import Surface

Tone = tuple[float, float, float] | npt.NDArray[np.float32]
Shape = Callable[[Grid], Field]

LAMP = (0.40, 0.58)  # where shadows fall: away from the lamp of `Light.vary`, to the lower right


@dataclass(frozen=True)
class Sheet:
    """What is painted upon, in place: height and gloss [H, W] as in `Surface`, and colour by planes.

    own    : the coordinates of what is painted; straight (turned, moved, scaled), never bent
    planes : colour, float32 [3, H, W]; painting is twice as fast so as with the three side by side
    """

    own: Grid
    planes: Field
    height: Field
    gloss: Field

    @classmethod
    def flat(cls, own: Grid, colour: Field) -> Sheet:
        """A flat, dull sheet of a colour [H, W, 3], which is painted upon from now on."""
        planes = np.ascontiguousarray(np.moveaxis(colour, -1, 0), dtype=np.float32)
        return cls(own, planes, np.zeros_like(own.x), np.zeros_like(own.x))

    def surface(self, body: Field) -> Surface:
        """What has been painted, as a surface whose product lies where `body` says."""
        return Surface(np.ascontiguousarray(np.moveaxis(self.planes, 0, -1)), self.height, self.gloss, body)

    def window(self, centre: Point, half: Point) -> tuple[slice, slice]:
        """Rows and columns that hold a box about `centre` in own coordinates; empty where it lies outside."""
        (ax, bx), (ay, by) = self._steps()
        dx, dy = centre[0] - float(self.own.x[0, 0]), centre[1] - float(self.own.y[0, 0])
        det = ax * by - bx * ay
        column, row = (by * dx - bx * dy) / det, (ax * dy - ay * dx) / det
        wide = (abs(by) * half[0] + abs(bx) * half[1]) / abs(det) + 2
        high = (abs(ay) * half[0] + abs(ax) * half[1]) / abs(det) + 2
        rows, columns = self.own.x.shape
        return _span(row, high, rows), _span(column, wide, columns)

    def near(self, centre: Point, reach: float, turn: float = 0.0) -> Sheet:
        """The part within `reach` of `centre`, in coordinates about it, turned by `turn` radians."""
        window = self.window(centre, (reach, reach))
        cut = Grid(self.own.x[window], self.own.y[window], self.own.pixel)
        planes = self.planes[:, window[0], window[1]]
        return Sheet(cut.turned(turn, centre), planes, self.height[window], self.gloss[window])

    def tint(self, share: Field, tone: Tone, gloss: float | None = None) -> None:
        """Lay a colour, three numbers or [3, H, W], on by `share` [H, W]; height stays, gloss too unless given."""
        colour = np.asarray(tone, dtype=np.float32)
        self.planes[...] += (colour.reshape(3, *(colour.shape[1:] or (1, 1))) - self.planes) * share
        if gloss is not None:
            self.gloss[...] += (np.float32(gloss) - self.gloss) * share

    def lay(self, distance: Field, tone: Tone, gloss: float | None = None) -> None:
        """Paint the shape whose distance is given."""
        self.tint(inside(distance, self.own.pixel), tone, gloss)

    def swell(self, distance: Field, tall: float, bevel: float) -> None:
        """Raise the shape by `tall`, over a bevel that reaches `bevel` inwards."""
        self.height[...] += np.float32(tall) * ramp(distance, 0.0, -max(bevel, self.own.pixel))

    def stand(self, shape: Shape, tone: Tone, *, tall: float, bevel: float = 0.012, gloss: float = 0.05) -> None:
        """A thing `tall` that stands on the sheet, with its shadow."""
        self.shadow(shape, tall)
        distance = shape(self.own)
        share = inside(distance, self.own.pixel)
        self.tint(share, tone, gloss)
        top = np.float32(tall) * ramp(distance, 0.0, -max(bevel, self.own.pixel))
        self.height[...] += (top - self.height) * share

    def shadow(self, shape: Shape, tall: float, depth: float = 0.5) -> None:
        """The shadow of a shape that rises `tall` above the sheet."""
        (ax, bx), (ay, by) = self._steps()
        unit = tall / self.own.pixel
        sx, sy = (LAMP[0] * ax + LAMP[1] * bx) * unit, (LAMP[0] * ay + LAMP[1] * by) * unit
        below = Grid(self.own.x - np.float32(sx), self.own.y - np.float32(sy), self.own.pixel)
        soft = max(tall * 0.5, self.own.pixel)
        share = ramp(shape(below), soft, -soft) * np.float32(depth)
        self.planes[...] *= 1 - share
        self.gloss[...] *= 1 - share

    def _steps(self) -> tuple[Point, Point]:
        """Change of x and of y from a pixel to the next: (x by column, x by row), (y by column, y by row)."""
        rows, columns = (max(n - 1, 1) for n in self.own.x.shape)
        x, y = self.own.x, self.own.y
        if x.size == 0:
            return (self.own.pixel, 0.0), (0.0, self.own.pixel)
        return (
            (float(x[0, -1] - x[0, 0]) / columns, float(x[-1, 0] - x[0, 0]) / rows),
            (float(y[0, -1] - y[0, 0]) / columns, float(y[-1, 0] - y[0, 0]) / rows),
        )


def _span(middle: float, half: float, end: int) -> slice:
    return slice(min(max(int(middle - half), 0), end), min(max(int(middle + half) + 2, 0), end))
