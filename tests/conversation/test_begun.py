"""A driver with `begin` has one listener for the whole connection, and what ends it ends the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from hipsync.conversation.capture import Capture
from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.conversation.inbox import MOST
from hipsync.conversation.recording import Recording
from hipsync.conversation.session import Conversation
from hipsync.driver import Abilities, Driver, Link, Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Reading
from hipsync.simulated import Notification
from hipsync.testing import DirectConnection, MemoryStore, conversation, run
from support.plain_band import SECOND, TELL, WRITE, PlainBand

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ASK = b"ask"
"""What the host writes; whatever else it writes is an acknowledgement."""


@dataclass
class Echo:
    """A dialogue with a band that is acknowledged byte by byte: it answers with 16 and more, and counts below that."""

    link: Link
    session: Session
    able: Abilities = field(default_factory=lambda: Abilities(history=MINUTE, live=True, buzz=True))
    learnt: Abilities = field(default_factory=Abilities)
    heard: list[bytes] = field(default_factory=list[bytes])

    def __post_init__(self) -> None:
        self.said, self.counts = self.link.inbox(bytes), self.link.inbox(bytes)
        self.asking = self.link.lock()

    @property
    def abilities(self) -> Abilities:
        return self.learnt

    async def listen(self) -> None:
        await self.link.subscribe(TELL)
        while True:
            received = await self.link.notification(TELL, timeout=timedelta(days=1))
            self.heard.append(received.data)
            await self.link.write(WRITE, b"!" + received.data)
            if received.data == b"":
                raise MalformedPacket("a message without a byte", received.data)
            (self.said if received.data >= b"\x10" else self.counts).put(received.data)

    async def ask(self) -> int:
        async with self.asking:
            self.said.clear()
            await self.link.write(WRITE, ASK)
            return (await self.said.take(5 * SECOND))[0]

    async def open(self) -> Sequence[Reading]:
        await self.link.subscribe(TELL)
        percent = await self.ask()
        self.learnt = self.able
        return [Charge(self.link.now(), percent)]

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        yield [Epoch(NOW, MINUTE, await self.ask())]

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        while True:
            yield [Counter(self.link.now(), (await self.counts.take(timedelta(hours=1)))[0])]

    async def nudge(self, message: Message) -> Answer | None:
        return Answer.DONE if await self.ask() else None


DRIVER = Driver(
    "echo", "Echo", Abilities(history=MINUTE, live=True, buzz=True), lambda _: "none", lambda _: True, begin=Echo
)


def echo(*steps: int) -> PlainBand:
    """A band that answers each question with the same bytes."""
    band = PlainBand()
    band.answers = {ASK: [Notification(TELL, bytes([each])) for each in steps]}
    return band


Story = Callable[[Conversation, DirectConnection, MemoryStore], Awaitable[None]]


def over_a_link(story: Story, band: PlainBand) -> list[Reading]:
    """What was stored when the story is over; it leaves no task behind."""

    async def connected(clock: FastClock) -> list[Reading]:
        connection, store = DirectConnection(band, clock.now), MemoryStore()
        try:
            await story(conversation(connection, clock), connection, store)
        finally:
            connection.drop()
        await asyncio.sleep(1)  # a task that was cancelled ends a little later
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return store.readings

    return run(connected, NOW)


def test_its_listener_acknowledges_for_all_of_the_connection_and_every_message_once() -> None:
    band = echo(80)

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        async with dialogue(DRIVER, talk, Session(), store.commit) as opened:
            assert store.readings == [Charge(NOW, 80)]
            await opened.fetch(store.commit)
            connection.flood(b"\x07")  # while nobody waits for anything
            await asyncio.sleep(1)
            watching = asyncio.ensure_future(opened.watch(store.commit))
            await asyncio.sleep(1)
            connection.flood(b"\x08")
            assert await opened.nudge(Message("Time to move", "")) is Answer.DONE
            connection.drop()
            with pytest.raises(LinkLost):
                await watching

    stored = over_a_link(story, band)
    acknowledged = [data for _, data in band.written if data != ASK]
    assert acknowledged == [b"!\x50", b"!\x50", b"!\x07", b"!\x08", b"!\x50"]
    assert [each.steps for each in stored if isinstance(each, Counter)][:2] == [7, 8]
    assert [each.steps for each in stored if isinstance(each, Epoch)] == [80]


def test_what_the_band_can_do_is_known_after_the_login_and_nothing_else_is_asked_of_it() -> None:
    def poor(link: Link, session: Session) -> Echo:
        return Echo(link, session, able=Abilities())

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        async with dialogue(replace(DRIVER, begin=poor), talk, Session(), store.commit) as opened:
            assert (opened.abilities, opened.held, opened.can_nudge) == (Abilities(), False, False)
            await opened.fetch(store.commit)
            await opened.watch(store.commit)
            with pytest.raises(DeviceError, match="Echo: this band cannot buzz"):
                await opened.nudge(Message("Time to move", ""))

    assert over_a_link(story, echo(80)) == [Charge(NOW, 80)]


def test_whether_it_is_held_follows_from_what_it_can_do() -> None:
    hourly = Abilities(history=timedelta(hours=1), live=True)
    for able, held in ((Abilities(live=True), True), (hourly, True), (Abilities(history=MINUTE, live=True), False)):
        assert able.held is held
        assert replace(DRIVER, abilities=able).held is held
    assert Abilities(history=timedelta(hours=1)).held is False


@pytest.mark.parametrize("waits", ["fetch", "watch", "nudge"])
def test_an_error_of_the_listener_is_raised_where_the_others_wait(waits: str) -> None:
    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        band = connection.band
        assert isinstance(band, PlainBand)
        async with dialogue(DRIVER, talk, Session(), store.commit) as opened:
            band.answers = {}
            work = asyncio.ensure_future(_one_of(opened, waits, store))
            await asyncio.sleep(1)
            connection.flood(b"")
            with pytest.raises(MalformedPacket):
                await work
            with pytest.raises(MalformedPacket):  # and of whatever comes later
                await opened.nudge(Message("Time to move", ""))

    over_a_link(story, echo(80))


async def _one_of(opened: OpenDialogue, waits: str, store: MemoryStore) -> None:
    await (opened.nudge(Message("Time to move", "")) if waits == "nudge" else getattr(opened, waits)(store.commit))


def test_a_bug_of_the_listener_does_not_pass_for_a_bad_link() -> None:
    class Buggy(Echo):
        async def listen(self) -> None:
            await self.link.pause(SECOND)
            raise KeyError("x")

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        async with dialogue(replace(DRIVER, begin=Buggy), talk, Session(), store.commit, log_in=False):
            await asyncio.sleep(2)

    with pytest.raises(KeyError):
        over_a_link(story, echo(80))


def test_a_band_that_is_silent_is_waited_for_as_long_as_the_driver_says() -> None:
    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        before = talk.now()
        with pytest.raises(NoReply):
            async with dialogue(DRIVER, talk, Session(), store.commit):
                pytest.fail("it said nothing")
        assert talk.now() - before == 5 * SECOND

    over_a_link(story, PlainBand())


# ------------------------------------------------------------------ what a dialogue is given


def test_nothing_comes_between_the_parts_of_a_message() -> None:
    band = PlainBand()

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        talk = Conversation(_Slow(connection), zone=talk.zone, now=talk.now)
        link, other = talk.view(), talk.view()
        long = [b"1", b"2", b"3"]

        async def soon(seconds: float, write: Callable[[], Awaitable[None]]) -> None:
            await asyncio.sleep(seconds)
            await write()

        await asyncio.gather(
            soon(0, lambda: link.write_whole(WRITE, long)),
            soon(0.5, lambda: other.write(WRITE, b"x")),
            soon(0.7, lambda: link.write_whole(WRITE, long)),
        )

    over_a_link(story, band)
    assert [data for _, data in band.written] == [b"1", b"2", b"3", b"x", b"1", b"2", b"3"]


def test_a_message_that_has_begun_is_sent_to_its_end_even_by_a_task_that_is_cancelled() -> None:
    band = PlainBand()

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        link = Conversation(_Slow(connection), zone=talk.zone, now=talk.now).view()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await link.write_whole(WRITE, [b"1", b"2", b"3"])
        await link.write(WRITE, b"x")

    over_a_link(story, band)
    assert [data for _, data in band.written] == [b"1", b"2", b"3", b"x"]


def test_two_that_subscribe_at_once_are_both_counted() -> None:
    """So the band goes on sending to one of them when the other one has had enough."""
    band = PlainBand()

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        one, other = talk.view(), talk.view()
        await asyncio.gather(one.subscribe(TELL), other.subscribe(TELL))
        await other.unsubscribe(TELL)
        connection.flood(b"\x07")
        assert (await one.notification(TELL, timeout=SECOND)).data == b"\x07"

    over_a_link(story, band)
    assert band.subscriptions == [(TELL, True)]


class _Slow(DirectConnection):
    """The same connection, over which a write takes a second."""

    def __init__(self, inner: DirectConnection) -> None:
        self.__dict__ = inner.__dict__

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        await asyncio.sleep(1)
        await super().write(characteristic, data, response, service)


def test_an_inbox_is_in_order_bounded_and_can_be_emptied() -> None:
    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        inbox = talk.view().inbox(int)
        inbox.put(1)
        inbox.put(2)
        assert [await inbox.take(SECOND), await inbox.take(SECOND)] == [1, 2]
        waiting = [asyncio.ensure_future(inbox.take(SECOND)) for _ in range(2)]
        await asyncio.sleep(0)
        inbox.put(3)
        done, _ = await asyncio.wait(waiting)
        assert sorted(str(each.exception() or each.result()) for each in done) == [
            "3",
            "the band did not answer within 1 s",
        ]
        inbox.put(4)
        inbox.clear()
        with pytest.raises(NoReply):
            await inbox.take(SECOND)
        for number in range(MOST):
            inbox.put(number)
        with pytest.raises(DeviceError, match="nobody asked for"):
            inbox.put(0)

    over_a_link(story, PlainBand())


def test_without_a_place_for_a_secret_nothing_is_paired_and_a_hidden_address_is_told() -> None:
    with pytest.raises(DeviceError, match="nowhere to keep"):
        asyncio.run(_kept(Session()))
    with pytest.raises(DeviceError, match="macOS hides"):
        Session().need_address()
    assert Session(address="C8:0F:10:80:D0:21").need_address() == "C8:0F:10:80:D0:21"


async def _kept(session: Session) -> None:
    await session.keep(b"secret")


# ------------------------------------------------------------------ a recording of it


@pytest.mark.parametrize("secret", [None, bytes(range(100, 116))], ids=["without a key", "with a key"])
def test_a_recording_of_it_holds_no_login_with_a_key(secret: bytes | None) -> None:
    capture = recorded(DRIVER, Session(secret=secret))
    written = [line.data for line in capture.lines if line.sign == ">"]
    assert (capture.opened, capture.ended) == (secret is None, "well")
    assert written == [ASK, b"!\x50"] * (2 if secret is None else 1)


def test_a_secret_that_is_born_while_it_is_recorded_is_left_out_as_a_key_is() -> None:
    born = bytes(range(100, 126))

    class Keeping(Echo):
        async def open(self) -> Sequence[Reading]:
            await self.session.keep(born)
            await self.link.write(WRITE, born)
            return await super().open()

        async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
            await self.link.write(WRITE, born)
            yield []

    kept: list[bytes] = []

    async def keep(secret: bytes) -> None:
        kept.append(secret)

    capture = recorded(replace(DRIVER, begin=Keeping), Session(keep=keep))
    assert kept == [born]
    assert [line.data for line in capture.lines] == [bytes(26)]
    assert not capture.opened


def recorded(driver: Driver, session: Session) -> Capture:
    captures: list[Capture | None] = []

    async def story(talk: Conversation, connection: DirectConnection, store: MemoryStore) -> None:
        record = Recording(None, talk.now)
        talk = Conversation(record.connection(connection), zone=talk.zone, now=talk.now)
        async with dialogue(record.driver(driver), talk, session, store.commit) as opened:
            await opened.fetch(store.commit)
        captures.append(record.capture)

    over_a_link(story, echo(80))
    assert captures[0] is not None
    return captures[0]
