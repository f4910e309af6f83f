"""What the tests of every family must know about Colmi rings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from families.known import Family, Fuzz, Packet
from fuzz.talk import NOON, ZONE
from hipsync_devices.colmi import hours, packets


def _read(characteristic: str, data: bytes) -> None:
    if characteristic != packets.NOTIFY:
        return
    frame = packets.decode_frame(data)
    if frame.command == packets.STEPS:
        record = packets.steps_of(frame.payload)
        if isinstance(record, packets.StepsRecord):
            clock = hours.Clock(ZONE, NOON)
            hours.is_ahead([record], clock)
            hours.epochs(record.day, [record], hours.width_of([record]), clock, NOON - timedelta(hours=9), vouched=True)
    elif frame.command == packets.TOTALS:
        packets.Totals.decode(frame.payload)
    elif frame.command == packets.EVENT:
        packets.event_of(frame.payload)
    elif frame.command == packets.BATTERY:
        packets.Battery.decode(frame.payload)


def _kind(packet: Packet) -> object:
    return packet[1][:1]


def _rings(said: Sequence[Packet]) -> list[Packet]:
    """Return the frames that are decoded, with a battery event and step records of quarter hours, which are rare."""
    read = {packets.STEPS, packets.TOTALS, packets.EVENT, packets.BATTERY}
    records = [
        packets.StepsRecord(NOON.date(), slot, slot, packets.QUARTERS, 60, 10, 7) for slot in range(packets.QUARTERS)
    ]
    charge = bytes([packets.CHARGE]) + packets.Battery(21, charging=True).payload()[:-1]
    made = [*(packets.Frame(packets.STEPS, each.payload()) for each in records), packets.Frame(packets.EVENT, charge)]
    told = [packet for packet in said if packet[0] == packets.NOTIFY and packet[1][0] in read]
    return [*told, *((packets.NOTIFY, frame.encode()) for frame in made)]


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Return a frame of the usual length with a right checksum, so that decoders meet the damage inside it."""
    characteristic, data = packet
    return characteristic, packets.Frame(data[0], damage(data[1:15])[: packets.PAYLOAD]).encode()


FAMILY = Family(
    fuzz=Fuzz(
        _read,
        (
            "colmi.packets:steps_of",
            "colmi.packets:Totals.decode",
            "colmi.packets:event_of",
            "colmi.packets:Battery.decode",
        ),
        _rings,
        _sealed,
        _kind,
    ),
    omits_still=True,
    knows_no_zone=True,
    vouches_for_whole_days=True,
)
