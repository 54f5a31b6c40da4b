"""Archives are read like folders; those that are damaged or not to be trusted are refused with one sentence."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restora.errors import DataError, MissingError, PictureError
from restora.images.archives import ENDINGS, limits, split_locator, unpack
from restora.images.inspect import inspect_dataset
from restora.images.layouts import is_data_set, read_dataset
from restora.images.read import read_mask, read_picture, read_size
from restora.images.sources import expand_sources
from restora.images.split import content_digest
from restora.images.tree import Tree


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/restora/unpacked"


def png(value: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def pack(folder: Path, archive: Path, *, top: str = "") -> Path:
    """All of a folder in an archive of the kind that its name says, below a folder `top`."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            for path in sorted(folder.rglob("*")):
                out.write(path, os.path.join(top, path.relative_to(folder)))
        return archive
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".txz": "w:xz"}[archive.suffix]
    with tarfile.open(archive, mode) as out:
        out.add(folder, top or ".")
    return archive


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_is_the_folder_that_it_holds(ending, category: Path, tmp_path: Path):
    for top, name in (("", "sets"), ("bolt", "bolt")):
        archive = pack(category, tmp_path / f"{top or 'flat'}/sets{ending}", top=top)
        packed, plain = read_dataset(archive), read_dataset(category)
        assert (packed.name, packed.layout) == (name, "mvtec-ad")
        assert packed.root == (f"{archive}!{top}" if top else str(archive))
        assert [item.name for item in packed.items] == [item.name for item in plain.items]
        for one, other in zip(packed.items, plain.items, strict=True):
            assert (read_picture(one.source).pixels == read_picture(other.source).pixels).all()
            assert content_digest(one.source) == content_digest(other.source)
            assert read_size(one.source) == (6, 8)
        assert [item.mask((6, 8)).argmax() for item in packed.defective] == [0, 8]
        found = inspect_dataset(packed)
        assert (found.counts, found.sizes) == ({"train": {"good": 3}, "test": {"good": 2, "scratch": 2}}, {"6x8": 7})
        assert found.problems == ()


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.xz"])
def test_a_folder_of_an_archive_is_named_behind_a_mark(ending, category: Path, tmp_path: Path):
    shutil.copytree(category, category.parent / "all/mvtec/bolt")
    shutil.copytree(category, category.parent / "all/mvtec/screw")
    archive = pack(category.parent / "all", tmp_path / f"sets{ending}")
    for path in (f"{archive}!mvtec/screw", f"{archive}!/mvtec/screw/"):
        packed = read_dataset(path)
        assert (packed.name, packed.root, len(packed.items)) == ("screw", f"{archive}!mvtec/screw", 7)
        assert packed.items[0].source == f"{archive}!mvtec/screw/train/good/000.png"
    with pytest.raises(DataError, match=r"2 categories \(bolt, screw\).*restora train .*sets.*!mvtec/bolt"):
        read_dataset(archive)
    with pytest.raises(DataError, match=r"holds no folder mvtec/nut; its folders are mvtec"):
        read_dataset(f"{archive}!mvtec/nut")
    assert is_data_set(archive)
    assert is_data_set(f"{archive}!mvtec")
    assert not is_data_set(f"{archive}!mvtec/screw/train/good/000.png")


def test_pictures_of_an_archive_are_sources(category: Path, tmp_path: Path):
    archive = pack(category, tmp_path / "sets.zip")
    assert [source.name for source in expand_sources([f"{archive}!test/good"])] == ["000.png", "001.png"]
    (one,) = expand_sources([f"{archive}!test/good/001.png"])
    assert (one.name, one.locator) == ("001.png", f"{archive}!test/good/001.png")
    assert len(list(expand_sources(archive))) == 9
    with pytest.raises(DataError, match="holds no folder gone"):
        list(expand_sources([f"{archive}!gone"]))


def test_a_table_in_an_archive(tmp_path: Path):
    (tmp_path / "in/a").mkdir(parents=True)
    (tmp_path / "in/a/1.png").write_bytes(png(7))
    (tmp_path / "in/a/t.csv").write_text("path,label\n./1.png,good\n../a/1.png,good\n")
    archive = pack(tmp_path / "in", tmp_path / "sets.tar")
    data = read_dataset(f"{archive}!a/t.csv")
    assert (data.layout, data.name, data.root) == ("table", "t", f"{archive}!a")
    assert [read_picture(item.source).pixels[0, 0, 0] for item in data.items] == [7, 7]
    assert [source.locator for source in expand_sources([f"{archive}!a/t.csv"])] == [f"{archive}!a/1.png"] * 2
    with pytest.raises(DataError, match="neither a folder"):
        read_dataset(f"{archive}!a/1.png")


