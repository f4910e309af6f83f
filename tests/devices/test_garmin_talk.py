"""The driver of Garmin's watches against the simulated one: what it fetches, watches, answers and leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.driver import Abilities, Advertisement, BandFile, Message, Session
from hipsync.errors import DeviceError, LinkLost, NotBonded
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Inactivity, Info, Reading, State, Workout, WorkoutKind
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices.garmin import DRIVER, fit, multilink, watch_file
from hipsync_devices.garmin.files import Entry
from hipsync_devices.garmin.gfdi import Event, Kind
from hipsync_devices.garmin.names import matches
from hipsync_devices.garmin.protocol import SPACING
from hipsync_devices.garmin.sim import GarminWatch
from hipsync_devices.garmin.stored import newest_activity, wanted

NOW = datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)
NOON = NOW.replace(second=0)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
LOOKED_AT = 11.0
"""Seconds in which a connection has looked at a watch to which something happened."""


def life(*parts: tuple[int, int, int]) -> list[Epoch]:
    """Minutes from one to another, counted from noon, each with these steps."""
    return [
        Epoch(NOON + i * MINUTE, MINUTE, steps, 30, 70, State.WALKING if steps else State.SITTING)
        for first, last, steps in parts
        for i in range(first, last)
    ]


MORNING = life((-90, -40, 0), (-40, -30, 90), (-30, 0, 0))


@dataclass
class World:
    """A watch, what is stored of it, and the connection of this moment."""

    watch: GarminWatch
    clock: FastClock
    store: MemoryStore = field(default_factory=MemoryStore)
    zone: str = "UTC"
    mtu: int = 247

    @contextlib.asynccontextmanager
    async def open(
        self, since: Mapping[type[Reading], datetime] | None = None, *, erase: bool = False, pairing: bool = False
    ) -> AsyncGenerator[OpenDialogue, None]:
        connection = DirectConnection(self.watch, self.clock.now, mtu=self.mtu)
        talk = conversation(connection, self.clock, self.zone)
        session = Session(since=since or {}, erase=erase, pairing=pairing)
        try:
            async with dialogue(DRIVER, talk, session, self.store.commit) as opened:
                yield opened
        finally:
            connection.drop()

    async def sync(self, since: Mapping[type[Reading], datetime] | None = None, *, erase: bool = False) -> None:
        async with self.open(since, erase=erase) as opened:
            await opened.fetch(self.store.commit)

    async def until(self, instant: datetime) -> None:
        await asyncio.sleep((instant - self.clock.now()).total_seconds())

    def listed(self) -> int:
        """How many files of minutes the watch has closed."""
        return len([each for each in self.watch.memory.stored.values() if each.entry.subtype == 32])


def world(
    story: Callable[[World], Awaitable[None]], lived: Sequence[Epoch] = MORNING, *, zone: str = "UTC", **more: object
) -> World:
    made: list[World] = []

    async def begun(clock: FastClock) -> None:
        watch = GarminWatch(lived, now=NOW, zone=ZoneInfo(zone), **more)  # type: ignore[arg-type]  # of the watch's own
        made.append(World(watch, clock, zone=zone))
        await story(made[0])

    run(begun, NOW)
    return made[0]


def steps(store: MemoryStore) -> int:
    return sum({(epoch.start, epoch.length): epoch.steps for epoch in store.of(Epoch)}.values())


# ------------------------------------------------------------------ the opening


def test_it_says_what_it_is_how_full_it_is_and_gets_the_time() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            assert opened.abilities == Abilities(
                history=MINUTE, live=True, buzz=True, text=True, answers=True, battery=True, heart_rate=True
            )
        info, charge = it.store.readings
        assert isinstance(info, Info)
        assert (info.firmware, info.serial) == ("14.12", None)
        assert charge == Charge(NOW, 78)
        assert it.watch.clock() == NOW
        assert it.watch.memory.ahead == timedelta(hours=5, minutes=45)

    world(story, zone="Asia/Kathmandu", clock_error=timedelta(minutes=-7))


def test_the_opening_answers_each_question_once() -> None:
    async def story(it: World) -> None:
        await it.sync()
        (peer,) = it.watch.peers
        assert (peer.waiting, peer.stray, peer.broken) == ([], [], 0)
        assert peer.host is not None
        assert peer.host.name == "hipsync"
        assert Event.PAIR_COMPLETE not in peer.events

    world(story)
    world(story, authenticates=True)


def test_a_new_watch_is_told_that_its_setup_is_over() -> None:
    async def story(it: World) -> None:
        async with it.open(pairing=True):
            pass
        assert it.watch.peers[0].events == [
            Event.TIME_UPDATED, Event.SYNC_READY, Event.PAIR_COMPLETE, Event.SYNC_COMPLETE, Event.SETUP_WIZARD_COMPLETE
        ]  # fmt: skip

    world(story)


def test_what_is_not_claimed_is_refused_when_it_is_asked_all_the_same() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            peer = it.watch.peers[0]
            peer.ask_protobuf(b"\xda\x01\x00")
            peer.offer()
            for kind in (Kind.NOTIFICATION_SUBSCRIPTION, Kind.NOTIFICATION_CONTROL, Kind.FILE_READY, 5014, 5199):
                peer.ask(kind, bytes(6))
            await opened.conversation.connection.read(gatt.DEVICE_NAME)  # the watch is looked at
            await asyncio.sleep(1)
            assert (peer.waiting, peer.stray) == ([], [])
            await opened.fetch(it.store.commit)
        assert steps(it.store) == 900

    world(story)


def test_a_watch_that_another_program_has_on_every_lane_is_left_to_it() -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.status = multilink.Status.IN_USE
        with pytest.raises(DeviceError, match="a phone may hold it"):
            await it.sync()

    world(story)


def test_a_watch_that_a_phone_holds_is_tried_all_the_same() -> None:
    """It does not answer when its handles are to be closed, but gives new ones, as a Forerunner 255 did."""

    async def story(it: World) -> None:
        it.watch.link_faults.phone_holds = True
        await it.sync()
        assert steps(it.store) == 900

    world(story)


@pytest.mark.parametrize("mute", [False, True])
def test_a_watch_without_gfdi_is_live_all_the_same(mute: bool) -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.refused, it.watch.link_faults.mute = set() if mute else {1}, mute
        async with it.open() as opened:
            assert opened.abilities == Abilities(live=True)
            assert opened.held
            await opened.fetch(it.store.commit)
        assert it.store.readings == []

    world(story)


def test_without_the_library_for_files_it_is_live_and_buzzes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "is_available", lambda: False)

    async def story(it: World) -> None:
        async with it.open() as opened:
            assert opened.abilities == Abilities(live=True, buzz=True, text=True, answers=True, battery=True)
            await opened.fetch(it.store.commit)
            await opened.nudge(Message("Time to move", ""))
        assert it.listed() == 0
        assert len(it.watch.shown) == 1

    world(story)


def test_a_watch_that_wants_a_bond_says_so() -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.status = multilink.Status.PENDING_AUTHENTICATION
        with pytest.raises(NotBonded, match="pairing screen"):
            await it.sync()

    world(story)


def test_reliable_handles_are_understood_though_nobody_asks_for_them() -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.reliable = True
        await it.sync()
        assert steps(it.store) == 900

    world(story)


# ------------------------------------------------------------------ stored minutes


def test_the_minutes_up_to_now_are_fetched() -> None:
    async def story(it: World) -> None:
        await it.sync()
        epochs = it.store.of(Epoch)
        assert (epochs[0].start, epochs[-1].end) == (NOON - 90 * MINUTE, NOON)
        assert steps(it.store) == 900
        assert [each.at for each in it.store.of(Inactivity)] == []
        assert it.store.of(Counter) == [Counter(NOW, 900)]
        assert it.watch.peers[0].events[-1] == Event.SYNC_COMPLETE

    world(story)


def test_the_files_are_not_listed_again_within_a_quarter_of_an_hour() -> None:
    """Each listing makes the watch begin another file; meanwhile its counter tells whether anybody moved."""

    async def story(it: World) -> None:
        await it.sync()
        since: dict[type[Reading], datetime] = {Epoch: NOON}
        await it.until(NOON + SPACING.least - SECOND)
        await it.sync(since)
        assert it.listed() == 1
        assert [each.steps for each in it.store.of(Counter)] == [900, 950]
        await it.until(NOON + SPACING.least)
        await it.sync(since)
        assert it.listed() == 2
        assert steps(it.store) == 950

    world(story, [*MORNING, *life((0, 1, 0), (1, 6, 10), (6, 60, 0))])


def test_nothing_is_archived_unless_it_may_be_erased() -> None:
    async def story(it: World) -> None:
        await it.sync()
        assert it.watch.memory.archived() == []
        await it.sync(erase=True)
        assert len(it.watch.memory.archived()) == it.listed() == 1

    world(story)


def test_what_somebody_else_was_handed_is_fetched_too() -> None:
    async def story(it: World) -> None:
        it.watch.memory.close()
        for index in it.watch.memory.stored:
            it.watch.memory.archive(index)
        await it.sync()
        assert steps(it.store) == 900

    world(story)


def test_a_file_that_comes_again_means_the_same_and_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[bytes] = []

    def counted(data: bytes) -> BandFile:
        reads.append(data)
        return watch_file.read(data)

    async def story(it: World) -> None:
        await it.sync()
        first = it.store.of(Epoch)
        for hours in (1, 2, 3):
            await it.until(NOON + hours * HOUR)
            it.store = MemoryStore()
            await it.sync({Epoch: NOON + (hours - 1) * HOUR})
            assert it.store.of(Epoch)[: len(first)] == first
        assert it.listed() == 4
        assert len(set(reads)) == len(reads) == 4

    monkeypatch.setattr("hipsync_devices.garmin.stored.watch_file", SimpleNamespace(read=counted, end=watch_file.end))
    world(story, life((-90, -40, 0), (-40, -30, 91), (-30, 240, 0)))


def test_old_files_are_left_alone_and_those_of_the_last_day_are_not() -> None:
    def entry(number: int, hours: float) -> Entry:
        return Entry(number, 128, 32, number, 0x80, 500, NOON - hours * HOUR)

    listed = [entry(4, 1), entry(1, 49), entry(2, 26), entry(3, 25), entry(5, 0.5)]
    assert [each.file for each in wanted(listed, None)] == [1, 2, 3, 4, 5]
    assert [each.file for each in wanted(listed, NOON)] == [3, 4, 5]
    assert [each.file for each in wanted(listed[1:2], NOON)] == [1]
    assert wanted([entry(1, 1)._replace(flags=0), entry(2, 1)._replace(subtype=49)], None) == []
    assert [each.file for each in wanted([entry(1, 60)._replace(at=None), *listed], NOON)] == [1, 3, 4, 5]


def test_only_the_newest_workout_is_fetched_and_only_if_it_is_new() -> None:
    def entry(number: int, hours: float, size: int = 500) -> Entry:
        return Entry(number, 128, 4, number, 0x80, size, NOON - hours * HOUR)

    listed = [entry(1, 5), entry(2, 3), entry(3, 4)]
    assert [each.file for each in newest_activity(listed, None)] == [2]
    assert [each.file for each in newest_activity(listed, NOON - 4 * HOUR)] == [2]
    assert newest_activity(listed, NOON - 2 * HOUR) == []
    assert [each.file for each in newest_activity([*listed, entry(4, 1, 5_000_000)], None)] == [2]


@pytest.mark.parametrize("kind", [WorkoutKind.CYCLING, WorkoutKind.ROWING, WorkoutKind.RUNNING])
def test_a_workout_is_reported_once(kind: WorkoutKind) -> None:
    recorded = Workout(kind, NOON - 50 * MINUTE, NOON - 20 * MINUTE)

    async def story(it: World) -> None:
        await it.sync()
        assert it.store.of(Workout) == [recorded]
        await it.until(NOON + 20 * MINUTE)
        await it.sync({Epoch: NOON, Workout: recorded.end})
        assert it.store.of(Workout) == [recorded]

    riding = [
        epoch._replace(state=State.CYCLING, steps=0) if -50 <= (epoch.start - NOON) / MINUTE < -20 else epoch
        for epoch in [*MORNING, *life((0, 60, 0))]
    ]
    lived = riding if kind is WorkoutKind.CYCLING else MORNING
    world(story, lived, workouts=(recorded,))


def test_a_ride_that_nobody_recorded_is_reported_as_well() -> None:
    async def story(it: World) -> None:
        await it.sync()
        assert it.store.of(Workout) == [Workout(WorkoutKind.CYCLING, NOON - 30 * MINUTE, NOON - 10 * MINUTE)]

    ride = [epoch._replace(state=State.CYCLING) for epoch in life((-30, -10, 0))]
    world(story, [*life((-60, -30, 5)), *ride, *life((-10, 0, 5))])


def test_a_file_that_the_watch_has_written_wrongly_does_not_keep_the_others_away() -> None:
    async def story(it: World) -> None:
        it.watch.memory.close()
        (broken,) = it.watch.memory.stored.values()
        broken.data = broken.data[:-1] + bytes([broken.data[-1] ^ 1])
        await it.until(NOON + 30 * MINUTE)
        await it.sync(erase=True)
        assert steps(it.store) == 60
        assert [each.file for each in it.watch.memory.archived()] == [broken.entry.file + 1]

    world(story, [*MORNING, *life((0, 30, 2))])


def test_a_file_that_is_not_ready_comes_a_second_later() -> None:
    async def story(it: World) -> None:
        it.watch.faults.not_ready = 1
        await it.sync()
        assert steps(it.store) == 900

    world(story)


def test_a_watch_that_lists_nothing_says_so() -> None:
    async def story(it: World) -> None:
        it.watch.faults.not_ready = 2
        with pytest.raises(DeviceError, match="does not list"):
            await it.sync()

    world(story)


@pytest.mark.parametrize("kind", [Kind.SETTINGS, Kind.SYSTEM_EVENT, Kind.PROTOBUF_REQUEST])
def test_a_message_that_the_watch_does_not_answer_costs_no_minute(kind: int) -> None:
    async def story(it: World) -> None:
        it.watch.faults.mute = {kind}
        await it.sync()
        (peer,) = it.watch.peers
        assert steps(it.store) == 900
        assert bool(it.store.of(Charge)) is (kind != Kind.PROTOBUF_REQUEST), "the battery is asked for in protobuf"
        assert bool(peer.events) is (kind != Kind.SYSTEM_EVENT)

    world(story)


def test_wrong_and_repeated_pieces_are_made_good() -> None:
    async def story(it: World) -> None:
        it.watch.faults.bad_crc |= {4, 7}
        it.watch.faults.twice |= {3, 5}
        await it.sync()
        assert steps(it.store) == 900

    world(story, longest=80)


def test_gfdi_that_the_watch_closes_is_opened_again() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            it.watch.close_unasked(1)
            await asyncio.sleep(LOOKED_AT)
            assert len(it.watch.peers) == 2
            await opened.fetch(it.store.commit)
        assert steps(it.store) == 900

    world(story)


def test_a_watch_that_closes_it_on_and_on_is_left() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            for _ in range(20):
                it.watch.close_unasked(1)
                await asyncio.sleep(LOOKED_AT)
            with pytest.raises(DeviceError, match="again and again"):
                await opened.fetch(it.store.commit)

    world(story)


# ------------------------------------------------------------------ the nudge

LONG = "Step forward with the left leg, push the hip ahead. " * 9
PUSH = Message("Time to move", LONG)


@pytest.mark.parametrize(
    ("choice", "answer"), [(1, Answer.DONE), (2, Answer.SNOOZED), (98, Answer.SKIPPED), (95, None), (None, None)]
)
def test_a_text_is_shown_whole_and_its_answer_comes_back(choice: int | None, answer: Answer | None) -> None:
    async def story(it: World) -> None:
        it.mtu = 23
        async with it.open() as opened:
            assert await opened.nudge(PUSH) is answer
            (peer,) = it.watch.peers
            assert peer.screen.stands == {}
            assert (peer.waiting, peer.stray, peer.broken) == ([], [], 0)
        assert [each.text for each in it.watch.shown] == [f"Time to move: {LONG}"]

    world(story, choice=choice)


def test_a_text_that_was_not_answered_is_taken_away_after_a_minute() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            showing = asyncio.ensure_future(opened.nudge(PUSH))
            await asyncio.sleep(50)
            (choices,) = it.watch.peers[0].screen.stands.values()
            assert list(choices.values()) == ["Done", "Snooze", "Skip"]
            assert await showing is None
            assert it.watch.peers[0].screen.stands == {}

    world(story)


def test_an_answer_that_comes_too_late_is_nobody_s() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            showing = asyncio.ensure_future(opened.nudge(PUSH))
            await asyncio.sleep(50)
            (number,) = it.watch.peers[0].screen.stands
            assert await showing is None
            showing = asyncio.ensure_future(opened.nudge(PUSH))
            await asyncio.sleep(5)
            it.watch.peers[0].ask(Kind.NOTIFICATION_CONTROL, b"\x80" + number.to_bytes(4, "little") + b"\1")
            assert await showing is None
            assert it.watch.peers[0].waiting == []

    world(story)


def test_a_text_that_asks_for_nothing_stands_on_without_choices() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            assert await opened.nudge(Message("The battery is at 10 %", "", asks=False)) is None
            assert list(it.watch.peers[0].screen.stands.values()) == [{}]

    world(story, choice=1)


def test_a_watch_that_subscribes_to_no_texts_is_searched_for() -> None:
    async def story(it: World) -> None:
        it.watch.faults.can = frozenset({0, 3, 4, 5, 9})
        async with it.open() as opened:
            assert (opened.abilities.buzz, opened.abilities.text, opened.abilities.answers) == (True, False, False)
            assert await opened.nudge(PUSH) is None
        assert [each.text for each in it.watch.shown] == [""]

    world(story, choice=1)


def test_no_piece_of_a_text_is_longer_than_the_longest_message_of_the_watch() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            await opened.nudge(PUSH)
            assert it.watch.peers[0].broken == 0
        assert [each.text for each in it.watch.shown] == [f"Time to move: {LONG}"]

    world(story, longest=80)


def test_a_watch_that_opens_gfdi_anew_and_wants_no_texts_any_more_is_searched_for() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            it.watch.faults.can = frozenset({0, 3, 4, 5, 9})
            it.watch.close_unasked(1)
            await asyncio.sleep(LOOKED_AT)
            assert await opened.nudge(PUSH) is None
        assert [each.text for each in it.watch.shown] == [""]

    world(story)


def test_a_piece_of_a_text_that_the_watch_refuses_ends_the_text_and_not_the_connection() -> None:
    async def story(it: World) -> None:
        it.watch.faults.refuses_texts = True
        async with it.open() as opened:
            assert await opened.nudge(PUSH) is None
            await opened.fetch(it.store.commit)
        assert it.watch.shown == []
        assert steps(it.store) == 900

    world(story)


# ------------------------------------------------------------------ two at once


def test_a_nudge_while_files_come_disturbs_neither() -> None:
    async def story(it: World) -> None:
        it.mtu = 23
        async with it.open() as opened:
            fetching = asyncio.ensure_future(opened.fetch(it.store.commit))
            await opened.nudge(Message("Time to move", "", strong=True))
            await fetching
        (peer,) = it.watch.peers
        assert (peer.waiting, peer.stray, peer.broken) == ([], [], 0)
        assert steps(it.store) == 900
        assert [each.text for each in it.watch.shown] == ["", "Time to move"]

    world(story, longest=60)


def test_a_nudge_while_it_is_watched_disturbs_neither() -> None:
    async def story(it: World) -> None:
        async with it.open() as opened:
            watching = asyncio.ensure_future(opened.watch(it.store.commit))
            await it.until(NOON + 3 * MINUTE)
            await opened.nudge(Message("Time to move", ""))
            await it.until(NOON + 10 * MINUTE)
            watching.cancel()
        (peer,) = it.watch.peers
        assert (peer.waiting, peer.stray, peer.broken) == ([], [], 0)
        assert it.store.of(Counter)[-1].steps == 900 + 5 * 40

    world(story, [*MORNING, *life((0, 5, 40), (5, 60, 0))])


# ------------------------------------------------------------------ watching


async def watched(it: World, until: datetime) -> None:
    with contextlib.suppress(TimeoutError, LinkLost):
        async with asyncio.timeout((until - it.clock.now()).total_seconds()), it.open() as opened:
            await opened.watch(it.store.commit)


def test_a_walk_is_told_as_it_happens_and_stillness_each_minute() -> None:
    async def story(it: World) -> None:
        await watched(it, NOON + 10 * MINUTE)
        counters = it.store.of(Counter)
        assert counters[0] == Counter(NOW, 900)
        assert counters[-1].steps == 1000
        assert counters[-1].at >= NOON + 8.5 * MINUTE
        assert all(later.at - one.at <= 75 * SECOND for one, later in pairwise(counters))
        assert [each.steps for each in counters] == sorted(each.steps for each in counters)

    world(story, [*MORNING, *life((0, 4, 0), (4, 5, 100), (5, 60, 0))])


def test_a_watch_without_a_heart_rate_is_asked_each_minute() -> None:
    async def story(it: World) -> None:
        it.watch.link_faults.refused = {6}
        await watched(it, NOON + 10 * MINUTE)
        assert {each.steps for each in it.store.of(Counter)} == {900}
        assert len(it.store.of(Counter)) >= 9

    world(story, [*MORNING, *life((0, 60, 0))])


def test_the_last_count_before_midnight_is_kept() -> None:
    """In Kathmandu it is a quarter to six in the evening when the day begins here."""

    async def story(it: World) -> None:
        await it.until(NOON + 6 * HOUR + 10 * MINUTE)
        await watched(it, NOON + 6 * HOUR + 25 * MINUTE)
        told = [each.steps for each in it.store.of(Counter)]
        assert 930 in told
        assert told[-1] == 20

    walks = life((0, 374, 0), (374, 375, 30), (375, 376, 20), (376, 500, 0))
    world(story, [*MORNING, *walks], zone="Asia/Kathmandu")


def test_the_watch_is_told_when_summer_time_begins() -> None:
    begin = datetime(2026, 3, 29, 0, 58, tzinfo=UTC)

    async def story(clock: FastClock) -> None:
        watch = GarminWatch([], now=begin, zone=ZoneInfo("Europe/London"))
        it = World(watch, clock, zone="Europe/London")
        await watched(it, begin + 5 * MINUTE)
        assert watch.memory.ahead == HOUR

    run(story, begin)


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    "name",
    [
        "v\u00edvosmart 5", "vi\u0301vosmart 4", "vivosport", "v\u00edvoactive *3", "v\u00edvoactive 4S",
        "Forerunner 255 Music", "Garmin Forerunner 265S", "fenix 7X Pro", "Venu 3S", "Venu 4 - 45mm",
        "Instinct 2X Solar", "EPIX PRO - 47mm", "Lily 2 Active", "UAT-4261",
    ],
)  # fmt: skip
def test_a_watch_of_the_family_is_known_by_its_name(name: str) -> None:
    assert matches(Advertisement(name=name))


@pytest.mark.parametrize(
    "name", ["Edge 530", "eTrex 32x", "GPSMAP 67", "HRMPro+:123456", "Approach S62", "Forerunner", "Venus", "", None]
)
def test_other_things_of_garmins_are_not(name: str | None) -> None:
    assert not matches(Advertisement(name=name))
