"""Pixel figures of a whole test set from one pass over its maps: AUROC, AP, F1-max, AUPRO, AUPIMO, sPRO, all exact.

The maps of defective pictures come first. Their anomalous pixels give the levels at which everything is counted.
After that a good picture's map is counted at these levels and dropped, so any number of good pictures fits in the
same memory: 4 bytes a pixel of the defective pictures until their last one is in, and as many again for an anomalous
pixel's region and for each score that counts towards a saturation; then some words a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restora.errors import UsageError
from restora.metrics.levels import Levels, Marked
from restora.metrics.overlap import area_up_to, overlap_of
from restora.metrics.ranking import (
    Curve,
    Scores,
    as_scores,
    auroc_of,
    average_precision_of,
    f1_max_of,
    pr_of,
    roc_of,
)
from restora.metrics.regions import label_regions
from restora.metrics.saturation import SaturatedRegion, highest


@dataclass(frozen=True, slots=True)
class PixelFigures:
    """Pixel figures of one test set, each 0..1 or None where it is undefined.

    aupro_30, aupro_05 : AUPRO up to a false-positive rate of 0.3 and of 0.05
    aupimo             : mean over the defective pictures; None without good pictures, or when they have under
                         100,000 pixels, since the rates AUPIMO looks at are then finer than one pixel
    spro_05            : AU-sPRO up to a false-positive rate of 0.05; None unless each defective picture in which
                         something is marked states its regions and how much of each is enough
    aupimo_pictures    : one figure a defective picture in the order they came, None where nothing is marked in it
    """

    auroc: float | None
    ap: float | None
    f1_max: float | None
    aupro_30: float | None
    aupro_05: float | None
    aupimo: float | None
    spro_05: float | None = None
    aupimo_pictures: tuple[float | None, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The seven figures by name, None where undefined."""
        return {
            "auroc": self.auroc,
            "ap": self.ap,
            "f1_max": self.f1_max,
            "aupro_30": self.aupro_30,
            "aupro_05": self.aupro_05,
            "aupimo": self.aupimo,
            "spro_05": self.spro_05,
        }


def is_shown(figure: str, value: float | None) -> bool:
    """Whether people see a figure of that name: also one that is undefined (None), but sPRO only where it is defined.

    Hardly a data set says how much of a region is enough.
    """
    return value is not None or figure != "spro_05"


@dataclass(frozen=True, eq=False, slots=True)
class PixelCurves:
    """ROC, precision over recall, PRO and sPRO over false-positive rate; each None where it is undefined."""

    roc: Curve | None
    pr: Curve | None
    pro: Curve | None
    spro: Curve | None