def test_a_tree_of_an_archive_reads_texts(tmp_path: Path):
    for name in ("visa/split_csv/1cls.csv", "visa/candle/notes.txt", "visa/candle/Data/a.png", "visa/nut/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "visa/candle/empty/er").mkdir(parents=True)
    for archive in (pack(tmp_path / "visa", tmp_path / "VisA.zip"), pack(tmp_path / "visa", tmp_path / "VisA.tar")):
        tree = Tree.of(Path(f"{archive}!candle"))
        assert tree.names == Tree.of(tmp_path / "visa/candle").names
        assert tree.empty == Tree.of(tmp_path / "visa/candle").empty == ("empty", "empty/er")
        assert tree.read_text("notes.txt") == "visa/candle/notes.txt"
        assert tree.beside("split_csv", "1cls.csv") == "visa/split_csv/1cls.csv"
        assert tree.beside("split_csv", "gone.csv") is None
        assert Tree.of(archive).beside("visa") is None
        assert (Tree.of(archive).name, tree.name) == ("VisA", "candle")
        assert Tree.of(archive).inside("candle") == tree


def test_one_part_of_a_data_set_is_not_its_folder(category: Path, tmp_path: Path):
    shutil.rmtree(category / "test")
    shutil.rmtree(category / "ground_truth")
    assert read_dataset(pack(category, tmp_path / "half.zip")).layout == "mvtec-ad"


def test_a_real_name_with_a_mark_goes_first(tmp_path: Path):
    (tmp_path / "sets.zip!a").mkdir()
    (tmp_path / "sets.zip!a/wow!.png").write_bytes(png(3))
    with zipfile.ZipFile(tmp_path / "sets.zip", "w") as out:
        out.writestr("a/wow!.png", png(5))
        out.writestr("a/b!c.zip!d.png", png(6))
    assert read_picture(f"{tmp_path}/sets.zip!a/wow!.png").pixels[0, 0, 0] == 3
    assert read_dataset(tmp_path / "sets.zip!a").items[0].source == f"{tmp_path}/sets.zip!a/wow!.png"
    assert read_picture(f"{tmp_path}/sets.zip!a/b!c.zip!d.png").pixels[0, 0, 0] == 6
    shutil.rmtree(tmp_path / "sets.zip!a")
    assert read_picture(f"{tmp_path}/sets.zip!a/wow!.png").pixels[0, 0, 0] == 5
    assert split_locator("gone.zip!a.png") is None
    with pytest.raises(PictureError, match="no such file"):
        read_picture("gone.zip!a.png")
    with pytest.raises(PictureError, match="no such file"):
        read_picture(f"{tmp_path}/sets.zip!a/gone.png")


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_names_in_capitals_with_blanks_and_in_chinese(ending, tmp_path: Path):
    names = ["A b.png", "a b.png", "部件/划痕 1.png", "ä!.png", f"{'long' * 60}.png"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(png(len(name)))
    for name in (".hidden.png", "__MACOSX/x.png", "部件/._划痕 1.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    data = read_dataset(pack(tmp_path / "in", tmp_path / f"sets{ending}"))
    assert [item.name for item in data.items] == sorted(names)
    assert [read_picture(item.source).pixels[0, 0, 0] for item in data.items] == [len(name) for name in sorted(names)]


def test_names_of_a_zip_as_different_programs_write_them(tmp_path: Path):
    marked = tmp_path / "marked.zip"
    with zipfile.ZipFile(marked, "w") as out:
        out.writestr("部件/划痕.png", png())
    unmarked = bytearray(marked.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # UTF-8, but nothing says so
        at = unmarked.index(mark) + place
        flags = struct.unpack_from("<H", unmarked, at)[0]
        struct.pack_into("<H", unmarked, at, flags & ~0x800)
    (tmp_path / "unmarked.zip").write_bytes(unmarked)
    assert Tree.of(tmp_path / "unmarked.zip").names == Tree.of(marked).names == ("划痕.png",)
    windows = tmp_path / "windows.zip"
    with zipfile.ZipFile(windows, "w") as out:
        for name in ("bolt\\train\\good\\1.png", "bolt\\test\\good\\1.png"):
            info = zipfile.ZipInfo("x")
            info.filename, info.create_system = name, 0
            out.writestr(info, png())
    assert read_dataset(windows).layout == "mvtec-ad"


def test_many_threads_read_one_archive(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "sets.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for value in range(200):
            out.writestr(f"{value}.png", png(value))
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda v: read_mask(f"{tmp_path}/sets.zip!{v}.png").any(), range(200))
    assert list(read) == [False] + [True] * 199


def test_an_archive_that_is_replaced_is_read_anew(tmp_path: Path):
    for value in (1, 2):
        with zipfile.ZipFile(tmp_path / "sets.zip", "w") as out:
            out.writestr(f"{value}.png", png(value))
            out.writestr("padding.txt", b"x" * value)
        (item,) = read_dataset(tmp_path / "sets.zip").items
        assert (item.name, read_picture(item.source).pixels[0, 0, 0]) == (f"{value}.png", value)


def test_a_compressed_tar_is_unpacked_once_and_forgotten_when_old(category: Path, tmp_path: Path, cache: Path):
    archive = pack(category, tmp_path / "sets.tar.xz")
    data = read_dataset(archive)
    (plain,) = cache.iterdir()
    made = plain.stat().st_ino
    os.utime(plain, (1, 1))
    other = pack(category, tmp_path / "other.tgz")
    read_dataset(other)
    assert not plain.exists()  # not used for more than a month
    assert len(list(cache.iterdir())) == 1
    os.utime(archive, (5, 5))  # another time, another archive
    assert read_picture(read_dataset(archive).items[0].source).name == data.items[0].source.rpartition("/")[2]
    assert {path.suffix for path in cache.iterdir()} == {".tar"}
    assert made


def test_no_room_to_unpack(category: Path, tmp_path: Path, monkeypatch, cache: Path):
    archive = pack(category, tmp_path / "sets.tar.gz")
    monkeypatch.setattr(unpack, "SPARED", 2**80)
    with pytest.raises(MissingError, match=r"sets\.tar\.gz cannot be unpacked.*nearly full.*XDG_CACHE_HOME"):
        read_dataset(archive)
    assert list(cache.iterdir()) == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(archive))
    with pytest.raises(MissingError, match="cannot be unpacked"):
        read_dataset(archive)


# what is refused


def evil_zip(path: Path, name: str, *, mode: int = 0, data: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w") as out:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system, info.external_attr = name, 3, mode << 16
        out.writestr(info, data)
    return path


def evil_tar(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:xz" if path.suffix == ".xz" else "w") as out:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        out.addfile(member)
    return path


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:\\x.png", "C:/x.png", "a/.."])
@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.xz"])
def test_a_member_that_climbs_out(ending, name, tmp_path: Path):
    archive = tmp_path / f"evil{ending}"
    evil_zip(archive, name) if ending == ".zip" else evil_tar(archive, name)
    with pytest.raises(DataError, match="leads out of it") as error:
        read_dataset(archive)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind, tmp_path: Path):
    with pytest.raises(DataError, match=r"evil\.tar holds 'a\.png', which is a link, a device"):
        read_dataset(evil_tar(tmp_path / "evil.tar", "a.png", kind))


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip(mode, tmp_path: Path):
    with pytest.raises(DataError, match=r"holds 'a\.png', which is a link or a device"):
        read_dataset(evil_zip(tmp_path / "evil.zip", "a.png", mode=mode | 0o644))


def patched(path: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """A zip of one member with its two heads changed; `change` gets the bytes and where both heads begin."""
    evil_zip(path, "a.png", data=png())
    data = bytearray(path.read_bytes())
    change(data, data.index(b"PK\3\4"), data.index(b"PK\1\2"))
    path.write_bytes(data)
    return path


def test_an_encrypted_member(tmp_path: Path):
    def encrypt(data: bytearray, local: int, listed: int) -> None:
        data[local + 6] |= 1
        data[listed + 8] |= 1

    with pytest.raises(DataError, match=r"is encrypted.*password"):
        read_dataset(patched(tmp_path / "evil.zip", encrypt))


def test_a_method_that_is_not_read(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w", zipfile.ZIP_LZMA) as out:
        out.writestr("a.png", png())
    with pytest.raises(DataError, match=r"method that is not read here \(number 14\)"):
        read_dataset(tmp_path / "evil.zip")


def test_a_zip_that_claims_a_terabyte(tmp_path: Path):
    def claim(size: int) -> Callable[[bytearray, int, int], None]:
        return lambda data, local, listed: struct.pack_into("<I", data, listed + 24, size)

    with pytest.raises(DataError, match="more than the 1,073,741,824 of a picture"):
        read_dataset(patched(tmp_path / "large.zip", claim(2**32 - 2)))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as out:
        for number in range(20):
            out.writestr(f"{number}.png", b"x")
    data = bytearray((tmp_path / "many.zip").read_bytes())
    at = data.find(b"PK\1\2")
    while at >= 0:
        struct.pack_into("<I", data, at + 24, 2**29)
        at = data.find(b"PK\1\2", at + 1)
    (tmp_path / "many.zip").write_bytes(data)
    with pytest.raises(DataError, match="250 times its size"):
        read_dataset(tmp_path / "many.zip")


def test_a_false_claim_is_seen_when_it_is_read(tmp_path: Path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.png", bytes(10**7))
    data = bytearray(bomb.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 100)
    bomb.write_bytes(data)
    with pytest.raises(PictureError, match="bytes in the archive are damaged"):
        read_picture(read_dataset(bomb).items[0].source)


def test_members_over_one_another(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "trap.zip", "w") as out:
        out.writestr("a.png", bytes(5000))
        first = out.infolist()[0]
        for number in range(50):
            twin = zipfile.ZipInfo(f"{number}.png")
            for fact in ("header_offset", "CRC", "compress_size", "file_size", "create_system", "external_attr"):
                setattr(twin, fact, getattr(first, fact))
            out.filelist.append(twin)
    with pytest.raises(DataError, match="lie over one another"):
        read_dataset(tmp_path / "trap.zip")


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.xz"])
def test_a_compressed_bomb(ending, tmp_path: Path, monkeypatch, cache: Path):
    monkeypatch.setattr(limits, "RATIO_FROM", 10**6)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(bytes(10**7))
    with pytest.raises(DataError, match="250 times its size"):
        read_dataset(pack(tmp_path / "in", tmp_path / f"bomb{ending}"))
    assert list(cache.iterdir()) == []
    monkeypatch.setattr(limits, "LARGEST_SUM", 10**6)
    with pytest.raises(DataError, match="unfolds to more than"):
        read_dataset(tmp_path / f"bomb{ending}")


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_too_many_members(ending, tmp_path: Path, monkeypatch):
    for number in range(6):
        (tmp_path / f"in/{number}.png").parent.mkdir(exist_ok=True)
        (tmp_path / f"in/{number}.png").write_bytes(png())
    monkeypatch.setattr(limits, "MOST_MEMBERS", 5)
    with pytest.raises(DataError, match="more than 5 members"):
        read_dataset(pack(tmp_path / "in", tmp_path / f"many{ending}"))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("content", ["nothing", "text", "half", "noise"])
def test_a_damaged_archive(ending, content, category: Path, tmp_path: Path, cache: Path):
    archive = pack(category, tmp_path / f"sets{ending}")
    data = archive.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, 3000).astype(np.uint8).tobytes()
    archive.write_bytes(
        {"nothing": b"", "text": b"hello\n" * 500, "half": data[: len(data) // 2 + 7], "noise": noise}[content]
    )
    with pytest.raises(DataError, match=f"sets{ending} is damaged or no") as error:
        read_dataset(archive)
    assert "\n" not in str(error.value)
    with pytest.raises(PictureError):
        read_picture(f"{archive}!train/good/000.png")


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz"])
def test_wrong_bytes_anywhere_give_pictures_or_a_sentence(ending, category: Path, tmp_path: Path):
    data = pack(category, tmp_path / f"whole{ending}").read_bytes()
    rng = np.random.default_rng(3)
    refused = 0
    for number in range(60):
        spoiled = bytearray(data)
        for at in rng.integers(0, len(data), 4):
            spoiled[at] = rng.integers(0, 256)
        archive = tmp_path / f"{number}{ending}"
        archive.write_bytes(spoiled)
        try:
            for item in read_dataset(archive).items:
                read_picture(item.source)
        except (DataError, PictureError):
            refused += 1
    assert refused > 5


def test_a_closed_archive(category: Path, tmp_path: Path):
    archive = pack(category, tmp_path / "sets.zip")
    archive.chmod(0)
    if os.access(archive, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="cannot be read"):
        read_dataset(archive)


def test_nothing_of_an_archive_is_kept_open(category: Path, tmp_path: Path):
    archive = pack(category, tmp_path / "sets.zip")
    read_picture(read_dataset(archive).items[0].source)
    held = (
        [
            os.readlink(f"/proc/self/fd/{fd}")
            for fd in os.listdir("/proc/self/fd")
            if os.path.islink(f"/proc/self/fd/{fd}")
        ]
        if os.path.isdir("/proc/self/fd")
        else []
    )
    assert str(archive) not in held
