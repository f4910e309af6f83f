"""Files of a Garmin watch: the directory, and how one file comes over piece by piece.

The directory is the file with index 0. Each piece tells the checksum of the whole file so far, and the next one comes
once it is answered. Only reading and one flag are here: a file that is `ARCHIVED` counts as handed over, and what the
watch does with it then is its own affair.

Numbers are little-endian. Source: Gadgetbridge at a0948ee1 and zoop-dev/pulse at 27d6e921, `service/devices/garmin/`;
garmin-proto-lab at 501817c3, `spec/PROTOCOL.md`, for the flags and the further results.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind, Said, crc16, decode_time, encode_time

DIRECTORY = 0
"""The index of the directory. To ask for it makes the watch close the file that it is writing."""
FIT = 128
"""The type of all files in Garmin's own form; what they hold is their subtype."""


class Holds(IntEnum):
    """The subtypes of files that this family reads."""

    ACTIVITY = 4
    MONITORING = 32


READABLE, ARCHIVED = 0x80, 0x10
_ENTRY = Struct("<HBBHBBI4s")


class Entry(NamedTuple):
    """One file as the directory lists it.

    ::

        u16 index | u8 type | u8 subtype | u16 number | u8 specific | u8 flags | u32 size | u32 time (0: none)
    """

    file: int
    """The index by which it is asked for."""
    type: int
    subtype: int
    number: int
    flags: int
    size: int
    at: datetime | None
    """When the file was begun."""

    def encode(self) -> bytes:
        stamp = encode_time(self.at) if self.at else bytes(4)
        return _ENTRY.pack(self.file, self.type, self.subtype, self.number, 0, self.flags, self.size, stamp)


def decode_directory(data: bytes) -> list[Entry]:
    """Decode the directory: 16 bytes that nobody can read, then 16 bytes for each file. Raises `MalformedPacket`.

    An entry with index 0 is the directory itself, and is left out.
    """
    if len(data) < _ENTRY.size or len(data) % _ENTRY.size:
        raise MalformedPacket("a directory that is not made of entries", data)
    found: list[Entry] = []
    for index, kind, subtype, number, _, flags, size, stamp in _ENTRY.iter_unpack(data[_ENTRY.size :]):
        if index != DIRECTORY:
            at = decode_time(stamp) if any(stamp) else None
            found.append(Entry(index, kind, subtype, number, flags, size, at))
    return found


# ------------------------------------------------------------------ requests


def download(index: int) -> Frame:
    """Return message 5002, the request for a whole file: `u16 index | u32 offset | u8 1 | u16 seed | u32 size`."""
    return Frame(Kind.DOWNLOAD, index.to_bytes(2, "little") + bytes(4) + b"\x01" + bytes(6))


def announced(answer: Answer) -> int | None:
    """Return how long the file will be that was asked for; None if the watch does not give it now.

    Raises `MalformedPacket`.
    """
    if answer.status != Said.ACK or (answer.rest and answer.rest[0]):
        return None
    if len(answer.rest) < 5:
        raise MalformedPacket("the answer to a download is cut off", answer.rest)
    return int.from_bytes(answer.rest[1:5], "little")


FILTER_OPEN = 3
"""The filter by which the directory lists only what is still to be handed over."""


def directory_filter(which: int = FILTER_OPEN) -> Frame:
    """Return message 5007, which sets what the directory lists."""
    return Frame(Kind.DIRECTORY_FILTER, bytes([which]))


def archive(index: int) -> Frame:
    """Return message 5008, which marks a file as handed over."""
    return Frame(Kind.SET_FILE_FLAGS, index.to_bytes(2, "little") + bytes([ARCHIVED]))


def decode_file_types(answer: Answer) -> Sequence[tuple[int, int, str]]:
    """Decode the answer to message 5031: type, subtype and name of each kind of file. Raises `MalformedPacket`."""
    found: list[tuple[int, int, str]] = []
    rest = answer.rest[1:]
    for _ in range(answer.rest[0] if answer.rest else 0):
        if len(rest) < 3 or len(rest) < 3 + rest[2]:
            raise MalformedPacket("a list of file types that is cut off", answer.rest)
        found.append((rest[0], rest[1], rest[3 : 3 + rest[2]].decode("utf-8", "replace")))
        rest = rest[3 + rest[2] :]
    return found


# ------------------------------------------------------------------ pieces


class Transfer(IntEnum):
    """What the host answers to a piece of a file."""

    OK = 0
    RESEND = 1
    ABORT = 2
    CRC_MISMATCH = 3
    OFFSET_MISMATCH = 4


class Piece(NamedTuple):
    """Message 5004: `u8 flags | u16 checksum of the file so far, this piece included | u32 offset | data`."""

    crc: int
    offset: int
    data: bytes
    flags: int = 0

    def encode(self) -> bytes:
        head = bytes([self.flags]) + self.crc.to_bytes(2, "little") + self.offset.to_bytes(4, "little")
        return head + self.data

    @classmethod
    def decode(cls, payload: bytes) -> Piece:
        if len(payload) < 7:
            raise MalformedPacket("a piece of a file that is cut off", payload)
        crc, offset = int.from_bytes(payload[1:3], "little"), int.from_bytes(payload[3:7], "little")
        return cls(crc, offset, payload[7:], payload[0])


class Taken(NamedTuple):
    """The rest of the answer to a piece: `u8 how it was taken | u32 offset of the next one`."""

    how: Transfer
    offset: int

    def encode(self) -> bytes:
        return bytes([self.how]) + self.offset.to_bytes(4, "little")


MOST_BYTES = 4 * 1024 * 1024
"""The longest file that is fetched; a day of minutes is some 30 kB, and an activity of a day less than 2 MB."""
MOST_WRONG = 32
"""How many pieces may be wrong, or come again, before a file is given up."""


class Download:
    """A file on its way: `size` bytes, of which the pieces that were right are held."""

    def __init__(self, size: int) -> None:
        if size > MOST_BYTES:
            raise MalformedPacket(f"a file of {size} bytes, which is too long", size.to_bytes(4, "little"))
        self.size = size
        self._held = bytearray()
        self._crc = 0
        self._wrong = 0

    @property
    def whole(self) -> bytes | None:
        """The file; None as long as some of it is missing."""
        return bytes(self._held) if len(self._held) >= self.size else None

    def take(self, piece: Piece) -> Taken:
        """Take the next piece, and return what to answer. A piece that was taken before is answered as it was then.

        Raises `MalformedPacket` for a piece beyond the end of the file, and after `MOST_WRONG` wrong pieces.
        """
        here, crc = len(self._held), crc16(piece.data, self._crc)
        if piece.offset != here or crc != piece.crc:
            self._wrong += 1
            if self._wrong > MOST_WRONG:
                raise MalformedPacket("a file whose pieces are wrong again and again", piece.encode())
            return Taken(_mismatch(piece.offset, here), here)
        if here + len(piece.data) > self.size or not piece.data:
            raise MalformedPacket("a piece that is beyond the end of its file, or empty", piece.encode())
        self._held += piece.data
        self._crc = crc
        return Taken(Transfer.OK, len(self._held))


def _mismatch(offset: int, here: int) -> Transfer:
    """Return what to answer to a piece that does not continue the `here` bytes which are held."""
    if offset < here:
        return Transfer.OK
    return Transfer.OFFSET_MISMATCH if offset > here else Transfer.CRC_MISMATCH
