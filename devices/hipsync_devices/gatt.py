"""The numbers of the Bluetooth SIG that several families use, as full UUIDs, and the reading of its string values.

Source: Bluetooth Assigned Numbers, section 3 (16-bit UUIDs).
"""

from __future__ import annotations

from hipsync.driver import Link


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

    None if the band does not have the characteristic, or if nothing in it is printable.
    """
    return text(await link.read(characteristic)) if link.has(characteristic) else None