class PixelScores:
    """Takes maps one by one and gives exact pixel figures at the end.

    Order: every `add_defective`, then `close_defectives`, then every `add_good`, then `figures` or `curves`.
    """

    def __init__(self) -> None:
        self._levels: Levels | None = None
        self._marked: list[Marked] = []
        self._normal: list[Scores] = []
        self._masked = 0

    @property
    def masked(self) -> int:
        """Number of defective pictures in which something is marked (and not ignored)."""
        return self._masked

    def add_defective(
        self,
        map: ArrayLike,
        mask: ArrayLike,
        *,
        ignore: ArrayLike | None = None,
        regions: Iterable[SaturatedRegion] | None = None,
    ) -> None:
        """Take the map of a defective picture.

        map     : (H, W) numbers, larger is stranger
        mask    : (H, W), above 0 on anomalous pixels; its 8-connected parts are the regions of AUPRO
        ignore  : (H, W), above 0 on pixels to leave out; a region then counts by what is left of it
        regions : those of sPRO, each a mask (H, W) and how many of its pixels are enough: at least 1 is taken, at most
                  all that are left; they may overlap, and mark together what `mask` marks
        raises  : UsageError on NaN, infinity, shapes that differ, regions that differ from the mask, or when the
                  defectives are closed
        """
        if self._levels is not None:
            raise UsageError("A defective picture came after close_defectives(); hand in all defective pictures first.")
        scores = _checked(map)
        marked = _checked_mask(mask, "mask", scores.shape)
        keep = ~_checked_mask(ignore, "ignore mask", scores.shape) if ignore is not None else None
        labels, _ = label_regions(marked)
        taken = marked if keep is None else marked & keep
        peaks = None if regions is None else _peaks(scores, marked, keep, regions)
        self._marked.append(Marked(scores[taken], labels[taken], peaks))
        self._masked += bool(taken.any())
        self._normal.append(scores[~marked if keep is None else keep & ~marked])

    def close_defectives(self) -> None:
        """Say that no defective picture follows; harmless when repeated."""
        if self._levels is None:
            self._levels = Levels(self._marked)
            self._marked.clear()
            while self._normal:  # each is let go as soon as it is counted
                self._levels.count_defective(self._normal.pop())

    def add_good(self, map: ArrayLike, *, ignore: ArrayLike | None = None) -> None:
        """Count the map of a good picture and forget it.

        map, ignore : (H, W), as in `add_defective`
        raises      : UsageError on NaN, infinity, shapes that differ, or when the defectives are not closed
        """
        if self._levels is None:
            raise UsageError("A good picture came before close_defectives(); hand in all defective pictures first.")
        scores = _checked(map)
        keep = ~_checked_mask(ignore, "ignore mask", scores.shape) if ignore is not None else None
        self._levels.count_good(scores.flatten() if keep is None else scores[keep])

    def figures(self) -> PixelFigures:
        """Figures of the pictures so far; closes the defectives."""
        levels = self._closed()
        ranking, aupimo = levels.ranking(), levels.aupimo()
        overlap, saturated = self._overlap(), self._saturated()
        seen = [figure for figure in aupimo if figure is not None]
        return PixelFigures(
            auroc=auroc_of(ranking),
            ap=average_precision_of(ranking),
            f1_max=f1_max_of(ranking),
            aupro_30=area_up_to(overlap, 0.3) if overlap else None,
            aupro_05=area_up_to(overlap, 0.05) if overlap else None,
            aupimo=float(np.mean(seen)) if seen else None,
            spro_05=area_up_to(saturated, 0.05) if saturated else None,
            aupimo_pictures=aupimo,
        )

    def aupro(self, limit: float) -> float | None:
        """AUPRO up to a false-positive rate of `limit` (above 0, at most 1; else UsageError); closes the defectives."""
        overlap = self._overlap()
        return area_up_to(overlap, limit) if overlap else None

    def spro(self, limit: float) -> float | None:
        """AU-sPRO up to a false-positive rate of `limit`, as `aupro`; None where `PixelFigures.spro_05` is."""
        saturated = self._saturated()
        return area_up_to(saturated, limit) if saturated else None

    def curves(self) -> PixelCurves:
        """The exact curves, with two corners a level (`Curve.thinned` for drawing); closes the defectives."""
        ranking = self._closed().ranking()
        return PixelCurves(roc_of(ranking), pr_of(ranking), self._overlap(), self._saturated())

    def _closed(self) -> Levels:
        self.close_defectives()
        assert self._levels is not None
        return self._levels

    def _overlap(self) -> Curve | None:
        levels = self._closed()
        return overlap_of(levels.ranking(), levels.share())

    def _saturated(self) -> Curve | None:
        levels = self._closed()
        return overlap_of(levels.ranking(), levels.saturated_share())


def pixel_scores(
    maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None], *, ignore: ArrayLike | None = None
) -> PixelScores:
    """`PixelScores` of maps at hand: a mask that marks nothing, or None, says that its picture is good.

    maps   : (H, W) each, larger is stranger
    masks  : (H, W) each, above 0 on anomalous pixels; as many as maps
    ignore : (H, W), above 0 on pixels to leave out of all pictures
    raises : UsageError as `PixelScores` does, and when the numbers of maps and masks differ
    """
    return _at_hand(((map, mask, None) for map, mask in zip(maps, masks, strict=True)), ignore)


