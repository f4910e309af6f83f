"""What the tests of every family must know about sensors with the Bluetooth SIG's standard services."""

from __future__ import annotations

from collections.abc import Sequence

from families.known import Family, Fuzz, Packet
from hipsync_devices import gatt
from hipsync_devices.sig import packets


def _read(characteristic: str, data: bytes) -> None:
    if characteristic == gatt.HEART_RATE_MEASUREMENT:
        packets.HeartRate.decode(data)
    elif characteristic == packets.RSC_MEASUREMENT:
        packets.Pace.decode(data)
    elif characteristic == packets.BATTERY_LEVEL:
        gatt.percent(data)


def _measurements(said: Sequence[Packet]) -> list[Packet]:
    read = {gatt.HEART_RATE_MEASUREMENT, packets.RSC_MEASUREMENT, packets.BATTERY_LEVEL}
    return [packet for packet in said if packet[0] in read]


FAMILY = Family(
    fuzz=Fuzz(_read, ("sig.packets:HeartRate.decode", "sig.packets:Pace.decode", "gatt:percent"), _measurements)
)
