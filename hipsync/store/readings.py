"""Readings: what bands reported. A second one of the same time may complete the first, never take from it.

Lengths of epochs are kept in minutes. On the path of `hipsync today`, so reading a month of epochs is quick.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hipsync.model import (
    MINUTE,
    BandId,
    Charge,
    Counter,
    Epoch,
    Inactivity,
    Info,
    Reading,
    State,
    Wear,
)
from hipsync.store.file import BEGINNING, SECOND, OpenFile, instant, seconds, text, translated
from hipsync.store.judged_days import AFTER_ALL_S, BEFORE_ALL_S, drop_days

log = logging.getLogger(__name__)

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


class Appended(NamedTuple):
    """What became of the epochs of a batch."""

    new: int
    same: int
    """Known already, or kept out because they had fewer steps."""


class Readings(OpenFile):
    """Tables `epochs`, `counters`, `wears`, `charges`, `inactivities`, `infos`."""

    def append(self, band: BandId, readings: Sequence[Reading]) -> Appended:
        """Store a batch in one transaction; when this returns it is on disk.

        A second epoch of the same start and length replaces the first if it has no fewer steps, and is kept out
        otherwise; a value that it lacks is not taken away. Raises `StoreError`, and then nothing was stored.
        """
        epochs = [reading for reading in readings if isinstance(reading, Epoch)]
        others = [reading for reading in readings if not isinstance(reading, Epoch)]
        rows = _epoch_rows(band, epochs)
        with self.transaction() as db:
            before = db.total_changes
            db.executemany(_UPSERT, rows)
            changed = db.total_changes - before
            if changed:
                drop_days(db, *_touched(rows))
            for reading in others:
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
            band, seconds(start) - 86400, seconds(end), seconds(start),
        )  # fmt: skip
        from_s = datetime.fromtimestamp
        return [
            Epoch(
                from_s(at, UTC),
                length * MINUTE,
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
            band, seconds(start), seconds(end),
        )  # fmt: skip
        return [Counter(instant(at), int(steps)) for at, steps in rows]

    def wears(self, band: BandId, start: datetime, end: datetime) -> list[Wear]:
        """Those of `[start, end)`, with the last before it."""
        rows = self._rows(
            "SELECT at, worn FROM wears WHERE band = ?1"
            " AND at >= coalesce((SELECT max(at) FROM wears WHERE band = ?1 AND at < ?2), ?2) AND at < ?3 ORDER BY at",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        return [Wear(instant(at), bool(worn)) for at, worn in rows]

    def resolution(self, band: BandId, start: datetime, end: datetime) -> timedelta | None:
        """The finest of `[start, end)`: a minute for a live counter, or the shortest epoch; None without data.

        Counters of a band that keeps epochs, too, count if two of them are close enough to tell minutes.
        """
        ((shortest,),) = self._rows(
            "SELECT min(length) FROM epochs WHERE band = ? AND start >= ? AND start < ?",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        if shortest == 1:
            return MINUTE
        ((live, apart),) = self._rows(
            "SELECT count(*), min(apart) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS apart FROM counters"
            " WHERE band = ? AND at >= ? AND at < ?)",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        if live and (shortest is None or (apart is not None and apart <= 5 * 60)):
            return MINUTE
        return None if shortest is None else int(shortest) * MINUTE

    def since(self, band: BandId) -> Mapping[type[Reading], datetime]:
        """By type of reading, the end of the last one stored."""
        found: dict[type[Reading], datetime] = {}
        for start, length in self._rows(
            "SELECT start, length FROM epochs WHERE band = ? ORDER BY start DESC, length DESC LIMIT 1", band
        ):
            found[Epoch] = instant(start) + int(length) * MINUTE
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
                found[kind] = instant(newest)
        return found

    def newest(self) -> datetime | None:
        """The end of the newest epoch of any band."""
        ((newest,),) = self._rows("SELECT max(start + length * 60) FROM epochs")
        return None if newest is None else instant(newest)

    def newest_charge(self, band: BandId) -> Charge | None:
        rows = self._rows("SELECT at, percent, charging FROM charges WHERE band = ? ORDER BY at DESC LIMIT 1", band)
        return next((Charge(instant(r[0]), int(r[1]), None if r[2] is None else bool(r[2])) for r in rows), None)

    def charged(self, band: BandId, since: datetime, over: int) -> bool:
        """Whether its battery was above `over` percent after an instant."""
        return bool(
            self._rows(
                "SELECT 1 FROM charges WHERE band = ? AND at > ? AND percent > ? LIMIT 1", band, seconds(since), over
            )
        )

    def newest_info(self, band: BandId) -> Info | None:
        rows = self._rows(
            "SELECT at, firmware, hardware, serial FROM infos WHERE band = ? ORDER BY at DESC LIMIT 1", band
        )
        return next((Info(instant(r[0]), text(r[1]), text(r[2]), text(r[3])) for r in rows), None)

    def has_states(self) -> bool:
        """Whether any epoch carries a state that a band said."""
        return bool(self._rows(f"SELECT 1 FROM epochs WHERE state % {INFERRED} LIMIT 1"))  # noqa: S608  our own number

    def all_epochs(self, start: datetime | None, end: datetime | None) -> Iterator[tuple[str, Epoch]]:
        """(name of the band, epoch) of every epoch that starts in `[start, end)`, in order of time, then band."""
        with self._lock, translated(self.path):
            cursor = self._db.execute(
                "SELECT bands.name, start, length, steps, intensity, heart_rate, state, kind FROM epochs"
                " JOIN bands ON bands.id = band WHERE start >= ? AND start < ? ORDER BY start, bands.id, length",
                (-(2**62) if start is None else seconds(start), 2**62 if end is None else seconds(end)),
            )
            code: int
            for name, at, length, steps, intensity, heart_rate, code, kind in cursor:
                said, inferred = STATES[code & ~INFERRED], code >= INFERRED
                yield name, Epoch(instant(at), length * MINUTE, steps, intensity, heart_rate, said, kind, inferred)


_Row = tuple[int, int, int, int, int | None, int | None, int, int | None]
"""Of the table `epochs`."""

_STATE = f"""(CASE excluded.state % {INFERRED} WHEN 0 THEN state % {INFERRED} ELSE excluded.state % {INFERRED} END
    | (state & excluded.state & {INFERRED}))"""
"""What is said stays until something else is said; what was sent once is inferred no more, in either order."""
_UPSERT = f"""
INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    steps = excluded.steps,
    intensity = coalesce(excluded.intensity, intensity),
    heart_rate = coalesce(excluded.heart_rate, heart_rate),
    state = {_STATE},
    kind = coalesce(excluded.kind, kind)
