"""The handles of one connection: which service each belongs to, and how its packets are made and read.

A handle is a whole byte, which may have any value but zero. Only of a handle that was registered as reliable the first
byte holds more than that; see `reliable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hipsync_devices.garmin import multilink, reliable
from hipsync_devices.garmin.multilink import Closed, Registered
from hipsync_devices.garmin.reliable import Ends, Packet


@dataclass(slots=True)
class _Channel:
    handle: int
    service: int
    ends: Ends | None
    """What a reliable handle has sent and expects; None for a plain one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a packet carried, of which service, and what must be sent back because it has come."""

    service: int
    data: bytes
    receipt: bytes | None = None


class Channels:
    """The handles that the watch has given in this connection."""

    def __init__(self) -> None:
        self._by_service: dict[int, _Channel] = {}

    def clear(self) -> None:
        """Forget all handles."""
        self._by_service.clear()

    def registered(self, answer: Registered) -> None:
        """Take the handle that the watch has given to a service, in place of one that it had."""
        ends = Ends(answer.handle) if answer.reliable else None
        self._by_service[answer.service] = _Channel(answer.handle, answer.service, ends)

    def closed(self, closed: Closed) -> bool:
        """Forget a handle that is closed, and return whether there was one."""
        held = self._by_service.get(closed.service)
        if held is None or held.handle != closed.handle:
            return False
        del self._by_service[closed.service]
        return True

    def packets(self, service: int, data: bytes, write_size: int) -> Sequence[bytes]:
        """Return the packets that carry some data to a service; none if the watch has closed it."""
        held = self._by_service.get(service)
        if held is None:
            return []
        if held.ends is None:
            return list(multilink.pieces(held.handle, data, write_size))
        return list(held.ends.send(data, write_size))

    def close(self, service: int) -> bytes | None:
        """Forget the handle of a service, and return the request to close it; None if it has none."""
        held = self._by_service.pop(service, None)
        return None if held is None else multilink.close(service, held.handle)

    def hear(self, packet: bytes) -> Heard | None:
        """Return what a packet carries; None if its handle is nobody's. Raises `MalformedPacket`."""
        for held in self._by_service.values():
            if held.ends is None:
                if packet[0] == held.handle:
                    return Heard(held.service, packet[1:])
            elif held.ends.is_for(packet):
                data = held.ends.take(Packet.decode(packet))
                receipt = held.ends.acknowledgement() if len(packet) > reliable.HEAD else None
                return Heard(held.service, data, receipt)
        return None
