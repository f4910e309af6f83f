"""A driver is opened, run and closed by a dialogue; each batch is stored before the driver goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Abilities, Driver, Link, Message, Session
from hipsync.errors import DeviceError, LinkLost, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Charge, Counter, Reading
from hipsync.testing import DirectConnection, MemoryStore, conversation, run
from support.plain_band import PlainBand

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def opened(link: Link, session: Session) -> Sequence[Reading]:
    return [Charge(NOW, 50)]


async def counting(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    yield [Counter(NOW, 1)]
    yield [Counter(NOW, 2)]


async def until_lost(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    yield [Counter(NOW, 3)]
    raise LinkLost("gone")


DRIVER = Driver("x", "An X", Abilities(), lambda _: "none", lambda _: True, opened, counting, until_lost)


def over_a_link(story: Callable[[Conversation, MemoryStore], Awaitable[None]]) -> list[Reading]:
    """What was stored when the story is over."""

    async def connected(clock: FastClock) -> list[Reading]:
        connection, store = DirectConnection(PlainBand(), clock.now), MemoryStore()
        try:
            await story(conversation(connection, clock), store)
        finally:
            connection.drop()
        return store.readings

    return run(connected, NOW)


def test_it_logs_in_then_fetches_then_watches_until_the_link_ends() -> None:
    async def story(talk: Conversation, store: MemoryStore) -> None:
        async with dialogue(DRIVER, talk, Session(), store.commit) as opened:
            assert store.readings == [Charge(NOW, 50)]
            await opened.fetch(store.commit)
            with pytest.raises(LinkLost):
                await opened.watch(store.commit)

    assert over_a_link(story) == [Charge(NOW, 50), Counter(NOW, 1), Counter(NOW, 2), Counter(NOW, 3)]


def test_a_band_that_does_not_let_us_in_is_fetched_nothing_from() -> None:
    async def refused(link: Link, session: Session) -> Sequence[Reading]:
        raise NotAuthorised("a wrong key")

    async def story(talk: Conversation, store: MemoryStore) -> None:
        with pytest.raises(NotAuthorised):
            async with dialogue(replace(DRIVER, open=refused), talk, Session(), store.commit):
                pytest.fail("let in")

    assert over_a_link(story) == []


def test_a_nudge_brings_the_wearers_answer_and_needs_a_driver_that_can() -> None:
    async def nudge(link: Link, session: Session, message: Message) -> Answer | None:
        return Answer.DONE if message.asks else None

    async def story(talk: Conversation, store: MemoryStore) -> None:
        async with dialogue(replace(DRIVER, nudge=nudge), talk, Session(), store.commit) as able:
            assert await able.nudge(Message("Time to move", "")) is Answer.DONE
            assert await able.nudge(Message("Here I am", "", asks=False)) is None
        async with dialogue(DRIVER, talk, Session(), store.commit) as unable:
            with pytest.raises(DeviceError, match="An X: a band of this kind cannot buzz"):
                await unable.nudge(Message("Time to move", ""))

    over_a_link(story)
