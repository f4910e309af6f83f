"""What the tests of every family must know about FitPro bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC

from families.known import Family, Fuzz, Packet
from fuzz.talk import NOON
from hipsync_devices.fitpro import packets, slots


def _read(characteristic: str, data: bytes) -> None:
    if characteristic != packets.NOTIFY:
        return
    frame = packets.decode_frame(data)
    if isinstance(frame, packets.Data) and frame.group == packets.HISTORY:
        answer = slots.Answer(NOON, UTC)
        if frame.command == packets.STEPS:
            answer.packet(packets.Steps.decode(frame.payload))
            answer.completed()
        elif frame.command == packets.TOTALS:
            answer.total(packets.Total.decode(frame.payload))
        elif frame.command == packets.SLEEP:
            packets.Sleep.decode(frame.payload)
        elif frame.command == packets.HEART:
            packets.Heart.decode(frame.payload)


def _frames(said: Sequence[Packet]) -> list[Packet]:
    """Return whole frames, joined from the pieces in which they were notified."""
    frames: list[Packet] = []
    held = b""
    for characteristic, data in said:
        if characteristic == packets.NOTIFY:
            held += data
            if packets.frame_size(held) == len(held):
                frames.append((characteristic, held))
                held = b""
    return frames


def _kind(packet: Packet) -> object:
    """Return the command of a history frame, or None for every other packet."""
    data = packet[1]
    return data[5] if data[:1] == bytes([packets.DATA]) and data[3:4] == bytes([packets.HISTORY]) else None


def _histories(said: Sequence[Packet]) -> list[Packet]:
    """Return what was recorded, days cut short, and measurements, which the simulated band does not make."""
    frames = _frames(said)
    heart = packets.Heart(NOON.date(), (packets.Pulse(3600, 98, (120, 80), 61),))
    payloads = [
        (packets.SLEEP, packets.Sleep(NOON.date(), ((60, 1), (120, 2))).encode()),
        (packets.HEART, heart.encode()),
    ]
    for _, data in frames:
        frame = packets.decode_frame(data)
        if isinstance(frame, packets.Data) and (frame.group, frame.command) == (packets.HISTORY, packets.STEPS):
            day = packets.Steps.decode(frame.payload)
            payloads += [
                (packets.STEPS, packets.Steps(day.day, day.slots[:size]).encode()) for size in range(len(day.slots))
            ]
    total = packets.Total(NOON.date(), 4321)
    payloads += [(packets.TOTALS, replace(total, steps=steps).encode()) for steps in (0, 1, 999)]
    return [*frames, *((packets.NOTIFY, packets.Data(packets.HISTORY, *payload).encode()) for payload in payloads)]


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    return characteristic, packets.Data(data[3], data[5], damage(data[8:])).encode() if data[
        0
    ] == packets.DATA else data


FAMILY = Family(
    fuzz=Fuzz(
        _read,
        tuple(f"fitpro.packets:{kind}.decode" for kind in ("Steps", "Sleep", "Heart", "Total")),
        _histories,
        _sealed,
        _kind,
    ),
    omits_still=True,
)
