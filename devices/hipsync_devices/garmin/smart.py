"""Messages in protobuf inside GFDI: the battery, and how the watch is made to buzz.

All are fields of one message, which Gadgetbridge calls `Smart`: 8 is about the device and 12 about finding the watch.
A message goes in pieces of 5043 (asked) or 5044 (answered)::

    u16 request | u32 offset | u32 total | u32 length | bytes

Source: zoop-dev/pulse at 27d6e921, `proto/garmin/`, and wh1le/garmin-bridge at ffcb0826, whose bytes agree. The form of
protobuf itself: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from hipsync.errors import MalformedPacket

Fields = list[tuple[int, "int | bytes"]]
"""The fields of a message in order: number, and a whole number or the bytes of a string or an inner message."""

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_MOST_VARINT = 10


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_MOST_VARINT):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise MalformedPacket("not a number of protobuf", data)


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(fields: Fields) -> bytes:
    """Encode the fields of a protobuf message."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += _encoded(number << 3 | _VARINT) + _encoded(value)
        else:
            out += _encoded(number << 3 | _BYTES) + _encoded(len(value)) + value
    return bytes(out)


def decode(data: bytes) -> Fields:
    """Decode a protobuf message to its fields. Numbers of four and eight bytes come as bytes.

    Raises `MalformedPacket`.
    """
    found: Fields = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        form = key & 7
        if form == _VARINT:
            value, at = _varint(data, at)
            found.append((key >> 3, value))
            continue
        size, at = _varint(data, at) if form == _BYTES else ({_EIGHT: 8, _FOUR: 4}.get(form, len(data) + 1), at)
        if at + size > len(data):
            raise MalformedPacket("a protobuf message that is cut off, or not one", data)
        found.append((key >> 3, data[at : at + size]))
        at += size
    return found


def _inner(data: bytes, *path: int) -> bytes | None:
    """Return the last inner message at a path of field numbers; None if there is none. Raises `MalformedPacket`."""
    for number in path:
        inner = [value for field, value in decode(data) if field == number and isinstance(value, bytes)]
        if not inner:
            return None
        data = inner[-1]
    return data


# ------------------------------------------------------------------ what is asked

DEVICE, FIND = 8, 12
BATTERY_REQUEST = encode([(DEVICE, encode([(2, b"")]))])
"""The question how full the battery is."""
FIND_CANCEL = encode([(FIND, encode([(3, b"")]))])
"""The request to end a search for the watch."""
OK_BATTERY, OK_FIND = 1, 100
"""How a watch says that it has done what was asked, of its battery and of a search."""


def find(seconds: int) -> bytes:
    """Return the request that the watch shows, sounds and vibrates for some seconds, as if its wearer looked for it."""
    return encode([(FIND, encode([(1, encode([(1, seconds)]))]))])


def decode_battery(data: bytes) -> int | None:
    """Decode the answer to `BATTERY_REQUEST`, to percent; None if it tells nothing. Raises `MalformedPacket`."""
    inner = _inner(data, DEVICE, 3)
    if inner is None:
        return None
    told = dict(decode(inner))
    percent = told.get(2)
    return percent if told.get(1) == OK_BATTERY and isinstance(percent, int) and percent <= 100 else None


def decode_find(data: bytes) -> bool:
    """Decode the answer to `find`: whether the watch does it. Raises `MalformedPacket`."""
    inner = _inner(data, FIND, 2)
    return inner is not None and dict(decode(inner)).get(1) == OK_FIND


# ------------------------------------------------------------------ pieces

_PIECE = Struct("<HIII")
MOST_BYTES = 64 * 1024
"""The longest message that is put together from pieces."""
KEPT, DISCARDED = 0, 1
UNKNOWN_REQUEST = 100


class Piece(NamedTuple):
    """A piece of a message in protobuf, as messages 5043 and 5044 hold it."""

    request: int
    offset: int
    total: int
    data: bytes

    def encode(self) -> bytes:
        return _PIECE.pack(self.request, self.offset, self.total, len(self.data)) + self.data

    @classmethod
    def decode(cls, payload: bytes) -> Piece:
        if len(payload) < _PIECE.size:
            raise MalformedPacket("a piece of a message that is cut off", payload)
        request, offset, total, length = _PIECE.unpack_from(payload)
        data = payload[_PIECE.size :]
        if length != len(data) or offset + length > total or total > MOST_BYTES:
            raise MalformedPacket("a piece of a message whose numbers do not fit", payload)
        return cls(request, offset, total, data)

    def receipt(self, status: int = KEPT, code: int = 0) -> bytes:
        """Return the rest of the answer to this piece: `u16 request | u32 offset | u8 status | u8 code`."""
        return self.request.to_bytes(2, "little") + self.offset.to_bytes(4, "little") + bytes([status, code])


class Assembly:
    """Messages on their way in pieces, one at a time; a piece that does not continue the last one begins anew."""

    def __init__(self) -> None:
        self._request: int | None = None
        self._held = b""

    def take(self, piece: Piece) -> bytes | None:
        """Take a piece, and return the message if it is whole now."""
        if piece.offset == 0:
            self._request, self._held = piece.request, b""
        if piece.request != self._request or piece.offset != len(self._held):
            return None
        self._held += piece.data
        if len(self._held) < piece.total:
            return None
        self._request = None
        return self._held
