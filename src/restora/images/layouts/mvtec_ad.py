"""The layout of MVTec AD, which most industrial data sets follow."""

from __future__ import annotations

from restora.errors import DataError
from restora.images.dataset import Dataset, Item, pair_masks
from restora.images.files import printable
from restora.images.tree import Tree, last

NAME = "mvtec-ad"
SKETCH = """\
ROOT/train/good/*.png
ROOT/test/good/*.png
ROOT/test/KIND/007.png
ROOT/ground_truth/KIND/007_mask.png   (or 007.png)"""
NOTE = "MVTec AD itself, and most sets in its form, are CC BY-NC-SA 4.0: no commercial use; ask each set's own terms."
SOURCE = (
    "MVTec Anomaly Detection Dataset. P. Bergmann, M. Fauser, D. Sattlegger, C. Steger, MVTec AD: A Comprehensive "
    "Real-World Dataset for Unsupervised Anomaly Detection, CVPR 2019. Published by MVTec Software GmbH."
)


def looks_like(tree: Tree) -> float:
    """0.9 with train/good and folders in test, less with one of them, 0 with neither."""
    trains = tree.folder("train", "good") is not None or tree.was_emptied("train", "good")
    test = tree.folder("test")
    tests = test is not None and bool(tree.folders(test))
    return {(True, True): 0.9, (True, False): 0.85, (False, True): 0.8, (False, False): 0.0}[trains, tests]


def read(tree: Tree) -> Dataset:
    """Good pictures of train/, all of test/, masks of ground_truth/ by name. Raises DataError."""
    items = _train_items(tree)
    stray: list[str] = []
    test = tree.folder("test")
    kinds = tree.folders(test) if test is not None else []
    for kind in kinds:
        found, unpaired = _test_items(tree, kind)
        items += found
        stray += unpaired
    if not items:
        raise DataError(f"{tree.root} holds no pictures in train/good or test; see `restora data layouts`")
    stray += _masks_of_no_kind(tree, {last(kind).casefold() for kind in kinds} - {"good"})
    return Dataset(tree.name, str(tree.root), NAME, tuple(items), tuple(map(tree.locator, stray)))


def _train_items(tree: Tree) -> list[Item]:
    train = tree.folder("train")
    if train is None and not tree.was_emptied("train", "good"):
        return []
    good = tree.folder("train", "good")
    pictures = tree.pictures(good) if good is not None else []
    if not pictures:
        raise DataError(
            f"{tree.locator(train or 'train')} holds no pictures in good/; training needs good pictures there"
        )
    return [Item(printable(name), tree.locator(name), "train", 0, "good") for name in pictures]


def _test_items(tree: Tree, folder: str) -> tuple[list[Item], list[str]]:
    """The pictures of a kind, and the masks that are for none of them."""
    pictures, kind = tree.pictures(folder), last(folder)
    if kind.casefold() == "good":
        return [Item(printable(name), tree.locator(name), "test", 0, "good") for name in pictures], []
    truth = tree.folder("ground_truth", kind)
    masks = {name[len(truth) + 1 :]: name for name in tree.pictures(truth)} if truth is not None else {}
    pairing = pair_masks([name[len(folder) + 1 :] for name in pictures], list(masks))
    items = [
        Item(
            printable(name), tree.locator(name), "test", 1, printable(kind), tuple(tree.locator(masks[m]) for m in mine)
        )
        for name, mine in zip(pictures, pairing.masks, strict=True)
    ]
    return items, [masks[name] for name in pairing.stray]


def _masks_of_no_kind(tree: Tree, kinds: set[str]) -> list[str]:
    truth = tree.folder("ground_truth")
    strays = [] if truth is None else [name for name in tree.folders(truth) if last(name).casefold() not in kinds]
    return [mask for folder in strays for mask in tree.pictures(folder)]
