"""What the tests of every family must know about PineTimes with InfiniTime."""

from __future__ import annotations

from collections.abc import Sequence

from families.known import Family, Fuzz, Packet
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets


def _read(characteristic: str, data: bytes) -> None:
    if characteristic == packets.STEPS:
        packets.steps(data)
    elif characteristic == packets.BATTERY:
        gatt.percent(data)
    elif characteristic == packets.EVENT:
        packets.press(data)
    else:
        packets.firmware(data.decode(errors="replace"))


def _presses(said: Sequence[Packet]) -> list[Packet]:
    """Return the packets that are read as numbers, and one for each button, which nobody pressed."""
    told = [packet for packet in said if packet[0] in {packets.STEPS, packets.BATTERY}]
    return [*told, *((packets.EVENT, bytes([press])) for press in packets.Press)]


FAMILY = Family(
    fuzz=Fuzz(_read, ("infinitime.packets:steps", "gatt:percent", "infinitime.packets:press"), _presses),
    counters={packets.STEPS},
)
