"""A gateway erases what the owner of the fleet's database erased: before it ships, in its own file and backups.

Postgres says what, by the marks of bands, and is told when it is done; so who was away learns of it when he comes. What
is not said to be done is done from the beginning. What is there again, as after a copy was put back, is erased again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hipsync.fleet.database import Database
from hipsync.model import Band
from hipsync.store import Store
from hipsync.store.erasing import Lost
from hipsync.store.identities import mark_of


class Obeyed(NamedTuple):
    """What a gateway erased."""

    erasures: int
    """How many times of bands, of which a whole band is one."""
    rows: int
    backups: int
    """In how many backups at most."""
    gone: list[Band]
    """The bands that went as a whole."""
    kept: list[Path]
    """Files that may hold it still, and that only a person can delete."""


class _Wanted(NamedTuple):
    """What Postgres says is to be erased."""

    number: int
    lost: Lost
    is_done: bool


def obey(store: Store, database: Database, now: datetime, forget_keys: Callable[[Band], None]) -> Obeyed:
    """Erase here what is erased there. `forget_keys` is called for each band that goes, before it goes.

    The store may be open for reading only: another connection to its file writes. Raises `StoreError` and `FleetError`;
    then the call can be repeated.
    """
    wanted = [one for one in _wanted(store, database) if not one.is_done or store.holds(one.lost)]
    rows, backups, gone, kept = 0, 0, list[Band](), list[Path]()
    if wanted:
        with _writable(store) as file:
            for one in wanted:
                going = [band for band in file.bands() if _goes(band, one.lost)]
                for band in going:
                    forget_keys(band)
                removed = file.lose(one.lost, now)
                with database.transaction() as db:
                    values = [one.number, removed.rows, removed.backups, len(removed.kept)]
                    db.execute("SELECT hipsync.cleaned(%s, %s, %s::integer, %s::integer)", values)
                rows, backups, kept = rows + removed.rows, max(backups, removed.backups), removed.kept
                gone += going
    return Obeyed(len(wanted), rows, backups, gone, kept)


def _wanted(store: Store, database: Database) -> list[_Wanted]:
    """All that is erased there of bands that are, or were, known here."""
    with database.transaction() as db:
        rows = db.execute(
            "SELECT id, mark, since, until, CASE WHEN whole THEN at END, done FROM hipsync.erasures(%s)",
            [sorted(store.marks())],
        ).fetchall()
    return [_Wanted(number, Lost(mark, since, until, at), done) for number, mark, since, until, at, done in rows]


def _goes(band: Band, lost: Lost) -> bool:
    """Whether a band goes as a whole."""
    return (
        lost.whole_at is not None
        and not band.simulated
        and mark_of(band.driver, band.identity) == lost.mark
        and band.added <= lost.whole_at
    )


def _writable(store: Store) -> AbstractContextManager[Store]:
    """The same database for writing."""
    return contextlib.nullcontext(store) if store.path is None else Store.open(store.path)
