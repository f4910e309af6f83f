"""Bytes of InfiniTime, in both directions.

Source unless a line says otherwise: InfiniTimeOrg/InfiniTime at 8250565, `src/components/ble/` and `doc/ble.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16

FIRMWARE = uuid16(0x2A26)
LOCAL_TIME = uuid16(0x2A0F)
"""The characteristic Local Time Information, which InfiniTime has from 1.12 on."""
BATTERY = uuid16(0x2A19)
EVENT = "00020001-78fc-48fe-8e23-433b3a1942d0"
"""The characteristic Notification Event, which notifies a button pressed on a call screen."""
MOTION = "00030000-78fc-48fe-8e23-433b3a1942d0"
"""The service with the step count, which InfiniTime has from 1.7 on."""
STEPS = "00030001-78fc-48fe-8e23-433b3a1942d0"

QUARTER = timedelta(minutes=15)
TEXT = 99
"""The most bytes of an alert's text that the watch shows; it cuts off the rest, even inside a character."""
SIMPLE, CALL = 0, 3
"""Categories of an alert. The watch treats all of them alike except 3, an incoming call."""


class Firmware(NamedTuple):
    """The version number of an InfiniTime firmware."""

    major: int
    minor: int
    patch: int = 0

    @property
    def counts_in_the_dark(self) -> bool:
        """Whether the counter is up to date while the screen is off.

        Up to 1.15 the watch polls its step sensor only while the screen is on, or always if the wearer lets motion wake
        it, a setting that Bluetooth does not show. While it does not poll, reads return an old count and no
        notifications come.
        """
        return self >= (1, 16)


UNKNOWN_FIRMWARE = Firmware(0, 0)


def firmware(revision: str) -> Firmware:
    """Return the version at the start of a revision string, or `UNKNOWN_FIRMWARE` if it starts with no version."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", revision, re.ASCII)
    return Firmware(*(int(part or 0) for part in match.groups())) if match else UNKNOWN_FIRMWARE


def steps(data: bytes) -> int:
    """Decode the steps since midnight by the watch's clock, or since its last restart: `u32` little-endian.

    Bytes after these are ignored. Raises `MalformedPacket` for fewer.
    """
    if len(data) < 4:
        raise MalformedPacket("a step count has 4 bytes", data)
    return int.from_bytes(data[:4], "little")


def steps_packet(count: int) -> bytes:
    """Encode a step count as `steps` decodes it."""
    return count.to_bytes(4, "little")


def wall_clock(local: datetime) -> bytes:
    """Encode the wearer's wall-clock time as a Current Time of 10 bytes; firmware from 1.12 on refuses fewer.

    `u16 year, month, day, hour, minute, second, weekday (1 = Monday), 1/256 s, reason (1 = set by hand)`. InfiniTime
    ignores everything after the second.
    """
    date = local.year.to_bytes(2, "little") + bytes([local.month, local.day])
    fraction = local.microsecond * 256 // 1_000_000
    return date + bytes([local.hour, local.minute, local.second, local.isoweekday(), fraction, 1])


def wall_clock_of(data: bytes) -> datetime:
    """Decode a Current Time to the second, as a wall-clock time without a zone.

    Numbers that are too high carry over: month 13 is January of the next year. Raises `MalformedPacket` for fewer than
    7 bytes and for a year out of range.
    """
    if len(data) < 7:
        raise MalformedPacket("a time has at least 7 bytes", data)
    months = int.from_bytes(data[:2], "little") * 12 + data[2] - 1
    try:
        first = datetime(months // 12, months % 12 + 1, 1)  # noqa: DTZ001  a wall clock
        return first + timedelta(days=data[3] - 1, hours=data[4], minutes=data[5], seconds=data[6])
    except (ValueError, OverflowError) as error:
        raise MalformedPacket("no such time", data) from error


def local_time(now: datetime, zone: ZoneInfo) -> bytes:
    """Encode a Local Time Information: two signed bytes, the offset of standard time and what summer time adds to it.

    Both count quarters of an hour. The second may only be 0, 2, 4 or 8 (GATT specification supplement); for a zone that
    adds anything else in summer, the first byte is the whole offset and the second 0.
    """
    here = now.astimezone(zone)
    offset, summer = (round((span or timedelta()) / QUARTER) for span in (here.utcoffset(), here.dst()))
    if summer not in {0, 2, 4, 8}:
        summer = 0
    return (offset - summer).to_bytes(1, "little", signed=True) + bytes([summer])


@dataclass(frozen=True, slots=True)
class Alert:
    """A New Alert: `category, count, 0`, then `title NUL body`, or only the caller's name for a call."""

    title: str
    body: str = ""
    call: bool = False

    def packet(self) -> bytes:
        """Return the bytes of the alert: 3, and at most 99 of text. No character is split."""
        title, body = (part.replace("\0", " ") for part in (self.title, self.body))
        words = title if self.call else f"{title}\0{body}"
        text = words.encode(errors="replace")[:TEXT].decode(errors="ignore")
        return bytes([CALL if self.call else SIMPLE, 1, 0]) + text.encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode an alert as the watch does: without a NUL the whole text is the body, or the name of the caller.

        Raises `MalformedPacket` if there is no text after the three bytes.
        """
        if len(data) <= 3:
            raise MalformedPacket("an alert has a text after its 3 bytes", data)
        words = data[3 : 3 + TEXT].decode(errors="replace")
        if data[0] == CALL:
            return cls(words.partition("\0")[0], call=True)
        head, nul, tail = words.partition("\0")
        return cls(head, tail.partition("\0")[0]) if nul else cls("", words)


class Press(IntEnum):
    """The buttons of a call screen, by the number that the watch notifies."""

    DECLINED = 0
    ACCEPTED = 1
    MUTED = 2


def press(data: bytes) -> Press:
    """Decode the button that the wearer pressed, the first byte. Raises `MalformedPacket`."""
    if not data or data[0] > Press.MUTED:
        raise MalformedPacket("a call event is one byte, 0, 1 or 2", data)
    return Press(data[0])
