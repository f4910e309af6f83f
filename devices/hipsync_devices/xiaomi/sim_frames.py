"""The frames of a simulated Xiaomi band, both generations, as it treats any client.

`FramesV1`  sends nothing further on a characteristic until its last message there is acknowledged
`FramesV2`  sends at most three frames unacknowledged; repeats after 6 s, and after three times begins a new session

Either is handed a function to send a notification and one that takes a whole message of the client.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from hipsync_devices.simulator import Event
from hipsync_devices.xiaomi import v1, v2
from hipsync_devices.xiaomi.sim_messages import SessionKeys

Send = Callable[[str, bytes], None]
Hear = Callable[[bytes, bool], None]
"""Takes a message of the client, decrypted, and whether it was encrypted."""


class FramesV1:
    """The frames of a band of the first generation."""

    uuids = (v1.TO_PHONE, v1.TO_BAND, v1.FILES, v1.UPLOADS)

    def __init__(self, send: Send, hear: Hear, room: Callable[[], int], now: Callable[[], datetime]) -> None:
        del now
        self.keys: SessionKeys | None = None
        self._send, self._hear, self._room = send, hear, room
        self._queues: dict[str, deque[list[bytes]]] = {v1.TO_PHONE: deque(), v1.FILES: deque()}
        self._arriving: tuple[bool, int, dict[int, bytes]] | None = None
        """Whether it is encrypted, how many parts there will be, and those that came."""
        self.counter = 0
        """The full counter of the client's last message, of which the frame shows the low half."""

    def say(self, message: bytes, *, sealed: bool = True) -> None:
        self._queue(v1.TO_PHONE, message, sealed=sealed)

    def send_part(self, part: bytes) -> None:
        self._queue(v1.FILES, part, sealed=True)

    def _queue(self, uuid: str, plain: bytes, *, sealed: bool) -> None:
        payload = self.keys.ccm(plain) if sealed and self.keys is not None else plain
        queue, room = self._queues[uuid], self._room()
        if len(payload) <= room - 6:
            packets = [b"\0\0\2" + (b"\1" if sealed else b"\2") + payload]
        else:
            cut = range(0, len(payload), room - 2)
            packets = [b"\0\0\0" + bytes([sealed]) + struct.pack("<H", len(cut))]
            packets += [struct.pack("<H", i + 1) + payload[at : at + room - 2] for i, at in enumerate(cut)]
        queue.append(packets)
        if len(queue) == 1:
            self._send(uuid, packets[0])

    def write(self, uuid: str, data: bytes) -> None:
        if data[:2] != b"\0\0":
            if uuid == v1.TO_BAND and len(data) > 2:
                self._part(int.from_bytes(data[:2], "little"), data[2:])
        elif data[2:3] in {b"\1", b"\3"}:
            self._receipt(uuid, data[2:])
        elif uuid == v1.TO_BAND and data[2:3] == b"\2" and len(data) > 4:
            self._send(uuid, b"\0\0\3\0")
            self._opened(data[4:], sealed=data[3] == 1)
        elif uuid == v1.TO_BAND and data[2:3] == b"\0" and len(data) == 6:
            self._arriving = (data[3] == 1, int.from_bytes(data[4:], "little"), {})
            self._send(uuid, b"\0\0\1\1")

    def _part(self, number: int, data: bytes) -> None:
        if self._arriving is None:
            return
        sealed, count, parts = self._arriving
        parts[number] = data
        missing = [each for each in range(1, count + 1) if each not in parts]
        if not missing:
            self._arriving = None
            self._send(v1.TO_BAND, b"\0\0\1\0")
            self._opened(b"".join(parts[each] for each in sorted(parts)), sealed=sealed)
        elif number == count:
            self._send(v1.TO_BAND, b"\0\0\1\5" + struct.pack(f"<{len(missing)}H", *missing))

    def _opened(self, payload: bytes, *, sealed: bool) -> None:
        """Take a message, whose index must follow the one before if it is encrypted; one that does not is dropped."""
        if not sealed:
            self._hear(payload, False)
        elif self.keys is not None and payload[:2] == struct.pack("<H", self.counter + 1 & 0xFFFF):
            plain = self.keys.unccm(self.counter + 1, payload[2:])
            if plain is not None:
                self.counter += 1
                self._hear(plain, True)

    def _receipt(self, uuid: str, word: bytes) -> None:
        queue = self._queues.get(uuid)
        if not queue:
            return
        packets = queue[0]
        if word == b"\1\1":
            wanted = list(range(1, len(packets)))
        elif word[:2] == b"\1\5":
            wanted = [int.from_bytes(word[at : at + 2], "little") for at in range(2, len(word), 2)]
        else:
            queue.popleft()
            if queue:
                self._send(uuid, queue[0][0])
            return
        for number in wanted:
            if 0 < number < len(packets):
                self._send(uuid, packets[number])

    def coming(self) -> list[Event]:
        return []


