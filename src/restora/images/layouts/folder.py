"""A plain folder of good pictures; and the folders that look like one but were meant for something else."""

from __future__ import annotations

from pathlib import Path

from restora.errors import DataError
from restora.images.dataset import Dataset, Item
from restora.images.files import folders_in, name_below, picture_files
from restora.images.layouts import mvtec_ad

NAME = "folder"
SKETCH = """\
ROOT/*.png              good pictures only
ROOT/ANY/FOLDER/*.png   also in folders below, as deep as wanted"""
NOTE = "Your own pictures, your own terms."

_GOOD = frozenset({"good", "ok", "normal"})
_BAD = frozenset({"bad", "defect", "defects", "defective", "ng", "nok", "anomaly", "anomalous", "abnormal", "broken"})


def looks_like(path: Path) -> float:
    """Little for any folder: what no other layout claims is read as this one."""
    return 0.1 if path.is_dir() else 0.0


def read(path: Path) -> Dataset:
    """Every picture below `path` is a good one to train on. Raises DataError, also where that cannot be meant."""
    if mvtec_ad.looks_like(path) == 0:  # asked for by name, a category may be read as a plain folder after all
        _refuse_what_was_not_meant(path)
    pictures = picture_files(path)
    if not pictures:
        raise DataError(f"The folder {path} holds no pictures (JPEG, PNG, BMP, TIFF, WebP); check the path")
    items = tuple(Item(name_below(picture, path), str(picture), "train", 0, "good") for picture in pictures)
    return Dataset(path.resolve().name, str(path), NAME, items)


def _refuse_what_was_not_meant(path: Path) -> None:
    folders = folders_in(path)
    categories = [folder.name for folder in folders if mvtec_ad.looks_like(folder) > 0]
    if categories:
        shown = ", ".join(categories[:5]) + (", ..." if len(categories) > 5 else "")
        raise DataError(
            f"{path} holds {len(categories)} categories ({shown}), each a data set of its own; "
            f"name one, for example: restora train {path / categories[0]}"
        )
    good = [folder for folder in folders if folder.name.casefold() in _GOOD]
    others = [folder for folder in folders if folder not in good and (good or folder.name.casefold() in _BAD)]
    mixed = [folder.name for folder in others if picture_files(folder)]
    if mixed:
        meant = good[0] if good else path / "good"
        raise DataError(
            f"{path} holds {meant.name}/ and {mixed[0]}/, but training looks at good pictures alone: use "
            f"`restora train {meant}`, and for `restora evaluate` name the folders test/good and test/{mixed[0]}"
        )
