"""Takes out of the pieces of a FIT file, while they come, what tells whose watch it was: for recordings.

A field is set to zeros if it is of a type that numbers devices (those with a "z") or of text, or a place on earth
(`sint32`, which nothing else that is read here is), and so is every field of a person's profile and of a program of
somebody else. Nothing that steps, heart rates and workouts are made of is of such a type. Both checksums are made anew:
that of the file, and that of each piece, which covers all of the file so far.

Source: Garmin's "Flexible and Interoperable Data Transfer (FIT) Protocol", 4.1 to 4.3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hipsync_devices.garmin.files import Piece
from hipsync_devices.garmin.gfdi import crc16

TEXT, U8Z, U16Z, U32Z, U64Z, S32, S64 = 0x07, 0x0A, 0x8B, 0x8C, 0x90, 0x85, 0x8E
BLANKED = frozenset({TEXT, U8Z, U16Z, U32Z, U64Z, S32, S64})
USER_PROFILE = 3
COMPRESSED, DEFINITION, OF_OTHERS = 0x80, 0x40, 0x20
HEADS = frozenset({12, 14})
"""The lengths of a file's head, without and with a checksum of its own."""
FOR_EVER = 1 << 32
Span = tuple[int, bool]
"""How many bytes come next, and whether they are set to zeros."""


class Nameless:
    """One file on its way; `piece` is called with each of its pieces, in the order in which they come."""

    def __init__(self) -> None:
        self._clean = bytearray()
        self._crc = self._true_crc = 0
        self._left = 0
        """How many bytes of records are to come."""
        self._layouts: dict[int, list[Span]] = {}
        self._unit = bytearray()
        self._spans: deque[Span] = deque()
        self._then: Callable[[bytes], None] = self._begun
        self._seal = b""
        self._sealing = False
        """Whether the two bytes come that are the checksum of the file."""
        self._expect([(1, False)], self._begun)

    def piece(self, piece: Piece) -> Piece:
        """Return a piece without names. One that is wrong stays wrong; one that came before is as it was then."""
        here, size = len(self._clean), len(piece.data)
        true_crc = crc16(piece.data, self._true_crc)
        if piece.offset != here or true_crc != piece.crc:
            known = bytes(self._clean[piece.offset : piece.offset + size]).ljust(size, b"\0")
            return piece._replace(
                data=known, crc=crc16(bytes(self._clean[: piece.offset]) + known) ^ (piece.offset >= here)
            )
        for byte in piece.data:
            self._clean.append(self._out(byte))
        self._true_crc, self._crc = true_crc, crc16(bytes(self._clean[here:]), self._crc)
        return piece._replace(data=bytes(self._clean[here:]), crc=self._crc)

    # ------------------------------------------------------------------ bytes

    def _expect(self, spans: list[Span], then: Callable[[bytes], None]) -> None:
        self._spans, self._then = deque(span for span in spans if span[0]), then
        if not self._spans:
            then(b"")

    def _out(self, byte: int) -> int:
        """Return what stands in place of the next byte."""
        if self._sealing and not self._unit:
            self._seal = crc16(bytes(self._clean)).to_bytes(2, "little")
        size, is_blank = self._spans.popleft()
        if size > 1:
            self._spans.appendleft((size - 1, is_blank))
        out = self._seal[len(self._unit)] if self._sealing else 0 if is_blank else byte
        self._unit.append(byte)
        if not self._spans:
            unit, self._unit = bytes(self._unit), bytearray()
            self._then(unit)
        return out

    # ------------------------------------------------------------------ records

    def _begun(self, size: bytes) -> None:
        if size[0] in HEADS:
            self._expect([(size[0] - 1, False)], self._headed)
        else:
            self._give_up()

    def _headed(self, head: bytes) -> None:
        if head[7:11] != b".FIT":
            self._give_up()
            return
        self._left = int.from_bytes(head[3:7], "little")
        self._next()

    def _next(self, _: bytes = b"") -> None:
        self._sealing = self._left <= 0
        if self._sealing:
            self._expect([(2, False)], lambda _: self._give_up())
        else:
            self._left -= 1
            self._expect([(1, False)], self._record)

    def _give_up(self) -> None:
        """Set all that follows to zeros: it is no file as this module knows it."""
        self._sealing = False
        self._expect([(FOR_EVER, True)], self._next)

    def _record(self, head: bytes) -> None:
        kind = head[0]
        if kind & COMPRESSED or not kind & DEFINITION:
            spans = self._layouts.get(kind >> 5 & 3 if kind & COMPRESSED else kind & 0x0F)
            if spans is None:
                self._give_up()
                return
            self._left -= sum(size for size, _ in spans)
            self._expect(spans, self._next)
        else:
            self._left -= 5
            self._expect([(5, False)], lambda begun: self._defined(kind, begun))

    def _defined(self, kind: int, begun: bytes) -> None:
        message = int.from_bytes(begun[2:4], "big" if begun[1] else "little")
        self._left -= 3 * begun[4]
        self._expect([(3 * begun[4], False)], lambda fields: self._fields(kind, message, fields))

    def _fields(self, kind: int, message: int, fields: bytes) -> None:
        of_person = message == USER_PROFILE
        spans = [(fields[at + 1], of_person or fields[at + 2] in BLANKED) for at in range(0, len(fields), 3)]
        self._layouts[kind & 0x0F] = spans
        if not kind & OF_OTHERS:
            self._next()
            return
        self._left -= 1
        self._expect([(1, False)], lambda count: self._others(spans, count[0]))

    def _others(self, spans: list[Span], count: int) -> None:
        def told(fields: bytes) -> None:
            spans.extend((fields[at + 1], True) for at in range(0, len(fields), 3))
            self._next()

        self._left -= 3 * count
        self._expect([(3 * count, False)], told)
