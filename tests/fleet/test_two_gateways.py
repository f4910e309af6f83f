"""Two computers of one wearer, each with `hipsync gateway run` as a process: it prompts, ships and shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hipsync.model import Answer
from support.postgres import Postgres
from support.private_bus import needs_dbus
from together.test_two_computers import one_spoke, two, until

pytestmark = [pytest.mark.enable_socket, needs_dbus]
LOGINS = {"desk": "ward_1", "laptop": "ward_2"}


def by(server: Postgres) -> Callable[[str], str]:
    return lambda name: (
        f"""
[fleet]
dsn = "{server.dsn(LOGINS[name])}"
[gateway]
prompt = true
share = true
"""
    )


async def test_one_speaks_and_an_answer_on_the_other_takes_its_notice_down(owned: Postgres) -> None:
    async with two(by(owned), "gateway", "run") as (desk, laptop):
        speaker, other = await one_spoke(desk, laptop)
        told = await asyncio.to_thread(other.told, "status")
        assert f"shares with {speaker.name}" in told
        await asyncio.to_thread(other.type, "done")
        await until(lambda: speaker.desk.closed == [1], 5)
        assert [each.answer for each in speaker.prompts()] == [Answer.DONE]
        with owned.owner() as db:
            shipped = db.execute("SELECT gateway::text FROM hipsync.receipts ORDER BY gateway").fetchall()
        assert {*shipped} == {("ward_1",), ("ward_2",)}


async def test_without_the_database_both_start_and_speak_and_when_it_is_there_one_answer_is_enough(
    owned: Postgres,
) -> None:
    await asyncio.to_thread(owned.stop, "immediate")
    is_up = False
    try:
        async with two(by(owned), "gateway", "run") as (desk, laptop):
            for computer in (desk, laptop):
                computer.sits()
                computer.start()
            await until(lambda: len(desk.desk.notices) == len(laptop.desk.notices) == 1)
            assert "nothing is shared: the fleet's database cannot be reached" in await asyncio.to_thread(
                desk.told, "status"
            )
            await asyncio.to_thread(owned.start)
            is_up = True
            await until(lambda: desk.rows() == laptop.rows())
            await asyncio.to_thread(laptop.type, "skip")
            await until(lambda: desk.desk.closed == laptop.desk.closed == [1], 10)
            assert [each.answer for each in desk.prompts()] == [Answer.SKIPPED]
            assert "Traceback" not in desk.log() + laptop.log()
    finally:
        if not is_up:
            await asyncio.to_thread(owned.start)
