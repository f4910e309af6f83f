"""What a monitoring file means to hipsync: its runs as epochs, the watch's sit alarm, and rides.

The watch itself tells that its wearer was still, so those minutes are known; nothing says whether it was worn. A run
with steps is one epoch, because the watch does not say in which of its minutes they were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hipsync.model import MINUTE, Epoch, Inactivity, Reading, State, Workout
from hipsync_devices.garmin.monitoring import STEPPING, Activity, Monitoring, Run
from hipsync_devices.garmin.workouts import kind_of

STATES = {Activity.WALKING: State.WALKING, Activity.RUNNING: State.RUNNING, Activity.CYCLING: State.CYCLING}
"""What the activity of a run says of its wearer. SEDENTARY is a wrist's word, and no proof of a seat."""
RIDE = timedelta(minutes=10)
"""The shortest run of cycling that counts as a ride, unless the wearer recorded it."""
ALARM = 1
"""The level of the move bar at which the watch's sit alarm goes off."""


def readings(told: Monitoring) -> list[Reading]:
    """Return the epochs, alarms and rides of a file."""
    alarms = [Inactivity(each.at) for each in told.move_bar if each.value == ALARM]
    return [*epochs(told), *alarms, *rides(told.runs)]


def epochs(told: Monitoring) -> list[Epoch]:
    """Return the epochs of a file, in order and without a gap where its runs have none.

    Both ends of a run are cut to the minute. A run of which nothing is left gives its steps to the next one, or at the
    end to the last.
    """
    found: list[Epoch] = []
    pulses = {_minute(each.at - timedelta(seconds=1)): each.value for each in told.heart_rates}
    owed = 0
    for run in told.runs:
        start, end = _minute(run.start), _minute(run.end)
        if start == end:
            owed += run.steps
        elif run.activity in STEPPING or run.steps or owed:
            found.append(_moving(run, start, end, run.steps + owed, pulses))
            owed = 0
        else:
            found += _still(run, start, end, pulses)
    if owed and found:
        found[-1] = found[-1]._replace(steps=found[-1].steps + owed, inferred=False)
    return found


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _code(run: Run) -> int:
    """Return activity and intensity in one byte, as the watch's own rows have them."""
    return run.activity & 0x1F | run.intensity << 5


def _moving(run: Run, start: datetime, end: datetime, steps: int, pulses: Mapping[datetime, int]) -> Epoch:
    minutes = (end - start) // MINUTE
    found = [pulses[at] for at in (start + i * MINUTE for i in range(minutes)) if at in pulses]
    pulse = found[-1] if found else None
    state = STATES.get(Activity(run.activity)) if run.activity in STATES else None
    return Epoch(start, end - start, steps, run.intensity, pulse, state, _code(run))


def _still(run: Run, start: datetime, end: datetime, pulses: Mapping[datetime, int]) -> Iterator[Epoch]:
    """Yield the minutes of a run without steps. Those of a sedentary one were sent as one row, so they are inferred."""
    state = State.CYCLING if run.activity == Activity.CYCLING else None
    still = run.activity == Activity.SEDENTARY
    for i in range((end - start) // MINUTE):
        at = start + i * MINUTE
        yield Epoch(at, MINUTE, 0, run.intensity, pulses.get(at), state, _code(run), inferred=still)


def rides(runs: Sequence[Run]) -> list[Workout]:
    """Return the rides in runs: cycling for ten minutes and more, in runs that follow each other."""
    found: list[Workout] = []
    for run in runs:
        if run.activity != Activity.CYCLING:
            continue
        kind = kind_of(run.activity, run.subtype)
        if found and found[-1].end == run.start and found[-1].kind is kind:
            found[-1] = found[-1]._replace(end=run.end)
        else:
            found.append(Workout(kind, run.start, run.end))
    return [each for each in found if each.end - each.start >= RIDE]
