"""What a HiChain band wants to hear once after a reset, and what it asks of a phone.

A band that is fresh from a reset stays on its "pair" screen until the client has sent these messages and has gone on
answering for some 20 seconds. Source: docs/protocols/huawei.md, 4.6; one public client on a Band 11 Pro, another on a
Band 10. Classic bands need none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hipsync.errors import MalformedPacket
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.frames import Message
from hipsync_devices.huawei.packets import OK, PERMISSION, PHONE_INFO, result
from hipsync_devices.huawei.tlv import Fields

SETTINGS, AGREEMENTS, LAST_WORD, ACTIVATE = (0x01, 0x31), (0x01, 0x30), (0x01, 0x3E), (0x01, 0x3F)
ASK_SETTINGS = tlv.encode(*((tag, b"") for tag in range(1, 7)))
ACTIVE = tlv.encode((0x01, bytes.fromhex("fdf7737a")))
QUIET, SHORTEST, LONGEST = timedelta(seconds=12), timedelta(seconds=20), timedelta(seconds=45)
"""How long to go on answering: until the band has been silent for `QUIET`, within these bounds."""
AGREED = ("device_information_management", "user_license_agreement")
GRANTED = 1
ACCEPTED = frozenset({(0x1A, 0x03), (0x1A, 0x04), (0x1A, 0x06)})
"""Messages of the band that want no more than OK."""
PHONE: Mapping[int, bytes | None] = {
    0x00: None, 0x0F: None, 0x02: b"", 0x04: b"", 0x15: b"", 0x08: b"14", 0x11: (1_600_008_300).to_bytes(4, "big"),
}  # fmt: skip
"""What is answered to a question about the phone, by tag; None is left out, and any other tag gets a zero."""


def agreements(now: datetime) -> bytes:
    """Return the body that says that the wearer has agreed to the maker's terms, dated as clients date it (01/30)."""
    stamp = str(int(now.timestamp() * 1000)).encode()
    blocks = (
        tlv.encode((0x82, tlv.encode((3, name.encode()), (4, b"\1"), (5, b"20230508-20230508-0-0"), (6, stamp))))
        for name in AGREED
    )
    return tlv.encode((0x81, b"".join(blocks)))


def last_word(name: str) -> bytes:
    """Return the body that ends the setup of a band with this name; the band never answers it (01/3E)."""
    return tlv.encode((0x01, b"\1"), (0x02, name.encode()), (0x03, b"\0"))


def reply_to(message: Message) -> bytes | None:
    """Return the body that answers what a band asks; None if it is not to be answered.

    A result is never answered, and most of what comes unasked is not: some bands repeat at once what is answered.
    Raises `MalformedPacket` for a question that cannot be read.
    """
    fields = Fields.decode(message.body)
    if fields.find(0x7F) is not None:
        return None
    if message.what == PHONE_INFO:
        told = {tag: PHONE.get(tag, b"\0") for tag, _ in fields.held}
        return tlv.encode(*((tag, value) for tag, value in told.items() if value is not None))
    if message.what == PERMISSION:
        wanted = fields.value(0x01)
        if len(wanted) != 2:
            raise MalformedPacket("a permission has two bytes", message.body)
        return tlv.encode((0x01, wanted), (0x02, GRANTED.to_bytes(2, "big")))
    return result(OK) if message.what in ACCEPTED else None
