"""Computers of one wearer at a real Postgres: messages come in order, the computers become equal, and one speaks."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from hipsync.errors import FleetError
from hipsync.fleet import channel as channel_module
from hipsync.fleet.channel import FleetChannel, opened
from hipsync.fleet.database import VERSION
from hipsync.model import MINUTE, Answer, Exercise, Occasion
from hipsync.service.answers import answer_prompt, pause_prompts
from hipsync.together import claims as claims_module
from hipsync.together import sharing as sharing_module
from hipsync.together.channel import Message, Subscription
from hipsync.together.claims import Claim, Claims, claim_message
from hipsync.together.topics import Topics
from support.computers import FleetComputer, equal, until
from support.postgres import Postgres

pytestmark = pytest.mark.enable_socket
DESK, LAPTOP = Topics("wearer", "desk"), Topics("wearer", "laptop")
ALL = [Subscription("a/+"), Subscription("hipsync/wearer/host/+")]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LOOK_S": 0.05, "RECENT_EVERY_S": 0.2, "ALL_EVERY_S": 0.4, "HEAD_START_S": 0.4, "ROW_WITHIN_S": 0.1,
        "FIRST_WAIT_S": 0.05, "LONGEST_WAIT_S": 0.2, "ASK_SOON_S": 0.5,
    }.items():  # fmt: skip
        monkeypatch.setattr(sharing_module, name, value)


@pytest.fixture
def ward(fleet: Postgres) -> Iterator[Postgres]:
    """A fleet of two wearers: the first has the computers ward_1 and ward_2, the second has ward_3."""
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-1', 'UTC'), ('P-2', 'UTC')")
        db.execute("CREATE ROLE ward_3 LOGIN IN ROLE hipsync_gateway")
        for login, wearer in (("ward_1", "P-1"), ("ward_2", "P-1"), ("ward_3", "P-2")):
            db.execute(
                "INSERT INTO hipsync.computers SELECT %s, id FROM hipsync.wearers WHERE pseudonym = %s", [login, wearer]
            )
    yield fleet
    with fleet.owner() as db:
        db.execute("DROP ROLE ward_3")


@pytest.fixture
def computers(ward: Postgres) -> tuple[FleetComputer, FleetComputer]:
    return FleetComputer(ward, "ward_1", "desk"), FleetComputer(ward, "ward_2", "laptop")


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


async def both_on(stack: AsyncExitStack, desk: FleetComputer, laptop: FleetComputer) -> None:
    await stack.enter_async_context(desk.on())
    await stack.enter_async_context(laptop.on())
    await until(lambda: desk.sees("laptop") and laptop.sees("desk"))
    await asyncio.gather(desk.speaks(Occasion.MORNING), laptop.speaks(Occasion.MORNING))  # they know what was said
    for each in (desk, laptop):
        each.clock.skip(60)


# -------------------------------------------------------------------- the channel


async def test_all_hear_all_in_one_order_whoever_says_it(ward: Postgres) -> None:
    async with at(ward, "ward_1", DESK) as desk, at(ward, "ward_2", LAPTOP) as laptop:

        async def say(channel: FleetChannel, name: str) -> None:
            for number in range(50):
                await channel.publish(f"a/{name}", str(number).encode(), retain=False)

        await asyncio.gather(say(desk, "desk"), say(laptop, "laptop"))
        await desk.publish("a/x", b"end", retain=False)
        first, second = await asyncio.gather(heard(desk), heard(laptop))
        assert first == second
        for name in ("desk", "laptop"):
            assert [each.payload for each in first if each.topic == f"a/{name}"] == [str(n).encode() for n in range(50)]


async def test_who_comes_late_hears_what_is_kept_before_anything_newer_and_nothing_else(ward: Postgres) -> None:
    async with at(ward, "ward_1", DESK) as desk:
        await desk.publish("a/kept", b"old", retain=True)
        await desk.publish("a/kept", b"newer", retain=True)
        await desk.publish("a/gone", b"x", retain=True)
        await desk.publish("a/gone", b"", retain=True)
        await desk.publish("a/passed", b"x", retain=False)
        await desk.publish("b/kept", b"x", retain=True)
        async with at(ward, "ward_2", LAPTOP, Subscription("a/+")) as laptop:
            await laptop.publish("a/kept", b"newest", retain=True)
            await laptop.publish("a/x", b"end", retain=False)
            assert await heard(laptop) == [
                Message("a/kept", b"newer", retained=True), Message("a/kept", b"newest", retained=True)
            ]  # fmt: skip
        with ward.owner() as db:
            rows = db.execute("SELECT topic, payload FROM hipsync.messages WHERE kept ORDER BY topic").fetchall()
        assert [row for row in rows if row[0][1] == "/"] == [("a/kept", b"newest"), ("b/kept", b"x")]


async def test_a_subscription_without_what_is_kept_and_one_that_ended_hear_only_what_they_should(
    ward: Postgres,
) -> None:
    async with at(ward, "ward_1", DESK) as desk:
        await desk.publish("a/kept", b"x", retain=True)
        async with at(ward, "ward_2", LAPTOP, Subscription("a/+", kept=False), Subscription("b/+/c")) as laptop:
            await desk.publish("b/x/c", b"1", retain=False)
            await desk.publish("b/x", b"2", retain=False)
            await desk.publish("b/x/c/d", b"3", retain=False)
            await desk.publish("a/x", b"end", retain=False)
            assert [each.payload for each in await heard(laptop, of="")] == [b"1"]
            await laptop.unsubscribe(["b/+/c"])
            await desk.publish("b/x/c", b"4", retain=False)
            await desk.publish("a/x", b"end", retain=False)
            assert await heard(laptop, of="") == []


async def test_what_expired_is_neither_heard_nor_stays(ward: Postgres) -> None:
    async with at(ward, "ward_1", DESK) as desk:
        await desk.publish("a/soon", b"x", retain=True, expires_s=1)
        await desk.publish("a/passed", b"x", retain=False)
        await desk.publish("a/never", b"x", retain=True)
        with ward.owner() as db:
            db.execute("UPDATE hipsync.messages SET expires = now() WHERE topic IN ('a/soon', 'a/passed')")
        async with at(ward, "ward_2", LAPTOP) as laptop:
            await desk.publish("a/x", b"end", retain=False)
            assert [each.topic for each in await heard(laptop)] == ["a/never"]
    with ward.owner() as db:
        assert db.execute("SELECT topic FROM hipsync.messages WHERE topic LIKE 'a/%' ORDER BY topic").fetchall() == [
            ("a/never",), ("a/x",)]  # fmt: skip


async def test_a_computer_that_ends_or_vanishes_is_heard_to_be_offline(
    ward: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "LOOK_S", 0.1)
    async with at(ward, "ward_1", DESK) as desk:
        async with at(ward, "ward_2", LAPTOP):
            await until_told(desk, "online")
        await until_told(desk, "offline")
        async with at(ward, "ward_2", LAPTOP):
            await until_told(desk, "online")
            with ward.owner() as db:  # as if it was silent for a minute
                db.execute("UPDATE hipsync.messages SET expires = now() WHERE topic = %s", [LAPTOP.host_topic()])
            await until_told(desk, "offline")


async def until_told(desk: FleetChannel, word: str) -> None:
    """Wait until the desk hears this word of the laptop."""
    async with asyncio.timeout(10):
        async for message in desk.messages():
            if message == Message(LAPTOP.host_topic(), word.encode(), retained=True):
                return


async def test_another_wearers_computer_hears_nothing_and_does_not_learn_where_to_listen(ward: Postgres) -> None:
    async with at(ward, "ward_1", DESK) as desk, at(ward, "ward_3", DESK) as other:
        await desk.publish("a/kept", b"ours", retain=True)
        await other.publish("a/x", b"theirs", retain=True)
        await other.publish("a/x", b"end", retain=False)
        assert [each.payload for each in await heard(other)] == [b"theirs"]
        await desk.publish("a/x", b"end", retain=False)
        assert [each.payload for each in await heard(desk)] == [b"ours"]
    with psycopg.connect(ward.dsn("ward_3"), autocommit=True) as db:
        for table in ("channels", "messages", "computers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(sql.SQL("SELECT * FROM hipsync.{}").format(sql.Identifier(table)))
    with ward.owner() as db:
        names = db.execute("SELECT name FROM hipsync.channels").fetchall()
    assert len({*names}) == 2


async def test_a_login_that_is_no_wearers_computer_is_told_what_its_owner_has_to_say(ward: Postgres) -> None:
    with ward.owner() as db:
        db.execute("DELETE FROM hipsync.computers WHERE login = 'ward_2'")
    with pytest.raises(FleetError) as raised:
        async with opened(ward.dsn("ward_2"), LAPTOP):
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
async def test_another_schema_is_refused_in_one_line(ward: Postgres, change: str, why: str) -> None:
    assert VERSION == 6
    with ward.owner() as db:
        db.execute(change.encode())
    with pytest.raises(FleetError, match=why):
        async with opened(ward.dsn("ward_1"), DESK):
            pass


async def test_a_session_that_is_killed_ends_the_channel_with_the_reason(ward: Postgres) -> None:
    async with at(ward, "ward_1", DESK) as desk:
        with ward.owner() as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ward_1'")
        with pytest.raises(FleetError, match="cannot be reached"):
            await heard(desk)
        with pytest.raises(FleetError):
            await desk.publish("a/x", b"x", retain=False)


# -------------------------------------------------------------------- they become equal


async def test_what_either_hears_and_is_told_comes_to_the_other_and_then_nothing_more_is_said(
    ward: Postgres, computers: tuple[FleetComputer, FleetComputer]
) -> None:
    desk, laptop = computers
    for computer, start in ((desk, -3000), (laptop, -1500)):
        computer.hear(computer.band(), start, 1400)
    laptop.store.add_exercise(Exercise(laptop.minute(-5), "hip-circles", "manual"))
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        assert len(list(laptop.store.all_epochs(None, None))) == 2800
        await asyncio.sleep(1)
        before, states = said(ward), (desk.store.state_of_file(), laptop.store.state_of_file())
        await asyncio.sleep(1.5)
        assert (said(ward), (desk.store.state_of_file(), laptop.store.state_of_file())) == (before, states)
        assert (desk.sharing.trouble(), laptop.sharing.trouble()) == (None, None)


def said(server: Postgres) -> list[tuple[object, ...]]:
    """The parts that are kept, with the numbers of their messages."""
    with server.owner() as db:
        return db.execute(
            "SELECT number, topic FROM hipsync.messages WHERE kept AND topic NOT LIKE '%/host/%' ORDER BY number"
        ).fetchall()


async def test_one_that_comes_late_learns_all_though_nobody_is_there(
    ward: Postgres, computers: tuple[FleetComputer, FleetComputer]
) -> None:
    desk, laptop = computers
    band = desk.band()
    for day in range(28):
        desk.hear(band, -day * 1440, 1)
    async with desk.on():
        await until(lambda: len([1 for _, topic in said(ward) if "/day/" in str(topic)]) >= 28)
    async with laptop.on():
        await until(lambda: equal(desk, laptop))


async def test_an_answer_a_pause_and_an_exercise_are_there_within_seconds(
    computers: tuple[FleetComputer, FleetComputer],
) -> None:
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        prompt = desk.prompt()
        await until(lambda: equal(desk, laptop), 5)
        answer_prompt(laptop.store, prompt, Answer.DONE, laptop.clock.now(), 10 * MINUTE)
        pause_prompts(laptop.store, laptop.clock.now(), 60 * MINUTE)
        await until(lambda: equal(desk, laptop), 5)
        (found,) = desk.store.prompts(desk.minute(-5), desk.minute(5))
        assert found.answer is Answer.DONE
        await until(lambda: desk.looks > 0, 5)


# -------------------------------------------------------------------- who speaks


class Noted(Claims):
    """Claims that say which ones they heard."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Claim] = []
        NOTED.append(self)

    def heard(self, claim: Claim, passed_s: float) -> None:
        super().heard(claim, passed_s)
        self.all.append(claim)


