"""The minutes and nights of Garmin's watches in Gadgetbridge's database, whose steps are totals of the local day.

A *record* is a row with a total, a heart rate or an intensity; Gadgetbridge fills the rows between records by guess, so
those are passed over. A record *tells* of steps if it has a total, or if it is the watch's own word on how its wearer
moved (it has an intensity) and that was not on foot. Since the telling record before it, nobody made more steps than
its total has grown by::

    total 500   .   .   .   .   500              620           records: | telling, . only a heart rate
              |   .   .   .   .  |     .     .    |
              +---- no steps ----+---- 120 steps, somewhere in here

Source: docs/protocols/gadgetbridge-db.md, "Garmin's tables"; garmin.md, 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from hipsync.driver import MIDNIGHT, LeftOut, Row, Samples, SleepTable, Slept
from hipsync.model import DAY, MINUTE, Epoch, State, is_possible
from hipsync_devices.samples import KINDS, NIGHT, TOO_MANY, WRONG_SPAN, beats, whole_minute

ON_FOOT = frozenset({State.WALKING, State.RUNNING})
LONGEST_HOLE = timedelta(minutes=16)
"""The longest time between two records while the watch is worn (garmin.md, 9.5). In it nothing has changed."""
SLEEP, START, STOP = 74, 0, 1
"""The event of sleep, and the values of `EVENT_TYPE` for its start and its end."""
AWAKE = 1
"""The stage of sleep in which the wearer lay awake."""
FILLED = "that Gadgetbridge filled in by guess"
UNTOLD = "after the last total of steps of their day"
"""Why a row is left out."""


class Record(NamedTuple):
    """A row with something that the watch said, at the end of the time that it is about."""

    at: datetime
    midnight: datetime
    total: int | None
    heart_rate: int | None
    state: State | None
    told: bool
    """Whether it tells that nobody walked since the last record that tells of steps, if it has no total."""


def _record(at: datetime, row: Row) -> Record | None:
    """What a row says; None if Gadgetbridge filled it in."""
    total, intensity, bpm = row["STEPS"], row["RAW_INTENSITY"], beats(row["HEART_RATE"])
    has_total, has_intensity = total is not None and total >= 0, intensity is not None and intensity >= 0
    if not (has_total or has_intensity or bpm is not None):
        return None
    state = KINDS.get(row["RAW_KIND"] or 0)
    midnight = whole_minute(datetime.fromtimestamp((row[MIDNIGHT] or 0) + 59, UTC))
    return Record(
        whole_minute(at),
        midnight,
        (total or None) if has_total else None,
        bpm,
        None if state is State.NOT_WORN else state,  # nothing but a guess of Gadgetbridge's
        has_intensity and state not in ON_FOOT,
    )


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch | LeftOut]:
    """Yield minutes without steps where nobody walked, and an epoch for each time in which the total grew."""
    totals = Totals()
    for at, row in rows:
        record = _record(at, row)
        if record is None:
            yield LeftOut(FILLED)
        else:
            yield from totals.taken(record)
    yield from totals.dropped()


class Totals:
    """The totals of one watch so far, and the records of which it is not known yet whether somebody walked."""

    def __init__(self) -> None:
        self._midnight: datetime | None = None
        self._total = 0
        self._told_until = datetime.min.replace(tzinfo=UTC)
        """The time of the last record that tells of steps, or the last midnight."""
        self._seen = self._told_until
        """The time of the last record."""
        self._waiting: list[Epoch] = []

    def taken(self, record: Record) -> Iterator[Epoch | LeftOut]:
        """Take the next record, and yield what is known by it."""
        if record.midnight != self._midnight:
            yield from self.dropped()
            self._midnight, self._total, self._told_until = record.midnight, 0, record.midnight
        growth = 0
        if record.total is not None:  # one that falls is a new beginning
            growth = record.total - self._total if record.total >= self._total else record.total
            self._total = record.total
        if growth:
            self._waiting.clear()
            yield self._walked(record, growth)
        elif record.at > self._seen:
            self._waiting += self._still(record)
        self._seen = max(self._seen, record.at)
        if record.total is not None or record.told:
            self._told_until = record.at
            yield from self._waiting
            self._waiting.clear()

    def dropped(self) -> Iterator[LeftOut]:
        """Forget the records that wait, and tell that they are left out."""
        if rows := sum(not epoch.inferred for epoch in self._waiting):
            yield LeftOut(UNTOLD, rows)
        self._waiting.clear()

    def _walked(self, record: Record, steps: int) -> Epoch | LeftOut:
        start = max(min(self._told_until, record.at - MINUTE), record.at - DAY)
        length = record.at - start
        if not is_possible(steps, length):
            return LeftOut(TOO_MANY)
        return Epoch(start, length, steps, None, record.heart_rate, record.state if length == MINUTE else None)

    def _still(self, record: Record) -> Iterator[Epoch]:
        """Yield the minutes that a record without growth is about: since the one before, if that is not long ago."""
        first = self._seen if record.at - self._seen <= LONGEST_HOLE else record.at - MINUTE
        riding = record.state if record.state is State.CYCLING else None
        while first < record.at - MINUTE:
            yield Epoch(first, MINUTE, 0, state=riding, inferred=True)
            first += MINUTE
        yield Epoch(first, MINUTE, 0, None, record.heart_rate, record.state)


def nights(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield each sleep, from an event that begins it to the next one that ends it."""
    began: datetime | None = None
    for at, row in rows:
        if row["EVENT"] not in {SLEEP, None}:
            continue
        if row["EVENT_TYPE"] == START:
            began = at
        elif row["EVENT_TYPE"] == STOP and began is not None:
            yield Slept(began, at) if began < at <= began + NIGHT else LeftOut(WRONG_SPAN)
            began = None


def stages(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield the times awake within a sleep: a stage ends at its stamp, and begins where the one before ends."""
    for (before, _), (at, row) in pairwise(rows):
        if row["STAGE"] == AWAKE:
            yield Slept(before, at, asleep=False)


TABLES: Mapping[str, Samples] = {
    "GARMIN_ACTIVITY_SAMPLE": Samples(
        ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE", MIDNIGHT),
        epochs,
        (
            SleepTable("GARMIN_EVENT_SAMPLE", ("EVENT", "EVENT_TYPE"), nights),
            SleepTable("GARMIN_SLEEP_STAGE_SAMPLE", ("STAGE",), stages),
        ),
    ),
}
