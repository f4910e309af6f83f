"""Frames of the first generation (Smart Band 7 Pro, 8, 8 Active; Redmi Watch 2): one characteristic each way.

Every packet begins with a u16, little-endian like all numbers here::

    n > 0, data                                        part n of the running message, from 1
    0000 00 <01 encrypted, 00 plain> <count u16>       a message of `count` parts begins
    0000 01 00                                         all parts came
    0000 01 01                                         go on
    0000 01 02                                         refused
    0000 01 05 <u16> ...                               these parts are missing
    0000 02 <01 encrypted, 02 plain> <payload>         a message in one packet
    0000 03 <status>                                   it came; another status than 0: refused

What we send encrypted carries the low half of its counter as a u16 before the ciphertext, which is cut into parts with
it; what the band sends does not. A receipt goes back on the characteristic of the packet, one message waits for the
receipt of the one before, and the characteristics do not wait for each other.

Source: Gadgetbridge (XiaomiCharacteristicV1), run for `tests/vectors/xiaomi.json` (areas v1-frame and session-v1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from struct import Struct

from hipsync.errors import MalformedPacket, NoReply, UnexpectedReply
from hipsync_devices.gatt import uuid16
from hipsync_devices.xiaomi.cipher import Keys
from hipsync_devices.xiaomi.wire import MOST_BYTES, Heard, Kind, Packet

TO_PHONE, TO_BAND, FILES = uuid16(0x0051), uuid16(0x0052), uuid16(0x0053)
UPLOADS = uuid16(0x0055)
START, WORD, SINGLE, RECEIPT = 0x00, 0x01, 0x02, 0x03
ALL_CAME, GO_ON, REFUSED, MISSING = 0x00, 0x01, 0x02, 0x05
SEALED, PLAIN = 0x01, 0x02
RECEIVED = bytes([0, 0, RECEIPT, 0])
SINGLE_HEAD = 6
"""The bytes of a single packet beside its payload, as Gadgetbridge reckons, whether or not there is an index."""
WITHIN = timedelta(seconds=5)
"""How long to wait for a receipt, or for the next part, before something is done about it."""
ROUNDS = 3
"""How often missing parts are asked for; ours, because nobody says."""
FORGED = 3
"""How many messages with a wrong tag in a row show that the keys are out of step."""
_U16 = Struct("<H")


# ------------------------------------------------------------------ packets


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Start:
    sealed: bool
    count: int


@dataclass(frozen=True, slots=True)
class Word:
    """What a receiver says of the message that is on its way to it."""

    what: int
    """`ALL_CAME`, `GO_ON`, `REFUSED` or `MISSING`."""
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Single:
    sealed: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    taken: bool


def decode(packet: bytes) -> Part | Start | Word | Single | Receipt:
    """Decode one packet of either direction. Raises `MalformedPacket`."""
    if len(packet) < 3:
        raise MalformedPacket("too short for a packet", packet)
    (number,), rest = _U16.unpack(packet[:2]), packet[3:]
    if number:
        return Part(number, packet[2:])
    match packet[2], len(rest):
        case 0x00, 3 if rest[0] < 2 and rest[1:] != b"\0\0":
            return Start(rest[0] == SEALED, _U16.unpack(rest[1:])[0])
        case 0x01, length if length and length % 2:
            return Word(rest[0], tuple(_U16.unpack(rest[at : at + 2])[0] for at in range(1, length, 2)))
        case 0x02, length if length and rest[0] in {SEALED, PLAIN}:
            return Single(rest[0] == SEALED, rest[1:])
        case 0x03, length if length:
            return Receipt(rest[0] == 0)
        case _:
            raise MalformedPacket("not a packet of this generation", packet)


def _known(packet: bytes) -> Part | Start | Word | Single | Receipt | None:
    """Decode a packet; None for one that nobody knows, which is no reason to lose the connection."""
    try:
        return decode(packet)
    except MalformedPacket:
        return None


def encode_word(what: int, missing: Sequence[int] = ()) -> bytes:
    return bytes([0, 0, WORD, what]) + b"".join(map(_U16.pack, missing))


# ------------------------------------------------------------------ one direction of one characteristic


class Incoming:
    """The message that is arriving on one characteristic in parts; the parts may come in any order."""

    def __init__(self, start: Start) -> None:
        self.sealed, self._count = start.sealed, start.count
        self._parts: dict[int, bytes] = {}
        self._bytes = 0
        self.rounds = 0
        """How often missing parts have been asked for."""

    def take(self, part: Part) -> None:
        """Raises `MalformedPacket` if the message has no such part, or grows beyond any message."""
        if part.number > self._count:
            raise MalformedPacket(f"part {part.number} of {self._count}", part.data)
        self._bytes += len(part.data) - len(self._parts.get(part.number, b""))
        self._parts[part.number] = part.data
        if self._bytes > MOST_BYTES:
            raise MalformedPacket("a message without end", part.data)

    @property
    def complete(self) -> bool:
        return len(self._parts) == self._count

    @property
    def missing(self) -> list[int]:
        return [number for number in range(1, self._count + 1) if number not in self._parts]

    @property
    def payload(self) -> bytes:
        return b"".join(self._parts[number] for number in sorted(self._parts))


def packets_of(payload: bytes, size: int, *, sealed: bool) -> list[bytes]:
    """Return a message as the packets of a write size: one alone, or a start and its parts."""
    if len(payload) + SINGLE_HEAD <= size:
        return [bytes([0, 0, SINGLE, SEALED if sealed else PLAIN]) + payload]
    room = size - 2
    parts = [payload[at : at + room] for at in range(0, len(payload), room)]
    start = bytes([0, 0, START, SEALED if sealed else 0]) + _U16.pack(len(parts))
    return [start, *(_U16.pack(number) + part for number, part in enumerate(parts, 1))]


# ------------------------------------------------------------------ the wire


class WireV1:
    """The frames of one connection with a band of the first generation; a `hipsync_devices.xiaomi.wire.Wire`."""

    notifies = (TO_BAND, TO_PHONE, FILES)
    device_type = 0
    """Android: the clients that are known to work call themselves so."""
    begun = True

    def __init__(self, write_size: int) -> None:
        self.keys: Keys | None = None
        self._size = write_size
        self.counter = 0
        """The number of the last message that was encrypted."""
        self.out: list[Packet] = []
        self._waiting: deque[list[bytes]] = deque()
        """The packets of what was said, each message behind the one before; the first one is on its way."""
        self._said: datetime | None = None
        """When the band was last sent something that wants a receipt; None if nothing waits for one."""
        self._arriving: dict[str, tuple[Incoming, datetime]] = {}
        """What is arriving in parts, by characteristic, with the instant of the latest part."""
        self._forged = 0

    @property
    def idle(self) -> bool:
        return not self._waiting

    @property
    def deadline(self) -> datetime | None:
        since = [at for _, at in self._arriving.values()] + ([self._said] if self._said is not None else [])
        return min(since) + WITHIN if since else None

    def begin(self, now: datetime) -> None:
        """There is no session: the first message can be said at once."""

    def say(self, message: bytes, now: datetime, *, sealed: bool = True) -> None:
        if sealed:
            if self.keys is None:
                raise ValueError("nothing can be encrypted before the login")
            self.counter += 1
            index = _U16.pack(self.counter & 0xFFFF)
            message = index + self.keys.seal_v1(self.counter, message)
        self._waiting.append(packets_of(message, self._size, sealed=sealed))
        if len(self._waiting) == 1:
            self._send(self._waiting[0][:1], now)

    def _send(self, packets: Sequence[bytes], now: datetime) -> None:
        self.out += [Packet(TO_BAND, data) for data in packets]
        self._said = now

    def hear(self, packet: Packet, now: datetime) -> Sequence[Heard]:
        what = _known(packet.data)
        match what:
            case None:
                return ()
            case Word() | Receipt():
                if packet.uuid == TO_BAND:
                    self._receipt(what, now)
                return ()
            case Start():
                self._arriving[packet.uuid] = (Incoming(what), now)
                self._answer(packet.uuid, encode_word(GO_ON))
                return ()
            case Part():
                return self._part(packet.uuid, what, now)
            case Single():
                self._answer(packet.uuid, RECEIVED)
                return self._opened(packet.uuid, what.payload, sealed=what.sealed)

    def _part(self, uuid: str, part: Part, now: datetime) -> Sequence[Heard]:
        arriving, _ = self._arriving.get(uuid, (None, now))
        if arriving is None:
            return ()  # of a message that was complete already: the band had not heard so in time
        arriving.take(part)
        self._arriving[uuid] = (arriving, now)
        if not arriving.complete:
            return ()
        del self._arriving[uuid]
        self._answer(uuid, encode_word(ALL_CAME))
        return self._opened(uuid, arriving.payload, sealed=arriving.sealed)

    def _opened(self, uuid: str, payload: bytes, *, sealed: bool) -> Sequence[Heard]:
        """Return a message that came, decrypted; nothing if its tag is wrong, or it came encrypted before the login."""
        if sealed:
            if self.keys is None:
                return ()
            try:
                payload = self.keys.open_v1(payload)
            except MalformedPacket:
                self._forged += 1
                if self._forged >= FORGED:
                    raise
                return ()
            self._forged = 0
        return [Heard(Kind.FILE if uuid == FILES else Kind.MESSAGE, payload, sealed)]

    def _receipt(self, what: Word | Receipt, now: datetime) -> None:
        """Go on with the message that the band speaks of. Raises `UnexpectedReply` if it refuses it."""
        if not self._waiting:
            return
        packets = self._waiting[0]
        if (isinstance(what, Receipt) and not what.taken) or (isinstance(what, Word) and what.what == REFUSED):
            raise UnexpectedReply("the band refuses a message as it was sent")
        single = len(packets) == 1
        if isinstance(what, Receipt) if single else isinstance(what, Word) and what.what == ALL_CAME:
            self._waiting.popleft()
            self._said = None
            if self._waiting:
                self._send(self._waiting[0][:1], now)
        elif isinstance(what, Word) and not single and what.what == GO_ON:
            self._send(packets[1:], now)
        elif isinstance(what, Word) and not single and what.what == MISSING:
            self._send([packets[number] for number in what.missing if 0 < number < len(packets)], now)

    def _answer(self, uuid: str, word: bytes) -> None:
        self.out.append(Packet(uuid, word))

    def late(self, now: datetime) -> None:
        if self._said is not None and self._said + WITHIN <= now:
            raise NoReply("the band does not acknowledge what it is sent")
        for uuid, (arriving, at) in list(self._arriving.items()):
            if at + WITHIN > now:
                continue
            if arriving.rounds == ROUNDS:
                raise NoReply("the band does not send the rest of a message")
            arriving.rounds += 1
            self._arriving[uuid] = (arriving, now)
            room = (self._size - 4) // 2
            self._answer(uuid, encode_word(MISSING, arriving.missing[:room]))
