r"""Makes minutes of the values that a sensor sends moment by moment. It reads no clock: each value has its instant.

A value stands for the time since the value before it. If that time is longer than `FLOWING`, it is unknown instead.

    pace       0   0   0   90  95  .   .   .   .   0   0
               |---|---|---|---|---|               |---|      known
    minutes    \______ whole ______/\__ in part __/

| minute | what is reported |
|---|---|
| whole, with steps | the steps |
| whole, without a step, and for half of it a pulse was felt | 0 steps |
| whole, without a step, and for half of it the sensor felt no skin | 0 steps, not worn |
| in part, with 20 steps or more in the known part | these steps: the minute was not still, whatever its rest was |
| any other | nothing |

So a pod without a heart rate never proves stillness, because it would send the same from a shoe in the hall. Not used
are minutes with speed but no cadence (moving, but nobody knows how many steps), the distance, and a device's silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hipsync.model import MINUTE, Epoch, Reading, State, Wear
from hipsync_devices.sig.packets import HeartRate, Pace

FLOWING = timedelta(seconds=10)
"""The longest time that a value may stand for. Values come every second, from slow devices every five seconds."""
HALF = MINUTE / 2
"""How much of a minute needs a pulse, and after how long without skin a device counts as taken off: straps lose the
skin for moments."""
WALKED = 20
"""The steps that show that a minute was not still; the same number ends a sitting stretch (`docs/rule.md`)."""
PULSE = range(20, 251)
"""The possible heart rates in beats a minute; devices send 0 or 255 for none."""


@dataclass(slots=True)
class _Minute:
    known: timedelta = timedelta()
    sixtieths: float = 0.0
    """The steps times sixty: the sum of the cadences, in steps a minute, times their lengths in seconds."""
    uncounted: timedelta = timedelta()
    """The time with a speed but no cadence."""
    felt: timedelta = timedelta()
    """The time with a pulse in which the device did not report that it feels no skin."""
    missed: timedelta = timedelta()
    """The time in which the device reported that it feels no skin."""
    touched: timedelta = timedelta()
    """The time with a pulse in which the device reported that it feels skin."""
    touched_at: datetime | None = None
    beats: float = 0.0
    """The sum of the heart rates, in beats a minute, times their lengths in seconds, over the time in `felt`."""


class Minutes:
    """Takes values in order of time, and returns the readings of each minute once, after it has ended."""

    def __init__(self) -> None:
        self._open: dict[datetime, _Minute] = {}
        self._pace_at: datetime | None = None
        self._heart_at: datetime | None = None
        self._off_since: datetime | None = None
        self._off_said = False

    def pace(self, at: datetime, pace: Pace) -> None:
        """Take a pace that the device sent at `at`."""
        for minute, length in self._since(self._pace_at, at):
            minute.known += length
            minute.sixtieths += pace.cadence * length.total_seconds()
            if pace.speed and not pace.cadence:
                minute.uncounted += length
        self._pace_at = at

    def heart(self, at: datetime, rate: HeartRate) -> list[Reading]:
        """Take a heart rate that the device sent at `at`.

        Return a `Wear` reading if the device has now felt no skin for half a minute, so that it was taken off.
        """
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
        """Return the readings of all minutes that have ended by `now`, in order of time, and forget these minutes."""
        over = sorted(start for start in self._open if start + MINUTE <= now)
        return [reading for start in over for reading in _readings(start, self._open.pop(start))]

    def _since(self, before: datetime | None, at: datetime) -> list[tuple[_Minute, timedelta]]:
        """Return the minutes that `[before, at)` touches, each with the length of its part.

        None are returned if `before` is None or the time is longer than `FLOWING`.
        """
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
