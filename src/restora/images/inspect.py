"""What is in a data set and what is wrong with it, before anything is trained."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from restora.errors import DataError, PictureError
from restora.images import decode
from restora.images.dataset import Dataset, Item
from restora.images.prepare import choose_size, median_shape
from restora.images.read import opened, to_rgb
from restora.images.split import FEWEST_GOOD, content_digest

#: A picture counts as squashed when its height : width differs from that of the median shape by more than this share.
SQUASH = 0.05

#: Below this many good pictures, fewer than 20 are kept back, and a rate of 1 in 21 is the best that can be promised.
FEW_GOOD = 40

#: Pictures that wait for the threads at once; a list of all of them as tasks would take more memory than what is found.
_TOGETHER = 1000

_CAMERA_DEPTHS = (8, 10, 12, 14)


@dataclass(frozen=True)
class Inspection:
    """What `inspect_dataset` found. Names are those of the data set's items; sizes are written HEIGHTxWIDTH.

    quick         : whether nothing was opened; then there are no sizes, modes and faults of pictures
    counts        : pictures by split and kind
    sizes, modes  : how many pictures of each, the most common first
    size          : (height, width) the training would choose; squashed: how many pictures have other proportions
    depth         : what `--depth` should be, where the 16-bit training pictures leave their upper bits unused
    unreadable    : (name, sentence); bad_masks: (name, sentence) of masks that cannot be read or do not fit
    duplicates    : names of training, or of test, pictures with equal pixels; leaks: the same across the two parts
    missing_masks : defective pictures without one, where others have one; stray_masks: files that fit no picture
    notes         : what the layout says of the data set: what was counted and what left out
    problems      : what has to be put right first; warnings: what is worth knowing; a sentence each
    """

    name: str
    root: str
    layout: str
    quick: bool
    counts: dict[str, dict[str, int]]
    sizes: dict[str, int]
    modes: dict[str, int]
    size: tuple[int, int] | None
    squashed: int
    depth: int | None
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, ...], ...]
    leaks: tuple[tuple[str, ...], ...]
    bad_masks: tuple[tuple[str, str], ...]
    missing_masks: tuple[str, ...]
    stray_masks: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "size": list(self.size) if self.size is not None else None}


@dataclass(frozen=True)
class _Look:
    """What one picture and its masks gave; a field is None where reading did not get that far."""

    item: Item
    error: str | None = None
    shape: tuple[int, int] | None = None
    mode: str | None = None
    pages: int = 1
    largest: int | None = None  # of 16-bit samples
    flat: bool = False
    digest: str | None = None
    mask_error: str | None = None
    mask_empty: bool = False


def inspect_dataset(dataset: Dataset, *, quick: bool = False) -> Inspection:
    """Look at every picture and mask of a data set.

    quick : open nothing; finds only what names tell: layout, counts, masks that are missing or for no picture
    """
    looks = [] if quick else list(_looks(dataset.items))
    same = _equal_pictures(looks)
    fitting = [look for look in looks if look.item.split == "train" and look.item.label == 0]
    shapes = [look.shape for look in fitting if look.shape]
    usual = median_shape(shapes) if shapes else None
    found = Inspection(
        name=dataset.name,
        root=dataset.root,
        layout=dataset.layout,
        quick=quick,
        counts=_counts(dataset),
        sizes=_most_common(f"{look.shape[0]}x{look.shape[1]}" for look in looks if look.shape),
        modes=_most_common(look.mode for look in looks if look.mode),
        size=choose_size(shapes) if shapes else None,
        squashed=sum(_is_squashed(look.shape, usual) for look in looks if look.shape and usual),
        depth=_depth(fitting),
        unreadable=tuple((look.item.name, look.error) for look in looks if look.error),
        duplicates=tuple(_names(group) for group in same if len(_parts(group)) == 1),
        leaks=tuple(_names(group) for group in same if len(_parts(group)) > 1),
        bad_masks=tuple((look.item.name, look.mask_error) for look in looks if look.mask_error),
        missing_masks=_missing_masks(dataset),
        stray_masks=dataset.stray_masks,
        notes=dataset.notes,
        problems=(),
        warnings=(),
    )
    problems, warnings = _problems(found, dataset), _warnings(found, dataset, looks)
    return replace(found, problems=tuple(problems), warnings=tuple(warnings))


def _looks(items: Sequence[Item]) -> Iterator[_Look]:
    with ThreadPoolExecutor() as pool:
        for begin in range(0, len(items), _TOGETHER):
            yield from pool.map(_look, items[begin : begin + _TOGETHER])


def _look(item: Item) -> _Look:
    try:
        facts = _facts(item)
    except PictureError as error:
        return _Look(item, error=str(error))
    assert facts.shape is not None
    try:
        return _with_masks(facts, facts.shape)
    except (DataError, PictureError) as error:
        return replace(facts, mask_error=str(error))


def _facts(item: Item) -> _Look:
    with opened(item.source, item.name) as image:
        mode, pages = decode.describe(image), int(getattr(image, "n_frames", 1))
        turn = decode.orientation(image)
        samples = decode.turned(decode.stored_samples(image), turn)
    to_rgb(samples, depth=16, name=item.name)  # whether it can be read at all; the depth does not matter for that
    largest, smallest = samples.max(), samples.min()
    return _Look(
        item,
        shape=(samples.shape[0], samples.shape[1]),
        mode=mode,
        pages=pages,
        largest=int(largest) if samples.dtype.kind in "iu" and samples.itemsize > 1 else None,
        flat=bool(largest == smallest) and samples.shape[:2] != (1, 1),
        digest=content_digest(samples),
    )


def _with_masks(facts: _Look, shape: tuple[int, int]) -> _Look:
    if not facts.item.masks:
        return facts
    mask = facts.item.mask(shape)
    facts.item.regions(shape)  # a mask may fit the picture, and not what the set states of its masks
    return replace(facts, mask_empty=mask is not None and not mask.any())


def _counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for split in ("train", "test"):
        kinds = Counter(item.kind for item in dataset.items if item.split == split)
        if kinds:
            counts[split] = {kind: kinds[kind] for kind in sorted(kinds, key=lambda kind: (kind != "good", kind))}
    return counts


def _most_common(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))


def _is_squashed(shape: tuple[int, int], usual: tuple[int, int]) -> bool:
    change = (shape[0] / shape[1]) / (usual[0] / usual[1])
    return max(change, 1 / change) > 1 + SQUASH


def _depth(looks: Sequence[_Look]) -> int | None:
    """The smallest usual camera depth that holds every 16-bit sample; None where all 16 bits, or none, are used."""
    largest = max((look.largest for look in looks if look.largest is not None), default=0)
    return next((depth for depth in _CAMERA_DEPTHS if 0 < largest < 2**depth), None)


def _equal_pictures(looks: Sequence[_Look]) -> list[list[Item]]:
    equal: dict[str, list[Item]] = defaultdict(list)
    for look in looks:
        if look.digest is not None:
            equal[look.digest].append(look.item)
    return [items for items in equal.values() if len(items) > 1]


def _names(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(item.name for item in items)


def _parts(items: Sequence[Item]) -> set[str]:
    return {item.split for item in items}


def _missing_masks(dataset: Dataset) -> tuple[str, ...]:
    return _names([item for item in dataset.defective if not item.masks]) if dataset.has_masks else ()


def _problems(found: Inspection, dataset: Dataset) -> Iterable[str]:
    if not dataset.good("train"):
        yield "There are no good pictures to train on; they belong into train/good, or give a plain folder of them."
    if found.unreadable:
        names = [name for name, _ in found.unreadable]
        yield f"{_count(names, 'picture')} cannot be read: {_some(names)}; replace them or take them out."
    if found.leaks:
        names = [" = ".join(names) for names in found.leaks]
        yield (
            f"{_count(names, 'picture')} of the training part also in the test part: {_some(names)}; "
            "take them out of one, or the figures flatter."
        )
    if found.bad_masks:
        names = [name for name, _ in found.bad_masks]
        yield f"The masks of {_count(names, 'picture')} do not fit or cannot be read: {_some(names)}; save them anew."


def _warnings(found: Inspection, dataset: Dataset, looks: Sequence[_Look]) -> Iterable[str]:
    good = len(dataset.good("train"))
    if 0 < good < FEWEST_GOOD:
        yield f"Only {good} good pictures: under {FEWEST_GOOD} nothing is kept back, and every verdict will be review."
    elif 0 < good < FEW_GOOD:
        kept = good // 2
        yield (
            f"Only {good} good pictures: {kept} are kept back for the calibration, which can promise a false-alarm "
            f"rate of 1 in {kept + 1} at best."
        )
    if found.size is not None and found.squashed:
        size = f"{found.size[0]}x{found.size[1]}"
        yield f"{found.squashed} of {len(looks)} pictures have other proportions and will be squashed to {size}."
    if found.depth is not None:
        yield f"The 16-bit pictures leave their upper bits unused and come out too dark: use --depth {found.depth}."
    if found.duplicates:
        groups = [" = ".join(names) for names in found.duplicates]
        yield f"Equal pictures within a part, which count as one piece of evidence each: {_some(groups)}."
    yield from _mask_warnings(found, looks)
    yield from _odd_pictures(looks)


def _mask_warnings(found: Inspection, looks: Sequence[_Look]) -> Iterable[str]:
    if found.missing_masks:
        names = found.missing_masks
        yield f"{_count(names, 'defective picture')} without a mask, left out of the pixel figures: {_some(names)}."
    if found.stray_masks:
        strays = [Path(mask).name for mask in found.stray_masks]
        yield f"{_count(strays, 'mask')} for no picture: {_some(strays)}; a mask bears its picture's name plus _mask."
    empty = [look.item.name for look in looks if look.mask_empty and look.item.label == 1]
    if empty:
        yield f"{_count(empty, 'defective picture')} whose mask marks nothing: {_some(empty)}."


def _odd_pictures(looks: Sequence[_Look]) -> Iterable[str]:
    flat = [look.item.name for look in looks if look.flat]
    if flat:
        yield f"{_count(flat, 'picture')} of one colour only: {_some(flat)}."
    pages = [look.item.name for look in looks if look.pages > 1]
    if pages:
        yield f"{_count(pages, 'file')} with several pages, of which the first is read: {_some(pages)}."


def _count(names: Sequence[str], word: str) -> str:
    return f"{len(names)} {word}{'' if len(names) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