NOTED: list[Noted] = []


def all_heard(claim: Claim) -> bool:
    return all(each.all[-1:] == [claim] for each in NOTED)


def not_notified(channel: FleetChannel, listening: psycopg.AsyncConnection) -> None:
    """Pass by what is notified, as where a pooler is in between."""
    del channel
    listening.pgconn.consume_input()


@pytest.mark.parametrize(
    ("times", "is_notified"), [(40, True), (20, False), pytest.param(300, True, marks=pytest.mark.ring)]
)
async def test_of_two_that_are_due_within_thirty_milliseconds_one_speaks_each_time(
    ward: Postgres,
    computers: tuple[FleetComputer, FleetComputer],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    is_notified: bool,
) -> None:
    if not is_notified:
        monkeypatch.setattr(FleetChannel, "look_at", not_notified)
        monkeypatch.setattr(channel_module, "LOOK_S", 0.3)
    monkeypatch.setattr(sharing_module, "ROW_WITHIN_S", 0.01)
    monkeypatch.setattr(sharing_module, "Claims", Noted)
    NOTED.clear()
    (desk, laptop), spread, by = computers, random.Random(1), [0, 0]

    async def due(computer: FleetComputer) -> bool:
        await asyncio.sleep(spread.random() * 0.03)
        return await computer.speaks()

    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        fence = await stack.enter_async_context(at(ward, "ward_1", Topics("wearer", "fence"), Subscription("none")))
        for number in range(times):
            found = await asyncio.gather(due(desk), due(laptop))
            assert sorted(found) == [False, True], (number, found)
            by[found.index(True)] += 1
            end = Claim("fence", str(number), Occasion.WARM_UP)  # whoever heard it heard all claims before it
            await fence.publish(DESK.claim, claim_message(end, 0), retain=False)
            await until(partial(all_heard, end))
            for computer in (desk, laptop):
                computer.clock.skip(60)
    assert all(by), "each of them is first now and then"


