r"""What a device measures moment by moment becomes whole minutes here. Pure: each value comes with its instant.

A value is that of the time since the value before it. If that is longer than `FLOWING`, the time is unknown.

    pace       0   0   0   90  95  .   .   .   .   0   0
               |---|---|---|---|---|               |---|      known
    minutes    \______ whole ______/\__ in part __/

| minute | what is reported |
|---|---|
| whole, steps in it | them |
| whole, no step, and for half of it a pulse was felt | 0 steps |
| whole, no step, and for half of it the sensor felt no skin | 0 steps, not worn |
| in part, 20 steps or more in what is known | them: the minute was not still, whatever its rest was |
| any other | nothing |

So a pod without a heart rate never proves stillness: on a shoe in the hall it would send the same. Not used are minutes
with speed but no cadence (moving, nobody knows how many steps), the distance, and a device's silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hipsync.model import MINUTE, Epoch, Reading, State, Wear
from hipsync_devices.sig.packets import HeartRate, Pace

FLOWING = timedelta(seconds=10)
"""The longest time between two values that belong together; they come every second, from slow devices every five."""
HALF = MINUTE / 2
"""How much of a minute must be felt; and how long without skin means taken off, for straps lose it for moments."""
WALKED = 20
"""Steps that make a minute one of moving: a sitting stretch ends with as many (`docs/rule.md`)."""
PULSE = range(20, 251)
"""Beats a minute that are possible; devices send 0 or 255 for none."""


@dataclass(slots=True)
class _Minute:
    known: timedelta = timedelta()
    sixtieths: float = 0.0
    """Steps times sixty: cadence in steps a minute times seconds."""
    uncounted: timedelta = timedelta()
    """The time with speed and no cadence."""
    felt: timedelta = timedelta()
    """The time with a pulse, and without a report that the skin is missing."""
    missed: timedelta = timedelta()
    """The time without skin."""
    touched: timedelta = timedelta()
    """The time with a pulse, and a report that the skin is there."""
    touched_at: datetime | None = None
    beats: float = 0.0
    """Beats a minute times seconds, over the time in which a pulse was felt."""


class Minutes:
    """Takes values in order of time, and reports each minute once, when it is over."""

    def __init__(self) -> None:
        self._open: dict[datetime, _Minute] = {}
        self._pace_at: datetime | None = None
        self._heart_at: datetime | None = None
        self._off_since: datetime | None = None
        self._off_said = False

    def pace(self, at: datetime, pace: Pace) -> None:
        """Take a pace that arrived at `at`."""
        for minute, length in self._since(self._pace_at, at):
            minute.known += length
            minute.sixtieths += pace.cadence * length.total_seconds()
            if pace.speed and not pace.cadence:
                minute.uncounted += length
        self._pace_at = at

    def heart(self, at: datetime, rate: HeartRate) -> list[Reading]:
        """Take a heart rate that arrived at `at`; a reading if it makes certain that the device was taken off."""
        flowing = self._heart_at is not None and at - self._heart_at <= FLOWING
        pulse = rate.bpm in PULSE and rate.contact is not False
        for minute, length in self._since(self._heart_at, at):
            minute.felt += length * pulse
            minute.missed += length * (rate.contact is False)
            minute.touched += length * (pulse and rate.contact is True)
            minute.beats += rate.bpm * pulse * length.total_seconds()
        if pulse and rate.contact:
            self._at(at).touched_at = at
        self._heart_at = at
        if rate.contact is not False:
            self._off_since, self._off_said = None, False
            return []
        if self._off_since is None or not flowing:
            self._off_since = at
        if self._off_said or at - self._off_since < HALF:
            return []
        self._off_said = True
        return [Wear(self._off_since, worn=False)]

    def finished(self, now: datetime) -> list[Reading]:
        """The readings of all minutes that had ended by `now`, in order of time."""
        over = sorted(start for start in self._open if start + MINUTE <= now)
        return [reading for start in over for reading in _readings(start, self._open.pop(start))]

    def _since(self, before: datetime | None, at: datetime) -> list[tuple[_Minute, timedelta]]:
        """The minutes in `[before, at)`, with the length of the part of each; none if `FLOWING` is exceeded."""
        if before is None or at - before > FLOWING:
            return []
        pieces: list[tuple[_Minute, timedelta]] = []
        while before < at:
            end = min(_start(before) + MINUTE, at)
            pieces.append((self._at(before), end - before))
            before = end
        return pieces

    def _at(self, instant: datetime) -> _Minute:
        return self._open.setdefault(_start(instant), _Minute())


def _start(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def _readings(start: datetime, minute: _Minute) -> list[Reading]:
    readings: list[Reading] = []
    if (epoch := _epoch(start, minute)) is not None:
        readings.append(epoch)
    if minute.touched_at is not None and minute.touched >= HALF:
        readings.append(Wear(minute.touched_at, worn=True))
    return readings


def _epoch(start: datetime, minute: _Minute) -> Epoch | None:
    steps = round(minute.sixtieths / 60)
    pulse = round(minute.beats / minute.felt.total_seconds()) if minute.felt else None
    whole = minute.known == MINUTE and minute.uncounted < FLOWING
    if steps >= WALKED or (whole and steps):
        return Epoch(start, MINUTE, steps, heart_rate=pulse)
    if whole and minute.missed >= HALF:
        return Epoch(start, MINUTE, 0, state=State.NOT_WORN)
    if whole and minute.felt >= HALF:
        return Epoch(start, MINUTE, 0, heart_rate=pulse)
    return None
