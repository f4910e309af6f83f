"""Which files of a Garmin watch are fetched, and what they mean.

There is no memory of what was fetched but the readings themselves. A file is fetched again as long as it, or the one
after it, was begun in the last day before the newest minute that is stored. What the same bytes mean is not worked out
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from hipsync.driver import BandFile, LeftOut
from hipsync.errors import MalformedPacket
from hipsync.model import DAY, Reading, Workout
from hipsync_devices.garmin import watch_file
from hipsync_devices.garmin.files import FIT, MOST_BYTES, READABLE, Entry, Holds
from hipsync_devices.garmin.gfdi import EPOCH

LARGEST_ACTIVITY = 1024 * 1024
"""The longest file of a workout that is fetched; some hold a position for each second of a day."""
EARLY = timedelta(minutes=5)
"""How long before the minutes of a ride its wearer may have begun to record it."""

RECENT, MOST_RECENT = 2 * DAY, 48
"""How long ago a file may have been begun that comes at each contact, and of how many such files is known what they
mean: of two days with a contact an hour."""


def wanted(listed: Sequence[Entry], since: datetime | None) -> list[Entry]:
    """Return the files of minutes to fetch, the oldest first; `since` is the end of the last minute that is stored.

    Whether a file was handed over to somebody else does not matter.
    """
    found = sorted(_readable(listed, Holds.MONITORING, MOST_BYTES), key=lambda each: (each.at or EPOCH, each.number))
    if since is None:
        return found
    old = since - DAY
    kept = [one for one, after in pairwise(found) if not (_before(one, old) and _before(after, old))]
    return kept + found[-1:]


def newest_activity(listed: Sequence[Entry], since: datetime | None) -> list[Entry]:
    """Return the newest file of a workout if it was begun after `since`, the end of the last one that is stored."""
    found = [each for each in _readable(listed, Holds.ACTIVITY, LARGEST_ACTIVITY) if each.at is not None]
    newest = sorted(found, key=lambda each: (each.at or EPOCH, each.number))[-1:]
    return [each for each in newest if since is None or not _before(each, since)]


def _readable(listed: Sequence[Entry], holds: int, longest: int) -> list[Entry]:
    return [
        each
        for each in listed
        if (each.type, each.subtype) == (FIT, holds) and each.flags & READABLE and each.size <= longest
    ]


def _before(entry: Entry, instant: datetime) -> bool:
    """Whether a file was begun before an instant; one of which nobody knows when was not."""
    return entry.at is not None and entry.at < instant


def read(entry: Entry, data: bytes, begun: Sequence[datetime], now: datetime) -> list[Reading]:
    """Return what a file tells of the time up to `now`; nothing if the watch has written it wrongly.

    Such a file came over whole, and would come so each time. `begun` are the starts of the workouts that have a file of
    their own: the minutes of such a ride are no second one.
    """
    is_recent = entry.at is not None and now - entry.at < RECENT
    try:
        held = (_read_once(data) if is_recent else watch_file.read(data)).readings
    except MalformedPacket:
        return []
    found = [each for each in held if not isinstance(each, LeftOut) and watch_file.end(each) <= now]
    if entry.subtype == Holds.ACTIVITY:
        return found
    return [each for each in found if not (isinstance(each, Workout) and _is_recorded(each, begun))]


@lru_cache(maxsize=MOST_RECENT)
def _read_once(data: bytes) -> BandFile:
    """As `watch_file.read`, which takes longer than to fetch the file, and says the same of the same bytes."""
    return watch_file.read(data)


def _is_recorded(ride: Workout, begun: Sequence[datetime]) -> bool:
    return any(ride.start - EARLY <= at < ride.end for at in begun)
