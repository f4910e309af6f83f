"""Notices when the system wakes from sleep, by a D-Bus signal from logind.

The signal lets the service act at once after a sleep. Without it, the service acts when it next looks at the clock, up
to a minute later. On a system without logind, nothing is called and nothing fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable

log = logging.getLogger(__name__)

_SLEEP = {"interface": "org.freedesktop.login1.Manager", "member": "PrepareForSleep"}
_MATCH_RULE = ",".join(
    ["type='signal'", "sender='org.freedesktop.login1'", *(f"{key}='{word}'" for key, word in _SLEEP.items())]
)
"""The D-Bus match rule for the signal PrepareForSleep. The signal's one boolean is True before the system sleeps, and
False after it has woken (org.freedesktop.login1(5))."""


@contextlib.asynccontextmanager
async def calling_on_wake(callback: Callable[[], None]) -> AsyncGenerator[None, None]:
    """During the block, call `callback` whenever the system has woken from sleep. Without logind it is never called."""
    listening = asyncio.create_task(_listen(callback), name="signals of sleep")
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(callback: Callable[[], None]) -> None:
    if sys.platform != "linux":
        return
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    def on_message(message: Message) -> None:
        if {"interface": message.interface, "member": message.member} == _SLEEP and message.body == [False]:
            log.info("the system has slept")
            callback()

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        bus.add_message_handler(on_message)
        await bus.call(
            Message(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
                signature="s", body=[_MATCH_RULE],
            )
        )  # fmt: skip
        await asyncio.Event().wait()
    except Exception as error:  # noqa: BLE001  no bus, or one that ended: the service still looks at the clock every minute
        log.debug("nobody tells of the system's sleep: %s", error)
    finally:
        bus.disconnect()