WHERE excluded.steps >= steps AND (
    excluded.steps > steps
    OR coalesce(excluded.intensity, intensity) IS NOT intensity
    OR coalesce(excluded.heart_rate, heart_rate) IS NOT heart_rate
    OR {_STATE} <> state
    OR coalesce(excluded.kind, kind) IS NOT kind
)
"""  # noqa: S608  our own numbers


def _epoch_rows(band: int, epochs: Sequence[Epoch]) -> list[_Row]:
    """In one comprehension: a sync can bring a month of minutes, and a function call for each would double the time."""
    return [
        (
            band,
            (start - BEGINNING) // SECOND,
            length // MINUTE,
            steps,
            intensity,
            heart_rate,
            _CODES[state] + (INFERRED if inferred else 0),
            kind,
        )
        for start, length, steps, intensity, heart_rate, state, kind, inferred in epochs
    ]


def _touched(rows: Sequence[_Row]) -> tuple[int, int]:
    """Seconds `[from, until)` in which all of these epochs lie."""
    starts = [row[1] for row in rows]
    return min(starts), max(starts) + 60 * max({row[2] for row in rows})


def _drop_days_around(db: sqlite3.Connection, table: str, band: int, at_s: int) -> None:
    """A reading speaks of the time from the one before it to the one after it."""
    before, after = (
        f"SELECT {extreme}(at) FROM {table} WHERE band = ? AND at {side} ?"  # noqa: S608  our own names
        for extreme, side in (("max", "<"), ("min", ">"))
    )
    ((first,),) = db.execute(before, (band, at_s)).fetchall()
    ((last,),) = db.execute(after, (band, at_s)).fetchall()
    drop_days(db, BEFORE_ALL_S if first is None else first, AFTER_ALL_S if last is None else last + 1)


def _append_other(db: sqlite3.Connection, band: int, reading: Reading) -> None:
    """Of two in the same second: the larger counter, the first that was said of anything else."""
    match reading:
        case Counter(at, steps):
            db.execute(
                "INSERT INTO counters VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET steps = excluded.steps WHERE excluded.steps > steps",
                (band, seconds(at), steps),
            )
            _drop_days_around(db, "counters", band, seconds(at))
        case Wear(at, worn):
            db.execute("INSERT INTO wears VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (band, seconds(at), worn))
            _drop_days_around(db, "wears", band, seconds(at))
        case Charge(at, percent, charging):
            db.execute(
                "INSERT INTO charges VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET charging = coalesce(charging, excluded.charging)",
                (band, seconds(at), percent, charging),
            )
        case Inactivity(at):
            db.execute("INSERT INTO inactivities VALUES (?, ?) ON CONFLICT DO NOTHING", (band, seconds(at)))
        case Info(at, firmware, hardware, serial):
            db.execute(
                "INSERT INTO infos VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " firmware = coalesce(firmware, excluded.firmware),"
                " hardware = coalesce(hardware, excluded.hardware), serial = coalesce(serial, excluded.serial)",
                (band, seconds(at), firmware, hardware, serial),
            )
        case _:
            raise TypeError(type(reading))
