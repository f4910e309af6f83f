"""What the tests of every family must know about MoYoung watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from families.known import Family, Fuzz, Packet
from hipsync_devices import gatt
from hipsync_devices.moyoung import packets


def _read(characteristic: str, data: bytes) -> None:
    if characteristic == packets.STEPS:
        packets.Today.decode(data)
    elif characteristic == packets.BATTERY:
        gatt.percent(data)
    elif characteristic == packets.REPLIES:
        _, frame = packets.taken(b"", data)
        if frame is not None:
            packets.Buckets.decode(frame)


def _frames(said: Sequence[Packet]) -> list[Packet]:
    """Return the packets with hourly buckets added, with which few watches are known to answer."""
    return [*said, *((packets.REPLIES, packets.Buckets(part, tuple(range(24))).frame().packet()) for part in range(4))]


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    if characteristic != packets.REPLIES:
        return characteristic, damage(data)
    return characteristic, packets.Frame(data[4], damage(data[5:])).packet()


FAMILY = Family(
    fuzz=Fuzz(_read, ("moyoung.packets:Today.decode", "moyoung.packets:Buckets.decode"), _frames, _sealed),
    counters={packets.STEPS},
)
