"""Putting a copy in the place of the database: afterwards there is either the old one or the new one, both whole.

::

    1  hipsync.db.new          written from the copy, and checked
    2  backups/...             the old database, its log included, is copied there; nobody can write meanwhile
    3  hipsync.db.new  ->  hipsync.db

Each step needs space; where there is none, or the old database is locked, all is as it was. The one rule: only damage
that SQLite itself names makes a file a damaged one. Then its bytes and those of its log are kept as they are.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from hipsync.errors import Damaged, StoreError
from hipsync.private import create_private
from hipsync.store import opened_for_reading, refuse_newer
from hipsync.store.checked import remember
from hipsync.store.checks import damage_of, findings_in, is_ours
from hipsync.store.copying import STAMP, TAILS, remove, write_copy
from hipsync.store.file import SECOND, connected, translated


def restored(path: Path, copy: Path, now: datetime) -> Path | None:
    """Replace the database by a copy; return where the old database is now, or None if there was none.

    Raises `StoreError` if the copy is damaged or is not hipsync's, if there is no space, or if the database is locked;
    then everything is as it was.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        strange = _copied_if_sound(copy, fresh)
        with translated(path), _kept(path, now) as old:
            for tail in TAILS:  # those of the old file, which SQLite would apply to the new one
                path.with_name(path.name + tail).unlink(missing_ok=True)
            fresh.replace(path)
    finally:
        remove(fresh)
    remember(path, now, (), strange)
    return old


def _copied_if_sound(copy: Path, fresh: Path) -> tuple[str, ...]:
    """Write a copy to the new file `fresh`, and return what its rows hold that makes no sense. Raises `StoreError`."""
    with translated(copy):
        source, version = opened_for_reading(copy)
    with translated(copy), contextlib.closing(source):
        refuse_newer(copy, version)
        damage, strange, _ = findings_in(source)
        if damage:
            raise Damaged(f"{copy} is damaged ({damage[0]}): choose another copy, nothing was changed")
        if not is_ours(source):
            raise Damaged(f"{copy} is no database of hipsync: nothing was changed")
        with translated(fresh):
            fresh.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_copy(source, fresh)
        return strange


@contextlib.contextmanager
def _kept(path: Path, now: datetime) -> Generator[Path | None, None, None]:
    """Copy the old database into the folder `backups`, and let nobody write to it during the block.

    Raises `StoreError`, `sqlite3.Error` and `OSError`; then the copy is removed and the database is as it was.
    """
    if not path.exists():
        yield None
        return
    with contextlib.ExitStack() as connections:
        try:
            held = connections.enter_context(contextlib.closing(connected(path, "mode=rw")))
            reader = connections.enter_context(contextlib.closing(connected(path, "mode=rw")))
            kept = _copied_in_order(path, held, reader, now)
        except Damaged:
            kept = _copied_as_it_is(path, now)
        try:
            if os.name == "nt":  # pragma: no cover  untested: Windows replaces no file that is open
                connections.close()
            yield kept
        except BaseException:
            remove(kept)
            raise


def _copied_in_order(path: Path, held: sqlite3.Connection, reader: sqlite3.Connection, now: datetime) -> Path:
    """Begin a transaction on `held` and copy the old database by `reader`. Raises `Damaged` and other `StoreError`."""
    with translated(path):
        held.execute("BEGIN IMMEDIATE")
        _, logged, moved = reader.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if logged != moved:  # the file must be whole without its log, which cannot be replaced in the same instant
            raise StoreError(f"{path} is in use by another program: stop that, then try again")
        if damage_of(reader) or not is_ours(reader):
            raise Damaged(f"{path} is damaged")
    kept = _free_name(path, "hipsync", now)
    torn = kept.with_name(kept.name + ".new")  # what a crash leaves of it is removed by the next backup
    with translated(kept):
        write_copy(reader, torn)
        torn.replace(kept)
    return kept


def _copied_as_it_is(path: Path, now: datetime) -> Path:
    """Copy the bytes of a damaged database, and those of its log. Raises `OSError`; then no copy is left."""
    kept = _free_name(path, "damaged", now)
    try:
        for tail in ("", "-wal"):
            if (part := path.with_name(path.name + tail)).exists():
                create_private(copy := kept.with_name(kept.name + tail))
                shutil.copyfile(part, copy)
    except BaseException:
        remove(kept)
        raise
    return kept


def _free_name(path: Path, kind: str, now: datetime) -> Path:
    """A name in the folder `backups` that no file has yet. Raises `OSError` if the folder cannot be made."""
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while (free := folder / f"{kind}-{now:{STAMP}}.db").exists():
        now += SECOND
    return free
