"""The stage that the pages' outputs and pictures come from: drawn pictures laid out as a user's, and a model of them.

What is there already is taken as it is; remove the folder to begin anew. The training is the command that the page
"My folder" shows, with the trunk that it takes by itself, so it lasts some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from restora.demo import draw, write_products

PRODUCT = "part"
LOOSE = "loose_part"  # the same, lying anyhow
SIZE = 256
LINE = ("scratch", "missing_hole", "stain", "misplaced_hole")
SHOWN = 2  # the number of the test pictures that the pages show
MORE = 100  # good pictures for a further calibration
FAR = 700_000  # seeds from here on are in no drawn data set


def restora(folder: Path, *words: str) -> str:
    """Run a command in a folder; what it says and what it prints, as a terminal shows them together."""
    done = subprocess.run(
        [sys.executable, "-m", "restora", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode > 1:
        raise SystemExit(f"restora {' '.join(words)} ended with {done.returncode}: {done.stdout}")
    return done.stdout.rstrip()


def lay_out(work: Path) -> Path:
    """Draw and lay out what is not there yet; the folder that holds

    parts/         the drawn data set in MVTec AD layout, and parts/good, its good pictures alone
    broken/        the same with three mistakes; more_good/ and line/, what their names say
    """
    stage = work / "stage"
    if not (stage / "line").is_dir():
        _lay_out(write_products(work, PRODUCT, good=200, test_good=40, defective=6, size=SIZE), stage)
    return stage


def set_up(work: Path) -> Path:
    """The folder of `lay_out`, and in it what is not there yet:

    part.restora            a model, and train.txt, what its training said
    loose/, loose.restora   the same part lying anyhow, and its model
    """
    stage = lay_out(work)
    if not (stage / "part.restora").is_dir():
        said = restora(stage, "train", "parts/good", "--out", "part.restora", "--overwrite")
        (stage / "train.txt").write_text(said + "\n", encoding="utf-8")
    if not (stage / "loose.restora").is_dir():
        loose = write_products(work, LOOSE, good=200, test_good=40, defective=6, size=SIZE)
        shutil.copytree(loose, stage / "loose", dirs_exist_ok=True)
        restora(stage, "train", "loose", "--out", "loose.restora", "--overwrite")
    return stage


def set_up_mfr(work: Path) -> Path:
    """The folder of `lay_out` with mfr.restora, a model of MFRNet on the same pictures."""
    stage = lay_out(work)
    if not (stage / "mfr.restora").is_dir():
        restora(stage, "train", "parts/good", "--out", "mfr.restora", "--method", "mfr-net", "--overwrite")
    return stage


def _lay_out(drawn: Path, stage: Path) -> None:
    shutil.rmtree(stage, ignore_errors=True)
    for name in ("parts", "broken"):
        shutil.copytree(drawn, stage / name, ignore=shutil.ignore_patterns("drawn.json"))
    shutil.copytree(drawn / "train" / "good", stage / "parts" / "good")
    _break(stage / "broken")
    (stage / "more_good").mkdir()
    for number in range(MORE):
        picture = draw(PRODUCT, "good", FAR + number, SIZE).pixels
        Image.fromarray(picture).save(stage / "more_good" / f"{number:04d}.png")
    line = stage / "unfinished"
    line.mkdir()
    for number in range(SHOWN + 1):
        shutil.copy(drawn / "test" / "good" / f"{number:04d}.png", line)
    for kind in LINE:
        shutil.copy(drawn / "test" / kind / f"{SHOWN:04d}.png", line / f"{kind}.png")
    (line / "torn.png").write_text("not a picture\n", encoding="utf-8")
    line.rename(stage / "line")


def _break(data: Path) -> None:
    """A file that ends too early, a training picture among the test pictures, a mask of another size."""
    torn = data / "test" / "scratch" / "0001.png"
    torn.write_bytes(torn.read_bytes()[:2000])
    shutil.copy(data / "train" / "good" / "0003.png", data / "test" / "good" / "0100.png")
    Image.fromarray(np.full((200, 200), 255, np.uint8)).save(data / "ground_truth" / "dent" / "0002_mask.png")