AGAIN = timedelta(seconds=6)
"""How long a band of the second generation waits for a receipt, as its session says."""
REPEATS = 3
WINDOW = 3
SESSION = bytes.fromhex("02 010300 03020f 020200 0080 030200 0300 040200 7017")
"""The session of a Smart Band 9 Active as recorded: version 3.2.15, packets up to 32768, a window of 3, 6 s."""


def arc(data: bytes) -> int:
    """Return the CRC-16/ARC, bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc % 2 else crc >> 1
    return crc


def framed(kind: int, number: int, payload: bytes = b"") -> bytes:
    return b"\xa5\xa5" + struct.pack("<BBHH", kind, number, len(payload), arc(payload)) + payload


class FramesV2:
    """The frames of a band of the second generation."""

    uuids = (v2.TO_PHONE, v2.TO_BAND)

    def __init__(self, send: Send, hear: Hear, room: Callable[[], int], now: Callable[[], datetime]) -> None:
        self.keys: SessionKeys | None = None
        self._send, self._hear, self._room, self._now = send, hear, room, now
        self._heard = b""
        self.is_open = False
        """Whether a session has begun."""
        self.next = self.expected = 0
        """The numbers of the next frames of data, from the band and from the client."""
        self._queue: deque[tuple[int, bytes]] = deque()
        self._on_the_way: deque[tuple[int, bytes]] = deque()
        self._again_at: datetime | None = None
        self._repeats = 0
        self.restarts = 0
        """How often the band has begun a new session, because nobody acknowledged its frames."""

    def say(self, message: bytes, *, sealed: bool = True) -> None:
        self._data(1, message, sealed=sealed)

    def send_part(self, part: bytes) -> None:
        self._data(5, part, sealed=True)

    def _data(self, channel: int, plain: bytes, *, sealed: bool) -> None:
        body = self.keys.ctr(plain, own=True) if sealed and self.keys is not None else plain
        self._queue.append((self.next, bytes([channel, 2 if sealed else 1]) + body))
        self.next = (self.next + 1) % 256
        self._flush()

    def _flush(self) -> None:
        while self.is_open and self._queue and len(self._on_the_way) < WINDOW:
            number, payload = self._queue.popleft()
            self._on_the_way.append((number, payload))
            self._put(framed(3, number, payload))
            self._again_at = self._now() + AGAIN

    def _put(self, frame: bytes) -> None:
        for at in range(0, len(frame), self._room()):
            self._send(v2.TO_PHONE, frame[at : at + self._room()])

    def write(self, uuid: str, data: bytes) -> None:
        if uuid != v2.TO_BAND:
            return
        self._heard += data
        while True:
            _, magic, rest = self._heard.partition(b"\xa5\xa5")
            if not magic or len(rest) < 6:
                return
            kind, number, length, crc = struct.unpack_from("<BBHH", rest)
            if len(rest) < 6 + length:
                return
            payload = rest[6 : 6 + length]
            self._heard = rest[6 + length :] if arc(payload) == crc else rest
            if arc(payload) == crc:
                self._take(kind, number, payload)

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        match kind:
            case 1:
                self._acknowledged(number)
            case 2 if payload[:1] == b"\1":
                self.begin(answer=True)
            case 3 if self.is_open:
                self._client_says(number, payload)
            case 0x13 if self.is_open:
                self._opened(payload)
            case _:
                pass

    def begin(self, *, answer: bool) -> None:
        """Begin a session, as an answer or because nobody acknowledges; the keys of the one before are forgotten."""
        self.keys, self.is_open, self.next, self.expected = None, True, 0, 0
        self._queue.clear()
        self._on_the_way.clear()
        self._again_at, self._repeats = None, 0
        self.restarts += not answer
        self._put(framed(2, 0, SESSION))

    def _acknowledged(self, number: int) -> None:
        """Take a receipt, which may stand for all frames up to that one."""
        if number in [each for each, _ in self._on_the_way]:
            while self._on_the_way.popleft()[0] != number:
                pass
            self._repeats = 0
            self._again_at = self._now() + AGAIN if self._on_the_way else None
            self._flush()

    def _client_says(self, number: int, payload: bytes) -> None:
        """Acknowledge a frame that is due or came before; one that comes too early is silently dropped."""
        late = (number - self.expected) % 256
        if late == 0 or late > 127:
            self._put(framed(1, number))
        if late == 0:
            self.expected = (number + 1) % 256
            self._opened(payload)

    def _opened(self, payload: bytes) -> None:
        if payload[:1] != b"\1" or len(payload) < 3:
            return
        if payload[1] == 1:
            self._hear(payload[2:], False)
        elif payload[1] == 2 and self.keys is not None:
            self._hear(self.keys.ctr(payload[2:], own=False), True)

    def coming(self) -> list[Event]:
        return [] if self._again_at is None else [(self._again_at, self._again)]

    def _again(self) -> None:
        if self._repeats == REPEATS:
            self.begin(answer=False)
            return
        self._repeats += 1
        self._again_at = self._now() + AGAIN
        for number, payload in self._on_the_way:
            self._put(framed(3, number, payload))
