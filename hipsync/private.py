"""Files that are their owner's alone: opened so that nobody else can read them, refused if somebody else could write.

Windows has neither such modes nor such owners, so nothing is refused there. The one rule: a file that is already open
is judged, never a path, because another file may take a path's place meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path

from hipsync.errors import ConfigError


def refuse_writable(file: Path, descriptor: int, danger: str) -> None:
    """Raise `ConfigError` if an open file belongs to neither this user nor root, or if others can write to it.

    `file` is its path and `danger` what such a person could do, such as "it could name a command"; both are shown.
    """
    if os.name != "posix":
        return
    status = os.fstat(descriptor)
    if status.st_uid not in {os.getuid(), 0}:
        raise ConfigError(f"{file} belongs to somebody else: {danger}; make it yours")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"{file} can be written by others: {danger}; chmod 600 it")


def refuse_readable(file: Path, descriptor: int, danger: str) -> None:
    """Raise `ConfigError` if an open file belongs to neither this user nor root, or if others can read or write it.

    `danger` says what is in it, such as "it holds the password of the broker"; it is shown with the path.
    """
    refuse_writable(file, descriptor, danger)
    if os.name == "posix" and os.fstat(descriptor).st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ConfigError(f"{file} can be read by others: {danger}; chmod 600 it")


def own_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, unless it is there; raise `OSError` as `refuse_shared` does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_shared(folder)


def refuse_shared(folder: Path) -> None:
    """Raise `PermissionError` if a folder is a link, belongs to somebody else, or if others can write into it.

    A file in it could be anybody's, or lie elsewhere. Raises `OSError` if there is no such folder.
    """
    if os.name != "posix":
        return
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "the folder is not yours alone")


def create_private(file: Path) -> None:
    """Create an empty file that only its owner can read and write, in place of any file or link of that path.

    Raises `OSError`.
    """
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextlib.contextmanager
def replacing(file: Path) -> Generator[Path]:
    """Give the path of a new private file for the block to write, which takes the place of `file` if nothing is raised.

    It lies beside `file` under a name that nobody can foresee, because in a folder of several users, such as /tmp,
    another one could otherwise put a link or a file of his own there first. If `file` is such a link, the link is
    replaced and not followed. Nothing is left of the new file after an error. Raises `OSError`.
    """
    fresh = file.with_name(f".{file.name[:100]}.{os.urandom(8).hex()}.new")
    create_private(fresh)
    try:
        yield fresh
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
