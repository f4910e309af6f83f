"""Lets only one service, and only one import, at a time run on a database: each by a lock on a file beside it.

The process that has the lock writes its process number into the file, but only for messages. What counts is the lock.
It is released when the process ends, for whatever reason.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from time import sleep

from hipsync.errors import ConfigError, StoreError

TRIES, PAUSE_S = 5, 0.05
"""How many times a starting service tries to take the lock, and how many seconds it waits after a failed try. One try
is not enough, because `running` takes the lock for a moment to see whether it is free."""

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
"""Refuses a link in place of the lock file, which somebody could put there to have another file overwritten."""


@contextlib.contextmanager
def only_instance(database: Path) -> Generator[None, None, None]:
    """Be the one service on this database during the block.

    Raises `ConfigError`, which names the process number, if another process is. Raises `StoreError` if the lock file
    cannot be created or locked.
    """
    taken = "hipsync already runs on {database} (process {first}): stop it first, or give another --db"
    with _locked(_lock_file(database), taken.replace("{database}", str(database))):
        yield


@contextlib.contextmanager
def only_import(database: Path) -> Generator[None, None, None]:
    """Be the one import into this database during the block. Raises as `only_instance` does."""
    taken = "another import into {database} is under way (process {first}): try again when it is done"
    path = database.with_name(database.name + ".import")
    with _locked(path, taken.replace("{database}", str(database))):
        yield


@contextlib.contextmanager
def _locked(path: Path, taken: str) -> Generator[None, None, None]:
    """Hold the lock on a file during the block.

    Raises `ConfigError` with the words of `taken`, in which {first} stands for the process number, if another process
    has it. Raises `StoreError` if the file cannot be created or locked.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}; give another place with --db FILE") from error
    try:
        if not _taken(handle):
            first = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            raise ConfigError(taken.replace("{first}", first))
        with contextlib.suppress(OSError):  # a full disk: the number is only for messages
            os.truncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    """Take the lock, in up to `TRIES` tries. Returns whether one succeeded. Raises `StoreError`."""
    for _ in range(TRIES):
        if _lock(handle):
            return True
        sleep(PAUSE_S)
    return False


def running(database: Path) -> bool:
    """Whether a service has the lock on this database now. Creates no file. Raises `StoreError`."""
    try:
        handle = os.open(_lock_file(database), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


def _lock_file(database: Path) -> Path:
    return database.with_name(database.name + ".run")


def _lock(handle: int) -> bool:
    """Take the lock without waiting. Returns whether it was free. Raises `StoreError`."""
    try:
        import fcntl  # not on Windows
    except ImportError:  # pragma: no cover  untested: Windows
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(
            f"the database's folder knows no locks: {error.strerror}; choose another with --db FILE"
        ) from error
    return True
