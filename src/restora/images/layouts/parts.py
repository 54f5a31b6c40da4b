"""What several layouts share: the items of a folder, masks beside their pictures, and sentences about what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from restora.errors import DataError, PictureError
from restora.images.dataset import Dataset, Item, Label, Split
from restora.images.layouts.mvtec_form import as_dataset, counted, defect_items, good_items, masks_of_no_kind
from restora.images.read import read_mask
from restora.images.tree import Tree, below, last, stem

NO_MASKS: Mapping[str, tuple[str, ...]] = {}


def items_of(
    tree: Tree, names: Iterable[str], split: Split, kind: str, masks: Mapping[str, tuple[str, ...]] = NO_MASKS
) -> list[Item]:
    """Items of the pictures `names`, all of one kind.

    kind  : ``good`` makes good pictures of them, anything else defective ones
    masks : names of masks by the name of their picture
    """
    label: Label = 0 if kind == "good" else 1
    return [
        Item(
            below(name, ""), tree.locator(name), split, label, kind, tuple(tree.locator(m) for m in masks.get(name, ()))
        )
        for name in names
    ]


def read_good_and_bad(tree: Tree, layout: str, good: str, bad: str) -> Dataset:
    """train/GOOD, test/GOOD, test/BAD and ground_truth/BAD, with masks by name; other folders are refused.

    good, bad : what the two folders are called. Raises DataError.
    """
    expect_only(tree, ("train",), (good,))
    expect_only(tree, ("test",), (good, bad))
    found = good_items(tree, tree.folder("train", good), "train") + good_items(tree, tree.folder("test", good), "test")
    if (wrong := tree.folder("test", bad)) is not None:
        found += defect_items(tree, wrong, tree.folder("ground_truth", bad), bad)
    if not found.items:
        raise DataError(f"{tree.root} holds no pictures in train/{good}, test/{good} or test/{bad}; check the path")
    return as_dataset(tree, layout, found + masks_of_no_kind(tree, tree.folder("ground_truth"), tree.folder("test")))


def masks_by_ending(names: Iterable[str], ending: str) -> dict[str, str]:
    """Masks called like their picture and `ending`: ``7_GT.png`` under ``7`` for the ending ``_GT``, capitals aside."""
    plain = ending.casefold()
    stems = ((stem(name), name) for name in names)
    return {own[: -len(ending)].casefold(): name for own, name in stems if own.casefold().endswith(plain)}


def label_of_mask(tree: Tree, mask: str | None) -> Label:
    """1 where the mask marks a pixel, 0 where it marks none; None where there is no mask, or it cannot be read."""
    if mask is None:
        return None
    try:
        return 1 if read_mask(tree.locator(mask)).any() else 0
    except PictureError:  # the mask stays with its picture, and `restora data inspect` says what is wrong with it
        return None


def item_by_mask(tree: Tree, name: str, split: Split, mask: str | None) -> Item:
    """The item of a picture whose mask says whether it is good, see `label_of_mask`; good ones keep no mask."""
    label = label_of_mask(tree, mask)
    kinds: dict[Label, str] = {0: "good", 1: "defect", None: "unknown"}
    marks = (tree.locator(mask),) if mask is not None and label != 0 else ()
    return Item(below(name, ""), tree.locator(name), split, label, kinds[label], marks)


def expect_only(tree: Tree, path: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a folder in which other folders than the `wanted` hold pictures. Raises DataError."""
    folder = tree.folder(*path)
    known = {name.casefold() for name in wanted}
    for inner in tree.folders(folder) if folder is not None else ():
        if last(inner).casefold() not in known and tree.pictures(inner):
            raise DataError(
                f"{tree.root} holds pictures in {below(inner, '')}, but this layout has {' and '.join(wanted)} alone "
                f"in {'/'.join(path)}; move that folder away, or name another layout with --layout"
            )


# Whether a tree, or with a folder's name that folder of it, is a whole data set of a layout.
IsSet = Callable[..., bool]


def sets_inside(tree: Tree, is_set: IsSet) -> list[str]:
    """The folders directly in a tree that are data sets."""
    return [folder for folder in tree.folders() if is_set(tree, folder)]


def likeness(tree: Tree, is_set: IsSet) -> float:
    """1 for a data set, less for a folder around some, which `refuse_around` then names; 0 for anything else."""
    if is_set(tree):
        return 1.0
    return 0.7 if sets_inside(tree, is_set) else 0.0


def refuse_around(tree: Tree, is_set: IsSet, what: str) -> None:
    """Raise DataError for a folder that holds data sets instead of being one; what: as in `refuse_several`."""
    if not is_set(tree) and (inside := sets_inside(tree, is_set)):
        raise refuse_several(tree, inside, what)


def refuse_several(tree: Tree, folders: Sequence[str], what: str) -> DataError:
    """The error for a folder that holds one or several whole data sets instead of being one.

    what : what the data sets are called there, in the plural, such as ``categories``
    """
    if len(folders) > 1:
        return name_one(tree, folders, what)
    where = f"{tree.root} is not the data set, but holds it in {below(folders[0], '')}"
    return DataError(f"{where}; name that folder, {_example(tree, folders)}")


def name_one(tree: Tree, folders: Sequence[str], what: str) -> DataError:
    """The error that counts the data sets in a folder and asks for one of them; arguments as in `refuse_several`."""
    names = [below(folder, "") for folder in folders]
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    held = f"{tree.root} holds {len(names)} {what} ({shown}), each a data set of its own"
    return DataError(f"{held}; name one, {_example(tree, folders)}")


def _example(tree: Tree, folders: Sequence[str]) -> str:
    return f"for example: restora train {tree.locator(folders[0])}"


def pictures_are(count: int) -> str:
    """``1 picture is`` or ``2,331 pictures are``."""
    return f"{counted(count)} {'is' if count == 1 else 'are'}"
