from __future__ import annotations

import io
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError
from restora.images.read import read_picture
from restora.images.sources import Source, expand_sources


@pytest.fixture
def line(tmp_path: Path) -> Path:
    folder = tmp_path / "line 1"
    for name in ("b.png", "a/2.jpg", "a/1.PNG", "a/deep/3.png", "notes.txt", "部件.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".txt":
            Image.fromarray(np.zeros((2, 2), dtype=np.uint8)).save(path)
        else:
            path.write_text("x")
    return folder


def names(*sources: object) -> list[str]:
    return [source.name for source in expand_sources(list(sources))]


def test_a_folder_gives_its_pictures_in_order_named_below_it(line: Path):
    assert names(line) == ["a/1.PNG", "a/2.jpg", "a/deep/3.png", "b.png", "部件.png"]
    assert names(str(line) + "/") == names(line)


def test_a_file_is_called_by_its_name(line: Path):
    assert names(line / "a/1.PNG", line / "b.png") == ["1.PNG", "b.png"]


def test_what_is_named_once_may_stand_alone(line: Path):
    assert [source.name for source in expand_sources(line / "b.png")] == ["b.png"]
    assert [source.name for source in expand_sources(str(line / "*.png"))] == ["b.png", "部件.png"]
    assert [source.name for source in expand_sources(np.zeros((2, 2)))] == ["array-000000"]


def test_a_pattern_names_pictures_below_its_fixed_part(line: Path):
    assert names(line / "*.png") == ["b.png", "部件.png"]
    assert names(line / "**/*.png") == ["a/deep/3.png", "b.png", "部件.png"]
    assert names(line / "a/*") == ["1.PNG", "2.jpg", "deep/3.png"]
    assert names(line / "*") == names(line)


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(line: Path):
    path = line / "part[1].png"
    (line / "b.png").rename(path)
    assert names(path) == ["part[1].png"]


def test_a_table_names_pictures_from_its_folder(line: Path):
    path = line / "t.csv"
    path.write_text("path,note\na/2.jpg,x\nb.png,y\nmissing.png,z\n")
    sources = list(expand_sources([path]))
    assert [source.name for source in sources] == ["a/2.jpg", "b.png", "missing.png"]
    assert sources[1].locator == str(line / "b.png")


def test_arrays_images_and_bytes(line: Path):
    image = Image.open(line / "b.png")
    data = (line / "b.png").read_bytes()
    sources = list(expand_sources([np.zeros((2, 2)), image, data, np.zeros((2, 3, 4, 3), dtype=np.uint8)]))
    assert [source.name for source in sources] == [
        "array-000000",
        "image-000001",
        "bytes-000002",
        "array-000003/000000",
        "array-000003/000001",
    ]
    assert [read_picture(source.locator).pixels.shape for source in sources] == [(2, 2, 3)] * 3 + [(3, 4, 3)] * 2


def test_sources_go_through_as_they_are():
    source = Source("mine", np.zeros((2, 2)))
    assert list(expand_sources([source])) == [source]
    assert list(expand_sources(iter([source]))) == [source]


def test_an_endless_generator_is_drawn_from_as_needed():
    drawn = itertools.count()
    sources = expand_sources(np.full((2, 2), next(drawn), dtype=np.uint8) for _ in itertools.count())
    assert [source.name for source in itertools.islice(sources, 3)] == ["array-000000", "array-000001", "array-000002"]
    assert next(drawn) == 3
    assert list(expand_sources(iter([]))) == []


def test_paths_on_standard_input(line: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}/b.png\r\n\n{line}/部件.png"))
    assert [source.locator for source in expand_sources(["-"])] == [f"{line}/b.png", f"{line}/部件.png"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(DataError, match="Standard input"):
        list(expand_sources(["-"]))


def test_paths_on_standard_input_need_not_be_text(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xff.png\n"), "utf-8"))
    (source,) = expand_sources(["-"])
    assert os.fsencode(str(source.locator)) == b"a\xff.png"
    assert source.name == "a\ufffd.png"


def test_one_missing_picture_among_others_becomes_a_row(line: Path):
    assert names(line / "b.png", line / "missing.png") == ["b.png", "missing.png"]
    assert [source.name for source in expand_sources(iter([line / "missing.png"]))] == ["missing.png"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["missing.png"], r"no .*missing\.png; check"),
        (["x.png", "y.png"], "nor any of the 1 others"),
        (["b.png", "missing"], "no .*missing"),
        (["*.bmp"], r"No picture matches .*\*\.bmp"),
        (["a/deep/*.txt"], "No picture matches"),
        (["empty"], "holds no pictures"),
        (["t.csv"], "no column 'path'"),
        (["gone.csv", "b.png"], "cannot be read"),
    ],
)
def test_what_gives_nothing_is_refused_before_the_first_picture(named, message, line: Path):
    (line / "empty").mkdir()
    (line / "t.csv").write_text("file\nb.png\n")
    with pytest.raises(DataError, match=message):
        expand_sources([str(line / name) for name in named])


def test_nothing_named_and_things_that_are_no_pictures():
    with pytest.raises(DataError, match="No picture was named"):
        expand_sources([])
    with pytest.raises(DataError, match="int is no picture"):
        expand_sources([3])  # type: ignore[list-item]
