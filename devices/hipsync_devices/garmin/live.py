"""What a Garmin watch sends as it happens, each over a service of its own: its steps and its wearer's heart rate.

Numbers are little-endian. Source: EroSagiri/PulseBridge at 05d91172, `docs/phase0-multilink.md`, measured on a
Forerunner 255, and gwerneckp/garmin-ble at 3d17ceea, used with a fenix 7.
"""

from __future__ import annotations

from typing import NamedTuple

from hipsync.errors import MalformedPacket

_NONE = frozenset({0x00, 0xFF})


class Steps(NamedTuple):
    """The steps of the watch's local day, and the wearer's goal: `u32 | u32`. It is sent when it changes."""

    steps: int
    goal: int = 0

    @classmethod
    def decode(cls, data: bytes) -> Steps:
        if len(data) < 4:
            raise MalformedPacket("a count of steps has at least four bytes", data)
        return cls(int.from_bytes(data[:4], "little"), int.from_bytes(data[4:8], "little"))

    def encode(self) -> bytes:
        return self.steps.to_bytes(4, "little") + self.goal.to_bytes(4, "little")


class HeartRate(NamedTuple):
    """Beats a minute, now and at rest, each None if the watch has none: `type u8 | now u8 | resting u8 | ff ff`.

    A fenix 7 leaves the last two bytes out. It comes about each second, and so shows that the connection is alive.
    """

    bpm: int | None
    resting: int | None = None

    @classmethod
    def decode(cls, data: bytes) -> HeartRate:
        if len(data) < 3:
            raise MalformedPacket("a heart rate of Garmin has at least three bytes", data)
        now, resting = (None if byte in _NONE else byte for byte in data[1:3])
        return cls(now, resting)

    def encode(self) -> bytes:
        return bytes([3, self.bpm or 0, self.resting or 0, 0xFF, 0xFF])
