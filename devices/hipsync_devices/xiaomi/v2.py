"""Frames of the second generation (Smart Band 9 Active, 9, 10, 10 Pro): a stream of bytes each way, with numbers.

::

    a5a5 | kind u8 | number u8 | length u16 | CRC-16/ARC of the payload u16 | payload          little-endian
    kind     low half: 0 not taken, 1 receipt, 2 session, 3 data; bit 4: without a number, and never acknowledged
    session  opcode u8 (1 start, 2 started, 3 stop, 4 stopped), then key u8, length u16, value
    data     channel u8 (1 messages, 2 and 5 files) | opcode u8 (1 plain, 2 encrypted) | body

A frame is cut into packets anywhere, and two may share one. Every numbered frame of data is acknowledged at once, with
its number, whatever it holds; without that the band repeats, and begins anew after some seconds. The session has no
number of its own: the first data of either side has 0. A band takes no more than its window of frames unacknowledged.

Source: recordings (OPlusBridge), Gadgetbridge and AstroBox, run for `tests/vectors/xiaomi.json` (areas v2-frame and
session-v2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from struct import Struct

from hipsync.errors import MalformedPacket, NoReply
from hipsync_devices.gatt import uuid16
from hipsync_devices.xiaomi.cipher import Keys
from hipsync_devices.xiaomi.wire import Heard, Kind, Packet

TO_PHONE, TO_BAND = uuid16(0x005E), uuid16(0x005F)
MAGIC = b"\xa5\xa5"
NAK, ACK, SESSION, DATA = 0, 1, 2, 3
UNNUMBERED = 0x10
MESSAGES, BULK, FILES = 1, 2, 5
PLAIN, SEALED = 1, 2
START_SESSION, SESSION_STARTED = 1, 2
WINDOW, TIMEOUT = 3, 4
OURS = (
    bytes([START_SESSION])
    + bytes.fromhex("01 0300 010000")
    + bytes.fromhex("02 0200 00fc")
    + bytes.fromhex("03 0200 2000")
    + bytes.fromhex("04 0200 1027")
)
"""The session that Mi Fitness asks for, as recorded: version 1.0.0, packets up to 64512, a window of 32, 10 s."""
MOST_WINDOW = 3
"""The most frames that we leave unacknowledged: the window that bands state, which none has been seen to exceed."""
AGAIN = timedelta(seconds=10)
"""How long to wait for a receipt before a frame is sent again, as our session says."""
TRIES = 3
MOST_DAMAGED = 16
"""How many frames with a wrong CRC one connection survives; a checksum of 64 KiB takes a while, so there is an end."""
_HEAD = Struct("<2sBBHH")
_TLV = Struct("<BH")


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of some bytes: reflected, polynomial 8005, from 0, without a final xor."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC = tuple(map(_row, range(256)))


# ------------------------------------------------------------------ frames


@dataclass(frozen=True, slots=True)
class Frame:
    kind: int
    """`NAK`, `ACK`, `SESSION` or `DATA`."""
    number: int
    payload: bytes = b""
    numbered: bool = True

    def encode(self) -> bytes:
        kind = self.kind | (0 if self.numbered else UNNUMBERED)
        return _HEAD.pack(MAGIC, kind, self.number, len(self.payload), crc16(self.payload)) + self.payload


class Stream:
    """Finds the frames in the bytes that a band sends, however they are cut.

    Bytes that belong to no frame, and a frame of a strange kind or whose CRC is wrong, are passed over: the search goes
    on behind the first bytes of what was taken for a frame. Bluetooth damages nothing, so a stream with many such
    frames comes from no band, and raises `MalformedPacket`.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._damaged = 0

    def take(self, data: bytes) -> Iterator[Frame]:
        self._bytes += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        while True:
            at = self._bytes.find(MAGIC)
            if at < 0:
                del self._bytes[: len(self._bytes) - self._bytes.endswith(MAGIC[:1])]
                return None
            del self._bytes[:at]
            if len(self._bytes) < _HEAD.size:
                return None
            _, kind, number, length, crc = _HEAD.unpack_from(self._bytes)
            if kind & ~UNNUMBERED > DATA:
                del self._bytes[:1]
                continue
            end = _HEAD.size + length
            if len(self._bytes) < end:
                return None
            payload = bytes(self._bytes[_HEAD.size : end])
            if crc16(payload) == crc:
                del self._bytes[:end]
                return Frame(kind & 0x0F, number, payload, not kind & UNNUMBERED)
            self._damaged += 1
            if self._damaged > MOST_DAMAGED:
                raise MalformedPacket("frames with wrong checksums", payload)
            del self._bytes[: len(MAGIC)]


@dataclass(frozen=True, slots=True)
class Session:
    """What one side says of the session; what it does not say is None."""

    opcode: int
    window: int | None = None
    timeout: timedelta | None = None

    @classmethod
    def decode(cls, payload: bytes) -> Session:
        """Decode a session frame's payload; keys that nobody knows are passed over. Raises `MalformedPacket`."""
        if not payload:
            raise MalformedPacket("a session without a word", payload)
        found: dict[int, int] = {}
        at = 1
        while at < len(payload):
            if at + _TLV.size > len(payload):
                raise MalformedPacket("a session that breaks off", payload)
            key, length = _TLV.unpack_from(payload, at)
            at += _TLV.size + length
            if at > len(payload):
                raise MalformedPacket("a session that breaks off", payload)
            found[key] = int.from_bytes(payload[at - length : at], "little")
        timeout = found.get(TIMEOUT)
        short = None if timeout is None else timedelta(milliseconds=min(timeout, 60_000))
        return cls(payload[0], found.get(WINDOW), short)


