"""How much of a region is enough, where a data set states it for the values that its masks mark with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.errors import DataError
from restora.images.read import marked_in, read_samples


@dataclass(frozen=True)
class Enough:
    """What is stated for one kind of defect.

    value    : of the pixels of its masks
    amount   : how many pixels count as all of a region; where `relative`, which share of its own
    """

    value: int
    amount: float
    relative: bool

    def of(self, area: int) -> int:
        """The pixels that count as all of a region of `area` pixels, rounded down: at least 1, at most all of them."""
        return min(max(int(self.amount * area if self.relative else self.amount), 1), area)


@dataclass(frozen=True)
class Saturation:
    """What is stated for all kinds of defects; `file` is the name of the file that does so, for people."""

    kinds: tuple[Enough, ...]
    file: str

    def read(self, source: str, name: str) -> tuple[NDArray[np.bool_], int]:
        """The region that a mask marks, bool [H, W], and how many of its pixels are enough; 0 where none is marked.

        source, name : of the mask. Raises PictureError, and DataError where it marks with anything but one value that
        something is stated for.
        """
        samples = read_samples(source, name)
        marked = marked_in(samples, name)
        values = np.unique(samples[..., :3][marked] if samples.ndim == 3 else samples[marked])
        stated = [kind for kind in self.kinds if values.tolist() == [kind.value]]
        if not stated and values.size:
            raise DataError(
                f"{source} marks with {_listed(values)}, but a mask marks with one value that {self.file} knows; take "
                f"the published masks, or no {self.file}"
            )
        return marked, stated[0].of(int(np.count_nonzero(marked))) if stated else 0


def _listed(values: NDArray[Any]) -> str:
    shown = ", ".join(map(str, values[:3].tolist()))
    return f"the value {shown}" if values.size == 1 else f"{values.size} values ({shown}{', ...' * (values.size > 3)})"
