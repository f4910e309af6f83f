"""The memory of a simulated Garmin watch: files of minutes and of recorded activities, and their directory.

The minutes since the last file ended are in no file yet. They go into one at local midnight, when the clock jumps, and
whenever somebody asks for the directory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind
from hipsync_devices.garmin import sim_fit
from hipsync_devices.garmin.files import ARCHIVED, FIT, READABLE, Entry, Holds
from hipsync_devices.garmin.sim_fit import Day, Level, Minute

GENERIC, RUNNING, CYCLING, WALKING, SEDENTARY = 0, 1, 2, 6, 8
INTENSITY_STEP = 12
"""How much of an epoch's intensity makes one of the watch's seven."""
FIRST_ALARM, NEXT_ALARM, MOST_LEVEL = 60, 15, 5
"""The move bar begins after an hour with little walking, and grows each quarter of an hour."""
ENOUGH_STEPS = 80
"""A minute with so many steps clears the move bar; nobody knows what the real rule is."""
SPORTS = {
    WorkoutKind.RUNNING: (1, 0),
    WorkoutKind.TREADMILL: (1, 1),
    WorkoutKind.CYCLING: (2, 0),
    WorkoutKind.CYCLING_INDOOR: (2, 6),
    WorkoutKind.WALKING: (11, 0),
    WorkoutKind.ROWING: (15, 0),
    WorkoutKind.ROWING_MACHINE: (15, 14),
    WorkoutKind.OTHER: (10, 0),
}
"""The sport and sub-sport that the wearer has chosen for a workout."""


@dataclass(slots=True)
class Stored:
    """A file in the memory: how it is listed, and what it holds."""

    entry: Entry
    data: bytes


class Memory:
    """The files, and the minutes that are in none yet. All instants are those of the watch's own clock."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead
        """How far local time is ahead of UTC, as the host has said."""
        self.stored: dict[int, Stored] = {}
        """The files by index, the oldest first."""
        self._next = 0x205
        self._begun: datetime | None = None
        self._ahead_then = ahead
        self._day: date | None = None
        self._totals: dict[int, tuple[int, int]] = {}
        self._minutes: list[Minute] = []
        self._alarms: list[Level] = []
        self._sitting = 0

    # ------------------------------------------------------------------ what happens

    def keep(self, at: datetime, epoch: Epoch) -> None:
        """Keep a minute that began at `at` by the watch's clock."""
        day = (at + self.ahead).date()
        follows = self._begun is not None and at == self._begun + len(self._minutes) * MINUTE
        if not follows or day != self._day:
            self.close()
            self._begun, self._ahead_then = at, self.ahead
            if day != self._day:
                self._day, self._totals = day, {}
        minute = coded(at, epoch)
        self._minutes.append(minute)
        self._move_bar(minute)

    def _move_bar(self, minute: Minute) -> None:
        end = minute.at + MINUTE
        if minute.steps >= ENOUGH_STEPS:
            self._alarms += [Level(end, 0)] if self._sitting >= FIRST_ALARM else []
            self._sitting = 0
            return
        self._sitting += 1
        beyond = self._sitting - FIRST_ALARM
        if beyond >= 0 and not beyond % NEXT_ALARM and beyond // NEXT_ALARM < MOST_LEVEL:
            self._alarms.append(Level(end, beyond // NEXT_ALARM + 1))

    def record(self, workout: Workout) -> None:
        """Keep the file of a workout that its wearer recorded and has ended."""
        sport, sub_sport = SPORTS[workout.kind]
        number = self._next
        data = sim_fit.activity(number, workout.start, workout.end, sport, sub_sport)
        self._add(Holds.ACTIVITY, workout.start, data)

    def close(self) -> None:
        """End the file that is being written, if there are minutes, and begin the next one where it ends."""
        if self._begun is None or not self._minutes:
            return
        day = Day(self._next, self._begun, int(self._ahead_then.total_seconds()), self._totals)
        self._add(Holds.MONITORING, self._begun, sim_fit.monitoring(day, self._minutes, self._alarms))
        for minute in self._minutes:
            if minute.activity != SEDENTARY:
                cycles, active = self._totals.get(minute.activity, (0, 0))
                self._totals = {**self._totals, minute.activity: (cycles + minute.steps, active + 1)}
        self._begun, self._ahead_then = self._begun + len(self._minutes) * MINUTE, self.ahead
        self._minutes, self._alarms = [], []

    def _add(self, holds: int, at: datetime, data: bytes) -> None:
        index, self._next = self._next, self._next + 1
        entry = Entry(index, FIT, holds, index & 0xFFFF, READABLE, len(data), at)
        self.stored[index] = Stored(entry, data)

    # ------------------------------------------------------------------ what a host reads

    def directory(self, *, only_open: bool = False) -> bytes:
        """Return the directory, after the file that was being written is closed: 16 bytes, then 16 for each file."""
        self.close()
        listed = [each.entry for each in self.stored.values() if not (only_open and each.entry.flags & ARCHIVED)]
        own = Entry(0, 0, 0, 0, 0, 0, None)
        return b"\x01\x10" + bytes(14) + b"".join(entry.encode() for entry in [*_strangers(), *listed, own])

    def archive(self, index: int) -> bool:
        """Mark a file as handed over, and return whether there is one."""
        held = self.stored.get(index)
        if held is None:
            return False
        held.entry = held.entry._replace(flags=held.entry.flags | ARCHIVED)
        return True

    def archived(self) -> list[Entry]:
        """Return the files that are marked as handed over."""
        return [each.entry for each in self.stored.values() if each.entry.flags & ARCHIVED]


def _strangers() -> Iterable[Entry]:
    """Yield what real directories list besides: settings, and something that is no FIT file."""
    yield Entry(0x101, FIT, 2, 1, READABLE | 0x40, 312, None)
    yield Entry(0x1000, 1, 0, 0, 0, 44, None)


def coded(at: datetime, epoch: Epoch) -> Minute:
    """Return a minute of the wearer's life as the watch counts it: a minute with steps is walking or running."""
    intensity = min((epoch.intensity or 0) // INTENSITY_STEP, 7)
    if epoch.kind is not None and not epoch.steps:
        return Minute(at, epoch.kind & 0x1F, epoch.kind >> 5 & 7, 0, epoch.heart_rate)
    activity = SEDENTARY
    if epoch.steps:
        activity = RUNNING if epoch.state is State.RUNNING else WALKING
    elif epoch.state is State.CYCLING:
        activity = CYCLING
    return Minute(at, activity, intensity, epoch.steps, epoch.heart_rate)
