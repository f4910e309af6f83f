r"""What a device says moment by moment, gathered into whole minutes. Pure: instants come with the values.

A value holds for the time since the one before it, unless that is longer than `FLOWING`: then nobody knows.

    pace       0   0   0   90  95  .   .   .   .   0   0
               |---|---|---|---|---|               |---|      known
    minutes    \______ whole ______/\__ in part __/

| minute | what is reported |
|---|---|
| whole, steps in it | them |
| whole, no step, and for half of it a pulse was felt | 0 steps |
| whole, no step, and for half of it the sensor felt no skin | 0 steps, not worn |
| in part, 20 steps or more in what is known | them: it was walked in, whatever the rest held |
| any other | nothing |

So a pod without a heart rate never tells of stillness: on a shoe in the hall it would say the same. Left alone too:
minutes with speed but no cadence (moving, nobody knows how many steps), the distance, and a device's silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hipsync.model import MINUTE, Epoch, Reading, State, Wear
from hipsync_devices.sig.packets import HeartRate, Pace

FLOWING = timedelta(seconds=10)
"""Between two values of a device that speaks all the time; they come about every second, from slow ones every five."""
HALF = MINUTE / 2
"""Also how long a sensor must miss the skin before the device counts as taken off: straps lose it for moments."""
WALKED = 20
"""Steps that make a minute one of moving: a sitting stretch ends with as many (`science.md` section 1)."""
PULSE = range(20, 251)
"""Beats a minute that a heart can do; devices tell 0 or 255 for none."""


@dataclass(slots=True)
class _Minute:
    known: timedelta = timedelta()
    sixtieths: float = 0.0
    """Steps, times sixty."""
    uncounted: timedelta = timedelta()
    """With speed and no cadence."""
    felt: timedelta = timedelta()
    """With a pulse, and no word that the skin is missing."""
    missed: timedelta = timedelta()
    """Without skin."""
    touched: timedelta = timedelta()
    """With a pulse, and the word that the skin is there."""
    touched_at: datetime | None = None
    beats: float = 0.0
    """Times sixty, of the time in which a pulse was felt."""


class Minutes:
    """Takes values in order of time; gives each minute once, when it is over."""

    def __init__(self) -> None:
        self._open: dict[datetime, _Minute] = {}
        self._pace_at: datetime | None = None
        self._heart_at: datetime | None = None
        self._off_since: datetime | None = None
        self._off_said = False

    def pace(self, at: datetime, pace: Pace) -> None:
        """A pace that was told at `at`."""
        for minute, length in self._since(self._pace_at, at):
            minute.known += length
            minute.sixtieths += pace.cadence * length.total_seconds()
            if pace.speed and not pace.cadence:
                minute.uncounted += length
        self._pace_at = at

    def heart(self, at: datetime, rate: HeartRate) -> list[Reading]:
        """A heart rate that was told at `at`; that the device was taken off, if this makes it certain."""
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
        """All of the minutes that had ended by `now`, in order of time."""
        over = sorted(start for start in self._open if start + MINUTE <= now)
        return [reading for start in over for reading in _readings(start, self._open.pop(start))]

    def _since(self, before: datetime | None, at: datetime) -> list[tuple[_Minute, timedelta]]:
        """The minutes that lie in `[before, at)`, and how much of each; none if that is too long."""
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
