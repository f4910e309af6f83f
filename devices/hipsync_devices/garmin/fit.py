"""Files in Garmin's form FIT, as their messages: numbers of messages and fields, and raw values.

The library fitdecode reads the form. It is imported where it is used, because it is an extra and large. Three of its
ways are kept away from the rest: its scaled values (it halves the steps of most rows), the fields that it unfolds from
others, and all that it may raise on bytes that no watch wrote.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from importlib.util import find_spec
from typing import Any, NamedTuple

from hipsync.errors import DeviceError, MalformedPacket
from hipsync_devices.garmin.gfdi import EPOCH, crc16

EXTRA = "garmin"
"""The extra of hipsync with the library that reads these files."""
MOST_MESSAGES = 200_000
"""The most messages of one file: a day of minutes has some 5000, and an activity one each second."""

Value = int | tuple[Any, ...]
Fields = Mapping[int, Value]
"""The raw values of one message by the numbers of their fields, without those that are marked as not set."""


class Message(IntEnum):
    """The messages that this family reads, by the numbers that the FIT profile gives them."""

    FILE_ID = 0
    SPORT = 12
    SESSION = 18
    EVENT = 21
    MONITORING = 55
    MONITORING_INFO = 103
    STRESS = 227


TIME = 253
"""The field of a message's time, in any message: seconds from 1989-12-31 00:00 UTC."""
EARLIEST = EPOCH + timedelta(seconds=0x10000000)
"""The first instant that a file can tell: smaller times count from when the watch was switched on. Source: the FIT
profile, type `date_time`."""


class FileId(NamedTuple):
    """What a file says of itself first."""

    holds: int
    product: int | None
    created: datetime | None
    maker: int | None = None
    serial: int | None = None


def is_available() -> bool:
    """Return whether the library is installed."""
    return find_spec("fitdecode") is not None


def instant(seconds: int) -> datetime:
    """Return the instant, in UTC, of a time in a file."""
    return EPOCH + timedelta(seconds=seconds)


def messages(data: bytes) -> Generator[tuple[int, Fields], None, None]:
    """Yield the number and the fields of each message of a file, in order.

    Raises `MalformedPacket` if the file is not in this form, its checksum is wrong or it has more than `MOST_MESSAGES`;
    messages may have come by then. Raises `DeviceError` if the library is missing.
    """
    if crc16(data):
        raise MalformedPacket("a file in FIT form whose checksum is wrong", data)
    yield from _unchecked(data)


def _unchecked(data: bytes) -> Generator[tuple[int, Fields], None, None]:
    """As `messages`, whatever the checksum."""
    if not is_available():
        raise DeviceError(f"the files of this watch need the extra {EXTRA}: `hipsync doctor` names the command")
    library: Any = importlib.import_module("fitdecode")
    ways = {"check_crc": library.CrcCheck.DISABLED, "error_handling": library.ErrorHandling.IGNORE}
    try:
        with library.FitReader(data, processor=None, **ways) as frames:
            yield from _read(library, frames, data)
    except DeviceError:
        raise
    except (
        Exception
    ) as error:  # strangers' bytes in strangers' code: fitdecode asserts, and lets struct's errors through
        raise MalformedPacket(f"not a whole file in FIT form ({type(error).__name__})", data) from error


def _read(library: Any, frames: Any, data: bytes) -> Generator[tuple[int, Fields], None, None]:
    heads = 0
    for count, frame in enumerate(frames):
        heads += frame.frame_type == library.FIT_FRAME_HEADER
        if heads > 1 or count > MOST_MESSAGES:
            raise MalformedPacket("a file with too many parts", data)
        if frame.frame_type == library.FIT_FRAME_DATA:
            yield int(frame.global_mesg_num), _raw(frame)
    if not heads:
        raise MalformedPacket("a file with nothing in it", data)


def _raw(frame: Any) -> Fields:
    """Return the fields that a message itself holds. An unfolded one has no definition, but for a compressed time."""
    held: dict[int, Value] = {}
    for each in frame.fields:
        if each.field_def is None and each.def_num != TIME:
            continue
        if each.field_def is not None and each.field_def.is_dev:
            continue
        value = each.raw_value
        if isinstance(value, int | tuple):
            held[int(each.def_num)] = value
    return held


def number(fields: Fields, field: int) -> int | None:
    """Return a field that is one whole number; None if it is absent, or something else.

    A field of bytes with one byte counts as its number: the activity type of a monitoring row comes so.
    """
    value = fields.get(field)
    if isinstance(value, tuple):
        value = value[0] if len(value) == 1 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def file_id(fields: Fields) -> FileId:
    """Return what message 0 says. Raises `MalformedPacket` if the type of the file is missing."""
    holds, created = number(fields, 0), number(fields, 4)
    if holds is None:
        raise MalformedPacket("a file that does not say what it holds", repr(dict(fields)).encode()[:64])
    begun = None if created is None else instant(created)
    return FileId(holds, number(fields, 2), begun, number(fields, 1), number(fields, 3))


def head(data: bytes) -> FileId:
    """Return what a file says of itself first. The rest of it is not read, so its checksum may be wrong.

    Raises `MalformedPacket` if it does not say what it holds, and as `messages` does.
    """
    with contextlib.closing(_unchecked(data)) as found:
        for kind, fields in found:
            if kind == Message.FILE_ID:
                return file_id(fields)
    raise MalformedPacket("a file that does not say what it holds", data)
