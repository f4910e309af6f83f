"""What the tests of every family must know about Mi Bands and Amazfits of both generations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from families.known import Family, Fuzz, Kind, Packet
from fuzz.talk import NOON
from hipsync.errors import DeviceError
from hipsync_devices.huami import chunked, endpoints
from hipsync_devices.huami import packets as huami
from hipsync_devices.huami.sim_2021 import MiBand6, MiBand7
from hipsync_devices.huami.sim_zepp import ActiveMax

ROUND = "a round: its checksum, and its records"


def _read_classic(characteristic: str, data: bytes) -> None:
    if characteristic == ROUND:
        if huami.checksum(data[4:]) == data[:4]:  # else the driver asks again
            huami.decode_records(data[4:], 8, NOON)
    elif characteristic == huami.BATTERY:
        huami.Battery.decode(data)
    elif characteristic == huami.REALTIME_STEPS:
        huami.RealtimeSteps.decode(data)
    elif characteristic in {huami.FETCH, huami.AUTHENTICATION}:
        reply = huami.Reply.decode(data)
        if reply.operation == huami.START and reply.status == huami.SUCCESS:
            huami.Round.decode(reply.payload)


def _rounds(said: Sequence[Packet]) -> list[Packet]:
    records = b"".join(data[1:] for characteristic, data in said if characteristic == huami.DATA)
    rounds = [records[at : at + 8 * size] for size in (1, 5, 60) for at in range(0, len(records), 8 * size)]
    others = [packet for packet in said if packet[0] in {huami.FETCH, huami.BATTERY, huami.REALTIME_STEPS}]
    return [*others, *((ROUND, huami.checksum(records) + records) for records in rounds)]


def _classic_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    if characteristic != ROUND:
        return characteristic, damage(data)
    records = damage(data[4:])
    return ROUND, huami.checksum(records) + records


CHUNK = "a message in one chunk"
KEYS = chunked.Keys(bytes(range(16)), 7)
ROOM = 4096


def _read_newer(characteristic: str, data: bytes) -> None:
    if characteristic != CHUNK:
        _read_classic(characteristic, data)
        return
    chunked.receipt_for(data)
    heard = chunked.Assembly()
    heard.keys = KEYS
    message = heard.take(data)
    if message is not None:
        match message.endpoint:
            case endpoints.LOGIN:
                endpoints.Challenge.decode(message.payload)
            case endpoints.SERVICES:
                endpoints.decode_services(message.payload)
            case endpoints.BATTERY:
                endpoints.decode_battery(message.payload)
            case endpoints.STEPS:
                endpoints.decode_steps(message.payload)
            case _:
                pass


def _messages(said: Sequence[Packet]) -> list[Packet]:
    """Return each message bare and encrypted, and the rounds of records as for a classic band."""
    heard, packets = chunked.Assembly(), _rounds([packet for packet in said if packet[0] != chunked.TO_PHONE])
    for characteristic, data in said:
        with contextlib.suppress(DeviceError):
            if characteristic == chunked.TO_PHONE and (message := heard.take(data)) is not None:
                packets += [(CHUNK, _chunk(message, seal=seal)) for seal in (False, True)]
    return packets


def _chunk(message: chunked.Message, *, seal: bool) -> bytes:
    return chunked.encode(replace(message, encrypted=seal), ROOM, KEYS)[0]


def _newer_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    if packet[0] != CHUNK:
        return _classic_sealed(packet, damage)
    heard = chunked.Assembly()
    heard.keys = KEYS
    message = heard.take(packet[1])
    if message is None:
        raise AssertionError("a message that is whole")
    return CHUNK, _chunk(replace(message, payload=damage(message.payload)), seal=message.encrypted)


CLASSIC = Fuzz(
    _read_classic,
    ("huami.packets:decode_records", "huami.packets:Round.decode", "huami.packets:Battery.decode",
     "huami.packets:RealtimeSteps.decode"),
    _rounds, _classic_sealed,
)  # fmt: skip
NEWER = Fuzz(
    _read_newer,
    ("huami.packets:decode_records", "huami.packets:Round.decode", "huami.endpoints:Challenge.decode",
     "huami.endpoints:decode_services", "huami.endpoints:decode_battery"),
    _messages, _newer_sealed,
)  # fmt: skip
ZEPP = replace(NEWER, innermost=(*NEWER.innermost, "huami.endpoints:decode_steps"))
FAMILY = Family(
    fuzz=CLASSIC,
    kinds={"Mi Band 6": Kind(MiBand6, NEWER), "Mi Band 7": Kind(MiBand7, NEWER), "Active Max": Kind(ActiveMax, ZEPP)},
)
