"""What the tests of every family must know about Lefun bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from families.known import Family, Fuzz, Packet
from hipsync_devices import gatt
from hipsync_devices.lefun import packets


def _read(characteristic: str, data: bytes) -> None:
    if characteristic != packets.NOTIFY:
        return
    frame = packets.Frame.decode(data)
    if frame.command == packets.TOTAL:
        packets.Total.decode(frame.params)
    elif frame.command == packets.ACTIVITY:
        packets.Record.decode(frame.params)
    elif frame.command == packets.TEXT:
        packets.Piece.decode(frame.params)
    elif frame.command == packets.BATTERY:
        gatt.percent(frame.params)
    elif frame.command == packets.INFO:
        packets.Info.decode(frame.params)


def _kind(packet: Packet) -> object:
    return packet[1][2:3]


def _frames(said: Sequence[Packet]) -> list[Packet]:
    """Return the frames that are decoded, with the pieces of a text, which only a band decodes."""
    read = {packets.TOTAL, packets.ACTIVITY, packets.BATTERY, packets.INFO}
    texts = [packets.Frame(packets.TEXT, piece.encode()).encode() for piece in packets.pieces("Stand up: " * 5)]
    told = [packet for packet in said if packet[0] == packets.NOTIFY and packet[1][2] in read]
    return [*told, *((packets.NOTIFY, text) for text in texts)]


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    frame = packets.Frame.decode(data)
    return characteristic, frame._replace(params=damage(frame.params)[: packets.LONGEST - packets.SHORTEST]).encode()


FAMILY = Family(
    fuzz=Fuzz(
        _read,
        (
            "lefun.packets:Total.decode",
            "lefun.packets:Record.decode",
            "lefun.packets:Piece.decode",
            "gatt:percent",
            "lefun.packets:Info.decode",
        ),
        _frames,
        _sealed,
        _kind,
    ),
    omits_still=True,
    knows_no_zone=True,
    stored_coarser=True,  # it sends half hours, and whole hours are stored
)