# ------------------------------------------------------------------ the wire


class WireV2:
    """The frames of one connection with a band of the second generation; a `hipsync_devices.xiaomi.wire.Wire`."""

    notifies = (TO_PHONE,)
    device_type = 1
    """iOS, which reaches these bands by BLE alone: one that is told "Android" may expect classic Bluetooth."""

    def __init__(self, write_size: int) -> None:
        self.keys: Keys | None = None
        self.begun = False
        self._size = write_size
        self._stream = Stream()
        self.out: list[Packet] = []
        self._window = MOST_WINDOW
        self.number = 0
        """The number of the next frame of data to the band."""
        self._queue: deque[Frame] = deque()
        """What was said and not sent yet, because the window is full or the session has not begun."""
        self._sent: deque[Frame] = deque()
        """What was sent and is not acknowledged yet."""
        self._since: datetime | None = None
        self._tries = 0
        self.expected = 0
        """The number of the next frame of data from the band."""
        self._ahead: set[int] = set()
        """The numbers of frames that came too early and were dropped, while the expected one is awaited."""

    @property
    def idle(self) -> bool:
        return not self._queue and not self._sent

    @property
    def deadline(self) -> datetime | None:
        return None if self._since is None else self._since + AGAIN

    def begin(self, now: datetime) -> None:
        self._put(Frame(SESSION, 0, OURS))
        self._since = now

    def say(self, message: bytes, now: datetime, *, sealed: bool = True) -> None:
        if sealed:
            if self.keys is None:
                raise ValueError("nothing can be encrypted before the login")
            message = self.keys.seal_v2(message)
        body = bytes([MESSAGES, SEALED if sealed else PLAIN]) + message
        self._queue.append(Frame(DATA, self.number, body))
        self.number = self.number + 1 & 0xFF
        self._go_on(now)

    def _go_on(self, now: datetime) -> None:
        while self.begun and self._queue and len(self._sent) < self._window:
            frame = self._queue.popleft()
            self._sent.append(frame)
            self._put(frame)
            self._since = now

    def _put(self, frame: Frame) -> None:
        data = frame.encode()
        self.out += [Packet(TO_BAND, data[at : at + self._size]) for at in range(0, len(data), self._size)]

    def hear(self, packet: Packet, now: datetime) -> Sequence[Heard]:
        heard: list[Heard] = []
        for frame in self._stream.take(packet.data):
            match frame.kind:
                case 0x01:
                    self._acknowledged(frame.number, now)
                case 0x00:
                    self._wanted(frame.number, now)
                case 0x02:
                    heard += self._session(frame, now)
                case _:
                    heard += self._data(frame)
        return heard

    def _session(self, frame: Frame, now: datetime) -> Sequence[Heard]:
        session = Session.decode(frame.payload)
        if session.opcode != SESSION_STARTED:
            return ()
        if session.window:
            self._window = min(session.window, MOST_WINDOW)
        if not self.begun:
            self.begun, self._since, self._tries = True, None, 0
            self._go_on(now)
        return [Heard(Kind.BEGUN)]

    def _acknowledged(self, number: int, now: datetime) -> None:
        """Take a receipt, which counts for all frames that were sent before that one, too."""
        if number not in [frame.number for frame in self._sent]:
            return
        while self._sent.popleft().number != number:
            pass
        self._since, self._tries = now if self._sent else None, 0
        self._go_on(now)

    def _wanted(self, number: int, now: datetime) -> None:
        """Send the frames again from the one on that the band waits for."""
        numbers = [frame.number for frame in self._sent]
        for frame in list(self._sent)[numbers.index(number) :] if number in numbers else ():
            self._put(frame)
            self._since = now

    def _data(self, frame: Frame) -> Sequence[Heard]:
        """Return what a frame of data holds; nothing if it came before, or too early.

        One that comes too early a second time is taken: the band has given up the ones before.
        """
        if frame.numbered:
            ahead = frame.number - self.expected & 0xFF
            if ahead >= 0x80:
                self._put(Frame(ACK, frame.number))
                return ()
            if ahead and frame.number not in self._ahead:
                if not self._ahead:
                    self._put(Frame(NAK, self.expected))
                self._ahead.add(frame.number)
                return ()
            self.expected = frame.number + 1 & 0xFF
            self._ahead.clear()
            self._put(Frame(ACK, frame.number))
        return self._opened(frame.payload)

    def _opened(self, payload: bytes) -> Sequence[Heard]:
        if len(payload) < 2 or payload[1] not in {PLAIN, SEALED}:
            return ()
        channel, sealed, body = payload[0], payload[1] == SEALED, payload[2:]
        if sealed:
            if self.keys is None:
                return ()
            body = self.keys.open_v2(body)
        if channel == MESSAGES:
            return [Heard(Kind.MESSAGE, body, sealed)]
        return [Heard(Kind.FILE, body, sealed)] if channel in {BULK, FILES} else ()

    def late(self, now: datetime) -> None:
        if self._since is None or self._since + AGAIN > now:
            return
        if self._tries == TRIES:
            raise NoReply("the band does not acknowledge what it is sent")
        self._tries += 1
        for frame in self._sent or ([] if self.begun else [Frame(SESSION, 0, OURS)]):
            self._put(frame)
        self._since = now
