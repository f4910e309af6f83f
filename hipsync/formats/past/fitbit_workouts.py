"""What Fitbit and Google Health call the sorts of workouts, as hipsync's own kinds.

The names are those of Fitbit's activity types in exports (`activityName`, `activity_name`), which are in English
whatever the language of the app. A name that is not here is OTHER.
"""

from __future__ import annotations

from hipsync.model import WorkoutKind

_KINDS = {
    "walk": WorkoutKind.WALKING,
    "walking": WorkoutKind.WALKING,
    "outdoor walk": WorkoutKind.WALKING,
    "hike": WorkoutKind.WALKING,
    "run": WorkoutKind.RUNNING,
    "running": WorkoutKind.RUNNING,
    "outdoor run": WorkoutKind.RUNNING,
    "treadmill": WorkoutKind.TREADMILL,
    "treadmill run": WorkoutKind.TREADMILL,
    "bike": WorkoutKind.CYCLING,
    "biking": WorkoutKind.CYCLING,
    "outdoor bike": WorkoutKind.CYCLING,
    "mountain biking": WorkoutKind.CYCLING,
    "indoor bike": WorkoutKind.CYCLING_INDOOR,
    "stationary bike": WorkoutKind.CYCLING_INDOOR,
    "spinning": WorkoutKind.CYCLING_INDOOR,
    "rowing": WorkoutKind.ROWING,
    "rowing machine": WorkoutKind.ROWING_MACHINE,
    "indoor rowing": WorkoutKind.ROWING_MACHINE,
}


def workout_kind(name: str) -> WorkoutKind:
    """The kind of a workout with this name, whatever its capitals."""
    return _KINDS.get(name.strip().lower(), WorkoutKind.OTHER)
