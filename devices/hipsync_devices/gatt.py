"""The numbers of the Bluetooth SIG that several families use, as full UUIDs, and what no step depends on.

What a band says of itself, its texts and its battery, is a decoration, and so is its word that it has taken a setting:
nothing wrong with it costs a step.

Source: Bluetooth Assigned Numbers, section 3 (16-bit UUIDs).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from hipsync.driver import Link, Received
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.model import Charge

T = TypeVar("T")


def uuid16(number: int) -> str:
    """Return the full 128-bit UUID, in lower case, of a 16-bit number of the Bluetooth SIG."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


GENERIC_ACCESS = uuid16(0x1800)
IMMEDIATE_ALERT = uuid16(0x1802)
DEVICE_INFORMATION = uuid16(0x180A)
HEART_RATE = uuid16(0x180D)
ALERT_NOTIFICATION = uuid16(0x1811)

DEVICE_NAME = uuid16(0x2A00)
ALERT_LEVEL = uuid16(0x2A06)
SERIAL_NUMBER = uuid16(0x2A25)
HARDWARE_REVISION = uuid16(0x2A27)
SOFTWARE_REVISION = uuid16(0x2A28)
SYSTEM_ID = uuid16(0x2A23)
PNP_ID = uuid16(0x2A50)
CURRENT_TIME = uuid16(0x2A2B)
HEART_RATE_MEASUREMENT = uuid16(0x2A37)
HEART_RATE_CONTROL = uuid16(0x2A39)
NEW_ALERT = uuid16(0x2A46)


def text(value: bytes, limit: int = 64) -> str | None:
    """Return the printable characters of a UTF-8 string value, at most `limit` of them; None if none are left."""
    shown = "".join(c for c in value[: 4 * limit].decode("utf-8", "replace") if c.isprintable() and c != "\ufffd")
    return shown.strip()[:limit] or None


async def read_text(link: Link, characteristic: str) -> str | None:
    """Read a string characteristic and return its printable text.

    None if the band does not have the characteristic or refuses it, or if nothing in it is printable.
    """
    value = await read_optional(link, characteristic)
    return None if value is None else text(value)


def percent(value: bytes) -> int | None:
    """Decode a battery level in percent, the first byte of a value.

    None for an empty value, and for a level over 100: several bands send 255 for one that they do not know.
    """
    return value[0] if value and value[0] <= 100 else None


def charges(reports: Sequence[Received], characteristic: str) -> list[Charge]:
    """Return the battery levels in those reports of `characteristic` that have one; see `percent`."""
    levels = [(at, percent(data)) for uuid, at, data in reports if uuid == characteristic]
    return [Charge(at, level) for at, level in levels if level is not None]


async def read_charge(link: Link, characteristic: str) -> Charge | None:
    """Read a battery level; None if the band does not have the characteristic, refuses it, or does not know its level.

    `characteristic` begins with the level, as the SIG's 2A19 does.
    """
    level = percent(await read_optional(link, characteristic) or b"")
    return None if level is None else Charge(link.now(), level)


async def courtesy(operation: Awaitable[T]) -> T | None:
    """Await something that no step depends on, such as the setting of a clock, and return its result.

    None if the band refuses it, does not answer it, or answers nonsense. Raises `LinkLost`, and `NotAuthorised`, which
    its wearer can mend.
    """
    try:
        return await operation
    except (LinkLost, NotAuthorised):
        raise
    except DeviceError:
        return None


async def read_optional(link: Link, characteristic: str) -> bytes | None:
    """Read a value that no step depends on; None if the band does not have the characteristic, or refuses it.

    Raises `LinkLost` and `NoReply`, after which other reads fail too, and `NotAuthorised`, which its wearer can mend.
    """
    if not link.has(characteristic):
        return None
    try:
        return await link.read(characteristic)
    except (LinkLost, NoReply, NotAuthorised):
        raise
    except DeviceError:
        return None
