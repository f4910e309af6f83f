"""Answers BlueZ's questions while a band is being paired, because Bleak offers nothing for that.

Without an agent to ask, BlueZ refuses every pairing. This one is registered while one band is being paired, and it
answers for that band alone. It asks a `Person` for what only a person can know, such as a passkey. Other systems ask
the person themselves: there the agent is not registered and is never called.

Source: BlueZ's doc/agent-api.txt at 5.66.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from hipsync.radio.bluez import BLUEZ, DBUS, bonded, call, device_path_end, system_bus

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

PATH = "/org/hipsync/agent"
MANAGER, AGENT = "org.bluez.AgentManager1", "org.bluez.Agent1"
MOST_PASSKEY = 999_999


class Person(Protocol):
    """The person who pairs the band. If nobody is there, the answer is None or False."""

    async def passkey(self) -> int | None:
        """Ask for the six digits that the band shows. Returns them as a number, or None if nobody types them."""
        ...

    async def pin(self) -> str | None:
        """Ask for the code of up to 16 characters that old devices use in place of a passkey. None means no answer."""
        ...

    async def agrees(self, passkey: int) -> bool:
        """Ask whether the band shows this number too. Returns False if nobody confirms it."""
        ...

    def shown(self, text: str) -> None:
        """Show the person a code to type on the band."""
        ...


class Agent:
    """Answers BlueZ's questions about one device, and records in its attributes how they were answered."""

    def __init__(self, address: str, person: Person) -> None:
        self._path_end, self._person = device_path_end(address), person
        self._address = address
        self._asking: asyncio.Task[None] | None = None
        self.had_bond = False
        """Whether BlueZ had a bond with the device before this pairing."""
        self.asked = False
        """Whether the person was asked something, or shown a code."""
        self.unanswered = False
        """Whether the person left a question unanswered, or answered no."""
        self.answered = asyncio.Event()
        """Set once BlueZ has received the reply to a question, even if that was a refusal."""

    def answer(self, message: Message, reply: Callable[[Message], object]) -> None:
        """Answer one method call from BlueZ by calling `reply`, either at once or when the person has answered."""
        from dbus_fast import Message as Made

        match message.member, message.body:
            case ("Release", _) | ("Cancel", _):
                self.end()
                reply(Made.new_method_return(message))
            case _, [str(path), *rest] if path.endswith(self._path_end):
                self._answer_about_the_band(message, rest, reply)
            case _:
                log.info("another device than the one that is paired was refused")
                reply(Made.new_error(message, "org.bluez.Error.Rejected", "hipsync pairs another device now"))

    def _answer_about_the_band(self, message: Message, rest: list[Any], reply: Callable[[Message], object]) -> None:
        from dbus_fast import Message as Made

        match message.member, rest:
            case "RequestPasskey", _:
                self._ask(message, reply, self._person.passkey, "u")
            case "RequestPinCode", _:
                self._ask(message, reply, self._person.pin, "s")
            case "RequestConfirmation", [int(passkey)]:
                self._ask(message, reply, lambda: self._person.agrees(passkey), "")
            case ("DisplayPasskey", [int(passkey), *_]):
                if not self.asked:  # BlueZ calls this again for every key that is typed on the band
                    self._person.shown(f"{passkey:06}")
                self.asked = True
                reply(Made.new_method_return(message))
            case ("DisplayPinCode", [str(pin)]):
                self.asked = True
                self._person.shown(pin)
                reply(Made.new_method_return(message))
            case (("RequestAuthorization" | "AuthorizeService"), _):  # the command to pair was the authorization
                reply(Made.new_method_return(message))
            case _:
                reply(Made.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "no agent knows that"))

    def _ask(
        self, message: Message, reply: Callable[[Message], object], question: Callable[[], Awaitable[object]], kind: str
    ) -> None:
        """Ask the person; then reply with the answer as the D-Bus type `kind` ("" for no value), or with a refusal."""
        from dbus_fast import Message as Made

        async def ask() -> None:
            value = await question()
            if value is None or value is False:
                self.unanswered = True
                reply(Made.new_error(message, "org.bluez.Error.Rejected", "no answer"))
            else:
                reply(Made.new_method_return(message, kind, [value] if kind else []))
            self.answered.set()

        self.end()
        self.asked = True
        self._asking = asyncio.create_task(ask(), name="pairing agent")

    async def made_a_bond(self) -> bool:
        """Whether this pairing created a bond.

        It did if there is a bond now that was not there before, or that BlueZ asked a question about. BlueZ asks no
        question for Just Works, so the lack of a question does not mean that there is no bond.
        """
        return (self.answered.is_set() or not self.had_bond) and await bonded(self._address)

    def end(self) -> None:
        """Stop asking the person: BlueZ has withdrawn its question, or the pairing is over."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


@asynccontextmanager
async def pairing_agent(address: str, person: Person) -> AsyncGenerator[Agent, None]:
    """Register an agent for one device until the end of the block.

    During the block it is BlueZ's default agent, because BlueZ also starts pairings on its own initiative. A failure to
    register it is only logged, because pairing may still work through another program's agent.
    """
    agent = Agent(address, person)
    agent.had_bond = await bonded(address)
    bus = await system_bus()
    if bus is None:
        yield agent
        return
    try:
        await _register(bus, agent)
        yield agent
    finally:
        agent.end()
        await call(bus, "/org/bluez", MANAGER, "UnregisterAgent", "o", [PATH])
        bus.disconnect()


async def _register(bus: MessageBus, agent: Agent) -> None:
    from dbus_fast import MessageType

    owner = await call(bus, "/org/freedesktop/DBus", DBUS, "GetNameOwner", "s", [BLUEZ])

    def on_message(message: Message) -> bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != PATH or message.interface != AGENT:
            return None
        if owner is None or [message.sender] != owner:  # any program on the bus may call, but only BlueZ gets an answer
            return None
        agent.answer(message, bus.send)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return True

    bus.add_message_handler(on_message)
    registered = await call(bus, "/org/bluez", MANAGER, "RegisterAgent", "os", [PATH, "KeyboardDisplay"])
    if registered is None or await call(bus, "/org/bluez", MANAGER, "RequestDefaultAgent", "o", [PATH]) is None:
        log.warning("BlueZ takes no pairing agent: a band that wants to be bonded will be refused")
