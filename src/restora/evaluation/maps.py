"""The exact metrics on anybody's score maps: files in, figures out; behind `restora score-maps`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restora.errors import DataError, RestoraError
from restora.evaluation.record import image_figures
from restora.images import decode
from restora.images.dataset import pair_masks
from restora.images.files import check_folder, open_file
from restora.images.read import read_mask
from restora.metrics.pixels import PixelScores

MAPS = (".npy", ".tif", ".tiff", ".png")
MASKS = (*MAPS, ".bmp", ".webp")


def score_maps(maps: str | Path, masks: str | Path) -> dict[str, Any]:
    """Exact figures of anybody's score maps: `{"dataset", "image", "pixel"}` as in `evaluate --json`.

    maps  : folder of [H, W] score maps, larger is stranger: float .npy, float .tiff or 16-bit grey .png
    masks : folder of masks of the same size (pictures or .npy), anything above 0 is anomalous; equal subfolders

    The mask of `crack/007.npy` is `crack/007_mask.png` or `crack/007.png`. A map without a mask, or whose mask is
    empty, is that of a good picture. The image score is the maximum of the map. Maps of good pictures are read one at
    a time and let go. All maps must have one scale: 16-bit pictures stretched one by one cannot be compared.

    raises : DataError for a folder without maps or masks, for a mask that belongs to no map, and for sizes that differ;
             PictureError for a file that cannot be read
    """
    folder = Path(maps)
    pairs = _pair(folder, Path(masks))
    scores, good = PixelScores(), dict[str, tuple[int, ...] | None]()
    good_peaks, bad_peaks = list[float](), list[float]()
    for name, sources in pairs.items():
        mask = _union(sources)
        if mask is None or not mask.any():
            good[name] = None if mask is None else mask.shape
        else:
            scored = _read_map(folder / name, mask.shape)
            scores.add_defective(scored, mask)
            bad_peaks.append(float(scored.max()))
    scores.close_defectives()
    for name, shape in good.items():
        scored = _read_map(folder / name, shape)
        scores.add_good(scored)
        good_peaks.append(float(scored.max()))
    return {
        "dataset": {"maps": len(pairs), "good": len(good_peaks), "defective": len(bad_peaks)},
        "image": image_figures(good_peaks, bad_peaks).to_dict(),
        "pixel": scores.figures().to_dict() if scores.masked else None,
    }


def _pair(maps: Path, masks: Path) -> dict[str, list[Path]]:
    """Each map's name with the files of its masks, in the order of the names."""
    names, marks = _files(maps, MAPS, "maps"), _files(masks, MASKS, "masks")
    stems = [name.rpartition(".")[0] for name in names]
    for before, after, stem in zip(names, names[1:], stems, strict=False):
        if after.rpartition(".")[0] == stem:
            raise DataError(f"{before} and {after} in {maps} are two maps of one name; keep one of them.")
    pairing = pair_masks(names, marks)
    if pairing.stray:
        raise DataError(
            f"{len(pairing.stray)} of {len(marks)} masks in {masks} belong to no map in {maps}, the first is "
            f"{pairing.stray[0]}; maps and masks need the same names and subfolders, and no map may be missing."
        )
    return {name: [masks / mask for mask in found] for name, found in zip(names, pairing.masks, strict=True)}


def _files(folder: Path, suffixes: Sequence[str], what: str) -> list[str]:
    check_folder(folder)
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )
    if not names:
        raise DataError(f"{folder} holds no {what}; they are files ending in {', '.join(suffixes)}.")
    return names


def _union(sources: Sequence[Path]) -> NDArray[np.bool_] | None:
    """All masks of one picture together, bool [H, W]; None where there is none."""
    found: NDArray[np.bool_] | None = None
    for source in sources:
        mask = _read_marks(source) if source.suffix.lower() == ".npy" else read_mask(source)
        if found is not None and found.shape != mask.shape:
            raise DataError(
                f"{source}: this mask is of shape {mask.shape}, another of the same picture {found.shape}; "
                "export them in the picture's own size."
            )
        found = mask if found is None else found | mask
    return found


def _read_marks(path: Path) -> NDArray[np.bool_]:
    """A mask stored as an array [H, W]."""
    array = _read_array(path)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "biuf":
        raise DataError(
            f"{path}: a mask is one number a pixel, but this file holds {array.dtype} of shape {array.shape}; "
            "save it anew."
        )
    return np.asarray(array > 0)


def _read_map(path: Path, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """One map [H, W] of finite numbers; of this shape, where its mask says one."""
    array = _read_array(path)
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):  # a channel of its own, as networks give it
        array = array.squeeze(0 if array.shape[0] == 1 else 2)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "biuf":
        raise DataError(
            f"{path}: a score map is one number a pixel, but this file holds {array.dtype} of shape {array.shape}; "
            "a coloured heat map cannot be scored."
        )
    if not np.isfinite(array).all():
        raise DataError(f"{path}: the map holds NaN or infinity; look at what wrote it before anything is scored.")
    if shape is not None and array.shape != shape:
        raise DataError(
            f"{path}: the map is {array.shape[0]} x {array.shape[1]} (height x width), its mask {shape[0]} x "
            f"{shape[1]}; carry the map to the mask's pixels, masks are never resized."
        )
    return array


def _read_array(path: Path) -> NDArray[Any]:
    """What a file stores, nothing scaled. Raises PictureError for a damaged picture, DataError for a damaged array."""
    try:
        with open_file(path) as stream:
            if path.suffix.lower() == ".npy":
                # not np.load, which would open archives too
                return np.lib.format.read_array(stream, allow_pickle=False)
            with decode.opened(stream, str(path)) as image:
                return decode.stored_samples(image)
    except RestoraError:
        raise
    except Exception as error:  # a damaged header makes numpy raise nearly everything, from TokenError to MemoryError
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise DataError(f"{path}: the file cannot be read ({why}); write it again.") from None
