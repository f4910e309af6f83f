"""A folder of files for their owner alone that is written whole: what stood there before stays until all is written.

The one rule: nothing is ever removed that hipsync did not write. A folder of ours holds a mark, and one without it, or
with a file that has no place there, is refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

from hipsync.errors import ConfigError
from hipsync.private import own_folder, refuse_shared

MARK = ".hipsync"
"""The name of the file by which a folder is known as ours. It says what the folder holds."""
_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of renameat2(2)."""


def refuse_foreign(folder: Path, what: str, is_ours: Callable[[Path], bool]) -> None:
    """Raise `ConfigError` if there is something at this path that is neither an empty folder nor one of ours.

    `what` is what the mark of ours says. `is_ours` says of the path of a file, counted from the folder, whether it may
    stand there.
    """
    if not os.path.lexists(folder):
        return
    try:
        refuse_shared(folder)
        entries = sorted(folder.iterdir())
        is_marked = (folder / MARK).is_file() and (folder / MARK).read_text("utf-8", "replace").strip() == what
        files = [Path(top) / name for top, _, names in os.walk(folder) for name in names] if is_marked else []
    except OSError as error:
        raise ConfigError(f"{folder} cannot be used: {error.strerror or error}; name another folder") from error
    if entries and not is_marked:
        raise ConfigError(f"{folder} is there and was not written by this command: name another folder, or a new one")
    for file in files:
        if file != folder / MARK and not is_ours(file.relative_to(folder)):
            raise ConfigError(f"{file} was not written by this command, and would be lost: move it away")


@contextlib.contextmanager
def replacing_folder(folder: Path, what: str) -> Generator[Path]:
    """Give a new private folder for the block to fill, which takes the place of `folder` if nothing is raised.

    It lies beside `folder`. What stood there is removed only after that; where the system can exchange two folders in
    one step, as Linux can, there is always one at that path. What a killed process left beside it is removed. Raises
    `ConfigError` if it cannot be written.
    """
    folder = folder.absolute()
    fresh = folder.with_name(f".{folder.name[:100]}.{os.urandom(8).hex()}.new")
    try:
        _sweep(folder, what)
        fresh.mkdir(mode=0o700)
        write_private(fresh / MARK, f"{what}\n".encode())
        with (fresh / MARK).open("rb") as mark:
            _lock(mark)
            yield fresh
            if os.path.lexists(folder):
                _exchange(fresh, folder)
            else:
                fresh.rename(folder)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextlib.contextmanager
def kept_folder(folder: Path, what: str) -> Generator[None]:
    """During the block, a folder of ours is there, and nobody else fills it.

    Raises `ConfigError` if it is not ours, if it cannot be written, or if another process fills it.
    """
    try:
        refuse_foreign(folder, what, lambda _: True)
        own_folder(folder)
        if not (folder / MARK).exists():
            write_private(folder / MARK, f"{what}\n".encode())
        with (folder / MARK).open("rb") as mark:
            if not _lock(mark) and sys.platform != "win32":
                raise ConfigError(f"another process fills {folder}: try again when it is done")
            yield
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error


def write_private(file: Path, content: bytes) -> None:
    """Write a new file that its owner alone can read. Raises `OSError`, also if it is there."""
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as opened:
        opened.write(content)


def _sweep(folder: Path, what: str) -> None:
    """Remove what was to take the place of a folder, and whose process is gone."""
    for left in folder.parent.glob(f".{glob.escape(folder.name[:100])}.*.new"):
        with contextlib.suppress(OSError):
            refuse_shared(left)
            with (left / MARK).open("rb") as mark:
                if mark.read(200).decode("utf-8", "replace").strip() == what and _lock(mark):
                    shutil.rmtree(left)


def _lock(file: BinaryIO) -> bool:
    """Lock an open file for as long as it is open; return whether nobody else has. Windows has no such lock."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _exchange(fresh: Path, folder: Path) -> None:
    """Let two folders change places."""
    with contextlib.suppress(AttributeError):
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        if renameat2(_HERE, os.fsencode(fresh), _HERE, os.fsencode(folder), _EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in {errno.EINVAL, errno.ENOSYS}:  # a file system that cannot exchange
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    old = fresh.with_suffix(".old")
    folder.rename(old)
    fresh.rename(folder)
    old.rename(fresh)
