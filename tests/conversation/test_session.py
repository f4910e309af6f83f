"""Deadlines, inboxes, and the rule that `yield` means stored, on a virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import INBOX, Conversation, collect
from hipsync.driver import Abilities, Driver, Link, Session
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Reading, Workout, WorkoutKind
from hipsync.testing import MemoryStore, run

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STEPS, OTHER = "steps", "other"
SECOND = timedelta(seconds=1)


class Wire:
    """A connection that does what the test says."""

    write_size = 20

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.callbacks: dict[str, Callable[[bytes], None]] = {}
        self.written: list[bytes] = []
        self.silent = False
        self.busy = 0
        self.most_busy = 0

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return service is None and characteristic in {STEPS, OTHER}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(3600 if self.silent else 1)
        self.busy -= 1
        return characteristic.encode()

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.written.append(data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self.callbacks[characteristic] = callback

    async def stop_notify(self, characteristic: str) -> None:
        del self.callbacks[characteristic]

    async def bond(self) -> None:
        return


def talk(story: Callable[[Conversation, Wire, FastClock], object]) -> None:
    async def on_a_wire(clock: FastClock) -> None:
        wire = Wire()
        result = story(Conversation(wire, zone=ZoneInfo("UTC"), now=clock.now), wire, clock)
        if asyncio.iscoroutine(result):
            await result

    run(on_a_wire, START)


def test_a_notification_carries_its_arrival_time() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS)
        asyncio.get_running_loop().call_later(5, wire.callbacks[STEPS], b"x")
        received = await view.notification(STEPS, timeout=10 * SECOND)
        assert (received.data, received.at) == (b"x", START + 5 * SECOND)

    talk(story)


def test_a_notification_that_came_before_it_was_waited_for_is_not_lost() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS, OTHER)
        for name, data in [(STEPS, b"1"), (OTHER, b"2"), (STEPS, b"3")]:
            wire.callbacks[name](data)
        got = [(await view.notification(STEPS, timeout=SECOND)).data for _ in range(2)]
        assert got == [b"1", b"3"]
        assert (await view.notification(STEPS, OTHER, timeout=SECOND)).data == b"2"

    talk(story)


def test_a_notification_that_comes_while_the_wait_for_it_is_cancelled_is_the_next_one_s() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS)
        waiting = asyncio.create_task(view.notification(STEPS, timeout=10 * SECOND))
        await asyncio.sleep(1)
        wire.callbacks[STEPS](b"1")
        waiting.cancel()
        wire.callbacks[STEPS](b"2")
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert [(await view.notification(STEPS, timeout=SECOND)).data for _ in range(2)] == [b"1", b"2"]

    talk(story)


def test_what_is_put_aside_while_the_wait_for_it_is_cancelled_is_the_next_one_s() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        inbox = conversation.view().inbox(int)
        waiting = asyncio.create_task(inbox.take(10 * SECOND))
        await asyncio.sleep(1)
        inbox.put(1)
        waiting.cancel()
        inbox.put(2)
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert [await inbox.take(SECOND) for _ in range(2)] == [1, 2]

    talk(story)


def test_two_that_wait_in_one_view_get_each_what_it_waits_for() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS, OTHER)
        waiting = [asyncio.create_task(view.notification(name, timeout=10 * SECOND)) for name in (STEPS, OTHER, OTHER)]
        await asyncio.sleep(1)
        for name, data in [(OTHER, b"1"), (STEPS, b"2"), (OTHER, b"3")]:
            wire.callbacks[name](data)
        assert [received.data for received in await asyncio.gather(*waiting)] == [b"2", b"1", b"3"]

    talk(story)


def test_too_many_that_nobody_asked_for_end_a_wait_for_others_at_once() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS, OTHER)
        waiting = asyncio.create_task(view.notification(STEPS, timeout=10 * SECOND))
        await asyncio.sleep(1)
        for _ in range(INBOX + 1):
            wire.callbacks[OTHER](b"x")
        with pytest.raises(DeviceError, match="nobody asked for"):
            await waiting
        assert clock.now() == START + SECOND

    talk(story)


def test_silence_ends_in_no_reply_at_the_deadline() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS)
        with pytest.raises(NoReply, match="10 s"):
            await view.notification(STEPS, timeout=10 * SECOND)
        assert clock.now() == START + 10 * SECOND

    talk(story)


@pytest.mark.parametrize("turns", range(6))
def test_a_cancellation_at_the_very_deadline_is_obeyed(turns: int) -> None:
    """So many turns of the loop after the deadline has passed, while the wait that came to nothing is cleared away."""

    async def patient(conversation: Conversation) -> None:
        view = conversation.view()
        await view.subscribe(STEPS)
        while True:
            with contextlib.suppress(NoReply):
                await view.notification(STEPS, timeout=SECOND)

    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        waiting = asyncio.ensure_future(patient(conversation))
        await asyncio.sleep(1)
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=60)
        assert waiting.cancelled()

    talk(story)


def test_a_band_that_never_answers_a_read_ends_in_no_reply() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        wire.silent = True
        with pytest.raises(NoReply):
            await conversation.view().read(STEPS)

    talk(story)


@pytest.mark.parametrize("waiting_for", ["notification", "read", "pause"])
def test_a_lost_link_is_noticed_while_waiting(waiting_for: str) -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        wire.silent = True
        view = conversation.view()
        await view.subscribe(STEPS)
        asyncio.get_running_loop().call_later(2, wire.lost.set)
        waits = {
            "notification": view.notification(STEPS, timeout=60 * SECOND),
            "read": view.read(STEPS),
            "pause": view.pause(60 * SECOND),
        }
        with pytest.raises(LinkLost):
            await waits.pop(waiting_for)
        for wait in waits.values():
            wait.close()
        assert clock.now() == START + 2 * SECOND

    talk(story)


def test_views_have_inboxes_of_their_own_and_share_one_subscription() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        one, two = conversation.view(), conversation.view()
        await one.subscribe(STEPS)
        await two.subscribe(STEPS)
        wire.callbacks[STEPS](b"both")
        assert (await one.notification(STEPS, timeout=SECOND)).data == b"both"
        assert (await two.notification(STEPS, timeout=SECOND)).data == b"both"
        await one.unsubscribe(STEPS)
        wire.callbacks[STEPS](b"two")
        assert (await two.notification(STEPS, timeout=SECOND)).data == b"two"
        with pytest.raises(NoReply):
            await one.notification(STEPS, timeout=SECOND)
        await two.unsubscribe(STEPS)
        assert wire.callbacks == {}

    talk(story)


def test_operations_go_one_at_a_time() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        await asyncio.gather(*(conversation.view().read(STEPS) for _ in range(5)))
        assert wire.most_busy == 1

    talk(story)


def test_a_babbling_band_is_cut_off_within_bounds() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        view = conversation.view()
        await view.subscribe(STEPS)
        for _ in range(INBOX + 1):
            wire.callbacks[STEPS](b"babble")
        with pytest.raises(DeviceError, match="4096"):
            await view.notification(STEPS, timeout=SECOND)

    talk(story)


# ------------------------------------------------------------------ yield means stored


def driver(batches: Sequence[Sequence[Reading]]) -> Driver:
    """Yields the batches and acknowledges each with its number."""

    async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        for number, batch in enumerate(batches):
            yield batch
            await link.write(STEPS, bytes([number]))

    async def opened(link: Link, session: Session) -> Sequence[Reading]:
        return ()

    return Driver(
        key="test",
        label="Test",
        abilities=Abilities(),
        secret=lambda _: "none",
        matches=lambda _: True,
        open=opened,
        sync=sync,
    )


BATCHES: list[list[Reading]] = [
    [Counter(START, 1)],
    [Counter(START + SECOND, 2), Charge(START, 50)],
    [Counter(START + 2 * SECOND, 3)],
]


def test_each_batch_is_committed_before_it_is_acknowledged() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        kept = MemoryStore()
        order: list[tuple[int, int]] = []

        async def commit(batch: Sequence[Reading]) -> None:
            order.append((len(kept.batches), len(wire.written)))
            await kept.commit(batch)

        await collect(driver(BATCHES), conversation, Session(), commit)
        assert order == [(0, 0), (1, 1), (2, 2)]
        assert kept.batches == BATCHES
        assert wire.written == [b"\0", b"\1", b"\2"]

    talk(story)


def test_what_cannot_be_is_not_committed_and_is_acknowledged_all_the_same() -> None:
    rowed = Workout(WorkoutKind.ROWING, START, START + 86_399 * SECOND)
    walked = Epoch(START, 60 * SECOND, 300)
    wrong: list[Reading] = [
        rowed._replace(end=START),
        rowed._replace(end=START + 86_400 * SECOND),
        walked._replace(steps=301),
    ]

    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        kept = MemoryStore()
        await collect(driver([[rowed, *wrong, walked], wrong]), conversation, Session(), kept.commit)
        assert kept.readings == [rowed, walked]
        assert wire.written == [b"\0", b"\1"]

    talk(story)


@pytest.mark.parametrize("fail_at", range(len(BATCHES)))
def test_not_one_write_follows_a_commit_that_failed(fail_at: int) -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        kept = MemoryStore()
        kept.fail_at = fail_at
        with pytest.raises(OSError, match="disk full"):
            await collect(driver(BATCHES), conversation, Session(), kept.commit)
        assert len(wire.written) == fail_at

    talk(story)


def test_a_cancelled_sync_finishes_its_commit_and_acknowledges_nothing() -> None:
    async def story(conversation: Conversation, wire: Wire, clock: FastClock) -> None:
        kept = MemoryStore()

        async def slow(batch: Sequence[Reading]) -> None:
            await asyncio.sleep(10)
            await kept.commit(batch)

        work = asyncio.ensure_future(collect(driver(BATCHES), conversation, Session(), slow))
        await asyncio.sleep(5)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert kept.batches == BATCHES[:1]
        assert wire.written == []

    talk(story)
