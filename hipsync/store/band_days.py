"""Band-days: what one band reported on one day of UTC, as columns. It is the unit of what leaves a computer.

SQLite hands over each column as one JSON array, which is not taken apart here: that takes a fraction of the time of a
row for each minute. Left out is what makes no sense (`sense.py`), what was stamped ahead of now, what lies before 1970,
and numbers that nobody's band reports and that need more than 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from hipsync.model import BandId
from hipsync.store.file import OpenFile, latest_s
from hipsync.store.sense import SENSE

DAY_S = 86400
_INT = 2**31 - 1
_FITS = " AND ".join(f"ifnull({name}, 0) BETWEEN -{_INT} AND {_INT}" for name in ("intensity", "heart_rate", "kind"))

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "epochs": {
        "start": f"start % {DAY_S} / 60",
        "length": "length",
        "steps": "steps",
        "intensity": "intensity",
        "heart_rate": "heart_rate",
        "state": "state",
        "kind": "kind",
        "posture": "posture",
    },
    "counters": {"at": f"at % {DAY_S}", "steps": "steps"},
    "wears": {"at": f"at % {DAY_S}", "worn": "worn"},
    "charges": {"at": f"at % {DAY_S}", "percent": "percent", "charging": "charging"},
    "workouts": {"start": f"start % {DAY_S}", "length": "until - start", "kind": "kind"},
}
"""The columns of a band-day by table, each with its SQL. `start` of an epoch is a minute of the day; `at`, and both
numbers of a workout, are seconds."""
_TIME = {"epochs": "start", "workouts": "start"}
"""By table, the column with its time, if that is not `at`."""
_ORDER = {"epochs": "start, length"}
_MORE = {"epochs": f"steps <= {_INT} AND {_FITS}"}


class BandDay(NamedTuple):
    """What a band reported on one day of UTC."""

    day: date
    tables: Mapping[str, tuple[str, ...]]
    """By table, one JSON array for each column in `COLUMNS`, all of one length, in order of time."""

    def digest(self) -> bytes:
        """Sixteen bytes that are the same for two band-days of one content, and for no others."""
        from hashlib import sha256

        columns = "\n".join(column for table in COLUMNS for column in self.tables[table])
        return sha256(columns.encode()).digest()[:16]


class BandDays(OpenFile):
    """Reads the tables in `COLUMNS` by days."""

    def band_days(self, band: BandId, now: datetime) -> Iterator[BandDay]:
        """What a band reported up to `now`, by days of UTC, in order. Raises `StoreError`."""
        latest = latest_s(now)
        for number in self._days_of(band, latest):
            first = number * DAY_S
            tables = {table: self._columns_of(table, band, first, min(first + DAY_S, latest)) for table in COLUMNS}
            yield BandDay(date(1970, 1, 1) + timedelta(days=number), tables)

    def _days_of(self, band: BandId, latest: int) -> list[int]:
        """The days, counted from 1970, of which a band has reported anything that began before the second `latest`."""
        days: set[int] = set()
        for table in COLUMNS:
            at = _TIME.get(table, "at")
            sql = f"SELECT DISTINCT {at} / {DAY_S} FROM {table} WHERE band = ? AND {at} >= 0 AND {at} < ?"
            days.update(number for (number,) in self._rows(f"{sql} AND {_condition(table)}", band, latest))
        return sorted(days)

    def _columns_of(self, table: str, band: BandId, first: int, last: int) -> tuple[str, ...]:
        """The columns of a table for a band's rows of the seconds `[first, last)`, each as a JSON array."""
        at, columns = _TIME.get(table, "at"), COLUMNS[table]
        ((*found,),) = self._rows(
            f"SELECT {', '.join(f'json_group_array({name})' for name in columns)} FROM"
            f" (SELECT {', '.join(f'{sql} AS {name}' for name, sql in columns.items())} FROM {table}"
            f" WHERE band = ? AND {at} >= ? AND {at} < ? AND {_condition(table)} ORDER BY {_ORDER.get(table, at)})",
            band, first, last,
        )  # fmt: skip
        return tuple(found)


def _condition(table: str) -> str:
    return f"{SENSE[table]} AND {_MORE[table]}" if table in _MORE else SENSE[table]
