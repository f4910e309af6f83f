"""Word of the system's sleep, from logind where there is one: to look at once after it, not at the next minute."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable

log = logging.getLogger(__name__)

_SLEEP = {"interface": "org.freedesktop.login1.Manager", "member": "PrepareForSleep"}
_RULE = ",".join(
    ["type='signal'", "sender='org.freedesktop.login1'", *(f"{key}='{word}'" for key, word in _SLEEP.items())]
)
"""One boolean: True before the system sleeps, False after it (org.freedesktop.login1(5))."""


@contextlib.asynccontextmanager
async def awake(look: Callable[[], None]) -> AsyncGenerator[None, None]:
    """While the block runs, call `look` whenever the system has woken up; never, where nobody tells (no logind)."""
    listening = asyncio.create_task(_listen(look), name="word of sleep")
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(look: Callable[[], None]) -> None:
    if sys.platform != "linux":
        return
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    def told(message: Message) -> None:
        if {"interface": message.interface, "member": message.member} == _SLEEP and message.body == [False]:
            log.info("the system has slept")
            look()

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        bus.add_message_handler(told)
        await bus.call(
            Message(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
                signature="s", body=[_RULE],
            )
        )  # fmt: skip
        await asyncio.Event().wait()
    except Exception as error:  # noqa: BLE001  no bus, or one that ended: the look of every minute remains
        log.debug("nobody tells of the system's sleep: %s", error)
    finally:
        bus.disconnect()
