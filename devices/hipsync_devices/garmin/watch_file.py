"""A file of a Garmin watch, whoever hands it over: the watch in a sync, or a person who copied it.

The one rule: both ways come here, so that a file says the same by each of them.
"""

from __future__ import annotations

from datetime import datetime

from hipsync.driver import BandFile, LeftOut
from hipsync.model import Epoch, Reading, Workout
from hipsync_devices.garmin import fit, minutes, monitoring, workouts
from hipsync_devices.garmin.files import Holds
from hipsync_devices.garmin.fit import FileId

GARMIN = 1
"""The number of the maker in files of Garmin's own devices."""
OTHER = "that are files with neither minutes nor workouts in them, such as settings"
NEVER_SET = "of a time when the clock of the watch was not set"
"""Why something gives no reading."""


def read(data: bytes) -> BandFile:
    """Read a whole file: its minutes, sit alarms and rides if it holds minutes, or else its workouts.

    Of a file of another kind only the beginning is looked at. Raises `MalformedPacket` for a damaged file, and
    `DeviceError` if the library that reads files is missing.
    """
    head = fit.head(data)
    found = _readings(head.holds, data)
    good: list[Reading | LeftOut] = [each for each in found if begin(each) >= fit.EARLIEST]
    if not found:
        good.append(LeftOut(OTHER))
    elif len(good) < len(found):
        good.append(LeftOut(NEVER_SET, len(found) - len(good)))
    return BandFile(source(head), good)


def _readings(holds: int, data: bytes) -> list[Reading]:
    if holds == Holds.ACTIVITY:
        return [*workouts.decode(data)]
    told = monitoring.decode(data) if holds == Holds.MONITORING else None
    return [] if told is None else minutes.readings(told)


def begin(reading: Reading) -> datetime:
    """Return the instant at which a reading begins."""
    return reading.start if isinstance(reading, Epoch | Workout) else reading.at


def end(reading: Reading) -> datetime:
    """Return the instant at which the whole of a reading is over."""
    return reading.end if isinstance(reading, Epoch) else reading.at


def source(head: FileId) -> str:
    """Return the words for a watch: the number of its product, and the last four digits of its serial number.

    Two watches of one person differ by these digits, and whoever reads them learns no serial number.
    """
    maker = "Garmin" if head.maker in {GARMIN, None} else f"FIT maker {head.maker}"
    digits = "" if head.serial is None else f"-{head.serial % 10_000:04}"
    return f"{maker} {'' if head.product is None else head.product}{digits}".strip(" -")
