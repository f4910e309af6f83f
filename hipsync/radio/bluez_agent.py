"""What BlueZ wants of a program that pairs, and Bleak leaves out: an agent that answers, and an end to old bonds.

Without an agent BlueZ refuses every pairing. This one is registered while one band is paired, answers for that band
alone, and asks a person what only a person can know. Other systems ask by themselves; there nothing here does anything.

Source: BlueZ's doc/agent-api.txt, doc/device-api.txt and doc/adapter-api.txt at 5.66.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dbus_fast import Message, Variant
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

PATH = "/org/hipsync/agent"
BLUEZ, MANAGER, AGENT = "org.bluez", "org.bluez.AgentManager1", "org.bluez.Agent1"
DEVICE, ADAPTER = "org.bluez.Device1", "org.bluez.Adapter1"
ANSWERS_WITHIN_S = 5.0
"""BlueZ itself answers at once; where it hangs, pairing goes on without an agent and says so."""
MOST_PASSKEY = 999_999


class Person(Protocol):
    """Who is asked. None, or False, is also the answer where nobody is there."""

    async def passkey(self) -> int | None:
        """Six digits that the band shows."""
        ...

    async def pin(self) -> str | None:
        """What old devices have instead: up to 16 characters."""
        ...

    async def agrees(self, passkey: int) -> bool:
        """Whether the band shows this number too."""
        ...

    def shown(self, text: str) -> None:
        """To type on the band."""
        ...


class Agent:
    """Answers BlueZ for one device; what came of it stands in its attributes."""

    def __init__(self, address: str, person: Person) -> None:
        self._device, self._person = _path_of(address), person
        self._address = address
        self._asking: asyncio.Task[None] | None = None
        self.held = False
        """BlueZ had a bond with the device before."""
        self.asked = False
        """Somebody was asked for a passkey or a yes."""
        self.unanswered = False
        """There was nobody, or no answer."""
        self.answered = asyncio.Event()
        """BlueZ has what it asked for, a refusal too."""

    def answer(self, message: Message, reply: Callable[[Message], object]) -> None:
        """Answer one call of BlueZ's, now or when the person has."""
        from dbus_fast import Message as Made

        match message.member, message.body:
            case ("Release", _) | ("Cancel", _):
                self.end()
                reply(Made.new_method_return(message))
            case _, [str(path), *rest] if path.endswith(self._device):
                self._for_the_band(message, rest, reply)
            case _:
                log.info("another device than the one that is paired was refused")
                reply(Made.new_error(message, "org.bluez.Error.Rejected", "hipsync pairs another device now"))

    def _for_the_band(self, message: Message, rest: list[Any], reply: Callable[[Message], object]) -> None:
        from dbus_fast import Message as Made

        match message.member, rest:
            case "RequestPasskey", _:
                self._ask(message, reply, self._person.passkey, "u")
            case "RequestPinCode", _:
                self._ask(message, reply, self._person.pin, "s")
            case "RequestConfirmation", [int(passkey)]:
                self._ask(message, reply, lambda: self._person.agrees(passkey), "")
            case ("DisplayPasskey", [int(passkey), *_]):
                if not self.asked:  # BlueZ says it again for every key that is typed on the band
                    self._person.shown(f"{passkey:06}")
                self.asked = True
                reply(Made.new_method_return(message))
            case ("DisplayPinCode", [str(pin)]):
                self.asked = True
                self._person.shown(pin)
                reply(Made.new_method_return(message))
            case (("RequestAuthorization" | "AuthorizeService"), _):  # the person said so by giving the command
                reply(Made.new_method_return(message))
            case _:
                reply(Made.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "no agent knows that"))

    def _ask(
        self, message: Message, reply: Callable[[Message], object], question: Callable[[], Awaitable[object]], kind: str
    ) -> None:
        from dbus_fast import Message as Made

        async def asked() -> None:
            told = await question()
            if told is None or told is False:
                self.unanswered = True
                reply(Made.new_error(message, "org.bluez.Error.Rejected", "no answer"))
            else:
                reply(Made.new_method_return(message, kind, [told] if kind else []))
            self.answered.set()

        self.end()
        self.asked = True
        self._asking = asyncio.create_task(asked(), name="pairing agent")

    async def made_a_bond(self) -> bool:
        """Whether there is one that was not there before, or was asked for; Just Works asks for nothing."""
        return (self.answered.is_set() or not self.held) and await bonded(self._address)

    def end(self) -> None:
        """Ask no longer: BlueZ called it off, or the pairing is over."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


@asynccontextmanager
async def pairing_agent(address: str, person: Person) -> AsyncGenerator[Agent, None]:
    """An agent for one device until the end of the block: BlueZ's default for so long, for BlueZ also begins by itself.

    Where it cannot be registered, pairing may still work (another program has an agent), so that is only logged.
    """
    agent = Agent(address, person)
    agent.held = await bonded(address)
    bus = await _bus()
    if bus is None:
        yield agent
        return
    try:
        await _register(bus, agent)
        yield agent
    finally:
        agent.end()
        await _call(bus, "/org/bluez", MANAGER, "UnregisterAgent", "o", [PATH])
        bus.disconnect()


async def _register(bus: MessageBus, agent: Agent) -> None:
    from dbus_fast import MessageType

    owner = await _call(bus, "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", "s", [BLUEZ])

    def arrived(message: Message) -> bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != PATH or message.interface != AGENT:
            return None
        if owner is None or [message.sender] != owner:  # anybody on the bus may call, and nobody else may be answered
            return None
        agent.answer(message, bus.send)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return True

    bus.add_message_handler(arrived)
    registered = await _call(bus, "/org/bluez", MANAGER, "RegisterAgent", "os", [PATH, "KeyboardDisplay"])
    if registered is None or await _call(bus, "/org/bluez", MANAGER, "RequestDefaultAgent", "o", [PATH]) is None:
        log.warning("BlueZ takes no pairing agent: a band that wants to be bonded will be refused")


async def bonded(address: str) -> bool:
    """Whether BlueZ keeps keys for this device; False on other systems, and where it does not say."""
    return any(device.get("Paired") for device in (await _devices(address)).values())


async def identity(address: str) -> str:
    """The address by which this device is known from now on: a bonded one that changes its address has told another."""
    devices = (await _devices(address)).values()
    return next((str(device["Address"]) for device in devices if device.get("Paired")), address)


async def drop_bond(address: str) -> bool:
    """Let BlueZ forget the device and its keys; whether it knew the device."""
    devices = await _devices(address)
    if devices and (bus := await _bus()) is not None:
        try:
            for path, device in devices.items():
                await _call(bus, device["Adapter"], ADAPTER, "RemoveDevice", "o", [path])
        finally:
            bus.disconnect()
    return bool(devices)


async def _devices(address: str) -> dict[str, dict[str, Any]]:
    """BlueZ's devices with this address, one an adapter: properties by path, which keeps the address first seen."""
    bus = await _bus()
    if bus is None:
        return {}
    try:
        held = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", [])
    finally:
        bus.disconnect()
    objects: dict[str, dict[str, dict[str, Variant]]] = held[0] if held else {}
    found: dict[str, dict[str, Any]] = {}
    for path, interfaces in objects.items():
        device = {name: variant.value for name, variant in interfaces.get(DEVICE, {}).items()}
        if path.endswith(_path_of(address)) or str(device.get("Address", "")).upper() == address.upper():
            found[path] = device
    return found


def _path_of(address: str) -> str:
    return "/dev_" + address.upper().replace(":", "_")


async def _bus() -> MessageBus | None:
    """The system's bus; None on other systems than Linux, and where there is none."""
    if sys.platform != "linux":
        return None
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus
    from dbus_fast.errors import AuthError

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        return await bus.connect()
    except (OSError, EOFError, AuthError) as error:
        bus.disconnect()
        log.debug("no D-Bus: %s", error)
        return None


async def _call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any] | None:
    """What it answers; None if that is an error, or nothing."""
    from dbus_fast import Message, MessageType

    name = "org.freedesktop.DBus" if interface == "org.freedesktop.DBus" else BLUEZ
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            reply = await bus.call(
                Message(name, path, interface, member, signature=signature, body=body)  # pyright: ignore[reportUnknownMemberType]
            )
    except (TimeoutError, OSError, EOFError) as error:
        log.debug("%s got no answer: %r", member, error)
        return None
    if reply.message_type is MessageType.ERROR:
        log.debug("%s failed: %s", member, reply.error_name)
        return None
    return list(reply.body)
