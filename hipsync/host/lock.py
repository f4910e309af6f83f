"""One service on one database: a lock on a file beside it, in which its holder has written its process number."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from time import sleep

from hipsync.errors import ConfigError, StoreError

GLANCES, GLANCE_S = 5, 0.05
"""`running` takes the lock for a moment to see whether it is free; a service that starts just then tries again."""


@contextlib.contextmanager
def only_instance(database: Path) -> Generator[None, None, None]:
    """Hold the lock beside the database.

    Raises `ConfigError`, which names the process that holds it already, and `StoreError` if there can be no lock.
    """
    path = _beside(database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}; give another place with --db FILE") from error
    try:
        if not _taken(handle):
            first = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            message = f"hipsync already runs on {database} (process {first}): stop it first, or give another --db"
            raise ConfigError(message)
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    for _ in range(GLANCES):
        if _lock(handle):
            return True
        sleep(GLANCE_S)
    return False


def running(database: Path) -> bool:
    """Whether somebody holds the lock now. Makes no file. Raises `StoreError`."""
    try:
        handle = os.open(_beside(database), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


def _beside(database: Path) -> Path:
    return database.with_name(database.name + ".run")


def _lock(handle: int) -> bool:
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
