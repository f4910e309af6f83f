"""What the tests of every family must know about Garmin's watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from families.known import Family, Fuzz, Packet
from families.known import Kind as BandKind
from fuzz.talk import NOON
from hipsync.driver import Session
from hipsync.errors import MalformedPacket
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
from hipsync_devices.garmin.cipher import Seal
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind
from hipsync_devices.garmin.login import Login
from hipsync_devices.garmin.multilink import Number, Registered, Status
from hipsync_devices.garmin.sim import UnbondedWatch
from hipsync_devices.garmin.sim_fit import checksum

CONTROL, STEPS, HEART, FRAME, FILE, DIRECTORY, SEALED = (
    "control", "steps", "heart rate", "frame", "a file", "the directory", "a sealed frame"
)  # fmt: skip
HEAD = 14
"""How many bytes of a file are its head."""
KEY, MARK = bytes(range(16)), bytes(4)


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
            minutes.readings(told)
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
    found = _packets(said)
    return found + list(_files([Frame.decode(held) for what, held in found if what == FRAME]))


def _packets(said: Sequence[Packet]) -> list[Packet]:
    """Return what came on each handle, and each frame of GFDI."""
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
    return found


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
    if what == SEALED:
        return what, Seal(KEY, MARK, MARK).seal(damage(Seal(KEY, MARK, MARK).open(data)))
    if what != FILE:
        return what, damage(data)
    body = damage(data[HEAD:-2])
    head = data[:4] + len(body).to_bytes(4, "little") + data[8:12]
    whole = head + checksum(head).to_bytes(2, "little") + body
    return what, whole + checksum(whole).to_bytes(2, "little")


def _kind(packet: Packet) -> object:
    what, data = packet
    return (what, data[2:4], Frame.decode(data).payload[:2]) if what == FRAME else what


LOGIN: Mapping[int, bytes] = {
    Kind.AUTHENTICATION: bytes.fromhex("0001000000"),
    Kind.PAIRING: bytes.fromhex("001e00000001"),
    Kind.LONG_TERM_KEY: bytes(33),
    Kind.SESSION_KEY: bytes(8),
    Kind.VERIFICATION: bytes(25),
    Kind.SECURE_SESSION: bytes(16),
}
"""A message of each kind of the watch's own login, whose bytes differ in every conversation."""


def _read_login(what: str, data: bytes) -> None:
    if what == SEALED:
        Seal(KEY, MARK, MARK).open(data)
    elif what == FRAME and (frame := Frame.decode(data)).kind in LOGIN:
        session = Session(secret=KEY, pairing=True, address="C0:00:00:00:00:01")
        told = Login(session, bytes)
        told.hear(Frame(Kind.PAIRING, LOGIN[Kind.PAIRING]))
        told.hear(Frame(Kind.SESSION_KEY, LOGIN[Kind.SESSION_KEY]))
        told.hear(frame)
        told.answered(Answer(Kind.CONFIRM, rest=frame.payload))
    else:
        _read(what, data)


def _login_frames(said: Sequence[Packet]) -> list[Packet]:
    """Return what came on each handle before the messages were sealed, one of each kind of the login, and a sealed one.

    The sealed ones are under a key that nobody knows.
    """
    plain: list[Packet] = []
    for each in _packets(said):
        if each[0] == FRAME:
            try:
                Frame.decode(each[1])
            except MalformedPacket:
                continue
        plain.append(each)
    login = [(FRAME, Frame(kind, payload).encode()) for kind, payload in LOGIN.items()]
    return [*plain, *login, (SEALED, Seal(KEY, MARK, MARK).seal(Frame(Kind.CONFIGURATION, b"\1\0").encode()))]


INNERMOST = (
    "garmin.multilink:decode_control", "garmin.live:Steps.decode", "garmin.live:HeartRate.decode",
    "garmin.gfdi:Device.decode", "garmin.gfdi:decode_capabilities", "garmin.gfdi:Answer.decode",
    "garmin.gfdi:reference", "garmin.files:Piece.decode", "garmin.files:decode_directory",
    "garmin.smart:Piece.decode", "garmin.notifications:decode_control", "garmin.fit:file_id",
)  # fmt: skip
OF_LOGIN = (
    "garmin.authentication:algorithms", "garmin.authentication:Begin.decode", "garmin.authentication:share",
    "garmin.authentication:verified", "garmin.authentication:Secure.decode", "garmin.cipher:Seal.open",
)  # fmt: skip
FAMILY = Family(
    fuzz=Fuzz(_read, INNERMOST, _frames, _sealed, _kind),
    kinds={
        "own login": BandKind(UnbondedWatch, Fuzz(_read_login, INNERMOST + OF_LOGIN, _login_frames, _sealed, _kind)),
    },
    tells_runs=True,
    tells_workouts=True,
    streams=multilink.LANES[0][:1],
)  # fmt: skip
