"""Zip archives, read where they lie: the list at their end says where each member begins."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from restora.errors import DataError
from restora.images.archives.limits import MOST_MEMBERS, Tally

_UTF8 = 0x800
_ENCRYPTED = 0x1
_UNIX = 3
_DOS = 0
_LOCAL_HEAD = struct.Struct("<4s22xHH")  # mark, length of the name, length of what follows it


@dataclass(frozen=True)
class ZipIndex:
    """files : where each file lies, by its name; empty : names of folders that are listed by themselves."""

    path: Path
    files: dict[str, zipfile.ZipInfo]
    empty: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """The bytes of a file; KeyError for a name that is not there, OSError for what cannot be read."""
        info = self.files[name]
        with self.path.open("rb") as stream:
            stream.seek(info.header_offset)
            head = stream.read(_LOCAL_HEAD.size)
            if len(head) < _LOCAL_HEAD.size or not head.startswith(b"PK\3\4"):
                raise _damaged(name)
            _, name_length, extra_length = _LOCAL_HEAD.unpack(head)
            stream.seek(name_length + extra_length, os.SEEK_CUR)
            data = _unpacked(stream.read(info.compress_size), info)
        if data is None or len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise _damaged(name)
        return data


def read_zip(path: Path) -> ZipIndex:
    """The index of an archive. Raises DataError for one that is damaged or not to be trusted, OSError."""
    packed = path.stat().st_size
    tally = Tally(path, packed)
    files: dict[str, zipfile.ZipInfo] = {}
    empty = []
    for info in _infos(path):
        name = _name(info)
        _check(tally, name, info)
        taken = tally.take(name, info.file_size)
        if taken is None:
            continue
        if name.endswith("/"):
            empty.append(taken)
        else:
            files[taken] = info
    if sum(info.compress_size for info in files.values()) > packed:
        raise DataError(f"{path} has members that lie over one another, as in a trap; do not unpack it")
    return ZipIndex(path, files, tuple(empty))


def _infos(path: Path) -> Iterator[zipfile.ZipInfo]:
    try:
        if _claimed_count(path) > MOST_MEMBERS:  # before millions of records are made of it
            raise DataError(f"{path} holds more than {MOST_MEMBERS:,} members; divide it into several archives")
        with zipfile.ZipFile(path) as archive:
            yield from archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise DataError(f"{path} is damaged or no zip archive ({error}); fetch or pack it anew") from None


def _claimed_count(path: Path) -> int:
    """How many members the end of the archive claims, 0 where it does not say."""
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 2**16 - 100))
        end = stream.read()
    at, wide = end.rfind(b"PK\5\6"), end.rfind(b"PK\6\6")
    count = int(struct.unpack_from("<H", end, at + 10)[0]) if at >= 0 and len(end) >= at + 12 else 0
    if count == 0xFFFF and wide >= 0 and len(end) >= wide + 40:
        return int(struct.unpack_from("<Q", end, wide + 32)[0])
    return count


def _name(info: zipfile.ZipInfo) -> str:
    """The name, which many programs write in UTF-8 without saying so, and some of Windows with its own slashes."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/") if info.create_system == _DOS else name


def _check(tally: Tally, name: str, info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{tally.archive} is encrypted ({name!r} is); unpack it with its password and name the folder")
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == _UNIX else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise tally.refuse(name, "which is a link or a device and no file")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise tally.refuse(name, f"packed by a method that is not read here (number {info.compress_type})")


def _unpacked(raw: bytes, info: zipfile.ZipInfo) -> bytes | None:
    if info.compress_type == zipfile.ZIP_STORED:
        return raw
    try:  # one byte more than claimed is enough to see that a claim is false
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, info.file_size + 1)
    except zlib.error:
        return None


def _damaged(name: str) -> OSError:
    return OSError(errno.EINVAL, "its bytes in the archive are damaged", name)
