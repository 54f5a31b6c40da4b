"""CSV tables and folders of score maps through every verb that reads them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from .commands import check_json, check_rows, command
from .harness import explore, mostly
from .table_cases import score_folders, table_bytes, tables, write_map

VERBS = ("predict", "inspect", "evaluate", "calibrate", "train")
cases = mostly(st.tuples(st.sampled_from(VERBS), tables), st.tuples(st.just("score-maps"), score_folders), 3)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The pictures that tables name, a pipe that nobody writes to among them."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, value in (("good", 60), ("bad", 200), ("ö", 70)):
        Image.new("RGB", (64, 32), (value,) * 3).save(folder / f"{name}.png")
    Image.fromarray(np.eye(32, 64, dtype=np.uint8) * 255).save(folder / "mask.png")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:40])
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.fixture
def read(shelf: Path, tiny_model: Path):
    """Writes the table or the maps of a case and runs its verb."""
    table, maps, masks = shelf / "list.csv", shelf / "maps", shelf / "masks"
    lines = {
        "predict": ["predict", str(tiny_model), str(table)],
        "inspect": ["data", "inspect", str(table), "--json"],
        "evaluate": ["evaluate", str(tiny_model), str(table), "--json"],
        "calibrate": ["calibrate", str(tiny_model), str(table), "--json"],
        "train": ["train", str(table), "--out", str(shelf / "new.restora"), "--size", "1x1"],
        "score-maps": ["score-maps", str(maps), str(masks), "--json"],
    }

    def body(case: tuple) -> str:
        verb, recipe = case
        if verb == "score-maps":
            for folder, files in zip((maps, masks), recipe, strict=True):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                for one in files:
                    write_map(folder, one, folder.name[:-1])
        else:
            table.write_bytes(table_bytes(recipe))
        ended = command(lines[verb])
        if "--json" in lines[verb]:
            check_json(ended)
        elif verb == "predict" and ended.status < 2:
            check_rows(ended.out)
        assert ended.status >= 2 or verb != "train"
        return ended.outcome

    return body


def test_a_few_tables(tally, read):
    explore(tally("tables"), cases, read, 80)


@pytest.mark.slow
def test_many_tables(tally, read):
    explore(tally("tables"), cases, read, 1400)
