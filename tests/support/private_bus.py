"""A private D-Bus for a test, and services on it that answer as the test says: a real daemon, no real hardware."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

needs_dbus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="there is no dbus-daemon here")

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
{policy}</policy></busconfig>"""

Reply = Callable[[Message], Message | bool | None]
"""Returns the answer to a call. True leaves the call without one, and None leaves it to the library."""


@contextmanager
def private_bus(folder: Path, policy: str = "") -> Generator[str]:
    """Yield the address of a bus that runs during the block; `policy` goes into its configuration."""
    socket, config = folder / "bus", folder / "bus.conf"
    config.write_text(_CONFIG.format(socket=socket, policy=policy))
    with subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"], stdout=subprocess.PIPE
    ) as bus:
        assert bus.stdout is not None
        bus.stdout.readline()  # one line: the daemon listens
        try:
            yield f"unix:path={socket}"
        finally:
            bus.kill()


@asynccontextmanager
async def on_the_bus(address: str, name: str, reply: Reply) -> AsyncGenerator[MessageBus, None]:
    """Yield the connection of a service with this name, which answers every call by `reply`."""
    bus = await MessageBus(bus_address=address).connect()

    def answer(message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or (message.interface or "").endswith(".Peer"):
            return None
        return reply(message)

    bus.add_message_handler(answer)
    await bus.request_name(name)
    try:
        yield bus
    finally:
        bus.disconnect()
