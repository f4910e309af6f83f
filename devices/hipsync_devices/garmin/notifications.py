"""Texts on the screen of a Garmin watch, and the wearer's answers: messages 5033 to 5036 of GFDI, in both directions.

The watch subscribes first (5036). The host then announces a text by its number (5033), the watch asks for the parts
that it wants (5034), and the host sends them in pieces (5035), each of which the watch answers. What the wearer presses
comes as another 5034.

Numbers are little-endian. Source: the sheet `docs/protocols/garmin.md`, section 10, after wh1le/garmin-bridge at
ffcb0826, `src/notifications.py`, and zoop-dev/pulse at 27d6e921, `service/devices/garmin/messages/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin.gfdi import crc16

CAPABILITY = 6
"""The bit of message 5050 for texts."""
IMPORTANT, NEGATIVE_ACTION = 0x02, 0x10
FLAGS = IMPORTANT | NEGATIVE_ACTION
"""The flags that Gadgetbridge gives to a text."""
HEALTH = 8
"""The category of a text that is about its reader's health."""
HAS_ACTIONS = 0x02
PIECE_SIZE = 300
"""The most bytes of one piece, as Gadgetbridge sends them."""
TAKEN = b"\0\0"
"""What follows the status in the answer to a question about a text."""


class Change(IntEnum):
    """What an announcement says of a text."""

    ADDED = 0
    CHANGED = 1
    REMOVED = 2


class Part(IntEnum):
    """A part of a text that a watch asks for."""

    APP = 0
    TITLE = 1
    SUBTITLE = 2
    BODY = 3
    SIZE = 4
    DATE = 5
    PHONE = 126
    ACTIONS = 127
    CONVERSATION = 129


LIMITED = frozenset({Part.TITLE, Part.SUBTITLE, Part.BODY, Part.PHONE, Part.CONVERSATION})
"""The parts that are asked for with the most bytes that they may have."""


class Announcement(NamedTuple):
    """The payload of message 5033.

    ::

        u8 change | u8 flags | u8 category | u8 how many of the category | u32 number | u8 flags of the host
    """

    change: int
    number: int
    flags: int = FLAGS
    category: int = HEALTH
    of_category: int = 1
    host_flags: int = HAS_ACTIONS

    def encode(self) -> bytes:
        return _ANNOUNCEMENT.pack(
            self.change, self.flags, self.category, self.of_category, self.number & 0xFFFFFFFF, self.host_flags
        )


_ANNOUNCEMENT = Struct("<BBBBIB")


class Wanted(NamedTuple):
    """The watch wants these parts of a text, each with the most bytes that it may have; 0 names no limit."""

    number: int
    parts: Mapping[int, int]


class Pressed(NamedTuple):
    """The wearer has chosen an action of a text."""

    number: int
    action: int


_WANTED, _OLD_PRESSED, _PRESSED = 0, 2, 0x80
_NUMBER_END = 5
FIRST_ACTION, DISMISS = 1, 98
"""The first of five actions of the host's own, and what a text that is wiped away tells."""


def decode_control(payload: bytes) -> Wanted | Pressed | None:
    """Decode the payload of message 5034; None for a command that nobody here knows. Raises `MalformedPacket`.

    The older form of an answer knows only yes (0), which is the first action, and no, which is a dismissal.
    """
    if len(payload) < _NUMBER_END:
        raise MalformedPacket("a question about a text that is cut off", payload)
    command, number, rest = payload[0], int.from_bytes(payload[1:_NUMBER_END], "little"), payload[_NUMBER_END:]
    if command == _WANTED:
        return Wanted(number, _parts(rest))
    if command not in {_PRESSED, _OLD_PRESSED}:
        return None
    if not rest:
        raise MalformedPacket("an answer to a text that names no action", payload)
    if command == _OLD_PRESSED:
        return Pressed(number, DISMISS if rest[0] else FIRST_ACTION)
    return Pressed(number, rest[0])


def _parts(data: bytes) -> Mapping[int, int]:
    found: dict[int, int] = {}
    rest = data
    while rest:
        part, size = rest[0], 3 if rest[0] == Part.ACTIONS else 2 if rest[0] in LIMITED else 0
        if len(rest) <= size:
            raise MalformedPacket("a question about a text that is cut off", data)
        limit = rest[1:3] if size == 2 else rest[1:2]
        found[part] = int.from_bytes(limit, "little") if size else 0
        rest = rest[1 + size :]
    return found


class Action(NamedTuple):
    """A choice under a text: its number, a code for where on the screen it stands, and its label."""

    number: int
    place: int
    label: str


def encode_actions(actions: Sequence[Action]) -> bytes:
    """Encode the part ACTIONS: `u8 count`, and for each `u8 number | u8 place | u8 length | label`."""
    held = b"".join(bytes([each.number, each.place]) + _short(each.label) for each in actions)
    return bytes([len(actions)]) + held


def _short(text: str) -> bytes:
    held = _cut(text, 255)
    return bytes([len(held)]) + held


def _cut(text: str, most: int) -> bytes:
    """Return text in UTF-8, at most so many bytes of it and no half of a character; 0 sets no limit."""
    held = text.encode()
    return held[:most].decode(errors="ignore").encode() if most else held


class Notice(NamedTuple):
    """A text of the host's, as a watch can show it."""

    number: int
    title: str
    body: str
    at: datetime
    """When it was sent, on the wearer's clock."""
    actions: Sequence[Action]

    def content(self, parts: Mapping[int, int]) -> bytes:
        """Encode the parts that a watch wants, the size last; what this text does not have is empty.

        ::

            u8 0 | u32 number | for each: u8 part | u16 length | value
        """
        values: Mapping[int, bytes] = {
            Part.TITLE: _cut(self.title, parts.get(Part.TITLE, 0)),
            Part.BODY: _cut(self.body, parts.get(Part.BODY, 0)),
            Part.DATE: f"{self.at:%Y%m%dT%H%M%S}".encode(),
            Part.ACTIONS: encode_actions(self.actions),
            Part.APP: b"hipsync",
            Part.SIZE: str(len(self.body.encode())).encode(),
        }
        held = bytes([0]) + self.number.to_bytes(4, "little")
        for part in sorted(parts, key=lambda each: each == Part.SIZE):
            value = values.get(part, b"")
            held += bytes([part]) + len(value).to_bytes(2, "little") + value
        return held


class Piece(NamedTuple):
    """The payload of message 5035: `u16 length of it all | u16 checksum up to the end of this piece | u16 offset`.

    The rest is data.
    """

    total: int
    crc: int
    offset: int
    data: bytes

    def encode(self) -> bytes:
        return _PIECE.pack(self.total, self.crc, self.offset) + self.data


_PIECE = Struct("<HHH")


def pieces(content: bytes, size: int) -> Sequence[Piece]:
    """Return the pieces of a text, each with at most `size` bytes, in order."""
    return [
        Piece(len(content), crc16(content[: offset + size]), offset, content[offset : offset + size])
        for offset in range(0, len(content), size)
    ]
