"""Sets that lie as MVTec AD does, or nearly: good pictures to train on, a folder a kind to test with, masks by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, Split, pair_masks
from restora.images.files import printable
from restora.images.tree import Tree, last


@dataclass(frozen=True)
class Found:
    """What a part of a tree gave: pictures, locators of masks that fit none, sentences on what is otherwise."""

    items: tuple[Item, ...] = ()
    stray: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.items + other.items, self.stray + other.stray, self.notes + other.notes)


def read_mvtec_form(tree: Tree, layout: str, notes: Iterable[str] = ()) -> Dataset:
    """Good pictures of train/, all of test/, masks of ground_truth/ by name; either part may be absent.

    layout : the name of the layout that asks
    notes  : sentences to stand before those about what was found

    Raises DataError without pictures.
    """
    found = Found(notes=tuple(notes))
    train, test = tree.folder("train"), tree.folder("test")
    if train is not None or tree.was_emptied("train", "good"):
        found += required_good(tree, "train")
    for folder in tree.folders(test) if test is not None else ():
        found += kind_items(tree, folder, tree.folder("ground_truth", last(folder)))
    if not found.items:
        raise DataError(f"{tree.root} holds no pictures in train/good or test; see `restora data layouts`")
    found += masks_of_no_kind(tree, tree.folder("ground_truth"), test)
    return as_dataset(tree, layout, found)


def as_dataset(tree: Tree, layout: str, found: Found) -> Dataset:
    """A data set that bears the name of its folder."""
    return Dataset(tree.name, str(tree.root), layout, found.items, found.stray, found.notes)


def counted(number: int, noun: str = "picture") -> str:
    """``1 picture`` or ``7 pictures``, for notes."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def required_good(tree: Tree, *path: str) -> Found:
    """The pictures in ``good`` of a folder, to train on. Raises DataError where there are none."""
    found = good_items(tree, tree.folder(*path, "good"), "train")
    if not found.items:
        where = tree.locator("/".join(path))
        raise DataError(f"{where} holds no pictures in good/; training needs good pictures there")
    return found


def validation_good(tree: Tree, folder: str | None) -> Found:
    """The good pictures of a published validation part, to train on as well, with a sentence that says so.

    Nothing is chosen by looking at them; training keeps back its own part of all good pictures for the calibration.
    """
    found = good_items(tree, folder, "train")
    if not found.items:
        return found
    return found + Found(
        notes=(
            f"Read as training pictures too: {counted(len(found.items))} of {folder}; of all of them a part is kept "
            "back for the calibration and never fitted.",
        )
    )


def good_items(tree: Tree, folder: str | None, split: Split) -> Found:
    """The pictures of a folder, at any depth, as good ones; none where the folder is None."""
    names = tree.pictures(folder) if folder is not None else ()
    return Found(tuple(Item(printable(name), tree.locator(name), split, 0, "good") for name in names))


def kind_items(tree: Tree, folder: str, truth: str | None, alias: Callable[[str], str] | None = None) -> Found:
    """The test pictures of a folder that is named by their kind, ``good`` or one of defect; see `defect_items`."""
    kind = printable(last(folder))
    if kind.casefold() == "good":
        return good_items(tree, folder, "test")
    return defect_items(tree, folder, truth, kind, alias)


def defect_items(
    tree: Tree, folder: str, truth: str | None, kind: str, alias: Callable[[str], str] | None = None
) -> Found:
    """The pictures of a folder as defective ones to test with, and the masks that bear their names.

    truth : the folder of the masks; None without any
    alias : turns a mask's name below `truth` into one that `pair_masks` knows, where a set names its masks otherwise
    """
    pictures = {_inside(name, folder): name for name in tree.pictures(folder)}
    names = {_inside(name, truth): name for name in tree.pictures(truth)} if truth is not None else {}
    masks = {alias(name) if alias is not None else name: full for name, full in names.items()}
    found = paired_items(tree, pictures, masks, kind)
    if not masks or not pictures or len(found.stray) < len(masks):
        return found
    note = (
        f"No mask of the {len(masks)} in {printable(truth or '')} bears the name of a picture in {printable(folder)}; "
        "name them 007_mask.png or 007.png, with the same folders above."
    )
    return found + Found(notes=(note,))


def paired_items(tree: Tree, pictures: Mapping[str, str], masks: Mapping[str, str], kind: str) -> Found:
    """Pictures as defective ones to test with.

    pictures, masks : names in the tree, by what `pair_masks` pairs them by
    """
    pairing = pair_masks(list(pictures), list(masks))
    items = tuple(
        Item(printable(full), tree.locator(full), "test", 1, kind, tuple(tree.locator(masks[name]) for name in found))
        for full, found in zip(pictures.values(), pairing.masks, strict=True)
    )
    return Found(items, tuple(tree.locator(masks[name]) for name in pairing.stray))


def masks_of_no_kind(tree: Tree, truth: str | None, test: str | None) -> Found:
    """The masks in folders of `truth` that no defective kind of `test` shares its name with."""
    if truth is None:
        return Found()
    kinds = {last(folder).casefold() for folder in tree.folders(test)} - {"good"} if test is not None else set()
    strays = [folder for folder in tree.folders(truth) if last(folder).casefold() not in kinds]
    return Found(stray=tuple(tree.locator(mask) for folder in strays for mask in tree.pictures(folder)))


def _inside(name: str, folder: str) -> str:
    return name[len(folder) + 1 :] if folder else name
