"""The pairing agent against a BlueZ that is played: what is asked, who is answered, and how long. No hardware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from hipsync.radio.bluez import bonded, drop_bond, identity
from hipsync.radio.bluez_agent import AGENT, PATH, Agent, pairing_agent
from support.private_bus import needs_dbus, on_the_bus, private_bus

ADDRESS = "C8:0F:10:80:D0:21"
BAND, OTHER = "/org/bluez/hci0/dev_C8_0F_10_80_D0_21", "/org/bluez/hci0/dev_C8_0F_10_80_D0_22"
REJECTED = "org.bluez.Error.Rejected"

pytestmark = needs_dbus


@dataclass
class Person:
    """Answers as the test says, when it says."""

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
    """What was called on it, and the bus from which it calls the agent."""

    bus: MessageBus | None = None
    called: list[tuple[str, list[Any]]] = field(default_factory=list[tuple[str, list[Any]]])
    clients: list[str] = field(default_factory=list[str])
    refuses: frozenset[str] = frozenset()
    resolved: dict[str, str] = field(default_factory=dict[str, str])
    """By path, the address that a device has told when it was bonded."""

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
        """What the agent answers."""
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


@asynccontextmanager
async def asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, person: Person
) -> AsyncGenerator[tuple[BlueZ, Agent], None]:
    async with played(folder, monkeypatch) as bluez, pairing_agent(ADDRESS, person) as agent:
        yield bluez, agent


async def test_an_agent_is_there_for_the_length_of_a_pairing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with played(tmp_path, monkeypatch) as bluez:

        async def pairing() -> None:
            async with pairing_agent(ADDRESS, Person()):
                assert bluez.called[1:] == [
                    ("RegisterAgent", [PATH, "KeyboardDisplay"]),
                    ("RequestDefaultAgent", [PATH]),
                ]
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await pairing()
        assert bluez.called[3:] == [("UnregisterAgent", [PATH])]


async def test_a_passkey_is_asked_of_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person()
    async with asked(tmp_path, monkeypatch, person) as (bluez, agent):
        asking = asyncio.create_task(bluez.ask("RequestPasskey"))
        while not person.questions:  # noqa: ASYNC110  it comes over a socket
            await asyncio.sleep(0.01)
        assert not agent.answered.is_set()
        person.awake.set()
        reply = await asking
        assert (reply.signature, reply.body) == ("u", [123456])
        assert (agent.asked, agent.unanswered, agent.answered.is_set()) == (True, False, True)


async def test_each_question_has_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person()
    async with asked(tmp_path, monkeypatch, person) as (bluez, _):
        assert (await bluez.ask("RequestPinCode")).body == ["0000"]
        assert (await bluez.ask("RequestConfirmation", "ou", BAND, 42)).message_type is MessageType.METHOD_RETURN
        assert (await bluez.ask("RequestAuthorization")).message_type is MessageType.METHOD_RETURN
        assert (await bluez.ask("AuthorizeService", "os", BAND, "180d")).message_type is MessageType.METHOD_RETURN
        assert (await bluez.ask("Frobnicate")).error_name == "org.freedesktop.DBus.Error.UnknownMethod"
        assert person.questions == ["pin", "42?"]


async def test_a_passkey_to_type_on_the_band_is_shown_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person()
    async with asked(tmp_path, monkeypatch, person) as (bluez, agent):
        for typed in range(3):
            await bluez.ask("DisplayPasskey", "ouq", BAND, 42, typed)
        assert person.questions == ["type 000042"]
        assert agent.asked


@pytest.mark.parametrize("member", ["RequestPasskey", "RequestPinCode"])
async def test_where_nobody_answers_the_band_is_refused(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(knows=None)
    person.awake.set()
    async with asked(tmp_path, monkeypatch, person) as (bluez, agent):
        assert (await bluez.ask(member)).error_name == REJECTED
        assert (agent.unanswered, agent.answered.is_set()) == (True, True)


async def test_a_number_that_the_band_does_not_show_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asked(tmp_path, monkeypatch, Person(says_yes=False)) as (bluez, agent):
        assert (await bluez.ask("RequestConfirmation", "ou", BAND, 42)).error_name == REJECTED
        assert agent.unanswered


@pytest.mark.parametrize(
    ("member", "signature", "rest"),
    [
        ("RequestPasskey", "o", []),
        ("RequestPinCode", "o", []),
        ("RequestConfirmation", "ou", [42]),
        ("RequestAuthorization", "o", []),
        ("AuthorizeService", "os", ["180d"]),
        ("DisplayPasskey", "ouq", [42, 0]),
    ],
)
async def test_every_other_device_is_refused(
    member: str, signature: str, rest: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person()
    async with asked(tmp_path, monkeypatch, person) as (bluez, agent):
        assert (await bluez.ask(member, signature, OTHER, *rest)).error_name == REJECTED
        assert (person.questions, agent.asked) == ([], False)


async def test_bluez_alone_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person()
    person.awake.set()
    async with asked(tmp_path, monkeypatch, person) as (bluez, _):
        stranger = await MessageBus(bus_address=f"unix:path={tmp_path / 'bus'}").connect()
        try:
            reply = await bluez.ask("RequestPasskey", bus=stranger)
        finally:
            stranger.disconnect()
        assert reply.message_type is MessageType.ERROR
        assert person.questions == []


async def test_a_question_that_is_called_off_is_asked_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person()
    async with asked(tmp_path, monkeypatch, person) as (bluez, agent):
        asking = asyncio.create_task(bluez.ask("RequestPasskey"))
        while not person.questions:  # noqa: ASYNC110  it comes over a socket
            await asyncio.sleep(0.01)
        await bluez.ask("Cancel", "")
        asking.cancel()
        assert not [
            task for task in asyncio.all_tasks() if task.get_name() == "pairing agent" and not task.cancelling()
        ]
        assert not agent.answered.is_set()


async def test_a_bluez_that_takes_no_agent_is_said_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with played(tmp_path, monkeypatch, frozenset({"RegisterAgent"})), pairing_agent(ADDRESS, Person()):
        assert "BlueZ takes no pairing agent" in caplog.text


async def test_a_bond_is_known_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with played(tmp_path, monkeypatch) as bluez:
        assert await bonded(ADDRESS.lower())
        assert not await bonded("C8:0F:10:80:D0:22")
        assert await drop_bond(ADDRESS)
        assert ("RemoveDevice", [BAND]) in bluez.called
        assert ("RemoveDevice", [OTHER]) not in bluez.called
        assert not await drop_bond("C8:0F:10:80:D0:23")


async def test_a_bond_that_was_made_meanwhile_is_known_from_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with played(tmp_path, monkeypatch):
        async with pairing_agent(ADDRESS, Person()) as agent:
            assert agent.had_bond
            assert not await agent.made_a_bond()
            agent.answered.set()  # a better one was asked for
            assert await agent.made_a_bond()
            agent.had_bond = False
            agent.answered.clear()
            assert await agent.made_a_bond(), "Just Works asks for nothing"
        async with pairing_agent("C8:0F:10:80:D0:22", Person()) as agent:
            assert not agent.had_bond
            assert not await agent.made_a_bond()


async def test_a_bonded_band_that_changes_its_address_is_known_by_the_one_it_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = "5E:01:02:03:04:05"
    async with played(tmp_path, monkeypatch) as bluez:
        assert await identity(ADDRESS) == ADDRESS
        assert await identity(private) == private
        bluez.resolved[BAND] = "D0:00:00:00:00:01"  # and the path stays
        assert await identity(ADDRESS) == "D0:00:00:00:00:01"
        assert await bonded("D0:00:00:00:00:01")
        assert await bonded(ADDRESS)
        bluez.resolved[OTHER] = "D0:00:00:00:00:02"
        assert await identity("C8:0F:10:80:D0:22") == "C8:0F:10:80:D0:22", "it is not bonded"


async def test_without_a_bus_there_is_no_bond_and_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    assert not await bonded(ADDRESS)
    async with pairing_agent(ADDRESS, Person()) as agent:
        assert not agent.asked
