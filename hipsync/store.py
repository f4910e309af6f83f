"""Readings, and what was said and done, in one SQLite file. All SQL is here and in `migrations.py`.

The path of `hipsync today`: only sqlite3 is imported at the top. Instants are kept as whole seconds of UTC, lengths of
epochs as minutes. Errors of SQLite become `StoreError` here, once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from hipsync.errors import StoreError
from hipsync.model import (
    Answer,
    BandId,
    Charge,
    Counter,
    Epoch,
    Exercise,
    Inactivity,
    Info,
    Prompt,
    Reading,
    State,
    Wear,
    Where,
    ZoneChange,
)

log = logging.getLogger(__name__)

VERSION = 1
"""Schema steps that this program knows (`migrations.py`)."""
BUSY_S = 5.0
"""How long to wait for another writer."""
BACKUPS = 7
INFERRED = 16
"""Added to the code of a state: nobody sent it, a band vouched for the time around it."""
STATES: tuple[State | None, ...] = (
    None,
    State.SITTING,
    State.ASLEEP,
    State.NOT_WORN,
    State.CHARGING,
    State.STANDING,
    State.WALKING,
    State.RUNNING,
    State.CYCLING,
)
"""By the code that `epochs.state` holds; the table `states` says the same. 0 and 1 take no space in the file."""
_CODES = {state: code for code, state in enumerate(STATES)}
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


class Band(NamedTuple):
    """A paired band, or the source of an import (no address)."""

    id: BandId
    name: str
    driver: str
    address: str | None
    advertised_name: str
    simulated: bool
    vouches: bool
    """It reports wear, sleep or heart rate itself, so its stillness is never doubtful."""
    reports_wear: bool
    added: datetime


class Sync(NamedTuple):
    """One attempt to reach a band; `error` is None if it succeeded."""

    started: datetime
    ended: datetime
    epochs: int
    error: str | None


class Appended(NamedTuple):
    """What became of the epochs of a batch."""

    new: int
    same: int
    """Known already, or kept out because they had fewer steps."""


class Store:
    """The open file. A context manager; may be used from several threads, one at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._db, self.path = connection, path
        self._lock = threading.RLock()

    # ------------------------------------------------------------------ opening

    @classmethod
    def open(cls, path: Path) -> Self:
        """For writing: made, private to its owner, or upgraded after a backup if it is older.

        Raises `StoreError`: locked, read-only, full, damaged, not a database, or made by a newer hipsync.
        """
        with _translated(path):
            fresh = not path.exists()
            if fresh:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            db = _connected(f"file:{_quoted(path)}?mode=rw")
            store = cls(db, path)
            try:
                store._prepare(fresh=fresh)
            except BaseException:
                db.close()
                raise
            return store

    @classmethod
    def read(cls, path: Path) -> Self:
        """For reading; also a file in a folder that cannot be written. An older one is upgraded first.

        Raises `StoreError`.
        """
        with _translated(path):
            try:
                db = _connected(f"file:{_quoted(path)}?mode=ro")
                version = _version(db)
            except sqlite3.OperationalError:
                # A WAL file in a folder that cannot be written needs this; nobody else can be writing it then.
                db = _connected(f"file:{_quoted(path)}?immutable=1")
                version = _version(db)
            _refuse_newer(path, version)
            if version < VERSION:
                db.close()
                return cls.open(path)
            return cls(db, path)

    @classmethod
    def in_memory(cls) -> Self:
        """For tests: gone when closed."""
        store = cls(_connected(":memory:"), None)
        store._migrate()
        return store

    def _prepare(self, *, fresh: bool) -> None:
        version = _version(self._db)
        if self.path is not None:
            _refuse_newer(self.path, version)
        if version < VERSION:
            if not fresh and self.path is not None and self._has_tables():
                kept = self.backup(None, datetime.fromtimestamp(self.path.stat().st_mtime, UTC))
                log.warning("the database is brought up to date; the old one is kept as %s", kept)
            self._migrate()
        self._db.execute("PRAGMA journal_mode = WAL")

    def _has_tables(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None

    def _migrate(self) -> None:
        from hipsync.migrations import migrate

        migrate(self._db)
        self._db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection, None, None]:
        """One transaction: all of it, or nothing."""
        with self._lock, _translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, _translated(self.path):
            return self._db.execute(sql, values).fetchall()

    # ------------------------------------------------------------------ bands

    def bands(self) -> list[Band]:
        """All, in the order in which they came."""
        rows = self._rows(
            "SELECT id, name, driver, address, advertised_name, simulated, vouches, reports_wear, added"
            " FROM bands ORDER BY id"
        )
        return [
            Band(
                BandId(int(row[0])), str(row[1]), str(row[2]), _text(row[3]), str(row[4]),
                bool(row[5]), bool(row[6]), bool(row[7]), _instant(row[8]),
            )
            for row in rows
        ]  # fmt: skip

    def add_band(
        self,
        *,
        name: str,
        driver: str,
        now: datetime,
        address: str | None = None,
        advertised_name: str = "",
        simulated: bool = False,
        vouches: bool = False,
        reports_wear: bool = False,
    ) -> Band:
        values = (name, driver, address, advertised_name, simulated, vouches, reports_wear, _seconds(now))
        with self._writing() as db:
            db.execute(
                "INSERT INTO bands (name, driver, address, advertised_name, simulated, vouches, reports_wear, added)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return next(band for band in self.bands() if band.name == name)

    def amend_band(self, band: BandId, *, vouches: bool, reports_wear: bool) -> None:
        """It turned out to report more than was known when it was added."""
        with self._writing() as db:
            db.execute(
                "UPDATE bands SET vouches = max(vouches, ?), reports_wear = max(reports_wear, ?) WHERE id = ?",
                (vouches, reports_wear, band),
            )

    def rename(self, band: BandId, name: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE bands SET name = ? WHERE id = ?", (name, band))

    def forget(self, band: BandId, *, with_data: bool) -> None:
        """Unpair: the band has no address any more. With data, every row of it is overwritten, in the backups too."""
        if not with_data:
            with self._writing() as db:
                db.execute("UPDATE bands SET address = NULL WHERE id = ?", (band,))
            return
        name = next(held.name for held in self.bands() if held.id == band)
        with self._lock, _translated(self.path):
            _erase(self._db, name)
        for backup in self.backups():
            with _translated(backup), contextlib.closing(_connected(f"file:{_quoted(backup)}?mode=rw")) as old:
                _erase(old, name)

    def has_simulated(self) -> bool:
        return any(band.simulated for band in self.bands())

    def has_real(self) -> bool:
        return any(not band.simulated for band in self.bands())

    # ------------------------------------------------------------------ readings

    def append(self, band: BandId, readings: Sequence[Reading]) -> Appended:
        """Store a batch in one transaction; when this returns it is on disk.

        A second epoch of the same start and length replaces the first if it has no fewer steps, and is kept out
        otherwise; a value that it lacks is not taken away. Raises `StoreError`, and then nothing was stored.
        """
        epochs = [_epoch_row(band, epoch) for epoch in readings if isinstance(epoch, Epoch)]
        with self._writing() as db:
            before = db.total_changes
            db.executemany(_UPSERT, epochs)
            changed = db.total_changes - before
            for reading in readings:
                if not isinstance(reading, Epoch):
                    _append_other(db, band, reading)
        if kept_out := len(epochs) - changed:
            log.debug(
                "%d of %d epochs were known already, or had fewer steps than what is stored", kept_out, len(epochs)
            )
        return Appended(changed, kept_out)

    def epochs(self, band: BandId, start: datetime, end: datetime) -> list[Epoch]:
        """Those that touch `[start, end)`, in order."""
        rows = self._rows(
            "SELECT start, length, steps, intensity, heart_rate, state, kind FROM epochs"
            " WHERE band = ? AND start > ? AND start < ? AND start + length * 60 > ? ORDER BY start",
            band, _seconds(start) - 86400, _seconds(end), _seconds(start),
        )  # fmt: skip
        from_s = datetime.fromtimestamp
        return [
            Epoch(
                from_s(at, UTC),
                length * _MINUTE,
                steps,
                intensity,
                heart_rate,
                STATES[state & ~INFERRED],
                kind,
                state >= INFERRED,
            )
            for at, length, steps, intensity, heart_rate, state, kind in rows
        ]

    def counters(self, band: BandId, start: datetime, end: datetime) -> list[Counter]:
        """Those of `[start, end)`, with the last before it and the first after it."""
        rows = self._rows(
            "SELECT at, steps FROM counters WHERE band = ?1"
            " AND at >= coalesce((SELECT max(at) FROM counters WHERE band = ?1 AND at < ?2), ?2)"
            " AND at <= coalesce((SELECT min(at) FROM counters WHERE band = ?1 AND at >= ?3), ?3) ORDER BY at",
            band, _seconds(start), _seconds(end),
        )  # fmt: skip
        return [Counter(_instant(at), int(steps)) for at, steps in rows]

    def wears(self, band: BandId, start: datetime, end: datetime) -> list[Wear]:
        """Those of `[start, end)`, with the last before it."""
        rows = self._rows(
            "SELECT at, worn FROM wears WHERE band = ?1"
            " AND at >= coalesce((SELECT max(at) FROM wears WHERE band = ?1 AND at < ?2), ?2) AND at < ?3 ORDER BY at",
            band, _seconds(start), _seconds(end),
        )  # fmt: skip
        return [Wear(_instant(at), bool(worn)) for at, worn in rows]

    def resolution(self, band: BandId, start: datetime, end: datetime) -> timedelta | None:
        """The shortest epoch of `[start, end)`; a minute for a live counter; None without data."""
        ((shortest,),) = self._rows(
            "SELECT min(length) FROM epochs WHERE band = ? AND start >= ? AND start < ?",
            band, _seconds(start), _seconds(end),
        )  # fmt: skip
        if shortest is not None:
            return int(shortest) * _MINUTE
        ((live,),) = self._rows(
            "SELECT count(*) FROM counters WHERE band = ? AND at >= ? AND at < ?",
            band, _seconds(start), _seconds(end),
        )  # fmt: skip
        return _MINUTE if live else None

    def since(self, band: BandId) -> Mapping[type[Reading], datetime]:
        """By type of reading, the end of the last one stored."""
        found: dict[type[Reading], datetime] = {}
        for start, length in self._rows(
            "SELECT start, length FROM epochs WHERE band = ? ORDER BY start DESC, length DESC LIMIT 1", band
        ):
            found[Epoch] = _instant(start) + int(length) * _MINUTE
        tables: Mapping[type[Reading], str] = {
            Counter: "counters",
            Wear: "wears",
            Charge: "charges",
            Inactivity: "inactivities",
            Info: "infos",
        }
        for kind, table in tables.items():
            ((newest,),) = self._rows(f"SELECT max(at) FROM {table} WHERE band = ?", band)  # noqa: S608  our own names
            if newest is not None:
                found[kind] = _instant(newest)
        return found

    def newest(self) -> datetime | None:
        """The end of the newest epoch of any band."""
        ((newest,),) = self._rows("SELECT max(start + length * 60) FROM epochs")
        return None if newest is None else _instant(newest)

    def newest_charge(self, band: BandId) -> Charge | None:
        rows = self._rows("SELECT at, percent, charging FROM charges WHERE band = ? ORDER BY at DESC LIMIT 1", band)
        return next((Charge(_instant(r[0]), int(r[1]), None if r[2] is None else bool(r[2])) for r in rows), None)

    def newest_info(self, band: BandId) -> Info | None:
        rows = self._rows(
            "SELECT at, firmware, hardware, serial FROM infos WHERE band = ? ORDER BY at DESC LIMIT 1", band
        )
        return next((Info(_instant(r[0]), _text(r[1]), _text(r[2]), _text(r[3])) for r in rows), None)

    def all_epochs(self, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, Epoch]]:
        """(name of the band, epoch) of every epoch that starts in `[start, end)`, in order of time, then band."""
        with self._lock, _translated(self.path):
            cursor = self._db.execute(
                "SELECT bands.name, start, length, steps, intensity, heart_rate, state, kind FROM epochs"
                " JOIN bands ON bands.id = band WHERE start >= ? AND start < ? ORDER BY start, bands.id, length",
                (-(2**62) if start is None else _seconds(start), 2**62 if end is None else _seconds(end)),
            )
            code: int
            for name, at, length, steps, intensity, heart_rate, code, kind in cursor:
                said, inferred = STATES[code & ~INFERRED], code >= INFERRED
                yield name, Epoch(_instant(at), length * _MINUTE, steps, intensity, heart_rate, said, kind, inferred)

    # ------------------------------------------------------------------ contacts, zones

    def note_sync(self, band: BandId, started: datetime, ended: datetime, epochs: int, error: str | None) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO syncs (band, started, ended, epochs, error) VALUES (?, ?, ?, ?, ?)",
                (band, _seconds(started), _seconds(ended), epochs, error),
            )

    def syncs(self, band: BandId, most: int = 100) -> list[Sync]:
        """The last attempts, newest first."""
        rows = self._rows(
            "SELECT started, ended, epochs, error FROM syncs WHERE band = ? ORDER BY started DESC, id DESC LIMIT ?",
            band, most,
        )  # fmt: skip
        return [Sync(_instant(r[0]), _instant(r[1]), int(r[2]), _text(r[3])) for r in rows]

    def zones(self) -> list[ZoneChange]:
        rows = self._rows("SELECT since, zone FROM zones ORDER BY since")
        return [ZoneChange(_instant(since), str(zone)) for since, zone in rows]

    def note_zone(self, now: datetime, zone: str) -> None:
        """Written only when the host is in another zone than before."""
        history = self.zones()
        if not history or history[-1].zone != zone:
            with self._writing() as db:
                db.execute("INSERT OR REPLACE INTO zones VALUES (?, ?)", (_seconds(now), zone))

    # ------------------------------------------------------------------ prompts, exercises

    def prompts(self, start: datetime, end: datetime) -> list[Prompt]:
        """Those first shown in `[start, end)`, in order."""
        rows = self._rows(f"{_PROMPTS} WHERE at >= ? AND at < ? ORDER BY at", _seconds(start), _seconds(end))
        return [_prompt(row) for row in rows]

    def prompt(self, prompt: Prompt) -> Prompt:
        """As it is now: somebody may have answered it."""
        rows = self._rows(f"{_PROMPTS} WHERE at = ?", _seconds(prompt.at))
        if not rows:
            raise StoreError("the prompt is not in the database any more: was it replaced?")
        return _prompt(rows[0])

    def add_prompt(self, prompt: Prompt) -> Prompt:
        """As it is kept: in whole seconds."""
        with self._writing() as db:
            db.execute("INSERT INTO prompts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _prompt_row(prompt))
        return self.prompt(prompt)

    def update_prompt(self, prompt: Prompt) -> None:
        with self._writing() as db:
            db.execute("REPLACE INTO prompts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _prompt_row(prompt))

    def exercises(self, start: datetime, end: datetime) -> list[Exercise]:
        rows = self._rows(
            "SELECT at, name, how, hurt FROM exercises WHERE at >= ? AND at < ? ORDER BY at, id",
            _seconds(start), _seconds(end),
        )  # fmt: skip
        return [Exercise(_instant(r[0]), str(r[1]), str(r[2]), bool(r[3])) for r in rows]

    def add_exercise(self, done: Exercise) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO exercises (at, name, how, hurt) VALUES (?, ?, ?, ?)",
                (_seconds(done.at), done.name, done.how, done.hurt),
            )

    def hurt(self) -> list[str]:
        """Names of exercises that hurt: not offered again."""
        return [str(name) for (name,) in self._rows("SELECT DISTINCT name FROM exercises WHERE hurt ORDER BY name")]

    # ------------------------------------------------------------------ care

    def check(self) -> list[str]:
        """What is wrong with the file, a line each; empty if nothing is."""
        damage = [str(line) for (line,) in self._rows("PRAGMA integrity_check") if line != "ok"]
        orphans = len(self._rows("PRAGMA foreign_key_check"))
        return damage + ([f"{orphans} rows belong to bands that are not there"] if orphans else [])

    def backup(self, to: Path | None, now: datetime) -> Path:
        """A copy, complete also while somebody writes; by default beside the file, the last seven kept."""
        if self.path is None and to is None:
            raise StoreError("a database in memory has no place for a backup: name a file")
        folder = self._backup_folder()
        target = to if to is not None else folder / f"hipsync-{now:%Y%m%dT%H%M%S}.db"
        if to is not None and to.exists():
            raise StoreError(f"{to} exists already: name a new file for the backup")
        with self._lock, _translated(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
            with contextlib.closing(sqlite3.connect(target)) as copy:
                self._db.backup(copy)
        for old in self.backups()[:-BACKUPS] if to is None else ():
            old.unlink()
        return target

    def backups(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._backup_folder().glob("hipsync-*.db")) if self.path is not None else []

    def _backup_folder(self) -> Path:
        return (self.path.parent if self.path is not None else Path()) / "backups"


_UPSERT = """
INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    steps = excluded.steps,
    intensity = coalesce(excluded.intensity, intensity),
    heart_rate = coalesce(excluded.heart_rate, heart_rate),
    state = CASE excluded.state WHEN 0 THEN state ELSE excluded.state END,
    kind = coalesce(excluded.kind, kind)
WHERE excluded.steps >= steps AND (
    excluded.steps > steps
    OR coalesce(excluded.intensity, intensity) IS NOT intensity
    OR coalesce(excluded.heart_rate, heart_rate) IS NOT heart_rate
    OR (excluded.state <> 0 AND excluded.state <> state)
    OR coalesce(excluded.kind, kind) IS NOT kind
)
"""
_PROMPTS = (
    "SELECT at, due, exercise, sure, shown_where, shown, last_shown, answer, answered_at, snoozed_until FROM prompts"
)


def _epoch_row(band: int, epoch: Epoch) -> tuple[int | None, ...]:
    start, length, steps, intensity, heart_rate, state, kind, inferred = epoch
    return (
        band,
        (start - _BEGINNING) // _SECOND,
        length // _MINUTE,
        steps,
        intensity,
        heart_rate,
        _CODES[state] + (INFERRED if inferred else 0),
        kind,
    )


def _append_other(db: sqlite3.Connection, band: int, reading: Reading) -> None:
    match reading:
        case Counter(at, steps):
            db.execute("INSERT OR IGNORE INTO counters VALUES (?, ?, ?)", (band, _seconds(at), steps))
        case Wear(at, worn):
            db.execute("INSERT OR IGNORE INTO wears VALUES (?, ?, ?)", (band, _seconds(at), worn))
        case Charge(at, percent, charging):
            db.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?)", (band, _seconds(at), percent, charging))
        case Inactivity(at):
            db.execute("INSERT OR IGNORE INTO inactivities VALUES (?, ?)", (band, _seconds(at)))
        case Info(at, firmware, hardware, serial):
            values = (band, _seconds(at), firmware, hardware, serial)
            db.execute("INSERT OR IGNORE INTO infos VALUES (?, ?, ?, ?, ?)", values)
        case _:
            raise TypeError(type(reading))


def _prompt(row: tuple[Any, ...]) -> Prompt:
    at, due, exercise, sure, where, shown, last_shown, answer, answered_at, snoozed_until = row
    return Prompt(
        at=_instant(at),
        due=_instant(due),
        exercise=str(exercise),
        sure=bool(sure),
        where=tuple(Where(place) for place in str(where).split()),
        shown=int(shown),
        last_shown=None if last_shown is None else _instant(last_shown),
        answer=None if answer is None else Answer(answer),
        answered_at=None if answered_at is None else _instant(answered_at),
        snoozed_until=None if snoozed_until is None else _instant(snoozed_until),
    )


def _prompt_row(prompt: Prompt) -> tuple[object, ...]:
    return (
        _seconds(prompt.at),
        _seconds(prompt.due),
        prompt.exercise,
        prompt.sure,
        " ".join(prompt.where),
        prompt.shown,
        None if prompt.last_shown is None else _seconds(prompt.last_shown),
        prompt.answer,
        None if prompt.answered_at is None else _seconds(prompt.answered_at),
        None if prompt.snoozed_until is None else _seconds(prompt.snoozed_until),
    )


def _seconds(instant: datetime) -> int:
    return (instant - _BEGINNING) // _SECOND


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _erase(db: sqlite3.Connection, name: str) -> None:
    """Delete a band with all its rows and overwrite where they were."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("DELETE FROM bands WHERE name = ?", (name,))
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connected(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=uri != ":memory:", timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _version(db: sqlite3.Connection) -> int:
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        db.close()
        raise


def _refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"{path} was made by a newer hipsync (schema {version}, this one knows {VERSION}): upgrade hipsync"
        )


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))


@contextmanager
def _translated(path: Path | None) -> Generator[None, None, None]:
    """SQLite's and the system's errors as one line: what, why, what to do."""
    where = "the database in memory" if path is None else str(path)
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{where} {_why(error)}") from error
    except PermissionError as error:
        raise StoreError(f"{where} cannot be opened: permission denied; give another with --db FILE") from error
    except OSError as error:
        raise StoreError(f"{where} cannot be used: {error.strerror or error}") from error


def _why(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reasons = {
        sqlite3.SQLITE_BUSY: "is locked by another program that writes: try again when it is done",
        sqlite3.SQLITE_LOCKED: "is locked by another program that writes: try again when it is done",
        sqlite3.SQLITE_READONLY: "cannot be written: make file and folder writable, or give another with --db FILE",
        sqlite3.SQLITE_FULL: "could not grow: the disk is full; free some space, nothing was lost",
        sqlite3.SQLITE_NOTADB: "is not a database: give another file with --db FILE",
        sqlite3.SQLITE_CORRUPT: "is damaged: restore the newest of its backups",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened: look at the folder and its permissions",
        sqlite3.SQLITE_IOERR: "could not be read or written (input/output error): look at the disk, nothing was lost",
    }
    return reasons.get(code, f"refused: {error}")