def _at_hand(
    pictures: Iterable[tuple[ArrayLike, ArrayLike | None, Sequence[SaturatedRegion] | None]], ignore: ArrayLike | None
) -> PixelScores:
    """`PixelScores` of map, mask and regions of each picture."""
    scores, good = PixelScores(), []
    try:
        for map, mask, regions in pictures:
            if mask is None or not np.any(mask):
                good.append(map)
            else:
                scores.add_defective(map, mask, ignore=ignore, regions=regions)
    except ValueError as error:
        raise UsageError(f"Maps and their masks, or regions, must be equally many: {error}.") from None
    scores.close_defectives()
    for map in good:
        scores.add_good(map, ignore=ignore)
    return scores


def pixel_figures(
    maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None], *, ignore: ArrayLike | None = None
) -> PixelFigures:
    """All pixel figures of maps at hand; see `pixel_scores`."""
    return pixel_scores(maps, masks, ignore=ignore).figures()


def aupro(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None], *, limit: float = 0.3) -> float | None:
    """AUPRO of maps at hand up to a false-positive rate of `limit`; see `pixel_scores` and `overlap`."""
    return pixel_scores(maps, masks).aupro(limit)


def spro(
    maps: Iterable[ArrayLike],
    regions: Iterable[Sequence[SaturatedRegion] | None],
    *,
    limit: float = 0.05,
    ignore: ArrayLike | None = None,
) -> float | None:
    """AU-sPRO of maps at hand up to a false-positive rate of `limit`; see `saturation`.

    maps    : (H, W) each, larger is stranger
    regions : of each map its regions as in `PixelScores.add_defective`; none, or None, says that its picture is good
    ignore  : (H, W), above 0 on pixels to leave out of all pictures
    raises  : UsageError as `PixelScores` does, and when there are not as many of regions as of maps
    """
    pictures = ((map, _union(np.shape(map), stated or ()), stated) for map, stated in zip(maps, regions, strict=True))
    return _at_hand(pictures, ignore).spro(limit)


def aupimo(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None]) -> tuple[float | None, ...]:
    """AUPIMO of each defective picture among the maps at hand; see `pixel_scores` and `pimo`."""
    return pixel_scores(maps, masks).figures().aupimo_pictures


def _checked(map: ArrayLike) -> Scores:
    scores = as_scores(map, "The scores of a map")
    if scores.ndim != 2:
        raise UsageError(f"A map must be of shape (H, W), but this one is {scores.shape}.")
    return scores


def _checked_mask(mask: ArrayLike, what: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """`mask` as bool of just this shape; nothing is resized."""
    marked = np.asarray(mask)
    if marked.shape != shape:
        raise UsageError(f"The {what} is of shape {marked.shape}, its map {shape}; carry the map to the mask's pixels.")
    return marked if marked.dtype == bool else marked > 0


def _peaks(
    scores: Scores, marked: NDArray[np.bool_], keep: NDArray[np.bool_] | None, regions: Iterable[SaturatedRegion]
) -> tuple[Scores, ...]:
    """What `highest` gives of the regions of one picture, without what is ignored."""
    stated = [(_checked_mask(mask, "mask of a region", scores.shape), enough) for mask, enough in regions]
    if not np.array_equal(_union(scores.shape, stated), marked):
        raise UsageError("The regions of a picture must mark together what its mask marks; hand in the mask of each.")
    return highest(scores, [(mask if keep is None else mask & keep, enough) for mask, enough in stated])


def _union(shape: tuple[int, ...], regions: Iterable[SaturatedRegion]) -> NDArray[np.bool_]:
    marked = np.zeros(shape, dtype=bool)
    for mask, _ in regions:
        marked |= _checked_mask(mask, "mask of a region", shape)
    return marked
