"""Bytes of MoYoung watches, in both directions.

Source unless a line says otherwise: Megh-Rana/DaFit_open at 762de7ec, `docs/protocol/discovery.md` and
`tests/test_protocol.py`, and jphein/moyoung-watch at 5faa39a4, `client/`, which agree.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from hipsync.errors import MalformedPacket
from hipsync_devices.gatt import uuid16

FEEA = uuid16(0xFEEA)
"""The service of MoYoung watches, which they also advertise."""
STEPS = uuid16(0xFEE1)
COMMANDS = uuid16(0xFEE2)
REPLIES = uuid16(0xFEE3)
BATTERY = uuid16(0x2A19)
MANUFACTURER = uuid16(0x2A29)

SET_TIME, BUCKETS, FIND, NOTIFY = 0x31, 0x59, 0x61, 0x41
OTHER = 11
"""The type of a notification that comes from no particular app."""

MAGIC = b"\xfe\xea"
HEADER = 5
TEXT = 100
"""The most bytes of a notification's text that are sent; how many a watch accepts is not published."""
FIXED_ZONE = timedelta(hours=8)
"""The offset from UTC in which every watch shows the time that it is set to."""


class Frame(NamedTuple):
    """A command or a reply: `FE EA, form, length, command, payload`, without a checksum.

    The length counts the whole frame. Form 0x10 has it in one byte; forms 0x20 to 0x2F have its bits 8 to 11 in the low
    half of the form. A watch accepts both kinds, or only form 0x10 if its packets have 20 bytes. It always answers in
    the second kind.
    """

    command: int
    payload: bytes = b""

    def packet(self, *, small: bool = False) -> bytes:
        """Return the bytes of the frame, in form 0x10 if `small`. Long frames are sent in pieces without more headers.

        Raises `ValueError` for a frame of more than 255 bytes in the small form, or of more than 4095 in the large one.
        """
        total = HEADER + len(self.payload)
        form = 0x10 if small else 0x20 | total >> 8
        if form > 0x2F or (small and total > 0xFF):
            raise ValueError(f"a frame of {total} bytes")
        return MAGIC + bytes([form, total & 0xFF, self.command]) + self.payload


def taken(begun: bytes, piece: bytes) -> tuple[bytes, Frame | None]:
    """Add a piece to the bytes `begun` of a frame. Return the bytes so far and None, or no bytes and the whole frame.

    A piece that begins another frame replaces `begun`, because the rest of that frame was lost. Raises
    `MalformedPacket` for a piece that neither begins nor continues a frame. Bytes after the end of a frame are ignored.
    """
    data = piece if piece.startswith(MAGIC) else begun + piece
    if not data.startswith(MAGIC):
        raise MalformedPacket("a frame begins with FE EA", data)
    if len(data) < HEADER:
        return data, None
    total = data[3] if data[2] == 0x10 else (data[2] & 0x0F) << 8 | data[3]
    if not (data[2] == 0x10 or data[2] & 0xF0 == 0x20) or total < HEADER:
        raise MalformedPacket("a frame has no such form or length", data)
    return (data, None) if len(data) < total else (b"", Frame(data[4], data[HEADER:total]))


class Today(NamedTuple):
    """Totals since midnight by the watch's clock: `steps, metres, kcal`, each `u24` little-endian.

    Every capture has 0.8 metres for each step, which proves the order of the fields; two published clients swap them.
    """

    steps: int
    metres: int
    kcal: int

    def packet(self) -> bytes:
        return b"".join(value.to_bytes(3, "little") for value in self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode the totals; bytes after these are ignored. Raises `MalformedPacket` for fewer."""
        if len(data) < 9:
            raise MalformedPacket("the steps of a day have 9 bytes", data)
        return cls(*(int.from_bytes(data[at : at + 3], "little") for at in (0, 3, 6)))


def set_time(local: datetime) -> Frame:
    """Return the command that sets the watch to a wall-clock time: `u32` **big-endian** seconds, then `08`.

    The watch takes the number as seconds since 1970 in UTC, and always shows the time eight hours east of UTC. So the
    number stands for the instant at which clocks eight hours east of UTC show that time, not for the present instant.
    """
    there = local.replace(tzinfo=UTC) - FIXED_ZONE
    return Frame(SET_TIME, int(there.timestamp()).to_bytes(4, "big") + b"\x08")


def time_of(frame: Frame) -> datetime:
    """Decode the wall-clock time in a `set_time` command, in seconds, without a zone. Raises `MalformedPacket`."""
    if frame.command != SET_TIME or len(frame.payload) != 5 or frame.payload[4] != 8:
        raise MalformedPacket("a time is 4 bytes and 08", frame.payload)
    there = datetime.fromtimestamp(int.from_bytes(frame.payload[:4], "big"), UTC)
    return (there + FIXED_ZONE).replace(tzinfo=None)


class Notice(NamedTuple):
    """A text that the watch shows with one buzz, unless it is silenced: a type, and `title:body` in UTF-8."""

    text: str
    kind: int = OTHER

    def frame(self) -> Frame:
        """Return the command, with at most 100 bytes of text; no character is split."""
        text = self.text.encode(errors="replace")[:TEXT].decode(errors="ignore")
        return Frame(NOTIFY, bytes([self.kind]) + text.encode())

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        if frame.command != NOTIFY or not frame.payload:
            raise MalformedPacket("a notification has a type", frame.payload)
        return cls(frame.payload[1:].decode(errors="replace"), frame.payload[0])


class Buckets(NamedTuple):
    """The steps of half a day in 24 or 12 equal slots, each `u16` little-endian.

    Parts 0 and 1 are the halves of today, parts 2 and 3 those of yesterday. Nobody has published such bytes from a real
    watch; the layout is that of the maker's SDK.
    """

    part: int
    steps: tuple[int, ...]

    def frame(self) -> Frame:
        return Frame(BUCKETS, bytes([self.part]) + b"".join(count.to_bytes(2, "little") for count in self.steps))

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode a part; a single byte after the pairs is ignored. Raises `MalformedPacket`."""
        data = frame.payload
        if frame.command != BUCKETS or not data or data[0] > 3:
            raise MalformedPacket("buckets are a part, 0 to 3, and pairs of bytes", data)
        return cls(data[0], tuple(int.from_bytes(data[at : at + 2], "little") for at in range(1, len(data) - 1, 2)))
