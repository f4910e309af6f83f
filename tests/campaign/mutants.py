"""Errors made on purpose, each in a forked process only: the campaign must turn red for each, or it proves nothing."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from hipsync.core.prompting import Due
from hipsync.driver import Session
from hipsync.model import Band, Prompt
from hipsync.service.contact import Connector, Talk
from hipsync.service.showing import Manner, Showing
from hipsync.service.state import State
from hipsync.store import Store, file
from support.swapped import committed_late


def commit_after_acknowledge() -> None:
    """Let the driver go on, and so acknowledge, before each batch is stored."""

    patch("hipsync.conversation.dialogue.all_committed", committed_late).start()


def no_fsync() -> None:
    """Let SQLite leave it to the system when what is committed reaches the disk."""
    connected = file.connected

    def hurried(path: Path | None, *options: str) -> sqlite3.Connection:
        db = connected(path, *options)
        db.execute("PRAGMA synchronous = OFF")
        return db

    import hipsync.store

    file.connected = hurried
    hipsync.store.connected = hurried  # type: ignore[attr-defined]


def prompts_not_stored_first() -> None:
    """Show a prompt first and store it afterwards."""

    async def show(self: Showing, due: Due, state: State, now: datetime, talks: Sequence[Talk]) -> None:
        move = self._move(due, state, Manner(due.strong))
        fresh = Prompt(now, due.due, move.name, due.sure, last_shown=now, occasion=due.occasion)
        where = list(await self._deliver(fresh, move, due.strong))
        self._store.add_prompt(fresh._replace(where=tuple(where)))

    Showing.show = show  # type: ignore[method-assign]


def backup_unchecked() -> None:
    """Copy the file as it is, whatever it is, and exit with 0."""

    def backup(self: Store, to: Path | None, now: datetime) -> Path:
        import shutil

        assert self.path is not None
        target = to or self.path.parent / "backups" / f"hipsync-{now:%Y%m%dT%H%M%S}.db"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.path, target)
        if to is None:
            for old in self.backups()[:-7]:
                old.unlink()
        return target

    Store.backup = backup  # type: ignore[method-assign,assignment]


def since_unclamped() -> None:
    """Believe instants of the future: a fetch goes on from the newest stored minute, whatever year that is in."""
    session, newest = Connector._session, Store.since

    def believing(self: Connector, band: Band, since: datetime | None) -> Session:
        return replace(session(self, band, since), since=newest(self._store, band.id))

    Connector._session = believing  # type: ignore[method-assign]


MUTANTS: Mapping[str, Callable[[], None]] = {
    "commit-after-acknowledge": commit_after_acknowledge,
    "no-fsync": no_fsync,
    "prompts-not-stored-first": prompts_not_stored_first,
    "backup-unchecked": backup_unchecked,
    "since-unclamped": since_unclamped,
}
