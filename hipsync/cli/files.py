"""Files that a command reads or writes under a name that somebody gave: `-` is standard input or standard output.

The one rule for reading: only a regular file is opened, because a pipe without a writer hangs and a device never ends.
The one rule for writing: only a regular file is replaced, whole and at the end; a pipe or a device is written to.
A database is never replaced: what is written here is none, and the user's days would be lost. Links of this user are
followed. One of somebody else, who may have put it into a shared folder, is replaced itself.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from hipsync.errors import ConfigError, InputError
from hipsync.private import replacing

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STANDARD = Path("-")
"""The name that means standard input or standard output."""
MOST_LINKS = 40
"""How many links lead from one to the next at most, as for Linux itself."""
READABLE = click.Path(path_type=Path, allow_dash=True)
WRITABLE = click.Path(path_type=Path, allow_dash=True)


def opened(file: Path) -> BinaryIO:
    """Open a regular file, or standard input for `-`. Raises `InputError`, for a folder, a pipe or a device too."""
    if file == STANDARD:
        return io.BufferedReader(Borrowed(sys.stdin.buffer))
    with reading(file):
        _refuse_irregular(file, file.stat().st_mode)
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            _refuse_irregular(file, os.fstat(descriptor).st_mode)
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")


@contextlib.contextmanager
def as_path(file: Path) -> Generator[Path, None, None]:
    """During the block, a file that is read out of order has this path: for `-`, a copy of standard input has it.

    Raises `InputError` as `opened` does.
    """
    if file != STANDARD:
        opened(file).close()
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="hipsync-") as folder:
        copy = Path(folder) / "stdin"
        with reading(file), opened(file) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
        yield copy


@contextlib.contextmanager
def reading(file: Path) -> Generator[None, None, None]:
    """During the block, an error of the system becomes an `InputError` that names the file."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error


@contextlib.contextmanager
def written(file: Path) -> Generator[BinaryIO, None, None]:
    """Write a file that only its owner can read: what was there is replaced at the end of the block, if all went well.

    A pipe or a device is written to as it is, and so is standard output for `-`. Raises `OSError`, for a database too.
    """
    if file == STANDARD:
        out = sys.stdout.buffer
        yield out
        out.flush()
        return
    target = _regular(file)
    if target is None:
        with file.open("wb", buffering=2**16) as device:
            yield device
        return
    _refuse_database(target)
    with replacing(target) as fresh, fresh.open("wb") as opened_file:
        yield opened_file


def write_page(file: Path, page: str, *, open_page: bool = False) -> None:
    """Write a page that only its owner can read, whole or not at all, and say so. Raises `ConfigError` if it cannot."""
    try:
        with written(file) as opened_file:
            opened_file.write(page.encode())
    except OSError as error:
        if file == STANDARD:
            raise
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}; name another file") from error
    if file == STANDARD:
        return
    click.echo(f"written: {file}")
    if open_page:
        click.launch(file.absolute().as_uri())


@contextlib.contextmanager
def as_text(file: BinaryIO) -> Generator[TextIO, None, None]:
    """A file that is being written, as text in UTF-8 with line ends as they are written; it stays open afterwards."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        yield text
        text.flush()
    finally:
        with contextlib.suppress(OSError, ValueError):  # what could not be written is told by the error that is raised
            text.detach()


def _regular(file: Path) -> Path | None:
    """The regular file, there or not yet, to which a path leads through links; None if it leads to another kind.

    A link of somebody else is the end of the path. Raises `OSError`, also for a folder.
    """
    if (planted := _planted(file)) is not None:
        return planted
    end = Path(os.path.realpath(file))
    try:
        status = file.stat()
    except FileNotFoundError:
        return end
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(status.st_mode):
        return None
    try:
        return end if os.path.samestat(end.stat(), status) else None
    except FileNotFoundError:  # /dev/stdout of a file that was deleted leads to a name that is no path
        return None


def _refuse_database(file: Path) -> None:
    """Raise `FileExistsError` if a file is a database. A link, and what cannot be read or is not there, is none."""
    from hipsync.store.file import MAGIC

    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    start = b""
    with contextlib.suppress(OSError), os.fdopen(os.open(file, flags), "rb") as there:
        start = there.read(len(MAGIC))
    if start == MAGIC:
        raise FileExistsError(errno.EEXIST, "it is a database, whose rows would be lost", str(file))


def _planted(file: Path) -> Path | None:
    """The first link on the way from a path that belongs to neither this user nor root; None if there is none."""
    for _ in range(MOST_LINKS):
        if os.name != "posix" or not file.is_symlink():
            return None
        if file.lstat().st_uid not in {os.getuid(), 0}:
            return file
        file = file.parent / file.readlink()
    return None


def _refuse_irregular(file: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(mode):
        what = "a pipe" if stat.S_ISFIFO(mode) else "a special file"
        raise InputError(f"{file} is {what}, not a file: give `-` and let standard input come from it")


class Borrowed(io.RawIOBase):
    """A file to read that can be closed, which leaves the file itself open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        part = self._file.read(len(view))
        view[: len(part)] = part
        return len(part)
