"""What the tests of every family must know about Bangle.js watches."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Callable, Sequence
from typing import cast

from families.known import Family, Fuzz, Packet
from hipsync.errors import DeviceError
from hipsync_devices.banglejs import console, packets


def _read(_: str, data: bytes) -> None:
    for line in console.Lines().feed(data):
        with contextlib.suppress(DeviceError):  # as the console does: a torn line is left out
            packets.decode(line)


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Return a line that is still a JSON object, with one member damaged."""
    characteristic, data = packet
    with contextlib.suppress(ValueError):
        said: object = json.loads(data)
        if isinstance(said, dict) and said:
            fields = cast(dict[str, object], said)
            name = list(fields)[zlib.crc32(damage(data)) % len(fields)]
            value = damage(json.dumps(fields[name]).encode()).decode("latin-1")
            try:
                fields[name] = json.loads(value)
            except (ValueError, RecursionError):
                fields[name] = value
            return characteristic, json.dumps(fields).encode() + b"\n"
    return characteristic, damage(data)


def _lines(said: Sequence[Packet]) -> list[Packet]:
    return [(packets.NOTIFY, line + b"\n") for line in b"".join(data for _, data in said).split(b"\n") if line]


FAMILY = Family(
    fuzz=Fuzz(_read, ("banglejs.packets:_meant",), _lines, _sealed),
    loses_a_fall_hour=True,  # it files by local time, and of two blocks with one name it keeps the first
    streams={packets.NOTIFY},
    stored_coarser=True,  # the movement that it sends is rounded
)
