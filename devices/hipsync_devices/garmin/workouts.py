"""The workouts that a wearer recorded on a Garmin watch: a file each, of which only kind, start and end are read.

Sports and their kinds are numbers of the FIT profile. Source: zoop-dev/pulse at 27d6e921, `GarminSport`, and nine real
files of polyvertex/fitdecode and muktihari/fit (`tests/vectors/workouts.json`).
"""

from __future__ import annotations

from datetime import timedelta

from hipsync.model import Workout, WorkoutKind
from hipsync_devices.garmin import fit
from hipsync_devices.garmin.files import Holds
from hipsync_devices.garmin.fit import Fields, Message, number

TRANSITION = 3
"""The sport of the time between two parts of a triathlon, which is no workout."""
_SPORTS = {
    1: WorkoutKind.RUNNING,
    2: WorkoutKind.CYCLING,
    6: WorkoutKind.WALKING,
    11: WorkoutKind.WALKING,
    15: WorkoutKind.ROWING,
    17: WorkoutKind.WALKING,
    21: WorkoutKind.CYCLING,
}
"""The kind of a sport, whatever its sub-sport: 6 is walking in a row of minutes, 11 and 17 are a walk and a hike, and
21 is an e-bike."""
_SUB_SPORTS = {
    (1, 1): WorkoutKind.TREADMILL,
    (2, 5): WorkoutKind.CYCLING_INDOOR,
    (2, 6): WorkoutKind.CYCLING_INDOOR,
    (2, 58): WorkoutKind.CYCLING_INDOOR,
    (2, 12): WorkoutKind.OTHER,
    (2, 88): WorkoutKind.OTHER,
    (4, 14): WorkoutKind.ROWING_MACHINE,
    (15, 14): WorkoutKind.ROWING_MACHINE,
}
"""The kind of a sport with a sub-sport, where that says more: 12 and 88 are bicycles that are driven by hand."""


def kind_of(sport: int | None, sub_sport: int | None) -> WorkoutKind:
    """Return the kind of a sport; one that has no word here is OTHER."""
    if sport is None:
        return WorkoutKind.OTHER
    found = None if sub_sport is None else _SUB_SPORTS.get((sport, sub_sport))
    return found or _SPORTS.get(sport, WorkoutKind.OTHER)


def decode(data: bytes) -> list[Workout]:
    """Decode the file of an activity to its workouts: one for each part of a triathlon, but none for the changes.

    One that has no length, or is a day long or more, is left out. None come of a file that holds something else. Raises
    `MalformedPacket`.
    """
    if fit.head(data).holds != Holds.ACTIVITY:
        return []
    sessions = [fields for kind, fields in fit.messages(data) if kind == Message.SESSION]
    workouts = [workout for fields in sessions if (workout := _workout(fields)) is not None]
    return [each for each in workouts if each.is_possible]


def _workout(fields: Fields) -> Workout | None:
    """Return the workout of a session; None for a change between two, and for one without a start or a length."""
    sport, start, elapsed = number(fields, 5), number(fields, 2), number(fields, 7)
    if sport == TRANSITION or start is None or elapsed is None:
        return None
    begun = fit.instant(start)
    return Workout(kind_of(sport, number(fields, 6)), begun, begun + timedelta(seconds=(elapsed + 500) // 1000))
