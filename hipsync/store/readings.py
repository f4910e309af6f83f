"""Readings: what bands reported. A second reading of the same time may complete the first, but never removes from it.

Lengths of epochs are stored in minutes. Reading epochs is on the path of `hipsync today`, so a month of them is quick.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hipsync.model import (
    MINUTE,
    NOT_TOLD,
    PULSE,
    STATES,
    BandId,
    Charge,
    Counter,
    Epoch,
    Inactivity,
    Info,
    MinuteEpochs,
    Posture,
    Reading,
    Wear,
    Workout,
    WorkoutKind,
    said,
)
from hipsync.store.bands import Bands
from hipsync.store.file import BEGINNING, SECOND, insert_rows, instant, latest_s, seconds, text
from hipsync.store.judged_days import drop_days, drop_days_around
from hipsync.store.sense import SENSE

INFERRED = 16
"""Added to the code of a state if the epoch is inferred: the band did not send it. In `MinuteEpochs.said` the same bit
belongs to the posture, so it is taken off a state before (`_SAID`)."""
_CODES = {state: code for code, state in enumerate(STATES)}
"""The code of each state in `epochs.state`; 0 and 1 take no space in a file. The table `states` says the same."""
POSTURE_OF: Mapping[str | None, Posture | None] = {None: None, **{str(posture): posture for posture in Posture}}
"""The postures by what stands in `epochs.posture`."""
_SAID = (
    f"state % {INFERRED} | CASE posture"
    + "".join(f" WHEN '{posture}' THEN {said(None, posture, None)}" for posture in Posture)
    + f" ELSE 0 END | (ifnull(heart_rate, 0) > 0) * {PULSE}"
)
"""SQL for the byte of `MinuteEpochs.said` of an epoch."""
ALL_LENGTHS = range(1, 1441)
"""The lengths in minutes that an epoch may have."""


_OF_BANDS = ("counters", "wears", "charges", "inactivities", "infos", "remarks")
_OF_THE_PERSON = {
    **dict.fromkeys(("prompts", "labels", "desks", "pauses", "exercises", "draws"), "at"),
    **dict.fromkeys(("zones", "trials"), "since"),
    "presence": "until",
    "plans": "added",
}
_NEWEST = " UNION ALL ".join(
    [
        (
            f"SELECT (SELECT start + length * 60 FROM epochs WHERE band = id AND {SENSE['epochs']}"
            " ORDER BY start DESC LIMIT 1) FROM bands WHERE NOT arriving"
        ),
        f"SELECT (SELECT max(until) FROM workouts WHERE band = id AND {SENSE['workouts']}) FROM bands",
        *(f"SELECT (SELECT max(at) FROM {table} WHERE band = id AND {SENSE[table]}) FROM bands" for table in _OF_BANDS),
        *(f"SELECT max({column}) FROM {table} WHERE {SENSE[table]}" for table, column in _OF_THE_PERSON.items()),
    ]
)
"""SQL for the newest instant of each table; by band, because the keys of readings begin with it."""


class Appended(NamedTuple):
    """What became of the epochs of a batch that was stored."""

    new: int
    """How many were new, or completed one that was stored."""
    same: int
    """How many changed nothing: they were known already, or had fewer steps than what is stored."""


class Readings(Bands):
    """The tables `epochs`, `counters`, `wears`, `charges`, `inactivities`, `workouts` and `infos`."""

    def append(self, band: BandId, readings: Sequence[Reading]) -> Appended:
        """Store a batch of a band's readings in one transaction; return what became of its epochs.

        The batch is on disk when this returns, unless an outer transaction is still open. A second epoch of the same
        start and length replaces the first if it has no fewer steps, and changes nothing otherwise. A value that the
        second one lacks stays. Of two workouts with one start, the second one stays. Raises `StoreError`, and then
        nothing was stored.
        """
        epochs = [reading for reading in readings if isinstance(reading, Epoch)]
        others = [reading for reading in readings if not isinstance(reading, Epoch)]
        rows = epoch_rows(band, epochs)
        with self.transaction() as db:
            appended = self.append_rows(rows)
            for reading in others:
                _append_other(db, band, reading)
        return appended

    def append_rows(self, rows: Sequence[EpochRow]) -> Appended:
        """As `append`, for epochs that are rows already."""
        with self.transaction() as db:
            before = db.total_changes
            insert_rows(db, "INSERT INTO epochs", rows, _COMPLETED)
            changed = db.total_changes - before
            if changed:
                drop_days(db, *_touched(rows))
        if same := len(rows) - changed:
            from logging import getLogger

            getLogger(__name__).debug(
                "%d of %d epochs were known already, or had fewer steps than what is stored", same, len(rows)
            )
        return Appended(changed, same)

    def epochs(self, band: BandId, start: datetime, end: datetime, *, lengths: range = ALL_LENGTHS) -> list[Epoch]:
        """A band's epochs that overlap `[start, end)` and have one of these lengths in minutes, in order of time."""
        rows = self._rows(
            "SELECT start, length, steps, intensity, heart_rate, state, kind, posture FROM epochs"
            " WHERE band = ? AND start > ? AND start < ? AND length >= ? AND length < ? AND start + length * 60 > ?"
            f" AND {SENSE['epochs']} ORDER BY start",
            band, seconds(start) - lengths[-1] * 60, seconds(end), lengths.start, lengths.stop, seconds(start),
        )  # fmt: skip
        from_s, as_time = datetime.fromtimestamp, {length: length * MINUTE for length in {row[1] for row in rows}}
        return [
            Epoch(
                from_s(at, UTC),
                as_time[length],
                steps,
                intensity,
                heart_rate,
                STATES[state & ~INFERRED],
                kind,
                state >= INFERRED,
                POSTURE_OF[posture],
            )
            for at, length, steps, intensity, heart_rate, state, kind, posture in rows
        ]

    def minute_epochs(self, band: BandId, start: datetime, end: datetime) -> MinuteEpochs:
        """A band's epochs of one minute that overlap `[start, end)`, from the first one to the last one.

        SQLite hands over each column as one text, in the order of the inner query, which takes less time than a row for
        each minute. Where there are as many as minutes between the first and the last one, none is missing.
        """
        epochs = (
            f"FROM (SELECT start, steps, {_SAID} AS said FROM epochs WHERE band = ? AND start > ? AND start < ?"
            f" AND length = 1 AND {SENSE['epochs']} ORDER BY start)"
        )
        span = band, seconds(start) - 60, seconds(end)
        ((first_s, last_s, listed, words),) = self._rows(
            f"SELECT min(start), max(start), json_group_array(steps), json_group_array(said) {epochs}", *span
        )
        if first_s is None:
            return MinuteEpochs()
        first, steps, told = first_s // 60, _integers(listed), bytes(_integers(words))
        size = last_s // 60 + 1 - first
        if size == len(told):
            return MinuteEpochs(first, steps, told)
        ((starts,),) = self._rows(f"SELECT json_group_array(start / 60) {epochs}", *span)
        whole, whole_steps = bytearray([NOT_TOLD]) * size, [0] * size
        for minute, count, word in zip(_integers(starts), steps, told, strict=True):
            whole[minute - first], whole_steps[minute - first] = word, count
        return MinuteEpochs(first, whole_steps, bytes(whole))

    def has_heart_rate(self, band: BandId, start: datetime, end: datetime) -> bool:
        """Whether an epoch of a band that begins in `[start, end)` has a heart rate."""
        ((found,),) = self._rows(
            "SELECT EXISTS (SELECT 1 FROM epochs WHERE band = ? AND start >= ? AND start < ? AND heart_rate > 0"
            f" AND {SENSE['epochs']})",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        return bool(found)

    def counters(self, band: BandId, start: datetime, end: datetime) -> list[Counter]:
        """A band's counter readings in `[start, end)`, with the last one before and the first one after, in order."""
        rows = self._rows(
            f"SELECT at, steps FROM counters WHERE band = ?1 AND {SENSE['counters']}"
            " AND at >= coalesce((SELECT max(at) FROM counters WHERE band = ?1 AND at < ?2), ?2)"
            " AND at <= coalesce((SELECT min(at) FROM counters WHERE band = ?1 AND at >= ?3), ?3) ORDER BY at",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        return [Counter(instant(at), int(steps)) for at, steps in rows]

    def wears(self, band: BandId, start: datetime, end: datetime) -> list[Wear]:
        """When a band was put on or taken off in `[start, end)`, with the last change before, in order."""
        rows = self._rows(
            f"SELECT at, worn FROM wears WHERE band = ?1 AND {SENSE['wears']}"
            " AND at >= coalesce((SELECT max(at) FROM wears WHERE band = ?1 AND at < ?2), ?2) AND at < ?3 ORDER BY at",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        return [Wear(instant(at), bool(worn)) for at, worn in rows]

    def workouts(self, band: BandId, start: datetime, end: datetime) -> list[Workout]:
        """A band's workouts that overlap `[start, end)`, in order of time."""
        rows = self._rows(
            "SELECT kind, start, until FROM workouts WHERE band = ? AND start > ? AND start < ? AND until > ?"
            f" AND {SENSE['workouts']} ORDER BY start",
            band, seconds(start) - 86400, seconds(end), seconds(start),
        )  # fmt: skip
        return [Workout(WorkoutKind(kind), instant(at), instant(until)) for kind, at, until in rows]

    def stepped(
        self, band: BandId, start: datetime, end: datetime, *, within: timedelta
    ) -> tuple[datetime, datetime] | None:
        """A time `[first, last)` outside of which a band has no steps in `[start, end)`; None if it has none at all.

        Looked at are epochs, and pairs of readings of its counter, that are no longer than `within`. Inside, there may
        be none either. SQLite reads only the rows before the first steps and after the last ones.
        """
        start_s, end_s, within_s = seconds(start), seconds(end), within // SECOND
        times = [self._stepped_epochs(band, start_s, end_s, within_s), self._grown(band, start_s, end_s, within_s)]
        known = [each for each in times if each is not None]
        if not known:
            return None
        first_s, last_s = min(first for first, _ in known), max(last for _, last in known)
        return instant(max(first_s, start_s)), instant(min(last_s, end_s))

    def _stepped_epochs(self, band: BandId, start_s: int, end_s: int, within_s: int) -> tuple[int, int] | None:
        stepped = (
            "FROM epochs WHERE band = ?1 AND start < ?3 AND steps > 0"
            f" AND start + length * 60 > ?2 AND length * 60 <= ?4 AND {SENSE['epochs']} AND start >"
        )
        newest = f"(SELECT start {stepped} ?2 - ?4 ORDER BY start DESC LIMIT 1)"
        ((first, last),) = self._rows(
            f"SELECT (SELECT start {stepped} ?2 - ?4 ORDER BY start LIMIT 1),"
            f" (SELECT max(start + length * 60) {stepped} {newest} - ?4)",
            band, start_s, end_s, within_s,
        )  # fmt: skip
        return None if first is None else (first, last)

    def _grown(self, band: BandId, start_s: int, end_s: int, within_s: int) -> tuple[int, int] | None:
        """As `stepped`, for a counter: all readings before that time are alike, and so are all after it."""

        def reading(where: str, *values: int) -> tuple[int, int] | None:
            sql = f"SELECT at, steps FROM counters WHERE band = ? AND {SENSE['counters']} AND {where} LIMIT 1"
            rows = self._rows(sql, band, *values)
            return (rows[0][0], rows[0][1]) if rows else None

        last = reading("at > ? AND at < ? AND steps > 0 ORDER BY at DESC", start_s, end_s + within_s)
        if last is None:
            return None
        begun = reading("at BETWEEN ? AND ? ORDER BY at DESC", start_s - within_s, start_s) or (start_s, -1)
        grown = reading("at > ? AND at <= ? AND steps <> ? ORDER BY at", begun[0], last[0], begun[1])
        if grown is None:
            return None
        before = reading("at >= ? AND at < ? ORDER BY at DESC", grown[0] - within_s, grown[0]) or grown
        other = reading("at > ? AND at < ? AND steps <> ? ORDER BY at DESC", begun[0], last[0], last[1]) or begun
        after = reading("at > ? ORDER BY at", other[0]) or last
        return before[0], min(after[0], other[0] + within_s)

    def resolution(self, band: BandId, start: datetime, end: datetime) -> timedelta | None:
        """The finest resolution of a band's data in `[start, end)`; None if there are none.

        That is the length of its shortest epoch, or a minute for a live counter. For a band that reports epochs too, a
        counter counts only if two of its readings are at most five minutes apart.
        """
        span = band, seconds(start), seconds(end)
        of_span = f"FROM epochs WHERE band = ? AND start >= ? AND start < ? AND {SENSE['epochs']}"
        ((by_minutes,),) = self._rows(f"SELECT EXISTS (SELECT 1 {of_span} AND length = 1)", *span)  # stops at the first
        if by_minutes:
            return MINUTE
        ((shortest,),) = self._rows(f"SELECT min(length) {of_span}", *span)
        ((live, apart),) = self._rows(
            "SELECT count(*), min(apart) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS apart FROM counters"
            f" WHERE band = ? AND at >= ? AND at < ? AND {SENSE['counters']})",
            band, seconds(start), seconds(end),
        )  # fmt: skip
        if live and (shortest is None or (apart is not None and apart <= 5 * 60)):
            return MINUTE
        return None if shortest is None else int(shortest) * MINUTE

    def since(self, band: BandId, *, now: datetime | None = None) -> Mapping[type[Reading], datetime]:
        """For each type of reading that a band has reported, the instant of the newest one.

        For epochs and workouts that is its end.

        With `now`, readings that are not believed at that instant are left out (`hipsync.instants`).
        """
        found: dict[type[Reading], datetime] = {}
        latest = latest_s(now)
        for start, length in self._rows(
            "SELECT start, length FROM epochs WHERE band = ? AND start <= ? AND start + length * 60 <= ?"
            f" AND {SENSE['epochs']} ORDER BY start DESC, length DESC LIMIT 1",
            band, latest, latest,
        ):  # fmt: skip
            found[Epoch] = instant(start) + int(length) * MINUTE
        tables: Mapping[type[Reading], tuple[str, str]] = {
            Counter: ("counters", "at"),
            Wear: ("wears", "at"),
            Charge: ("charges", "at"),
            Inactivity: ("inactivities", "at"),
            Workout: ("workouts", "until"),
            Info: ("infos", "at"),
        }
        for kind, (table, at) in tables.items():
            sql = f"SELECT max({at}) FROM {table} WHERE band = ? AND {at} <= ? AND {SENSE[table]}"
            ((newest,),) = self._rows(sql, band, latest)
            if newest is not None:
                found[kind] = instant(newest)
        return found

    def oldest(self) -> datetime | None:
        """The start of the first epoch, or the instant of the first counter, of all bands; None without both."""
        rows = self._rows(
            f"SELECT (SELECT start FROM epochs WHERE band = id AND {SENSE['epochs']} ORDER BY start LIMIT 1),"
            f" (SELECT at FROM counters WHERE band = id AND {SENSE['counters']} ORDER BY at LIMIT 1)"
            " FROM bands WHERE NOT arriving"
        )
        found = [oldest for row in rows for oldest in row if oldest is not None]
        return instant(min(found)) if found else None

    def newest(self) -> datetime | None:
        """The newest instant that any row carries, except those of contacts; None if there is no row.

        An epoch counts as of its end. An instant after now reveals a clock that was ahead; for contacts `future_sync`
        does that.
        """
        found = [newest for (newest,) in self._rows(_NEWEST) if newest is not None]
        return instant(max(found)) if found else None

    def newest_charge(self, band: BandId, *, now: datetime | None = None) -> Charge | None:
        """A band's newest battery reading, with `now` of those that are believed then; None if there is none."""
        rows = self._rows(
            f"SELECT at, percent, charging FROM charges WHERE band = ? AND at <= ? AND {SENSE['charges']}"
            " ORDER BY at DESC LIMIT 1",
            band, latest_s(now),
        )  # fmt: skip
        return next((Charge(instant(r[0]), int(r[1]), None if r[2] is None else bool(r[2])) for r in rows), None)

    def charged(self, band: BandId, since: datetime, over: int, *, now: datetime | None = None) -> bool:
        """Whether a band's battery was above `over` percent at any time after `since`.

        With `now`, readings that are not believed at that instant are left out.
        """
        return bool(
            self._rows(
                "SELECT 1 FROM charges WHERE band = ? AND at > ? AND at <= ? AND percent > ?"
                f" AND {SENSE['charges']} LIMIT 1",
                band, seconds(since), latest_s(now), over,
            )
        )  # fmt: skip

    def newest_info(self, band: BandId, *, now: datetime | None = None) -> Info | None:
        """The newest text that a band sent about itself; None if it never sent any.

        With `now`, one that is not believed at that instant counts only if there is no other.
        """
        rows = self._rows(
            f"SELECT at, firmware, hardware, serial FROM infos WHERE band = ? AND {SENSE['infos']}"
            " ORDER BY at <= ? DESC, at DESC LIMIT 1",
            band, latest_s(now),
        )  # fmt: skip
        return next((Info(instant(r[0]), text(r[1]), text(r[2]), text(r[3])) for r in rows), None)

    def info_times(self, band: BandId, *, now: datetime | None = None) -> list[datetime]:
        """When a band reported about itself, in order; with `now`, what is not believed at that instant is left out."""
        rows = self._rows("SELECT at FROM infos WHERE band = ? AND at <= ? ORDER BY at", band, latest_s(now))
        return [instant(at) for (at,) in rows]

    def has_states(self) -> bool:
        """Whether any epoch of any band has a state."""
        sql = f"SELECT 1 FROM epochs WHERE state % {INFERRED} AND {_IS_THERE} AND {SENSE['epochs']} LIMIT 1"
        return bool(self._rows(sql))

    def has_postures(self) -> bool:
        """Whether any epoch of any band has a posture."""
        sql = f"SELECT 1 FROM epochs WHERE posture IS NOT NULL AND {_IS_THERE} AND {SENSE['epochs']} LIMIT 1"
        return bool(self._rows(sql))


def _integers(column: str) -> list[int]:
    """A column of integers that SQLite has written as one JSON array."""
    found: list[int] = json.loads(column)
    return found


EpochRow = tuple[int, int, int, int, int | None, int | None, int, int | None, str | None]
"""A row of the table `epochs`, with its columns in their order: band, start in seconds since 1970, length in minutes,
steps, intensity, heart rate, code of the state, kind, posture."""

_IS_THERE = "band NOT IN (SELECT id FROM bands WHERE arriving)"
"""SQL for epochs that are not on their way in (`imports.py`)."""
_STATE = f"""(CASE excluded.state % {INFERRED} WHEN 0 THEN state % {INFERRED} ELSE excluded.state % {INFERRED} END
    | (state & excluded.state & {INFERRED}))"""
"""SQL for the state of an epoch that comes a second time. A state stays until the band reports another one. An
epoch that the band sent at least once is not inferred, whichever came first."""
_COMPLETED = f"""
ON CONFLICT DO UPDATE SET
    steps = excluded.steps,
    intensity = coalesce(excluded.intensity, intensity),
    heart_rate = coalesce(excluded.heart_rate, heart_rate),
    state = {_STATE},
    kind = coalesce(excluded.kind, kind),
    posture = coalesce(excluded.posture, posture)
WHERE excluded.steps >= steps AND (
    excluded.steps > steps
    OR coalesce(excluded.intensity, intensity) IS NOT intensity
    OR coalesce(excluded.heart_rate, heart_rate) IS NOT heart_rate
    OR {_STATE} <> state
    OR coalesce(excluded.kind, kind) IS NOT kind
    OR coalesce(excluded.posture, posture) IS NOT posture
)
"""
"""SQL for an epoch that comes a second time, as `Readings.append` says."""


def epoch_rows(band: int, epochs: Sequence[Epoch]) -> list[EpochRow]:
    """The epochs as rows.

    It is one comprehension because a sync can bring a month of minutes: a function call for each would double the time.
    """
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
            posture,
        )
        for start, length, steps, intensity, heart_rate, state, kind, inferred, posture in epochs
    ]


def epoch_of_row(row: EpochRow) -> Epoch:
    """The epoch of a row that makes sense."""
    _, at, length, steps, intensity, heart_rate, code, kind, posture = row
    state, inferred = STATES[code & ~INFERRED], code >= INFERRED
    return Epoch(instant(at), length * MINUTE, steps, intensity, heart_rate, state, kind, inferred, POSTURE_OF[posture])


def _touched(rows: Sequence[EpochRow]) -> tuple[int, int]:
    """The seconds `[from, until)` since 1970 that contain all of these epochs."""
    starts = [row[1] for row in rows]
    return min(starts), max(starts) + 60 * max({row[2] for row in rows})


def _append_other(db: sqlite3.Connection, band: int, reading: Reading) -> None:
    """Store a reading that is not an epoch.

    Of two counters in the same second, the larger one stays; of two workouts that begin then, the second. Of two other
    readings, the first one stays, completed by values that only the second one has.
    """
    match reading:
        case Counter(at, steps):
            db.execute(
                "INSERT INTO counters VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET steps = excluded.steps WHERE excluded.steps > steps",
                (band, seconds(at), steps),
            )
            drop_days_around(db, "counters", band, seconds(at))
        case Wear(at, worn):
            db.execute("INSERT INTO wears VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (band, seconds(at), worn))
            drop_days_around(db, "wears", band, seconds(at))
        case Charge(at, percent, charging):
            db.execute(
                "INSERT INTO charges VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET charging = coalesce(charging, excluded.charging)",
                (band, seconds(at), percent, charging),
            )
        case Inactivity(at):
            db.execute("INSERT INTO inactivities VALUES (?, ?) ON CONFLICT DO NOTHING", (band, seconds(at)))
        case Workout(kind, start, end):
            row = (band, seconds(start), seconds(end), kind)
            before = "SELECT until FROM workouts WHERE band = ? AND start = ?"
            ends = [row[2], *(until for (until,) in db.execute(before, row[:2]) if isinstance(until, int))]
            db.execute("REPLACE INTO workouts (band, start, until, kind) VALUES (?, ?, ?, ?)", row)
            drop_days(db, row[1], max(ends))
        case Info(at, firmware, hardware, serial):
            db.execute(
                "INSERT INTO infos VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " firmware = coalesce(firmware, excluded.firmware),"
                " hardware = coalesce(hardware, excluded.hardware), serial = coalesce(serial, excluded.serial)",
                (band, seconds(at), firmware, hardware, serial),
            )
        case _:
            raise TypeError(type(reading))
