"""Two computers of one wearer at a real Postgres: they become equal, and one of them speaks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from hipsync.fleet import channel as channel_module
from hipsync.fleet.channel import FleetChannel, opened
from hipsync.model import MINUTE, Answer, Exercise, Occasion
from hipsync.service.answers import answer_prompt, pause_prompts
from hipsync.together import claims as claims_module
from hipsync.together import sharing as sharing_module
from hipsync.together.topics import Topics
from support.computers import NOTED, FleetComputer, Noted, both_on, equal, one_speaks_each_time, until, until_speaks
from support.postgres import Postgres

pytestmark = pytest.mark.enable_socket
FENCE = Topics("wearer", "fence")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LOOK_S": 0.05, "RECENT_EVERY_S": 0.2, "ALL_EVERY_S": 0.4, "HEAD_START_S": 0.4, "ROW_WITHIN_S": 0.1,
        "FIRST_WAIT_S": 0.05, "LONGEST_WAIT_S": 0.2, "ASK_SOON_S": 0.5,
    }.items():  # fmt: skip
        monkeypatch.setattr(sharing_module, name, value)


@pytest.fixture
def computers(owned: Postgres) -> tuple[FleetComputer, FleetComputer]:
    return FleetComputer(owned, "ward_1", "desk"), FleetComputer(owned, "ward_2", "laptop")


# -------------------------------------------------------------------- they become equal


async def test_what_either_hears_and_is_told_comes_to_the_other_and_then_nothing_more_is_said(
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer]
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
        before, states = said(owned), (desk.store.state_of_file(), laptop.store.state_of_file())
        await asyncio.sleep(1.5)
        assert (said(owned), (desk.store.state_of_file(), laptop.store.state_of_file())) == (before, states)
        assert (desk.sharing.trouble(), laptop.sharing.trouble()) == (None, None)


def said(server: Postgres) -> list[tuple[object, ...]]:
    """The parts that are kept, with the numbers of their messages."""
    with server.owner() as db:
        return db.execute(
            "SELECT number, topic FROM hipsync.messages WHERE kept AND topic NOT LIKE '%/host/%' ORDER BY number"
        ).fetchall()


async def test_one_that_comes_late_learns_all_though_nobody_is_there(
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer]
) -> None:
    desk, laptop = computers
    band = desk.band()
    for day in range(28):
        desk.hear(band, -day * 1440, 1)
    async with desk.on():
        await until(lambda: len([1 for _, topic in said(owned) if "/day/" in str(topic)]) >= 28)
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


@pytest.mark.parametrize("times", [40, pytest.param(300, marks=pytest.mark.ring)])
async def test_of_two_that_are_due_within_thirty_milliseconds_one_speaks_each_time(
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer], monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(sharing_module, "ROW_WITHIN_S", 0.01)
    monkeypatch.setattr(sharing_module, "Claims", Noted)
    NOTED.clear()
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        other = await stack.enter_async_context(opened(owned.dsn("ward_1"), FENCE))
        await one_speaks_each_time(desk, laptop, times, partial(other.publish, FENCE.claim, retain=False))


def not_notified(channel: FleetChannel, listening: psycopg.AsyncConnection) -> None:
    """Pass by what is notified, as where a pooler is in between."""
    del channel
    listening.pgconn.consume_input()


async def test_one_speaks_though_nothing_is_ever_notified_and_nobody_asks_for_a_while(
    computers: tuple[FleetComputer, FleetComputer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each asks after its own claim, and so hears what was claimed before it."""
    monkeypatch.setattr(FleetChannel, "look_at", not_notified)
    monkeypatch.setattr(channel_module, "LOOK_S", 1000.0)
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        for each in computers:
            await stack.enter_async_context(each.on())
        for occasion in (Occasion.SITTING, Occasion.WARM_UP, Occasion.AFTER_RIDE):
            found = await asyncio.gather(desk.speaks(occasion), laptop.speaks(occasion))
            assert sorted(found) == [False, True]


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
    monkeypatch.setattr(claims_module, "HOLDS_S", 2.0)
    desk, laptop = computers
    async with laptop.on():
        async with desk.on():
            await until(lambda: desk.sees("laptop") and laptop.sees("desk"))
            assert await desk.speaks() is True
            assert await laptop.speaks() is False
        await until_speaks(laptop)


async def test_while_the_database_is_away_both_speak_at_once_and_are_equal_when_it_is_back(
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await asyncio.to_thread(owned.stop, "immediate")
        try:
            await until(lambda: desk.sharing.trouble() is not None and laptop.sharing.trouble() is not None)
            assert "nothing is shared: the fleet's database cannot be reached" in str(desk.sharing.trouble())
            async with asyncio.timeout(1):
                assert [*await asyncio.gather(desk.speaks(), laptop.speaks())] == [True, True]
            desk.store.add_exercise(Exercise(desk.minute(-5), "hip-circles", "manual"))
        finally:
            await asyncio.to_thread(owned.start)
        await until(lambda: equal(desk, laptop))
        await until(lambda: desk.sharing.trouble() is None)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_while_the_database_hangs_both_speak_after_two_seconds_and_then_say_why(
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "WITHIN_S", 4.0)
    desk, laptop = computers
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        pids = frozen(owned)
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
    owned: Postgres, computers: tuple[FleetComputer, FleetComputer]
) -> None:
    desk, laptop = computers
    desk.hear(desk.band(), -60, 60)
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        with owned.owner() as db:
            db.execute("SELECT hipsync.erase('P-1')")
            for table in ("computers", "channels", "messages"):
                rows = db.execute(
                    sql.SQL("SELECT * FROM hipsync.{} AS t WHERE t.wearer = 1").format(sql.Identifier(table))
                ).fetchall()
                assert rows == []
        desk.store.add_exercise(Exercise(desk.minute(-5), "hip-circles", "manual"))
        await until(lambda: "is no wearer's own computer" in str(desk.sharing.trouble()))
        assert await desk.speaks() is True
        with owned.owner() as db:
            assert db.execute("SELECT count(*) FROM hipsync.messages").fetchall() == [(0,)]
