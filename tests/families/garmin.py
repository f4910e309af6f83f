"""What the tests of every family must know about Garmin's watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from families.known import Family, Fuzz, Packet
from fuzz.talk import NOON
from hipsync_devices.garmin import (
    answers,
    cobs,
    files,
    live,
    minutes,
    monitoring,
    multilink,
    notifications,
    smart,
    workouts,
)
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind
from hipsync_devices.garmin.multilink import Number, Registered, Status
from hipsync_devices.garmin.sim_fit import checksum

CONTROL, STEPS, HEART, FRAME, FILE, DIRECTORY = "control", "steps", "heart rate", "frame", "a file", "the directory"
HEAD = 14
"""How many bytes of a file are its head."""


def _read(what: str, data: bytes) -> None:
    if what == CONTROL:
        multilink.decode_control(data)
    elif what == STEPS:
        live.Steps.decode(data)
    elif what == HEART:
        live.HeartRate.decode(data)
    elif what == DIRECTORY:
        files.decode_directory(data)
    elif what == FILE:
        workouts.decode(data)
        told = monitoring.decode(data)
        if told is not None:
            minutes.readings(told, NOON)
    else:
        _frame(Frame.decode(data))


def _frame(frame: Frame) -> None:
    if frame.kind == Kind.ANSWER:
        answer = Answer.decode(frame.payload)
        if answer.kind == Kind.DOWNLOAD:
            files.announced(answer)
    elif frame.kind == Kind.FILE_DATA:
        files.Download(len(frame.payload)).take(files.Piece.decode(frame.payload))
    elif frame.kind == Kind.PROTOBUF_RESPONSE:
        message = smart.Assembly().take(smart.Piece.decode(frame.payload))
        smart.decode_battery(message or b"")
        smart.decode_find(message or b"")
    elif frame.kind == Kind.NOTIFICATION_CONTROL:
        notifications.decode_control(frame.payload)
    else:
        for reply in answers.answer(frame, NOON, NOON - NOON):
            reply.encode()


def _frames(said: Sequence[Packet]) -> list[Packet]:
    """Return what came on each handle, the files that were put together from it, and each frame of GFDI."""
    services: dict[int, int] = {}
    stream, found = cobs.Stream(), list[Packet]()
    for _, data in said:
        if data[0] == multilink.CONTROL:
            found.append((CONTROL, data))
            told = multilink.decode_control(data)
            if isinstance(told, Registered) and told.status == Status.OK:
                services[told.handle] = told.service
        elif services.get(data[0]) == Number.STEPS:
            found.append((STEPS, data[1:]))
        elif services.get(data[0]) == Number.HEART_RATE:
            found.append((HEART, data[1:]))
        else:
            found += [(FRAME, held) for held in stream.take(data[1:])]
    return found + list(_files([Frame.decode(held) for what, held in found if what == FRAME]))


def _files(frames: Sequence[Frame]) -> Iterator[Packet]:
    held = b""
    for frame in frames:
        if frame.kind == Kind.ANSWER and Answer.decode(frame.payload).kind == Kind.DOWNLOAD:
            if held:
                yield (FILE if held[8:12] == b".FIT" else DIRECTORY), held
            held = b""
        elif frame.kind == Kind.FILE_DATA:
            held += files.Piece.decode(frame.payload).data
    if held:
        yield (FILE if held[8:12] == b".FIT" else DIRECTORY), held


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Damage what is inside a frame or a file, and make its length and checksum right again."""
    what, data = packet
    if what == FRAME:
        frame = Frame.decode(data)
        return what, frame._replace(payload=damage(frame.payload)).encode()
    if what != FILE:
        return what, damage(data)
    body = damage(data[HEAD:-2])
    head = data[:4] + len(body).to_bytes(4, "little") + data[8:12]
    whole = head + checksum(head).to_bytes(2, "little") + body
    return what, whole + checksum(whole).to_bytes(2, "little")


def _kind(packet: Packet) -> object:
    what, data = packet
    return (what, data[2:4], Frame.decode(data).payload[:2]) if what == FRAME else what


FAMILY = Family(
    fuzz=Fuzz(
        _read,
        (
            "garmin.multilink:decode_control", "garmin.live:Steps.decode", "garmin.live:HeartRate.decode",
            "garmin.gfdi:Device.decode", "garmin.gfdi:decode_capabilities", "garmin.gfdi:Answer.decode",
            "garmin.gfdi:reference", "garmin.files:Piece.decode", "garmin.files:decode_directory",
            "garmin.smart:Piece.decode", "garmin.notifications:decode_control", "garmin.fit:file_id",
        ),
        _frames, _sealed, _kind,
    ),
    tells_runs=True,
    tells_workouts=True,
    streams=multilink.LANES[0][:1],
)  # fmt: skip
