"""What the tests of every family must know about Xiaomi bands of both generations."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Sequence

from families.known import Family, Fuzz, Kind, Packet
from fuzz.talk import KEY
from hipsync.errors import DeviceError
from hipsync.model import WorkoutKind
from hipsync_devices.xiaomi import files, login, nights, packets, sim_files, v1, v2, workouts
from hipsync_devices.xiaomi.files import FileId, What
from hipsync_devices.xiaomi.packets import Message
from hipsync_devices.xiaomi.sim import SmartBand8
from hipsync_devices.xiaomi.v2 import Frame, Stream

MESSAGE, FILE = "a message, opened", "a file, whole"
STREAM = "the stream of frames"
ANSWERS: dict[packets.Id, Callable[[Message], object]] = {
    packets.BATTERY: packets.Battery.decode,
    packets.DEVICE: packets.Device.decode,
    packets.STATE: packets.State.decode,
    packets.EVENT: packets.State.decode_event,
    packets.LIVE: packets.decode_live,
    packets.WORKOUT: packets.decode_workout_ended,
    packets.TODAY: packets.decode_ids,
    packets.PAST: packets.decode_ids,
    packets.CONFIRM: login.confirmed,
}


def _read(characteristic: str, data: bytes) -> None:
    if characteristic == MESSAGE:
        _read_message(data)
    elif characteristic == FILE:
        _read_file(data)
    elif characteristic in {v2.TO_PHONE, STREAM}:
        for frame in Stream().take(data):
            if frame.kind == v2.SESSION:
                v2.Session.decode(frame.payload)
    else:
        v1.decode(data)


def _read_message(data: bytes) -> None:
    message = Message.decode(data)
    if message.id == packets.NONCE:
        login.agreed(KEY, bytes(16), message)
    elif message.id in ANSWERS:
        ANSWERS[message.id](message)


def _read_file(data: bytes) -> None:
    id_ = FileId.decode(data[:7])
    body = files.body_of(data, id_)
    if id_.what is What.MINUTES:
        files.decode_minutes(id_, body)
    elif id_.what is not None:
        list(nights.decode_night(id_, body).asleep())
    elif id_.is_workout:
        workouts.decode_workout(id_, body)


def _whole(said: Sequence[Packet]) -> list[Packet]:
    """Return the frames and packets as they came, and one of each kind of message and file, opened.

    A conversation's own messages are encrypted, so these are written out here as a band writes them.
    """
    return [*said[:50], *((MESSAGE, bytes.fromhex(text)) for text in MESSAGES), *((FILE, file) for file in FILES)]


MESSAGES = (
    (
        "0801101a1a37fa01340a10101112131415161718191a1b1c1d1e1f1220"
        "1e256c28d3cf6309487c499ff2b7381f3f67298718a8336dbddaa486e4f9333e"
    ),
    "0801101b1a098a0206080110bcc211",
    "08021001220812060a0408551002",
    "08021002221c1a1a0a04534e2d311207322e332e3135311a0022074d323433354231",
    "0802104e220b8203080800105518012000",
    "0802104f22058a03021002",
    "0808102f5210ba020d08e72410781800204828033005",
    "080810015217121590ac686904030090ac6869040401002e6869040520",
    "0808101a521ca2011908c0d0f2c30612020810180720002a0740a87c6808089d3002",
)
"""Answers and events from `vectors/xiaomi.json` (areas login and answer) and `workouts.json`."""
FILES = (
    bytes.fromhex(
        "90ac686904030000feecccfcc00000400000003d00000000ff110083200c004d00000c611f700086405100662cff1c6228a040cc8082008c"
        "2bfe3000ff850300800000000000000000ffff3f40000000ff00000000ff3821b02d"
    ),
    sim_files.night(1768431600, [(1, 210), (2, 60), (3, 90), (0, 15)], 4, records=True)[1],
    sim_files.night(1768431600, [(1, 210), (2, 60), (3, 90), (0, 15)], 4, records=False)[1],
    sim_files.workout(WorkoutKind.CYCLING, 1_750_000_000, 1_750_001_800, 8)[1],
)
"""Minutes from `vectors/xiaomi.json` (day-v3-full), and what a simulated band writes."""


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Damage the inside of a file or a frame, and make its checksum right again."""
    kind, data = packet
    if kind == FILE:
        inside = data[:8] + damage(data[8:-4])
        return FILE, inside + zlib.crc32(inside).to_bytes(4, "little")
    if kind in {v2.TO_PHONE, STREAM}:
        with contextlib.suppress(DeviceError):
            for frame in Stream().take(data):
                return STREAM, Frame(frame.kind, frame.number, damage(frame.payload)).encode()
    return kind, damage(data)


FUZZ = Fuzz(
    _read,
    (
        "xiaomi.files:decode_minutes", "xiaomi.nights:decode_night", "xiaomi.workouts:decode_workout",
        "xiaomi.packets:Message.decode", "xiaomi.packets:Battery.decode", "xiaomi.packets:State.decode",
        "xiaomi.packets:decode_ids", "xiaomi.packets:decode_live", "xiaomi.login:agreed",
    ),
    _whole, _sealed,
)  # fmt: skip
FAMILY = Family(
    fuzz=FUZZ,
    kinds={"Smart Band 8": Kind(SmartBand8, FUZZ)},
    tells_workouts=True,
    streams={v2.TO_PHONE, v2.TO_BAND},
)
