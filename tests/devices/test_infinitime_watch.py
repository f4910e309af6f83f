"""InfiniTime's driver: conversations by hand, and against the simulated watch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.conversation.session import Connection, Conversation, collect, meet, nudge
from hipsync.core.bouts import Rule, bouts
from hipsync.core.timeline import MISSING, Source, Timeline, minute_of, timeline
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Charge, Counter, Epoch, Info
from hipsync.radio.connect import connect
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices.infinitime import DRIVER, packets
from hipsync_devices.infinitime.packets import Press
from hipsync_devices.infinitime.sim import PineTime
from support.builders import day

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LAST = 15 * SECOND
"""Time enough for the driver to report what it was told last."""
ALERT, CALL = Message("Time to move", "Hip extension"), Message("Time to move", "Hip extension", strong=True)


class ByHand:
    """A watch that is what the test says: what it answers to reads, and what it says when."""

    write_size = 20

    def __init__(self, **answers: bytes) -> None:
        self.lost = asyncio.Event()
        self.answers = {
            packets.FIRMWARE: answers.get("firmware", b"1.16.0"),
            gatt.HARDWARE_REVISION: answers.get("hardware", b"1.0.0"),
            packets.BATTERY: answers.get("battery", b"\x57"),
            packets.STEPS: answers.get("steps", b"\xe8\x03\x00\x00"),
        }
        self.written: list[tuple[str, str, bool]] = []
        self.callbacks: dict[str, Callable[[bytes], None]] = {}

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {*self.answers, gatt.CURRENT_TIME, packets.LOCAL_TIME, gatt.NEW_ALERT, packets.EVENT}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return self.answers[characteristic]

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.written.append((characteristic, data.hex(), response))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self.callbacks[characteristic] = callback

    def say(self, characteristic: str, data: bytes) -> None:
        self.callbacks[characteristic](data)

    async def stop_notify(self, characteristic: str) -> None:
        del self.callbacks[characteristic]

    async def bond(self) -> None:
        raise AssertionError("InfiniTime needs no pairing")


@dataclass
class Told:
    """What came of a conversation."""

    kept: MemoryStore = field(default_factory=MemoryStore)
    error: DeviceError | None = None

    @property
    def counts(self) -> list[tuple[float, int]]:
        """(seconds since nine, steps)"""
        return [((counter.at - NINE).total_seconds(), counter.steps) for counter in self.kept.of(Counter)]


async def talk(connection: Connection, clock: FastClock, length: timedelta, zone: str, told: Told) -> None:
    """Open, sync and watch for so long, or until the driver gives up."""
    conversing = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
    with contextlib.suppress(TimeoutError):
        try:
            async with asyncio.timeout(length.total_seconds()):
                await meet(DRIVER, conversing, Session(), told.kept.commit)
                await collect(DRIVER, conversing, Session(), told.kept.commit)
                assert DRIVER.watch is not None
                async with contextlib.aclosing(DRIVER.watch(conversing.view(), Session())) as batches:
                    async for batch in batches:
                        await told.kept.commit(batch)
        except DeviceError as error:
            told.error = error


def by_hand(
    watch: ByHand, says: Sequence[tuple[float, str, str]] = (), length: timedelta = MINUTE, start: datetime = NINE
) -> Told:
    """`says`: (seconds, characteristic, bytes)."""
    told = Told()

    async def story(clock: FastClock) -> None:
        for after_s, uuid, data in says:
            asyncio.get_running_loop().call_later(after_s, watch.say, uuid, bytes.fromhex(data))
        await talk(watch, clock, length, "Europe/London", told)

    run(story, start)
    return told


def watched(
    band: PineTime,
    length: timedelta,
    start: datetime = NINE,
    *,
    zone: str = "UTC",
    then: Sequence[tuple[timedelta, Callable[[datetime], None]]] = (),
    cut_after: int | None = None,
    told: Told | None = None,
    written: list[tuple[str, bytes]] | None = None,
) -> Told:
    """A conversation with the simulated watch, in which `then` things happen."""
    told = told or Told()
    told.error = None

    async def story(clock: FastClock) -> None:
        def happen(what: Callable[[datetime], None]) -> None:
            what(clock.now())

        connection = DirectConnection(band, clock.now)
        if cut_after is not None:
            connection.cut_after(cut_after)
        for after, happens in then:
            asyncio.get_running_loop().call_later(after.total_seconds(), happen, happens)
        await talk(connection, clock, length, zone, told)
        connection.drop()
        if written is not None:
            written.extend(connection.written)

    run(story, start)
    return told


def pine_time(drawing: str, start: datetime = NINE, *, now: datetime | None = None, **more: object) -> PineTime:
    zone = ZoneInfo(str(more.pop("zone", "UTC")))
    return PineTime(day(drawing, start), now=now or start, zone=zone, **more)  # type: ignore[arg-type]


def line_of(told: Told, start: datetime, minutes: int, zone: str = "UTC") -> Timeline:
    first = minute_of(start)
    return timeline([Source([], told.kept.of(Counter))], first, first + minutes, ZoneInfo(zone))


class TestByHand:
    def test_it_sets_the_wall_clock_then_the_zone_and_tells_firmware_and_battery(self) -> None:
        watch = ByHand()
        told = by_hand(watch, start=datetime(2026, 7, 1, 8, 30, tzinfo=UTC), length=SECOND)
        # 09:30:00 in London, a Wednesday; standard time is UTC, summer four quarters more
        assert watch.written[:2] == [
            (gatt.CURRENT_TIME, "ea070701091e00030001", True),
            (packets.LOCAL_TIME, "0004", True),
        ]
        at = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
        assert told.kept.batches[0] == [Info(at, firmware="1.16.0", hardware="1.0.0"), Charge(at, 87)]

    def test_the_counter_is_read_at_once_and_every_minute_while_it_is_silent(self) -> None:
        told = by_hand(ByHand(), length=3 * MINUTE + SECOND)
        assert told.counts == [(0, 1000), (0, 1000), (60, 1000), (120, 1000), (180, 1000)]

    def test_what_is_told_within_ten_seconds_is_reported_together(self) -> None:
        says = [(5.0, packets.STEPS, "e9030000"), (7.5, packets.STEPS, "ec030000"), (14.0, packets.STEPS, "ed030000"),
                (31.0, packets.STEPS, "ee030000")]  # fmt: skip
        assert by_hand(ByHand(), says, 50 * SECOND).counts == [(0, 1000), (0, 1000), (14, 1005), (31, 1006)]

    def test_the_count_before_a_reset_is_reported_too(self) -> None:
        says = [(5.0, packets.STEPS, "f2030000"), (6.0, packets.STEPS, "00000000"), (8.0, packets.STEPS, "02000000")]
        assert by_hand(ByHand(), says, 30 * SECOND).counts[2:] == [(5, 1010), (8, 2)]

    def test_on_old_firmware_a_count_before_a_reset_may_be_yesterday_s_and_is_left_out(self) -> None:
        says = [(5.0, packets.STEPS, "f2030000"), (5.1, packets.STEPS, "00000000"), (8.0, packets.STEPS, "02000000")]
        assert by_hand(ByHand(firmware=b"1.15.0"), says, 30 * SECOND).counts == [(8, 2)]

    def test_the_battery_is_reported_as_it_changes(self) -> None:
        told = by_hand(ByHand(), [(5.0, packets.BATTERY, "56")], 30 * SECOND)
        assert told.kept.of(Charge) == [Charge(NINE, 87), Charge(NINE + 5 * SECOND, 86)]

    def test_firmware_that_tells_no_steps_says_what_to_do(self) -> None:
        old = watched(PineTime([], now=NINE, zone=ZoneInfo("UTC"), firmware="1.6.0"), MINUTE)
        assert str(old.error) == (
            "firmware 1.6.0 of this watch does not tell steps over Bluetooth: update it to InfiniTime 1.16 or later"
        )
        stranger = ByHand()
        stranger.answers = {packets.BATTERY: b"\x57"}
        assert "update it to InfiniTime 1.16" in str(by_hand(stranger).error)
        assert stranger.written == []

    def test_a_firmware_string_is_shown_without_what_a_terminal_must_not_see(self) -> None:
        (info,) = by_hand(ByHand(firmware=b"1.16.0\x1b[31m\0"), length=SECOND).kept.of(Info)
        assert info.firmware == "1.16.0[31m"

    @settings(max_examples=60)
    @given(st.sampled_from([packets.STEPS, packets.BATTERY]), st.binary(max_size=40))
    def test_a_notification_of_any_length_is_reported_or_ends_as_a_device_error(self, uuid: str, data: bytes) -> None:
        told = by_hand(ByHand(), [(5.0, uuid, data.hex())], 30 * SECOND)
        assert told.error is None or isinstance(told.error, MalformedPacket)
        well_formed = len(data) >= 4 or uuid == packets.BATTERY
        assert (told.error is None) is well_formed

    @settings(max_examples=60)
    @given(st.sampled_from(["firmware", "hardware", "battery", "steps"]), st.binary(max_size=40))
    def test_an_answer_of_any_length_is_taken_or_ends_as_a_device_error(self, what: str, data: bytes) -> None:
        told = by_hand(ByHand(**{what: data}), length=2 * MINUTE)
        assert told.error is None or isinstance(told.error, MalformedPacket)

    def test_a_babbling_watch_is_cut_off(self) -> None:
        says = [(5.0, packets.STEPS, "e8030000")] * 5000
        assert "4096" in str(by_hand(ByHand(), says).error)

    def test_alerts_are_written_with_response(self) -> None:
        watch = ByHand()

        async def story(clock: FastClock) -> None:
            conversing = Conversation(watch, zone=ZoneInfo("UTC"), now=clock.now)
            await nudge(DRIVER, conversing, Session(), Message("Hi", "there"))
            await nudge(DRIVER, conversing, Session(), Message("Hi", "there", strong=True))

        run(story, NINE)
        assert watch.written == [(gatt.NEW_ALERT, "00010048690074686572 65".replace(" ", ""), True),
                                 (gatt.NEW_ALERT, "0301004869", True)]  # fmt: skip


class TestWatching:
    def test_a_still_wearer_is_read_every_minute(self) -> None:
        told = watched(pine_time("5m sit"), 5 * MINUTE + SECOND)
        assert [counter for counter in told.counts if counter[1]] == []
        assert [at for at, _ in told.counts] == [0, 0, 60, 120, 180, 240, 300]

    def test_a_walk_is_reported_to_the_last_step_and_not_step_by_step(self) -> None:
        told = watched(pine_time("10m walk 60, 1m sit"), 11 * MINUTE + SECOND)
        assert told.counts[-1][1] == 600
        line = line_of(told, NINE, 11)
        assert line.steps == [60] * 10 + [0]
        assert len(told.counts) <= 11 * 6 + 2

    def test_a_walk_over_midnight_loses_no_step(self) -> None:
        start = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)
        told = watched(pine_time("5m sit, 10m walk 60, 5m sit", start), 20 * MINUTE + SECOND, start)
        assert line_of(told, start, 20).steps == [0] * 5 + [60] * 10 + [0] * 5

    def test_a_change_to_summer_time_is_written_to_the_watch_within_a_minute(self) -> None:
        start = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
        band, written = pine_time("30m sit", start, zone="Europe/London"), list[tuple[str, bytes]]()
        watched(band, 20 * MINUTE, start, zone="Europe/London", written=written)
        assert [(uuid, data.hex()) for uuid, data in written] == [
            (gatt.CURRENT_TIME, "ea07031d003200070001"),
            (packets.LOCAL_TIME, "0000"),
            (gatt.CURRENT_TIME, "ea07031d020000070001"),
            (packets.LOCAL_TIME, "0004"),
        ]
        assert (band.wall_clock().hour, band.wall_clock().minute) == (2, 10)

    def test_the_clock_is_set_in_the_middle_of_a_walk_too(self) -> None:
        start = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)
        band = pine_time("30m walk 100", start, zone="Europe/London")
        watched(band, 10 * MINUTE, start, zone="Europe/London")
        assert (band.wall_clock().hour, band.wall_clock().minute) == (1, 5)

    def test_a_restart_of_the_watch_makes_no_steps_and_the_time_around_it_is_unknown(self) -> None:
        band = pine_time("5m walk 60, 5m sit, 5m walk 60")
        told = watched(band, 20 * MINUTE, then=[(8 * MINUTE + 30 * SECOND, band.reboot)])
        assert isinstance(told.error, LinkLost)
        watched(band, 5 * MINUTE + LAST, NINE + 10 * MINUTE, told=told)
        line = line_of(told, NINE, 15)
        assert line.steps == [60] * 5 + [0] * 5 + [60] * 5
        assert [i for i, code in enumerate(line.code) if code == MISSING] == [8, 9]

    def test_a_clock_that_opening_sets_into_hour_0_clears_the_counter_and_no_step_is_made(self) -> None:
        start = datetime(2026, 3, 2, 0, 10, tzinfo=UTC)
        band = pine_time("20m walk 60", start - 10 * MINUTE, now=start, clock_error=-2 * HOUR)
        told = watched(band, 10 * MINUTE + LAST, start)
        assert told.kept.of(Counter)[0] == Counter(start, 0)
        assert line_of(told, start, 10).steps == [60] * 10

    def test_what_happened_out_of_reach_is_one_difference(self) -> None:
        band = pine_time("6m sit, 1m walk 90, 1m walk 110, 5m sit")
        told = watched(band, 6 * MINUTE + SECOND)
        watched(band, 5 * MINUTE + SECOND, NINE + 8 * MINUTE, told=told)
        assert line_of(told, NINE, 13).steps == [0] * 6 + [100] * 2 + [0] * 5

    @pytest.mark.parametrize("notifications", range(13))
    def test_a_link_lost_at_any_notification_loses_nothing_that_was_told(self, notifications: int) -> None:
        told = watched(pine_time("10m walk 60"), 10 * MINUTE, cut_after=notifications)
        assert isinstance(told.error, LinkLost)
        assert told.counts[-1][1] == 2 * notifications  # two steps every two seconds

    def test_sync_alone_gives_the_counter_and_none_from_old_firmware(self) -> None:
        async def story(clock: FastClock) -> None:
            for firmware, expected in (("1.16.0", [Counter(clock.now(), 0)]), ("1.15.0", list[Counter]())):
                kept, band = MemoryStore(), pine_time("5m sit", firmware=firmware)
                connection = DirectConnection(band, clock.now)
                await collect(DRIVER, conversation(connection, clock), Session(), kept.commit)
                assert kept.readings == expected
                connection.drop()

        run(story, NINE)


class TestOldFirmware:
    """Before 1.16 a counter that stands still says nothing."""

    FIRMWARES = ("1.7.0", "1.11.0", "1.12.0", "1.15.0")

    @pytest.mark.parametrize("firmware", FIRMWARES)
    @pytest.mark.parametrize("life", ["3h sit", "3h walk 60", "10m walk 90, 80m sit, 90m walk 10"])
    def test_with_the_screen_off_nothing_is_known_and_no_stretch_is_made(self, firmware: str, life: str) -> None:
        told = watched(pine_time(life, firmware=firmware), 3 * HOUR)
        assert (told.error, told.counts) == (None, [])
        line = line_of(told, NINE, 180)
        assert set(line.code) == {MISSING}
        assert bouts(line, Rule()).stretches == []

    def test_a_look_now_and_then_tells_of_the_walk_before_it_but_never_of_stillness(self) -> None:
        band = pine_time("4m walk 50, 56m sit", firmware="1.14.0")
        looks = [(minute * MINUTE, band.look) for minute in range(2, 60, 4)]
        told = watched(band, 60 * MINUTE, then=looks)
        assert told.counts[-1] == (360, 200)  # at the look after the walk; later looks change nothing
        assert bouts(line_of(told, NINE, 60), Rule()).stretches == []

    def test_steps_between_two_looks_are_those_that_were_walked(self) -> None:
        band = pine_time("1m sit, 12m walk 1, 1m sit, 5m walk 60", firmware="1.14.0")
        told = watched(band, 20 * MINUTE, then=[(minute * MINUTE, band.look) for minute in (2, 13)])
        assert told.counts == [(120, 1), (780, 12)]
        line = line_of(told, NINE, 20)
        assert sum(line.steps) == 11
        assert [i for i, code in enumerate(line.code) if code != MISSING] == list(range(2, 13))

    def test_with_motion_waking_it_a_walk_is_known(self) -> None:
        told = watched(pine_time("5m walk 60, 5m sit", firmware="1.14.0", wakes_on_motion=True), 10 * MINUTE)
        line = line_of(told, NINE, 10)
        assert line.steps == [48] + [60] * 4 + [0] * 5  # the first count to be stored comes after twelve seconds
        assert set(line.code[5:]) == {MISSING}

    def test_in_the_morning_yesterday_s_total_is_told_again_and_not_counted(self) -> None:
        start = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
        band = pine_time(
            "1m walk 1, 1m sit, 8m walk 100, 1h sit, 5m walk 100, 375m sit, 10m walk 30", start, firmware="1.12.0"
        )
        screen = [
            (timedelta(), partial(band.look, length=15 * MINUTE)),
            (450 * MINUTE, partial(band.look, length=HOUR)),
        ]
        told = watched(band, 461 * MINUTE, start, then=screen)
        line = line_of(told, start, 461)
        steps = sum(line.steps) + sum(steps for _, steps in line.unplaced)
        assert steps == 1 + 800 + 300  # those of the night are lost with the watch's own reset
        assert line.steps[-10:] == [30] * 9 + [0]


class TestPipeline:
    """The counter becomes minutes, and minutes stretches, as `docs/rule.md` says."""

    def test_an_hour_at_a_desk_is_due_when_its_sixtieth_minute_is_complete(self) -> None:
        start = NINE + 17 * SECOND
        band = PineTime(day("5m walk 100, 80m sit", NINE), now=start, zone=ZoneInfo("UTC"))
        told = watched(band, 75 * MINUTE, start)
        (stretch,) = bouts(line_of(told, NINE, 70), Rule()).stretches
        assert (stretch.start, stretch.due) == (NINE + 5 * MINUTE, NINE + 65 * MINUTE)
        assert stretch.sure

    def test_it_is_known_a_minute_after_it_is_due_and_not_before(self) -> None:
        for minutes, due in ((64, None), (66, NINE + 65 * MINUTE)):
            told = watched(pine_time("5m walk 100, 80m sit"), minutes * MINUTE)
            (stretch,) = bouts(line_of(told, NINE, minutes), Rule()).stretches
            assert stretch.due == due

    def test_a_gap_of_over_a_quarter_of_an_hour_is_unknown_and_its_steps_are_of_the_day(self) -> None:
        band = pine_time("10m sit, 5m walk 80, 15m sit, 10m walk 60, 20m sit")
        told = watched(band, 10 * MINUTE + SECOND)
        watched(band, 30 * MINUTE, NINE + 30 * MINUTE, told=told)
        line = line_of(told, NINE, 60)
        assert set(line.code[10:30]) == {MISSING}
        assert (sum(line.steps), sum(steps for _, steps in line.unplaced)) == (600, 400)
        assert bouts(line, Rule()).stretches[0].ended_by == "unknown"


class TestNudging:
    def nudged(self, band: PineTime, message: Message) -> tuple[Answer | None, float]:
        """The answer, and after how many seconds it came."""

        async def story(clock: FastClock) -> tuple[Answer | None, float]:
            connection = DirectConnection(band, clock.now)
            answer = await nudge(DRIVER, conversation(connection, clock), Session(), message)
            connection.drop()
            return answer, (clock.now() - NINE).total_seconds()

        return run(story, NINE)

    def test_a_gentle_one_is_shown_and_cannot_be_answered(self) -> None:
        band = pine_time("1m sit", press=Press.ACCEPTED)
        assert self.nudged(band, ALERT) == (None, 0)
        assert [shown.text for shown in band.shown] == ["Time to move Hip extension"]

    @pytest.mark.parametrize(
        ("press", "answer"),
        [(Press.ACCEPTED, Answer.DONE), (Press.DECLINED, Answer.SNOOZED), (Press.MUTED, Answer.SKIPPED)],
    )
    def test_a_strong_one_rings_and_a_button_is_the_answer(self, press: Press, answer: Answer) -> None:
        band = pine_time("1m sit", press=press)
        assert self.nudged(band, CALL) == (answer, 3)
        assert [shown.text for shown in band.shown] == ["Time to move"]

    def test_nobody_answers(self) -> None:
        assert self.nudged(pine_time("1m sit"), CALL) == (None, 20)

    def test_a_malformed_button_is_a_device_error(self) -> None:
        watch = ByHand()

        async def story(clock: FastClock) -> None:
            conversing = Conversation(watch, zone=ZoneInfo("UTC"), now=clock.now)
            asyncio.get_running_loop().call_later(3, watch.say, packets.EVENT, b"\x03")
            with pytest.raises(MalformedPacket):
                await nudge(DRIVER, conversing, Session(), CALL)

        run(story, NINE)

    def test_it_rings_while_the_counter_is_watched_over_the_same_connection(self) -> None:
        band, told = pine_time("5m walk 60", press=Press.ACCEPTED), Told()

        async def story(clock: FastClock) -> Answer | None:
            connection = DirectConnection(band, clock.now)
            conversing = conversation(connection, clock)
            assert DRIVER.watch is not None
            watching = DRIVER.watch(conversing.view(), Session())

            async def keep() -> None:
                async with contextlib.aclosing(watching):
                    async for batch in watching:
                        await told.kept.commit(batch)

            task = asyncio.ensure_future(keep())
            await asyncio.sleep(90)
            answer = await nudge(DRIVER, conversing, Session(), CALL)
            await asyncio.sleep(211)
            task.cancel()
            await asyncio.wait({task})
            connection.drop()
            return answer

        assert run(story, NINE) is Answer.DONE
        assert line_of(told, NINE, 5).steps == [60] * 5


def test_over_gatt_it_is_found_watched_and_rung() -> None:
    band, told = pine_time("3m walk 60, 3m sit", press=Press.DECLINED), Told()

    async def story(clock: FastClock) -> Answer | None:
        async with simulated_radio([band], now=clock.now) as air:
            (seen,) = [seen for seen in await scan(air.adapter, 2) if DRIVER.matches(seen.advertisement)]
            async with connect(air.adapter, seen, 10 * SECOND) as connection:
                await talk(connection, clock, NINE + 5 * MINUTE - clock.now(), "UTC", told)
                assert told.error is None
                return await nudge(DRIVER, conversation_of(connection, clock), Session(), CALL)

    def conversation_of(connection: Connection, clock: FastClock) -> Conversation:
        return Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)

    assert run(story, NINE) is Answer.SNOOZED
    assert told.kept.of(Info)[0].firmware == "1.16.0"
    assert line_of(told, NINE, 4).steps[1:] == [60, 60, 0]
    assert [shown.text for shown in band.shown] == ["Time to move"]


def test_a_life_in_longer_epochs_is_walked_evenly() -> None:
    band = PineTime([Epoch(NINE, 10 * MINUTE, 600)], now=NINE, zone=ZoneInfo("UTC"))
    told = watched(band, 10 * MINUTE + LAST)
    assert line_of(told, NINE, 10).steps == [60] * 10
