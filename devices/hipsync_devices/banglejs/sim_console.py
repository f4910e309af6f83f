"""The console of a simulated Bangle.js, which makes commands of the client's bytes, or loses them as the watch does.

Source: espruino/Espruino at c5ff787, `src/jsinteractive.c`, and espruino/BangleApps at 0fe18ed, `apps/boot`.
"""

from __future__ import annotations

import re

DLE, SOH, BREAK, ACK = 0x10, 0x01, 0x03, b"\x06"
XON, XOFF = b"\x11", b"\x13"
CAPACITY = {1: 1024, 2: 2048}
"""The bytes that each hardware version can buffer while it is busy; further bytes are silently lost."""
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')


class InputBuffer:
    """The bytes that the client wrote and the watch has not read yet; `lost` counts those that did not fit.

    `flow` is the flow control that is still to be sent to the client.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting = bytearray()
        self._stopped = False
        self.lost = 0
        self.flow = b""

    def put(self, data: bytes) -> None:
        fits = data[: self._capacity - len(self._waiting)]
        self.lost += len(data) - len(fits)
        self._waiting += fits
        if len(self._waiting) > self._capacity * 3 // 8 and not self._stopped:
            self._stopped = True
            self.flow += XOFF

    def take(self) -> bytes:
        """Empty the buffer and return its bytes."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        if self._stopped:
            self._stopped = False
            self.flow += XON
        return taken

    def asked(self) -> bytes:
        """Return the flow control that is to be sent, and clear it."""
        flow, self.flow = self.flow, b""
        return flow


class Reader:
    """Takes bytes and returns statements; `echoed` collects the bytes that the watch echoes."""

    def __init__(self, *, programmable: bool) -> None:
        self._programmable = programmable
        self._line = bytearray()
        self._pending = ""
        self._echo = True
        self._packet: bytearray | None = None
        self.echoed = b""

    def read(self, data: bytes) -> list[tuple[str, bool]]:
        """Take bytes and return the statements that they complete, each with whether it was echoed."""
        done: list[tuple[str, bool]] = []
        for byte in data:
            if self._packet is not None:
                self._in_packet(byte)
            elif byte == 0x0A:
                done += self._line_end()
            elif not self._programmable:
                self._line.append(byte)
            else:
                self._typed(byte)
        return done

    def _typed(self, byte: int) -> None:
        if byte == BREAK:
            self._line.clear()
            self._pending, self._echo = "", True
        elif byte == DLE and not self._line:
            self._echo = False
        elif byte == SOH and not self._line and not self._echo:
            self._packet = bytearray()
        elif byte != 0x0D:
            self._line.append(byte)
            self.echoed += bytes([byte]) if self._echo else b""

    def _in_packet(self, byte: int) -> None:
        """Take a byte of a packet: `u16 kind << 13 | length`, big-endian, and `length` bytes. A packet is not run."""
        packet = self._packet if self._packet is not None else bytearray()
        packet.append(byte)
        if len(packet) >= 2 and len(packet) == 2 + (int.from_bytes(packet[:2], "big") & 0x1FFF):
            self._packet, self._echo = None, True
            self.echoed += ACK

    def _line_end(self) -> list[tuple[str, bool]]:
        line = self._line.decode("latin-1")
        self._line.clear()
        if not self._programmable:
            return [(line.removeprefix("\x10"), False)]
        echo, self._echo = self._echo, True
        self._pending += line
        if _open_brackets(self._pending):  # the watch waits for the rest, and takes all that comes as part of it
            return []
        statement, self._pending = self._pending, ""
        self.echoed += b"\r\n" if echo else b""
        return [(statement, echo)] if statement else []


def _open_brackets(text: str) -> bool:
    bare = _STRING.sub("", text)
    return sum(bare.count(c) for c in "([{") > sum(bare.count(c) for c in ")]}")
