"""Messages of either generation without frames and seal, for recordings and their replay.

::

    kind u8 | payload         kind: 0 a message, 1 a part of a file, which only the band sends
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from hipsync.driver import OPENED
from hipsync.errors import MalformedPacket
from hipsync_devices.xiaomi import packets
from hipsync_devices.xiaomi import protobuf as pb
from hipsync_devices.xiaomi.cipher import Keys
from hipsync_devices.xiaomi.packets import Message
from hipsync_devices.xiaomi.wire import Heard, Kind, Packet

KINDS = (Kind.MESSAGE, Kind.FILE)


def encode(kind: Kind, payload: bytes) -> bytes:
    """Return a message or a part of a file as a replay has it."""
    return bytes([KINDS.index(kind)]) + payload


def recorded(kind: Kind, payload: bytes) -> bytes:
    """Return a message or a part of a file as a recording has it.

    What a band says of itself (2/2: serial number, IMEI and more) is cut down to its firmware and its model.
    """
    if kind is Kind.MESSAGE:
        with suppress(MalformedPacket):
            message = Message.decode(payload)
            if message.id == packets.DEVICE:
                payload = packets.encode(message.id, _nameless(message))
    return encode(kind, payload)


def _nameless(message: Message) -> bytes:
    """Return the body of a band's words on itself without what tells bands apart; empty if it says nothing."""
    try:
        device = packets.Device.decode(message)
    except MalformedPacket:
        return b""
    told = [pb.blob(field, text) for field, text in ((2, device.firmware), (4, device.model)) if text]
    return pb.message(packets.SYSTEM, [pb.message(3, told)]) if told else b""


class WireOpened:
    """A connection that is opened already; a `hipsync_devices.xiaomi.wire.Wire`."""

    notifies = (OPENED,)
    device_type = 1
    begun = idle = True
    deadline: datetime | None = None

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self.out: list[Packet] = []

    def begin(self, now: datetime) -> None:
        """Do nothing, because the session has begun."""

    def late(self, now: datetime) -> None:
        """Do nothing, because nothing is awaited."""

    def say(self, message: bytes, now: datetime, *, sealed: bool = True) -> None:
        del now, sealed
        self.out.append(Packet(OPENED, encode(Kind.MESSAGE, message)))

    def hear(self, packet: Packet, now: datetime) -> Sequence[Heard]:
        del now
        if packet.data[:1] not in {b"\0", b"\1"}:
            raise MalformedPacket("no opened message", packet.data)
        return [Heard(KINDS[packet.data[0]], packet.data[1:], sealed=True)]
