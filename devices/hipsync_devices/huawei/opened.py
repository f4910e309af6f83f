"""Messages of a Huawei or Honor band without frames and seal, for recordings and their replay.

::

    service u8 | command u8 | body
"""

from __future__ import annotations

from hipsync.errors import MalformedPacket
from hipsync_devices.huawei import packets, tlv
from hipsync_devices.huawei.frames import Message

KEPT = frozenset({0x03, 0x07, 0x0A})
"""What a recording keeps of what a band says of itself (01/07): hardware, firmware and model. It also tells its serial
number, its address and its name."""


def encode(what: tuple[int, int], body: bytes) -> bytes:
    """Return a message as a replay has it."""
    return bytes(what) + body


def decode(opened: bytes) -> Message:
    """Return the message that a recording holds. Raises `MalformedPacket`."""
    if len(opened) < 2:
        raise MalformedPacket("no message of a recording", opened)
    return Message(opened[0], opened[1], opened[2:])


def recorded(what: tuple[int, int], body: bytes) -> bytes:
    """Return a message as a recording has it: of what a band says of itself, without what tells bands apart."""
    if what != packets.PRODUCT:
        return encode(what, body)
    try:
        fields = tlv.Fields.decode(body)
    except MalformedPacket:
        return encode(what, b"")
    told = [(each.tag, each.value if each.tag in KEPT else bytes(len(each.value))) for each in fields.held]
    return encode(what, tlv.encode(*told))
