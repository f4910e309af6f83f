"""Frames in a stream of bytes: each is encoded by COBS, so that it holds no zero, and stands between two zeros.

The stream is cut into packets anywhere, and one packet may hold the end of a frame and the beginning of the next. The
encoding is that of Cheshire and Baker (Consistent Overhead Byte Stuffing, IEEE/ACM Transactions on Networking 7, 1999);
the zero before each frame is Garmin's own. Encodings of three other implementations are in `tests/vectors/garmin.json`.
"""

from __future__ import annotations

from collections.abc import Iterator

from hipsync.errors import MalformedPacket

MOST_BYTES = 16 * 1024
"""The most bytes between two zeros: what Garmin's own receiver holds (garmin-proto-lab at 501817c3)."""
_LONGEST = 254
"""The most bytes that one code byte stands for."""


def encode(frame: bytes) -> bytes:
    """Return a frame as it goes into the stream, with the zeros before and after it."""
    out = bytearray(b"\0")
    for part in frame.split(b"\0"):
        at = 0
        while len(part) - at >= _LONGEST:
            out += b"\xff" + part[at : at + _LONGEST]
            at += _LONGEST
        out += bytes([len(part) - at + 1]) + part[at:]
    return bytes(out) + b"\0"


def decode(held: bytes) -> bytes:
    """Return the frame that the bytes between two zeros hold. Raises `MalformedPacket`."""
    out = bytearray()
    at = 0
    while at < len(held):
        code = held[at]
        end = at + code
        if not code or end > len(held):
            raise MalformedPacket("not encoded by COBS", held)
        out += held[at + 1 : end]
        if code <= _LONGEST and end < len(held):
            out.append(0)
        at = end
    return bytes(out)


class Stream:
    """The frames of a stream, from its packets."""

    def __init__(self) -> None:
        self._held: bytearray | None = None
        """The bytes since the last zero; None before the first one, because what comes then is no frame."""

    def take(self, packet: bytes) -> Iterator[bytes]:
        """Yield the frames that end in this packet, decoded; two zeros in a row hold none.

        Raises `MalformedPacket` for a frame that is not encoded by COBS, or is longer than `MOST_BYTES`; the stream
        then begins anew.
        """
        for place, part in enumerate(packet.split(b"\0")):
            if place:  # a zero stands before this part
                held, self._held = self._held, bytearray()
                if held:
                    yield decode(bytes(held))
            if self._held is not None:
                self._held += part
                if len(self._held) > MOST_BYTES:
                    start, self._held = bytes(self._held[:64]), None
                    raise MalformedPacket("a frame without an end", start)
