"""Calls over D-Bus: a connection that is opened when it is needed, and opened anew after it broke."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

REPLY_WITHIN_S = 2.0
"""Seconds to wait for a reply, which comes in a millisecond unless the other program hangs."""
PROPERTIES = "org.freedesktop.DBus.Properties"


class Bus:
    """The system's bus, or the session's. Nothing is started for a call: who does not run is not there."""

    def __init__(self, *, system: bool) -> None:
        self._system = system
        self._bus: MessageBus | None = None

    async def call(
        self, name: str, path: str, member: str, signature: str = "", body: Sequence[object] = ()
    ) -> Sequence[Any] | None:
        """Call `member` (interface.name) of an object and return its answer; None without one, or if it is an error."""
        from dbus_fast import Message, MessageFlag, MessageType

        interface, _, method = member.rpartition(".")
        try:
            async with asyncio.timeout(REPLY_WITHIN_S):
                bus = await self._connected()
                reply = await bus.call(
                    Message(
                        destination=name, path=path, interface=interface, member=method, signature=signature,
                        body=list(body), flags=MessageFlag.NO_AUTOSTART,
                    )
                )  # fmt: skip
        except Exception as error:  # noqa: BLE001  no bus, one that ended, an address that is none
            log.debug("%s: %s", member, error)
            self.close()
            return None
        return reply.body if reply.message_type is MessageType.METHOD_RETURN else None

    async def properties(self, name: str, path: str, interface: str) -> dict[str, Any] | None:
        """The properties of an object's interface; None if nobody answers."""
        body = await self.call(name, path, f"{PROPERTIES}.GetAll", "s", [interface])
        return None if not body else {key: variant.value for key, variant in body[0].items()}

    async def _connected(self) -> MessageBus:
        from dbus_fast import BusType
        from dbus_fast.aio import MessageBus

        if self._bus is None or not self._bus.connected:
            self._bus = MessageBus(bus_type=BusType.SYSTEM if self._system else BusType.SESSION)
            await self._bus.connect()
        return self._bus

    def close(self) -> None:
        """Close the connection. The next call opens another."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
