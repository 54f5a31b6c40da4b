"""What a data set is: pictures with their labels and masks, paired by name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from restora.errors import DataError
from restora.images.read import read_mask
from restora.images.saturation import Saturation

Split = Literal["train", "test"]
Label = Literal[0, 1] | None


@dataclass(frozen=True)
class Item:
    """One picture of a data set.

    name       : its path below the data set, ``/`` between folders
    source     : where its file lies
    label      : 0 good, 1 defective, None unknown
    kind       : the kind of defect, ``good`` for good pictures
    masks      : the files that mark its defects; their union counts
    group      : pictures of one part or patient share it and are never separated
    saturation : how much of what each mask marks is enough; None where the data set does not state it
    """

    name: str
    source: str
    split: Split
    label: Label
    kind: str
    masks: tuple[str, ...] = ()
    group: str | None = None
    saturation: Saturation | None = None

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
        """The marked pixels, bool [H, W]; nothing marked on a good picture, None where no mask says what is.

        shape : (H, W) of the picture. Raises DataError if a mask has another size, PictureError if it cannot be read.
        """
        if not self.masks:
            return np.zeros(shape, dtype=np.bool_) if self.label == 0 else None
        marked = np.zeros(shape, dtype=np.bool_)
        for source in self.masks:
            marked |= self._sized(read_mask(source), source, shape)
        return marked

    def regions(self, shape: tuple[int, int]) -> tuple[tuple[NDArray[np.bool_], int], ...] | None:
        """What each mask marks, bool [H, W], and how many of its pixels count as all of it; None without `saturation`.

        Masks that mark nothing are left out; together the others mark what `mask` says. Raises as `mask` does, and
        DataError for a mask that marks with a value of which nothing is stated.
        """
        if self.saturation is None or not self.masks:
            return None
        read = [(source, *self.saturation.read(source, Path(source).name)) for source in self.masks]
        return tuple((self._sized(marked, source, shape), enough) for source, marked, enough in read if enough)

    def _sized(self, mask: NDArray[np.bool_], source: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask if it is of this shape. Raises DataError."""
        if mask.shape != shape:
            raise DataError(
                f"{self.name}: its mask {Path(source).name} is {mask.shape[0]} x {mask.shape[1]} pixels "
                f"(height x width), the picture {shape[0]} x {shape[1]}; save the mask in the picture's own size"
            )
        return mask


@dataclass(frozen=True)
class Dataset:
    """An ordered list of pictures.

    stray_masks : masks that belong to no picture; `restora data inspect` shows them
    notes       : sentences for people about what was left out, or is otherwise than one would think
    """

    name: str
    root: str
    layout: str
    items: tuple[Item, ...]
    stray_masks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def good(self, split: Split) -> tuple[Item, ...]:
        """The good pictures of a part."""
        return tuple(item for item in self.items if item.split == split and item.label == 0)

    @property
    def train(self) -> tuple[Item, ...]:
        """Everything in the training part."""
        return tuple(item for item in self.items if item.split == "train")

    @property
    def test(self) -> tuple[Item, ...]:
        """Everything in the test part."""
        return tuple(item for item in self.items if item.split == "test")

    @property
    def defective(self) -> tuple[Item, ...]:
        """The defective pictures of the test part."""
        return tuple(item for item in self.test if item.label == 1)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of defects of the test part, sorted."""
        return tuple(sorted({item.kind for item in self.defective}))

    @property
    def has_masks(self) -> bool:
        """Whether any defective test picture has a mask."""
        return any(item.masks for item in self.defective)

    def _repr_html_(self) -> str:
        from restora.images.display import dataset_html

        return dataset_html(self)


@dataclass(frozen=True)
class Pairing:
    """masks : for each picture, in its order, the masks that bear its name; stray : masks that fit no picture."""

    masks: tuple[tuple[str, ...], ...]
    stray: tuple[str, ...]


def pair_masks(pictures: Sequence[str], masks: Sequence[str]) -> Pairing:
    """Pair pictures and masks by name, never by position.

    pictures, masks : paths with ``/``; endings do not matter

    The mask of ``folder/007.png`` is ``folder/007_mask.*`` or ``folder/007.*``, several are ``007_mask_1.*``,
    ``007_mask_2.*``. A name written with other capitals, or with accents stored in the other Unicode form, counts
    only where no picture bears the very name.
    """
    exact: dict[str, list[str]] = defaultdict(list)
    loose: dict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        exact[_stem(picture)].append(picture)
        loose[_plain(_stem(picture))].append(picture)
    found: dict[str, list[str]] = defaultdict(list)
    stray = []
    for mask in sorted(masks):
        stem = _stem(mask)
        bare = re.sub(r"_mask(_?\d+)?$", "", stem, flags=re.IGNORECASE)
        owners = exact.get(stem) or exact.get(bare) or loose.get(_plain(stem)) or loose.get(_plain(bare))
        for owner in owners or ():
            found[owner].append(mask)
        if not owners:
            stray.append(mask)
    return Pairing(tuple(tuple(found[picture]) for picture in pictures), tuple(stray))


def _stem(path: str) -> str:
    folder, slash, file = path.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)


def _plain(stem: str) -> str:
    return unicodedata.normalize("NFC", stem).casefold()
