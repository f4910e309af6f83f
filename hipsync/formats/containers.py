"""What lies in the files that somebody gives: a file by itself, or what is packed in a ZIP or a gzip, or in a folder.

All of it is a stranger's. A ZIP may unpack to any size and hold further ZIPs, and a folder may hold links and devices.
The one rule: only regular files are opened, and no more is unpacked than an honest export would hold.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from hipsync.errors import InputError
from hipsync.formats.past.reading import HEAD_BYTES, Head

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UNPACKED_OF_ANY, UNPACKED_A_BYTE = 2**28, 300
"""How many bytes a packed file may unpack to: so many, and so many more for each of its bytes. Apple's XML is packed to
a thirtieth; only what was made to fill a disk is packed to a thousandth."""
DEEPEST = 2
"""How deep ZIPs may lie in each other: Garmin's account export holds ZIPs of files."""
MOST_PARTS = 200_000
"""How many files a folder or a ZIP may hold. Ten years of a watch's daily files are 30,000."""
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


class Part(NamedTuple):
    """One file among those that were given."""

    name: str
    """For messages: the name that was given, and what is inside it after a slash."""
    head: Head
    opened: Callable[[], AbstractContextManager[BinaryIO]]
    """Opens it at its beginning, as often as one likes."""
    size: int
    """Its bytes, unpacked, as far as that is known before it is read."""
    packed: int
    """The bytes that it takes where it lies."""
    is_inside: bool = False
    """Whether it lies in a ZIP with others."""


def parts_of(file: Path, name: str) -> Iterator[Part]:
    """What lies in a file that is called `name`, in order of names: itself, or the files that are packed in it.

    A part can be opened until the next one is taken. Raises `InputError`, and `OSError` for a file that cannot be read.
    """
    size = file.stat().st_size
    yield from _parts(name, Path(name).name, _opener(file), size, size, DEEPEST)


Opened = Callable[[], AbstractContextManager[BinaryIO]]


def _parts(name: str, own_name: str, opened: Opened, size: int, packed: int, deepest: int) -> Iterator[Part]:
    """What lies in one file that is open at its beginning when `opened` is entered."""
    with opened() as source:
        start = source.read(HEAD_BYTES)
    if start.startswith(_ZIP) and deepest:
        with opened() as source, _seekable(source) as whole:
            yield from _members(name, whole, size, deepest - 1)
    elif start.startswith(_GZIP):

        @contextmanager
        def unpacked() -> Generator[BinaryIO, None, None]:
            with opened() as source, gzip.GzipFile(fileobj=source) as inner:
                yield io.BufferedReader(_Bounded(name, inner, _room(size)), 2**16)

        inner_name = own_name.removesuffix(".gz")
        yield Part(name, Head(inner_name, _start(unpacked)), unpacked, size, packed, deepest < DEEPEST)
    else:
        yield Part(name, Head(own_name, start), opened, size, packed, deepest < DEEPEST)


def _members(name: str, whole: IO[bytes], size: int, deepest: int) -> Iterator[Part]:
    """What lies in a ZIP."""
    try:
        archive = zipfile.ZipFile(whole)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"{name} is a damaged ZIP: {error}") from error
    with archive:
        members = sorted((each for each in archive.infolist() if not each.is_dir()), key=lambda each: each.filename)
        if len(members) > MOST_PARTS:
            raise InputError(f"{name} holds more than {MOST_PARTS:,} files")
        for member in members:
            if member.flag_bits & 1:
                raise InputError(f"{name} is locked with a password: unpack it with that, then give the folder")

            @contextmanager
            def opened(member: zipfile.ZipInfo = member) -> Generator[BinaryIO, None, None]:
                with _unpacking(name):
                    inner = archive.open(member)
                with inner:
                    yield io.BufferedReader(_Bounded(name, inner, _room(size)), 2**16)

            inner_name = f"{name}/{member.filename}"
            yield from _parts(
                inner_name, member.filename.rpartition("/")[2], opened, member.file_size, member.compress_size, deepest
            )


def files_in(folder: Path) -> list[Path]:
    """The regular files in a folder and its folders, in order of names, without links. Raises `InputError`."""
    found: list[Path] = []
    for where, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(where, name)
            if stat.S_ISREG(file.lstat().st_mode):
                found.append(file)
        if len(found) > MOST_PARTS:
            raise InputError(f"{folder} holds more than {MOST_PARTS:,} files")
    return found


def _opener(file: Path) -> Opened:
    @contextmanager
    def opened() -> Generator[BinaryIO, None, None]:
        with file.open("rb") as source:
            yield source

    return opened


def _start(opened: Opened) -> bytes:
    with opened() as source:
        return source.read(HEAD_BYTES)


@contextmanager
def _seekable(source: BinaryIO) -> Generator[IO[bytes], None, None]:
    """A file that can be read out of order: itself, or a temporary copy of one inside a ZIP."""
    if source.seekable():
        yield source
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(source, copy, 2**20)
        copy.seek(0)
        yield copy


def _room(size: int) -> int:
    """How many bytes a packed file of a size may unpack to."""
    return UNPACKED_OF_ANY + UNPACKED_A_BYTE * size


class _Bounded(io.RawIOBase):
    """A packed file that is unpacked while it is read, up to a number of bytes."""

    def __init__(self, name: str, source: IO[bytes] | gzip.GzipFile, room: int) -> None:
        self._name, self._source, self._left = name, source, room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        with _unpacking(self._name):
            part = self._source.read(len(view))
        self._left -= len(part)
        if self._left < 0:
            raise InputError(f"{self._name} unpacks to more than any real export holds")
        view[: len(part)] = part
        return len(part)


@contextlib.contextmanager
def _unpacking(name: str) -> Generator[None, None, None]:
    """During the block, an error of unpacking becomes an `InputError`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{name} is damaged, or packed in an unknown way: {error}") from error
