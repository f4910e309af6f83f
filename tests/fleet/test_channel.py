"""Computers of one wearer at a real Postgres: messages come in order, the computers become equal, and one speaks."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql

from hipsync.errors import FleetError
from hipsync.fleet import channel as channel_module
from hipsync.fleet.channel import FleetChannel, opened
from hipsync.together.channel import Message, Subscription
from hipsync.together.topics import Topics
from support.postgres import Postgres

pytestmark = pytest.mark.enable_socket
DESK, LAPTOP = Topics("wearer", "desk"), Topics("wearer", "laptop")
ALL = [Subscription("a/+"), Subscription("hipsync/wearer/host/+")]


@asynccontextmanager
async def at(server: Postgres, login: str, topics: Topics, *wanted: Subscription) -> AsyncGenerator[FleetChannel]:
    async with opened(server.dsn(login), topics) as channel:
        await channel.subscribe(wanted or ALL)
        yield channel


async def heard(channel: FleetChannel, until: str = "end", of: str = "a/") -> list[Message]:
    """What comes at topics that begin with `of`, until a message says `until`."""
    found: list[Message] = []
    async with asyncio.timeout(10):
        async for message in channel.messages():
            if message.payload == until.encode():
                return found
            if message.topic.startswith(of):
                found.append(message)
    raise AssertionError


# -------------------------------------------------------------------- the channel


async def test_all_hear_all_in_one_order_whoever_says_it(owned: Postgres) -> None:
    async with at(owned, "ward_1", DESK) as desk, at(owned, "ward_2", LAPTOP) as laptop:

        async def say(channel: FleetChannel, name: str) -> None:
            for number in range(50):
                await channel.publish(f"a/{name}", str(number).encode(), retain=False)

        await asyncio.gather(say(desk, "desk"), say(laptop, "laptop"))
        await desk.publish("a/x", b"end", retain=False)
        first, second = await asyncio.gather(heard(desk), heard(laptop))
        assert first == second
        for name in ("desk", "laptop"):
            assert [each.payload for each in first if each.topic == f"a/{name}"] == [str(n).encode() for n in range(50)]


async def test_who_comes_late_hears_what_is_kept_before_anything_newer_and_nothing_else(owned: Postgres) -> None:
    async with at(owned, "ward_1", DESK) as desk:
        await desk.publish("a/kept", b"old", retain=True)
        await desk.publish("a/kept", b"newer", retain=True)
        await desk.publish("a/gone", b"x", retain=True)
        await desk.publish("a/gone", b"", retain=True)
        await desk.publish("a/passed", b"x", retain=False)
        await desk.publish("b/kept", b"x", retain=True)
        async with at(owned, "ward_2", LAPTOP, Subscription("a/+")) as laptop:
            await laptop.publish("a/kept", b"newest", retain=True)
            await laptop.publish("a/x", b"end", retain=False)
            assert await heard(laptop) == [
                Message("a/kept", b"newer", retained=True), Message("a/kept", b"newest", retained=True)
            ]  # fmt: skip
        with owned.owner() as db:
            rows = db.execute("SELECT topic, payload FROM hipsync.messages WHERE kept ORDER BY topic").fetchall()
        assert [row for row in rows if row[0][1] == "/"] == [("a/kept", b"newest"), ("b/kept", b"x")]


async def test_a_subscription_without_what_is_kept_and_one_that_ended_hear_only_what_they_should(
    owned: Postgres,
) -> None:
    async with at(owned, "ward_1", DESK) as desk:
        await desk.publish("a/kept", b"x", retain=True)
        async with at(owned, "ward_2", LAPTOP, Subscription("a/+", kept=False), Subscription("b/+/c")) as laptop:
            await desk.publish("b/x/c", b"1", retain=False)
            await desk.publish("b/x", b"2", retain=False)
            await desk.publish("b/x/c/d", b"3", retain=False)
            await desk.publish("b/x/y/c", b"3", retain=False)
            await desk.publish("a/x/y", b"3", retain=False)
            await desk.publish("a/x", b"end", retain=False)
            assert [each.payload for each in await heard(laptop, of="")] == [b"1"]
            await laptop.unsubscribe(["b/+/c"])
            await desk.publish("b/x/c", b"4", retain=False)
            await desk.publish("a/x", b"end", retain=False)
            assert await heard(laptop, of="") == []


async def test_what_is_said_after_the_end_of_a_subscription_is_not_heard_though_it_was_being_asked_for(
    owned: Postgres,
) -> None:
    async with at(owned, "ward_1", DESK) as desk, at(owned, "ward_2", LAPTOP, *ALL[:1], Subscription("b/x")) as laptop:

        async def end_then_say() -> None:
            await laptop.unsubscribe(["b/x"])
            await desk.publish("b/x", b"after", retain=False)

        with owned.owner() as db:
            ((pid,),) = db.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'ward_2' AND query NOT LIKE 'LISTEN%'"
            ).fetchall()
        os.kill(pid, signal.SIGSTOP)
        try:
            await desk.publish("a/x", b"wakes the laptop", retain=False)
            await asyncio.sleep(0.2)  # it is asking now, of a server that has not looked yet
            ending = asyncio.create_task(end_then_say())
            await asyncio.wait({ending}, timeout=0.2)
        finally:
            os.kill(pid, signal.SIGCONT)
        await ending
        await desk.publish("a/x", b"end", retain=False)
        assert await heard(laptop, of="b/") == []


async def test_what_expired_is_neither_heard_nor_stays(owned: Postgres) -> None:
    async with at(owned, "ward_1", DESK) as desk:
        await desk.publish("a/soon", b"x", retain=True, expires_s=1)
        await desk.publish("a/passed", b"x", retain=False)
        await desk.publish("a/never", b"x", retain=True)
        with owned.owner() as db:
            db.execute("UPDATE hipsync.messages SET expires = now() WHERE topic IN ('a/soon', 'a/passed')")
        async with at(owned, "ward_2", LAPTOP) as laptop:
            await desk.publish("a/x", b"end", retain=False)
            assert [each.topic for each in await heard(laptop)] == ["a/never"]
    with owned.owner() as db:
        assert db.execute("SELECT topic FROM hipsync.messages WHERE topic LIKE 'a/%' ORDER BY topic").fetchall() == [
            ("a/never",), ("a/x",)]  # fmt: skip


async def test_a_computer_that_ends_or_vanishes_is_heard_to_be_offline(
    owned: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "LOOK_S", 0.1)
    async with at(owned, "ward_1", DESK) as desk:
        async with at(owned, "ward_2", LAPTOP):
            await until_told(desk, "online")
        await until_told(desk, "offline")
        async with at(owned, "ward_2", LAPTOP):
            await until_told(desk, "online")
            with owned.owner() as db:  # as if it was silent for a minute
                db.execute("UPDATE hipsync.messages SET expires = now() WHERE topic = %s", [LAPTOP.host_topic()])
            await until_told(desk, "offline")


async def until_told(desk: FleetChannel, word: str) -> None:
    """Wait until the desk hears this word of the laptop."""
    async with asyncio.timeout(10):
        async for message in desk.messages():
            if message == Message(LAPTOP.host_topic(), word.encode(), retained=True):
                return


async def test_another_wearers_computer_hears_nothing_and_does_not_learn_where_to_listen(owned: Postgres) -> None:
    async with at(owned, "ward_1", DESK) as desk, at(owned, "ward_3", DESK) as other:
        await desk.publish("a/kept", b"ours", retain=True)
        await other.publish("a/x", b"theirs", retain=True)
        await other.publish("a/x", b"end", retain=False)
        assert [each.payload for each in await heard(other)] == [b"theirs"]
        await desk.publish("a/x", b"end", retain=False)
        assert [each.payload for each in await heard(desk)] == [b"ours"]
    with psycopg.connect(owned.dsn("ward_3"), autocommit=True) as db:
        for table in ("channels", "messages", "computers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(sql.SQL("SELECT * FROM hipsync.{}").format(sql.Identifier(table)))
    with owned.owner() as db:
        names = db.execute("SELECT name FROM hipsync.channels").fetchall()
    assert len({*names}) == 2


async def test_a_login_that_is_no_wearers_computer_is_told_what_its_owner_has_to_say(owned: Postgres) -> None:
    with owned.owner() as db:
        db.execute("DELETE FROM hipsync.computers WHERE login = 'ward_2'")
    with pytest.raises(FleetError) as raised:
        async with opened(owned.dsn("ward_2"), LAPTOP):
            pass
    assert str(raised.value) == (
        "the login ward_2 is no wearer's own computer: the owner says `hipsync fleet computer LOGIN PSEUDONYM`"
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE hipsync.version SET number = number - 1", "its owner brings it up with `hipsync fleet init`"),
        ("UPDATE hipsync.version SET number = number + 1", "use hipsync of one version"),
        ("DROP SCHEMA hipsync, hipsync_names CASCADE", "its owner runs `hipsync fleet init`"),
    ],
)
async def test_another_schema_is_refused_in_one_line(owned: Postgres, change: str, why: str) -> None:
    with owned.owner() as db:
        db.execute(change.encode())
    with pytest.raises(FleetError, match=why):
        async with opened(owned.dsn("ward_1"), DESK):
            pass


async def test_a_session_that_is_killed_ends_the_channel_with_the_reason(owned: Postgres) -> None:
    async with at(owned, "ward_1", DESK) as desk:
        with owned.owner() as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ward_1'")
        with pytest.raises(FleetError, match="cannot be reached"):
            await heard(desk)
        with pytest.raises(FleetError):
            await desk.publish("a/x", b"x", retain=False)
