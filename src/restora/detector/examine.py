"""One pass over a labelled data set: verdicts, pixel scores, and the few pictures a report shows. No map is kept."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restora.detector.answer import answer
from restora.detector.stream import Look, Named, sources_of
from restora.evaluation import Row
from restora.images.dataset import Item
from restora.images.prepare import carry_map
from restora.images.read import read_mask
from restora.metrics.pixels import PixelScores
from restora.report.pictures import LARGEST_SIDE, ReportPicture
from restora.verdicts.prediction import MAPS, Prediction, Region, Rule

MOST_SHOWN = 200


class Examination:
    """Takes the looks at defective pictures, then those at good ones; `place` is an item's place in the data set.

    ignore : file of the mask of places left out, or None; masks : whether there are pixel figures to make
    most_shown : how many pictures to keep for a report, 0 for none
    """

    def __init__(self, rule: Rule, *, ignore: Path | None, masks: bool, most_shown: int = 0) -> None:
        self.pixels = PixelScores() if masks else None
        self.shown = Shown(most_shown)
        self._rule = rule
        self._ignore = _Ignored(ignore)
        self._rows: dict[int, Row] = {}

    def take(self, place: int, item: Item, look: Look) -> None:
        """Judge one picture. Raises DataError where its mask does not fit it."""
        prediction = answer(replace(look, picture=None), self._rule)  # rows are many, and keep no maps
        self._rows[place] = Row(prediction, item.label, item.kind)
        if look.outputs is None or look.shape is None or prediction.error is not None:
            return
        mask = item.mask(look.shape) if self.pixels is not None else None
        if mask is not None:
            self._count_pixels(item, look.outputs["map"], mask)
        self.shown.offer(item, prediction, look, mask if item.masks else None)

    def take_all(self, items: Sequence[Item], look: Callable[[Iterator[Named]], Iterable[Look]]) -> None:
        """Judge every picture of a data set, those without a defect last; `look` looks at sources, in their order."""
        placed = list(enumerate(items))
        for chosen in ([one for one in placed if one[1].label != 0], [one for one in placed if one[1].label == 0]):
            for (place, item), seen in zip(chosen, look(sources_of(item for _, item in chosen)), strict=True):
                self.take(place, item, seen)
            self.close_defectives()

    def close_defectives(self) -> None:
        """Say that only good pictures follow."""
        if self.pixels is not None:
            self.pixels.close_defectives()

    def rows(self) -> list[Row]:
        """The rows in the order of the data set."""
        return [self._rows[place] for place in sorted(self._rows)]

    def _count_pixels(self, item: Item, map: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        assert self.pixels is not None
        height, width = mask.shape
        carried, ignore = carry_map(map, (height, width)), self._ignore.at((height, width))
        if item.label == 1:
            self.pixels.add_defective(carried, mask, ignore=ignore, regions=item.regions((height, width)))
        elif item.label == 0:
            self.pixels.add_good(carried, ignore=ignore)


class Shown:
    """The pictures worth showing: mistakes and reviews first, every kind of defect, the strangest good ones.

    Half of the room is for defective pictures, half for good ones. Pictures are kept at a page's size.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._order = 0
        self._kept: dict[bool, list[tuple[tuple[int, float], int, ReportPicture]]] = {False: [], True: []}
        self._of_kind: Counter[str] = Counter()

    def offer(self, item: Item, prediction: Prediction, look: Look, mask: NDArray[np.bool_] | None) -> None:
        """Keep a picture if there is room for it, or if it is worth more than the least that is kept."""
        if look.picture is None or look.outputs is None or prediction.score is None:
            return
        kept, worth = self._kept[item.label == 1], self._worth(item, prediction)
        full = len(kept) >= self._most // 2
        if full and (not kept or worth <= kept[0][0]):
            return
        self._order += 1
        entry = (worth, -self._order, report_picture(item, prediction, look, mask))
        if full:
            heapq.heapreplace(kept, entry)
        else:
            heapq.heappush(kept, entry)

    def pictures(self) -> list[ReportPicture]:
        """Those kept, in the order they came, defective ones first."""
        return [entry[2] for bad in (True, False) for entry in sorted(self._kept[bad], key=lambda kept: -kept[1])]

    def _worth(self, item: Item, prediction: Prediction) -> tuple[int, float]:
        assert prediction.score is not None
        if item.label != 1:
            return {"defect": 2, "review": 1}.get(prediction.verdict, 0), prediction.score
        self._of_kind[item.kind] += 1
        return {"ok": 2, "review": 1}.get(prediction.verdict, 0), -float(self._of_kind[item.kind])


class _Ignored:
    """The mask of places left out, in the pixels of each picture; None where nothing is left out."""

    def __init__(self, path: Path | None) -> None:
        self._mask = None if path is None else read_mask(path)

    def at(self, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
        if self._mask is None or self._mask.shape == shape:
            return self._mask
        resized = Image.fromarray(self._mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
        self._mask = np.asarray(resized)  # pictures of one data set mostly share one shape
        return self._mask


def report_picture(item: Item, prediction: Prediction, look: Look, mask: NDArray[np.bool_] | None) -> ReportPicture:
    """A picture that was looked at, at a page's size; `look` holds picture and outputs."""
    assert look.picture is not None
    assert look.outputs is not None
    image = Image.fromarray(look.picture.pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small = np.asarray(image)
    maps: dict[str, Any] = {name: look.outputs[name] for name in MAPS if name in look.outputs}
    return ReportPicture(
        name=item.name,
        kind=item.kind,
        label=item.label,
        verdict=prediction.verdict,
        p_value=prediction.p_value,
        score=prediction.score,
        doubt=prediction.doubt,
        pixels=small,
        regions=_shrink_regions(prediction.regions, small.shape[1] / look.picture.pixels.shape[1]),
        mask=None if mask is None else _shrink_mask(mask, image.size),
        reason=prediction.reason,
        **maps,
    )


def _shrink_regions(regions: Iterable[Region], scale: float) -> tuple[Region, ...]:
    """Boxes on the shrunken picture; area and peak stay those of the picture itself."""
    return tuple(
        Region(tuple(round(side * scale) for side in region.bbox), region.area, region.peak)  # type: ignore[arg-type]
        for region in regions
    )


def _shrink_mask(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A pixel is marked where any part of it was: a hairline must not vanish."""
    share = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(share) > 0
