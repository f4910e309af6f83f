"""Garmin's files in FIT form, as they lie on a Garmin watch (GARMIN/MONITOR) and in the ZIPs of an account's export.

It knows no FIT: the driver for Garmin's watches reads each file (`Driver.read_file`), so that an import says the same
as a sync of this file. This module says the driver's readings in the words of `said`. An epoch's heart rate and
intensity are said of each of its minutes; the watch's own sit alarm has no word here.

A file is held whole, up to `LONGEST` bytes, and so are its rows, of which the driver reads 200,000 at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from hipsync.driver import BandFile, LeftOut
from hipsync.errors import DeviceError, InputError, MalformedPacket
from hipsync.formats.past.reading import DAY_S, TOO_MANY_STEPS, Form, Head, Reading
from hipsync.formats.past.said import Beat, Moved, Said, Trained, Walked
from hipsync.host.installed import with_extra
from hipsync.model import Epoch, Workout, is_possible
from hipsync.text import clean

KEY = "garmin"
"""The word of this form, and the key of the driver that reads its files."""
LONGEST = 8 * 2**20
"""How many bytes a file may have. A day of minutes has some 30 kB, and an activity of a day less than 2 MB."""
MARK = slice(8, 12)
"""Where each file says ".FIT". Source: Garmin's "Flexible and Interoperable Data Transfer (FIT) Protocol"."""
TOO_LARGE = f"that are FIT files of more than {LONGEST // 2**20} MB"
"""Why a file is left out, as the end of "3 rows"."""


def fits(head: Head) -> bool:
    """Whether a file says that it is in FIT form."""
    return head.start[MARK] == b".FIT"


def read(file: BinaryIO, _: Head, reading: Reading) -> Iterator[Said]:
    """Yield what a file says that the driver reads. Raises `InputError` if it is damaged, or nothing here reads it."""
    read_file = _reader(reading)
    data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        reading.leave_out(TOO_LARGE)
        return
    held = _held(read_file, data)
    source = clean(held.source) or FORM.label
    for each in held.readings:
        match each:
            case LeftOut(why, rows):
                reading.leave_out(why, rows)
            case Epoch() if not is_possible(each.steps, each.length):
                reading.leave_out(TOO_MANY_STEPS)
            case Epoch() if reading.is_possible(_seconds(each.end)):
                yield from _said(source, each)
            case Workout() if reading.is_span(_seconds(each.start), _seconds(each.end), DAY_S - 1):
                yield Trained(source, _seconds(each.start), _seconds(each.end), each.kind)
            case _:
                pass


def _reader(reading: Reading) -> Callable[[bytes], BandFile]:
    """The driver's function that reads these files. Raises `InputError` if it, or what it needs, is missing."""
    driver = reading.drivers.get(KEY)
    if driver is None or driver.read_file is None:
        raise InputError("the driver that reads files of Garmin watches is missing: see `hipsync drivers`")
    if (extra := driver.missing_extra()) is not None:
        raise InputError(f"files of Garmin watches need the extra {extra}: `{with_extra(extra)}`")
    return driver.read_file


def _held(read_file: Callable[[bytes], BandFile], data: bytes) -> BandFile:
    """What the driver reads in a file. Raises `InputError` for a damaged one."""
    try:
        return read_file(data)
    except MalformedPacket as error:
        raise InputError(f"this FIT file is damaged: {error.why}") from error
    except DeviceError as error:
        raise InputError(str(error)) from error


def _said(source: str, epoch: Epoch) -> Iterator[Said]:
    """Yield what an epoch says: its steps as one span, and the rest of each of its minutes."""
    start_s, end_s = _seconds(epoch.start), _seconds(epoch.end)
    yield Walked(source, start_s, end_s, epoch.steps)
    for at_s in range(start_s, end_s, 60):
        if epoch.intensity is not None:
            yield Moved(source, at_s, epoch.intensity)
        if epoch.heart_rate is not None:
            yield Beat(source, at_s, epoch.heart_rate)


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


FORM = Form(KEY, "Garmin", fits, read, is_one_of_many=True)
