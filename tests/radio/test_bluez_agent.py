"""The pairing agent against a BlueZ that is played: what is asked, who is answered, and how long. No hardware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast import MessageType
from dbus_fast.aio import MessageBus

from hipsync.radio.bluez import bonded
from hipsync.radio.bluez_agent import PATH, Agent, pairing_agent
from support.played_bluez import ADDRESS, BAND, OTHER, BlueZ, Person, played
from support.private_bus import needs_dbus

REJECTED = "org.bluez.Error.Rejected"

pytestmark = needs_dbus


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


async def test_without_a_bus_there_is_no_bond_and_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    assert not await bonded(ADDRESS)
    async with pairing_agent(ADDRESS, Person()) as agent:
        assert not agent.asked
