"""The layout of MVTec AD, which most industrial data sets follow."""

from __future__ import annotations

from pathlib import Path

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, pair_masks
from restora.images.files import folder_named, folders_in, name_below, picture_files

NAME = "mvtec-ad"
SKETCH = """\
ROOT/train/good/*.png
ROOT/test/good/*.png
ROOT/test/KIND/007.png
ROOT/ground_truth/KIND/007_mask.png   (or 007.png)"""
NOTE = "MVTec AD itself, and most sets in its form, are CC BY-NC-SA 4.0: no commercial use; ask each set's own terms."


def looks_like(path: Path) -> float:
    """1 with train/good and test, less with one of them, 0 with neither."""
    train, test = folder_named(path, "train"), folder_named(path, "test")
    trains = train is not None and folder_named(train, "good") is not None
    tests = test is not None and bool(folders_in(test))
    return {(True, True): 1.0, (True, False): 0.9, (False, True): 0.8, (False, False): 0.0}[trains, tests]


def read(path: Path) -> Dataset:
    """Good pictures of train/, all of test/, masks of ground_truth/ by name. Raises DataError."""
    items: list[Item] = []
    stray: list[str] = []
    train, test = folder_named(path, "train"), folder_named(path, "test")
    if train is not None:
        items += _train_items(path, train)
    for folder in folders_in(test) if test is not None else ():
        found, unpaired = _test_items(path, folder)
        items += found
        stray += unpaired
    if not items:
        raise DataError(f"{path} holds no pictures in train/good or test; see `restora data layouts`")
    return Dataset(path.resolve().name, str(path), NAME, tuple(items), tuple(stray + _masks_of_no_kind(path, test)))


def _train_items(path: Path, train: Path) -> list[Item]:
    good = folder_named(train, "good")
    pictures = picture_files(good) if good is not None else []
    if not pictures:
        raise DataError(f"{train} holds no pictures in good/; training needs good pictures there")
    return [Item(name_below(picture, path), str(picture), "train", 0, "good") for picture in pictures]


def _test_items(path: Path, folder: Path) -> tuple[list[Item], list[str]]:
    pictures = picture_files(folder)
    kind = folder.name
    if kind.casefold() == "good":
        return [Item(name_below(picture, path), str(picture), "test", 0, "good") for picture in pictures], []
    truth = _truth_of(path, kind)
    masks = {name_below(mask, truth): str(mask) for mask in picture_files(truth)} if truth is not None else {}
    pairing = pair_masks([name_below(picture, folder) for picture in pictures], list(masks))
    items = [
        Item(name_below(picture, path), str(picture), "test", 1, kind, tuple(masks[name] for name in names))
        for picture, names in zip(pictures, pairing.masks, strict=True)
    ]
    return items, [masks[name] for name in pairing.stray]


def _truth_of(path: Path, kind: str) -> Path | None:
    truth = folder_named(path, "ground_truth")
    return folder_named(truth, kind.casefold()) if truth is not None else None


def _masks_of_no_kind(path: Path, test: Path | None) -> list[str]:
    truth = folder_named(path, "ground_truth")
    if truth is None:
        return []
    kinds = {folder.name.casefold() for folder in folders_in(test)} - {"good"} if test is not None else set()
    strays = [folder for folder in folders_in(truth) if folder.name.casefold() not in kinds]
    return [str(mask) for folder in strays for mask in picture_files(folder)]
