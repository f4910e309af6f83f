"""A BlueZ that a test plays on a private bus: what it lists, what is called on it, and what it asks an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from hipsync.radio.bluez_agent import AGENT, PATH
from support.private_bus import on_the_bus, private_bus

ADDRESS = "C8:0F:10:80:D0:21"
BAND, OTHER = "/org/bluez/hci0/dev_C8_0F_10_80_D0_21", "/org/bluez/hci0/dev_C8_0F_10_80_D0_22"
Objects = dict[str, dict[str, dict[str, Variant]]]


def bluez(powered: bool = True, adapters: Iterable[str] = ("hci0",), roles: Iterable[str] = ("central",)) -> Objects:
    """Return the objects that BlueZ lists for these adapters."""
    return {
        f"/org/bluez/{name}": {
            "org.bluez.Adapter1": {
                "Address": Variant("s", "00:00:00:00:00:01"),
                "Powered": Variant("b", powered),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", list(roles)),
            }
        }
        for name in adapters
    }


@dataclass
class Person:
    """A person who answers what the test says, once `awake` is set, and records the questions."""

    knows: int | None = 123456
    says_yes: bool = True
    questions: list[str] = field(default_factory=list[str])
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def passkey(self) -> int | None:
        self.questions.append("passkey")
        await self.awake.wait()
        return self.knows

    async def pin(self) -> str | None:
        self.questions.append("pin")
        return None if self.knows is None else "0000"

    async def agrees(self, passkey: int) -> bool:
        self.questions.append(f"{passkey}?")
        return self.says_yes

    def shown(self, text: str) -> None:
        self.questions.append(f"type {text}")


@dataclass
class BlueZ:
    """A BlueZ that records what was called on it, with the bus from which it calls the agent."""

    bus: MessageBus | None = None
    called: list[tuple[str, list[Any]]] = field(default_factory=list[tuple[str, list[Any]]])
    clients: list[str] = field(default_factory=list[str])
    refuses: frozenset[str] = frozenset()
    resolved: dict[str, str] = field(default_factory=dict[str, str])
    """The address that a device revealed when it was bonded, by the device's path."""

    def reply(self, message: Message) -> Message:
        self.called.append((message.member or "", list(message.body)))
        self.clients.append(message.sender or "")
        if message.member in self.refuses:
            return Message.new_error(message, "org.bluez.Error.Failed", "no")
        if message.member == "GetManagedObjects":
            device = {
                path: {
                    "org.bluez.Device1": {
                        "Address": Variant("s", self.resolved.get(path, path[-17:].replace("_", ":"))),
                        "Adapter": Variant("o", "/org/bluez/hci0"),
                        "Paired": Variant("b", path == BAND),
                    }
                }
                for path in (BAND, OTHER)
            }
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [device])
        return Message.new_method_return(message)

    async def ask(self, member: str, signature: str = "o", *body: object, bus: MessageBus | None = None) -> Message:
        """Call a method of the agent and return its answer."""
        asking = bus or self.bus
        assert asking is not None
        made = Message(
            next(
                sender
                for (member, _), sender in zip(self.called, self.clients, strict=True)
                if member == "RegisterAgent"
            ),
            PATH,
            AGENT,
            member,
            signature=signature,
            body=list(body) if body or not signature else [BAND],
        )
        reply = await asking.call(made)
        assert reply is not None
        return reply


@asynccontextmanager
async def played(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refuses: frozenset[str] = frozenset()
) -> AsyncGenerator[BlueZ, None]:
    bluez = BlueZ(refuses=refuses)
    with private_bus(folder) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with on_the_bus(address, "org.bluez", bluez.reply) as bluez.bus:
            yield bluez