async def test_the_computer_with_a_person_at_it_speaks_though_the_other_one_is_due_first(
    computers: tuple[FleetComputer, FleetComputer],
) -> None:
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        waiting = asyncio.create_task(desk.speaks(is_there=False))
        await asyncio.sleep(0.2)
        assert await laptop.speaks(is_there=True) is True
        assert await waiting is False


async def test_who_claims_and_is_gone_is_spoken_for_by_the_other(
    computers: tuple[FleetComputer, FleetComputer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "HOLDS_S", 1.0)
    desk, laptop = computers
    async with laptop.on():
        async with desk.on():
            await until(lambda: desk.sees("laptop") and laptop.sees("desk"))
            assert await desk.speaks() is True
            assert await laptop.speaks() is False
        async with asyncio.timeout(5):
            while not await laptop.speaks():  # noqa: ASYNC110  it waits itself
                await asyncio.sleep(0.1)


async def test_while_the_database_is_away_both_speak_at_once_and_are_equal_when_it_is_back(
    ward: Postgres, computers: tuple[FleetComputer, FleetComputer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await asyncio.to_thread(ward.stop, "immediate")
        try:
            await until(lambda: desk.sharing.trouble() is not None and laptop.sharing.trouble() is not None)
            assert "nothing is shared: the fleet's database cannot be reached" in str(desk.sharing.trouble())
            async with asyncio.timeout(1):
                assert [*await asyncio.gather(desk.speaks(), laptop.speaks())] == [True, True]
            desk.store.add_exercise(Exercise(desk.minute(-5), "hip-circles", "manual"))
        finally:
            await asyncio.to_thread(ward.start)
        await until(lambda: equal(desk, laptop))
        await until(lambda: desk.sharing.trouble() is None)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_while_the_database_hangs_both_speak_after_two_seconds_and_then_say_why(
    ward: Postgres, computers: tuple[FleetComputer, FleetComputer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "WITHIN_S", 4.0)
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        pids = frozen(ward)
        try:
            async with asyncio.timeout(4):
                assert [*await asyncio.gather(desk.speaks(), laptop.speaks())] == [True, True]
            await until(lambda: "did not answer" in str(desk.sharing.trouble()))
            await asyncio.wait_for(stack.aclose(), 8)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def frozen(server: Postgres) -> list[int]:
    """Stop all processes of a server, and return them."""
    main = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    pids = [main, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


async def test_an_erased_wearers_computers_share_nothing_any_more_and_nothing_of_it_stays(
    ward: Postgres, computers: tuple[FleetComputer, FleetComputer]
) -> None:
    desk, laptop = computers
    desk.hear(desk.band(), -60, 60)
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        with ward.owner() as db:
            db.execute("SELECT hipsync.erase('P-1')")
            for table in ("computers", "channels", "messages"):
                rows = db.execute(
                    sql.SQL("SELECT * FROM hipsync.{} AS t WHERE t.wearer = 1").format(sql.Identifier(table))
                ).fetchall()
                assert rows == []
        desk.store.add_exercise(Exercise(desk.minute(-5), "hip-circles", "manual"))
        await until(lambda: "is no wearer's own computer" in str(desk.sharing.trouble()))
        assert await desk.speaks() is True
        with ward.owner() as db:
            assert db.execute("SELECT count(*) FROM hipsync.messages").fetchall() == [(0,)]
