"""The minutes of a Garmin watch: a monitoring file is a run-length code of minutes, with totals that go on.

A row closes a run: its activity and its intensity hold for all minutes since the row before it, and its totals are
those at its own time::

    file begins      row: sedentary    row: walking, 132 steps more     row: sedentary
    |----- still ----|------ walking ------------------------------|---- still ----|

Sources: 18 files of a vívosmart 4 (MaksVasilev/fit2gpx at a672a731, `test/**/monitor`), whose runs add up to their
spans and whose totals go on from file to file, and the numbers of the FIT profile. In each file most rows tell only the
low 16 bits of their time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync.model import DAY
from hipsync_devices.garmin import fit
from hipsync_devices.garmin.files import Holds
from hipsync_devices.garmin.fit import Fields, FileId, Message, number
from hipsync_devices.garmin.gfdi import EPOCH


class Activity(IntEnum):
    """The activities of a run by their numbers; GENERIC is movement without steps."""

    GENERIC = 0
    RUNNING = 1
    CYCLING = 2
    FITNESS_EQUIPMENT = 4
    WALKING = 6
    SEDENTARY = 8
    ALL = 254


STEPPING = frozenset({Activity.RUNNING, Activity.WALKING})
"""The activities whose cycles are steps."""
LONGEST = 2 * DAY
"""The most time that a file may tell of: a watch begins one at each local midnight."""
_SHORT, _SHORT_TIMES = 26, 1 << 16
_MOVE_BAR = 41


class Run(NamedTuple):
    """What the watch says of `[start, end)`, with the steps in it; both ends are whole seconds of UTC."""

    start: datetime
    end: datetime
    activity: int
    intensity: int
    steps: int
    subtype: int | None = None
    active: timedelta | None = None
    """How long the wearer has been active in this way since local midnight; None for a sedentary run."""


class At(NamedTuple):
    """A number at an instant: beats a minute, or the level of the move bar, which is 0 when it is cleared."""

    at: datetime
    value: int


@dataclass(slots=True)
class Monitoring:
    """What a monitoring file tells."""

    id: FileId
    offset: timedelta | None = None
    """How far the wearer's clock was ahead of UTC when the file began; None if it does not say."""
    runs: list[Run] = field(default_factory=list[Run])
    heart_rates: list[At] = field(default_factory=list[At])
    """Each is that of the minute which ended then."""
    move_bar: list[At] = field(default_factory=list[At])
    """When the watch's own sit alarm went off (1), rose, and was cleared."""
    totals: dict[int, int] = field(default_factory=dict[int, int])
    """The last totals of cycles by activity: of the local day, as far as the file has come."""


def decode(data: bytes) -> Monitoring | None:
    """Decode a monitoring file; None for a file that holds something else. Raises `MalformedPacket`."""
    head = fit.head(data)
    if head.holds != Holds.MONITORING:
        return None
    told = Monitoring(head)
    times = _Times(head.created)
    rows: list[_Row] = []
    for kind, fields in fit.messages(data):
        if kind == Message.MONITORING_INFO:
            told.offset = times.info(fields)
        elif kind == Message.MONITORING and (at := times.of(fields)) is not None:
            if (bpm := number(fields, 27)) is not None:
                told.heart_rates += [At(at, bpm)] if bpm else []
            elif (row := _row(at, fields)) is not None:
                rows.append(row)
        elif kind == Message.EVENT:
            told.move_bar += _alarm(fields)
    if times.start is not None:
        told.runs = _runs(times.start, rows, told.totals)
    return told


# ------------------------------------------------------------------ rows


class _Times:
    """Puts together the whole times of rows that tell only the low 16 bits.

    What the bits are added to is the last time of a row of minutes, or of the head. Other messages lag behind and run
    ahead, and would throw rows 18 hours off.
    """

    def __init__(self, created: datetime | None) -> None:
        self.start = created
        """The instant at which the minutes of the file begin; None if it is not known yet."""
        self._last: datetime | None = created

    def info(self, fields: Fields) -> timedelta | None:
        """Take the head of the minutes, and return how far its local time is ahead of UTC; None if it does not say."""
        at, local = number(fields, fit.TIME), number(fields, 0)
        if at is None:
            return None
        self.start = self._last = fit.instant(at)
        ahead = None if local is None else timedelta(seconds=local - at)
        return ahead if ahead is not None and abs(ahead) <= timedelta(days=1) else None

    def of(self, fields: Fields) -> datetime | None:
        """Return the instant of a row; None if it cannot be known."""
        whole, short = number(fields, fit.TIME), number(fields, _SHORT)
        if whole is not None:
            self._last = fit.instant(whole)
        elif short is None or self._last is None:
            return None
        else:
            last = int((self._last - EPOCH).total_seconds())
            self._last = fit.instant(last + (short - last) % _SHORT_TIMES)
        return self._last


class _Row(NamedTuple):
    at: datetime
    activity: int
    intensity: int
    cycles: int | None
    subtype: int | None
    active: timedelta | None


def _row(at: datetime, fields: Fields) -> _Row | None:
    """Return a row about an activity; None for one about something else, such as floors."""
    explicit, both = number(fields, 5), number(fields, 24)
    if explicit is None and both is None:
        return None
    activity = explicit if explicit is not None else (both or 0) & 0x1F
    intensity = 0 if both is None else both >> 5 & 0x07
    active = number(fields, 4)
    return _Row(
        at,
        activity,
        intensity,
        number(fields, 3),
        number(fields, 6),
        None if active is None else timedelta(milliseconds=active),
    )


def _alarm(fields: Fields) -> list[At]:
    at, level = number(fields, fit.TIME), number(fields, 3)
    level = level if level is not None else number(fields, 2)
    if number(fields, 0) != _MOVE_BAR or at is None or level is None:
        return []
    return [At(fit.instant(at), level)]


def _runs(start: datetime, rows: Iterable[_Row], totals: dict[int, int]) -> list[Run]:
    """Return the runs that the rows close, and enter the last totals.

    Totals at the very start are those of the day before the file, and close no run; nor do those that are repeated at
    the end. A total that falls was begun anew. Of several rows at one time the first closes the run, and the steps of
    the others are part of it. A run of more than a day is none: the watch's clock was set. Raises `MalformedPacket` if
    the runs are longer than `LONGEST`.
    """
    runs: list[Run] = []
    before, span = start, timedelta()
    for row in rows:
        if row.activity == Activity.ALL:
            continue
        grown = _grown(row, totals)
        steps = grown if row.activity in STEPPING else 0
        if row.at <= before:
            if runs:
                runs[-1] = runs[-1]._replace(steps=runs[-1].steps + steps)
            continue
        if row.at - before <= DAY:
            runs.append(Run(before, row.at, row.activity, row.intensity, steps, row.subtype, row.active))
            span += row.at - before
        before = row.at
        if span > LONGEST:
            raise MalformedPacket("a monitoring file of several days", row.at.isoformat().encode())
    return runs


def _grown(row: _Row, totals: dict[int, int]) -> int:
    """Return by how many cycles a total has grown, and enter it."""
    if row.cycles is None:
        return 0
    was = totals.get(row.activity, 0)
    totals[row.activity] = row.cycles
    return row.cycles - was if row.cycles >= was else row.cycles
