"""Frames: how a message is cut for the wire, and how the bytes of one direction are joined to messages again.

::

    5A <length u16> 00 <service> <command> <body> <crc u16>                                 a whole message
    5A <length u16> 01 00 <service> <command> <beginning of the body> <crc u16>             its first slice
    5A <length u16> 02 01 <more of the body> <crc u16>                                      a middle slice
    5A <length u16> 03 02 <rest of the body> <crc u16>                                      the last slice

Numbers are big-endian. `length` counts the bytes between itself and the checksum, so a frame has five more. The
checksum is CRC-16/XMODEM over everything before it. Frames are a stream: a notification may hold any part of one, and
the end of one with the start of the next. Source: docs/protocols/huawei.md, 3.1 to 3.3.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16

SERVICE, WRITE, NOTIFY = uuid16(0xFE86), uuid16(0xFE01), uuid16(0xFE02)
START = 0x5A
WHOLE, FIRST, MIDDLE, LAST = 0x00, 0x01, 0x02, 0x03
SLICE_SIZE, LINK_SIZE = 244, 20
"""The longest frame, and the longest write, in bytes, until the band has told its own sizes."""
AROUND = 5
"""The bytes of a frame that its length does not count."""
LONGEST_FRAME = 0x7FFF + AROUND
LONGEST_MESSAGE = 1 << 16
"""The longest message in bytes that is put together from slices; one with an hour of minutes has less than 2000."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in either direction. An answer has the service and the command of its request, and no number."""

    service: int
    command: int
    body: bytes = b""

    @property
    def what(self) -> tuple[int, int]:
        return self.service, self.command


def frames(message: Message, slice_size: int = SLICE_SIZE) -> list[bytes]:
    """Return the frames of a message: one, or slices of at most `slice_size` bytes, which is more than 9."""
    payload = bytes(message.what) + message.body
    room = slice_size - 7
    if len(payload) <= room:
        return [_frame(bytes([WHOLE]) + payload)]
    pieces = [payload[at : at + room] for at in range(0, len(payload), room)]
    kinds = [FIRST, *[MIDDLE] * (len(pieces) - 2), LAST]
    return [
        _frame(bytes([kind, number & 0xFF]) + piece)
        for number, (kind, piece) in enumerate(zip(kinds, pieces, strict=True))
    ]


def checksum(data: bytes) -> int:
    """Return CRC-16/XMODEM: polynomial 1021, beginning with 0, not reflected."""
    return crc_hqx(data, 0)


def _frame(inside: bytes) -> bytes:
    head = bytes([START]) + len(inside).to_bytes(2, "big") + inside
    return head + checksum(head).to_bytes(2, "big")


def frame_size(head: bytes) -> int | None:
    """Return the length in bytes of the frame that begins so; None while there are fewer than three bytes.

    Raises `MalformedPacket` if no frame begins so.
    """
    if head[:1] not in {b"", bytes([START])}:
        raise MalformedPacket("not the beginning of a frame", head)
    if len(head) < 3:
        return None
    size = int.from_bytes(head[1:3], "big") + AROUND
    if not AROUND < size <= LONGEST_FRAME:
        raise MalformedPacket(f"a frame of {size} bytes", head)
    return size


class Assembly:
    """Joins the bytes of one direction to messages.

    What is damaged is dropped with everything that waits, and `spoilt` tells of it. The next frame is read all the
    same.
    """

    def __init__(self) -> None:
        self.spoilt: MalformedPacket | None = None
        """What was wrong with the first bytes that were dropped; None if none were. The owner clears it."""
        self._waiting = b""
        self._pieces: list[bytes] = []
        self._size = 0

    def forget(self) -> None:
        """Drop the beginnings of a frame and of a message that wait for the rest of it."""
        self._waiting, self._pieces, self._size = b"", [], 0

    def take(self, data: bytes) -> list[Message]:
        """Take the bytes of a notification, and return the messages that they complete."""
        self._waiting += data
        complete: list[Message] = []
        try:
            while (size := frame_size(self._waiting)) is not None and len(self._waiting) >= size:
                frame, self._waiting = self._waiting[:size], self._waiting[size:]
                message = self._heard(frame)
                if message is not None:
                    complete.append(message)
        except MalformedPacket as problem:
            self.spoilt = self.spoilt or problem
            self.forget()
        return complete

    def _heard(self, frame: bytes) -> Message | None:
        if checksum(frame[:-2]) != int.from_bytes(frame[-2:], "big"):
            raise MalformedPacket("a frame that does not fit its checksum", frame)
        kind, inside = frame[3], frame[4:-2]
        if kind == WHOLE:
            self._pieces, self._size = [], 0
            return _message(inside)
        if kind not in {FIRST, MIDDLE, LAST} or not inside:
            raise MalformedPacket("a frame of an unknown kind", frame)
        if kind == FIRST:
            self._pieces, self._size = [], 0
        if inside[0] != len(self._pieces) & 0xFF or (kind != FIRST and not self._pieces):
            raise MalformedPacket("a slice without the one before it", frame)
        self._pieces.append(inside[1:])
        self._size += len(inside)
        if self._size > LONGEST_MESSAGE:
            raise MalformedPacket("a message that does not end", frame)
        if kind != LAST:
            return None
        whole = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return _message(whole)


def _message(payload: bytes) -> Message:
    if len(payload) < 2:
        raise MalformedPacket("a message without service and command", payload)
    return Message(payload[0], payload[1], payload[2:])
