"""The driver for Huawei and Honor bands against simulated ones: meetings, kills, minutes, nights, rides, reminders."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from families.huawei import FUZZ
from fuzz.inputs import Tally, decoded, talked
from fuzz.talk import recorded
from hipsync.driver import Message
from hipsync.errors import DeviceError, NoReply, NotAuthorised, UnexpectedReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, Info, State, Workout, WorkoutKind
from hipsync.testing import run
from hipsync_devices.huawei import DRIVER, minutes, packets, setup, tlv
from hipsync_devices.huawei.keys import Keys
from hipsync_devices.huawei.sim import HonorBand, HonorBand4, HonorBand6, HuaweiBand
from hipsync_devices.huawei.sim_memory import Span, Stored
from hipsync_devices.huawei.sim_wire import Heard
from support.huawei_bands import KEY, Desk, Kill

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KINDS: dict[str, type[HuaweiBand]] = {
    "HiChain3": HuaweiBand, "classic": HonorBand, "classic in plain": HonorBand4, "lite": HonorBand6
}  # fmt: skip


def band(kind: str = "HiChain3", life: Sequence[Epoch] = (), *, paired: bool = True, **more: Any) -> HuaweiBand:
    return KINDS[kind](life, now=NOON, zone=ZoneInfo("UTC"), secret=KEY if paired else None, **more)


def lived(*steps: int, before: datetime = NOON, **more: Any) -> list[Epoch]:
    start = before - len(steps) * MINUTE
    return [Epoch(start + at * MINUTE, MINUTE, count, **more) for at, count in enumerate(steps)]


Story = Callable[[Desk, FastClock], Awaitable[None]]


def told(story: Story, it: HuaweiBand, **more: Any) -> Desk:
    """What the desk has after a story that begins ten seconds after noon."""
    desk = Desk(it, **more)
    run(lambda clock: story(desk, clock), NOON + timedelta(seconds=10))
    return desk


async def synced(desk: Desk, clock: FastClock) -> None:
    await desk.sync(clock)


async def paired(desk: Desk, clock: FastClock) -> None:
    async with desk.connected(clock, pairing=True):
        pass


# ------------------------------------------------------------------ meeting


def test_a_first_meeting_asks_for_a_tap_keeps_the_token_and_sets_the_band_up() -> None:
    it = band(paired=False)
    desk = told(paired, it, secret=None)
    assert desk.taps == 1
    assert desk.secret is not None
    kept = Keys.of(desk.secret)
    assert it.owner.tokens == {kept.identity: kept.token}
    assert not it.on_pair_screen
    asked = [what for what in it.heard if what in {setup.SETTINGS, setup.AGREEMENTS, setup.ACTIVATE, setup.LAST_WORD}]
    assert asked == [setup.SETTINGS, setup.AGREEMENTS, setup.ACTIVATE, setup.LAST_WORD]
    assert (it.heard.count(packets.PHONE_INFO), it.heard.count(packets.PERMISSION)) == (1, 1)
    assert desk.store.of(Info) == [Info(desk.store.of(Info)[0].at, "6.0.0.125", "NA", "QXZ7S20C11000321")]
    assert [charge.percent for charge in desk.store.of(Charge)] == [72]


@pytest.mark.parametrize("kind", ["classic", "classic in plain", "lite"])
def test_a_classic_meeting_needs_no_tap_and_hands_our_key_over(kind: str) -> None:
    it = band(kind, paired=False)
    desk = told(paired, it, secret=None)
    kept = Keys.of(desk.secret or b"")
    assert it.owner.keys == {kept.phone.encode(): kept.session}
    assert desk.taps == 0
    assert not {setup.SETTINGS, setup.LAST_WORD} & set(it.heard)


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_meeting_rests_on_what_was_kept(kind: str) -> None:
    it = band(kind, lived(7, 8), paired=False)

    async def story(desk: Desk, clock: FastClock) -> None:
        await paired(desk, clock)
        kept = desk.secret
        await desk.sync(clock)
        assert desk.secret == kept

    desk = told(story, it, secret=None)
    assert [epoch.steps for epoch in desk.epochs.values()] == [7, 8]
    assert desk.taps == (1 if kind == "HiChain3" else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pairing_that_is_killed_at_any_step_can_be_done_again(kind: str) -> None:
    def steps() -> int:
        return told(paired, band(kind, paired=False), secret=None).steps

    async def killed(desk: Desk, clock: FastClock) -> None:
        with pytest.raises(Kill):
            await paired(desk, clock)
        desk.kill_at = None
        await paired(desk, clock)
        await desk.sync(clock)

    whole = steps()
    assert whole > 8
    for number in range(1, whole + 1):
        it = band(kind, lived(5), paired=False)
        desk = told(killed, it, secret=None, kill_at=number)
        assert [epoch.steps for epoch in desk.epochs.values()] == [5], f"killed at step {number}"


def test_a_wearer_who_does_not_tap_is_told_so() -> None:
    with pytest.raises(NotAuthorised, match="nobody tapped yes"):
        told(paired, band(paired=False, taps_after=None), secret=None)
    patient = told(paired, band(paired=False, taps_after=timedelta(seconds=80)), secret=None)
    assert patient.taps == 1


@pytest.mark.parametrize("what", [packets.LINK, packets.NEGOTIATION, packets.HICHAIN])
def test_who_pairs_a_silent_band_reads_that_it_may_belong_to_a_phone(what: tuple[int, int]) -> None:
    it = band(paired=False)
    it.faults.deaf = {what}
    with pytest.raises(NoReply, match="release it"):
        told(paired, it, secret=None)
    known = band()
    known.faults.deaf = {what}
    with pytest.raises(NoReply, match=f"did not answer {what[0]:02X}/{what[1]:02X}"):
        told(synced, known)


def test_a_band_that_was_reset_wants_to_be_paired_again_and_is() -> None:
    it = band()

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        it.reset(clock.now())
        with pytest.raises(NotAuthorised, match="pair it again"):
            await desk.sync(clock)
        assert desk.taps == 0
        await paired(desk, clock)
        await desk.sync(clock)

    assert told(story, it).taps == 1


@pytest.mark.parametrize("kind", ["classic", "lite"])
def test_a_band_that_met_another_phone_gets_our_key_again(kind: str) -> None:
    it = band(kind, lived(3))
    it.owner.keys = {b"FF:FF:FF:00:00:01": bytes(16)}
    assert [epoch.steps for epoch in told(synced, it).epochs.values()] == [3]


def test_without_a_key_nothing_is_tried() -> None:
    with pytest.raises(NotAuthorised, match="pair it first"):
        told(synced, band(), secret=None)


class Impostor(HonorBand):
    """It has the band's name and address, and not its constants."""

    def _logging_in(self, what: tuple[int, int], heard: Heard) -> None:
        if what == packets.AUTH:
            self._send(what, tlv.encode((1, bytes(32))), sealed=False)
        else:
            super()._logging_in(what, heard)


@pytest.mark.parametrize("kind", ["classic", "HiChain3"])
def test_an_impostor_gets_no_further_than_its_proof(kind: str) -> None:
    it = band() if kind == "HiChain3" else Impostor([], now=NOON, zone=ZoneInfo("UTC"), secret=KEY)
    kept = Keys.of(KEY)
    it.owner.tokens = {kept.identity: bytes(32)}
    with pytest.raises(NotAuthorised, match="proof") as refused:
        told(synced, it)
    assert not any(secret.hex() in str(refused.value) for secret in (KEY, kept.session, kept.token))
    assert it.heard == []


def test_a_key_that_is_not_the_bands_any_more_is_told() -> None:
    it = band("classic")
    it.owner.keys = {Keys.of(KEY).phone.encode(): bytes(16)}
    with pytest.raises(DeviceError):
        told(synced, it)


# ------------------------------------------------------------------ minutes


@pytest.mark.parametrize("mtu", [23, 247])
@pytest.mark.parametrize("kind", KINDS)
def test_minutes_are_stored_as_they_were_lived(kind: str, mtu: int) -> None:
    life = lived(*(number * 7 % 120 for number in range(100)), heart_rate=64)
    desk = told(synced, band(kind, life), mtu=mtu)
    assert list(desk.epochs.values()) == life


def test_what_is_not_listed_is_unknown_and_the_running_minute_is_left_for_later() -> None:
    it = band(
        life=[
            *lived(4, 5, before=NOON - 3 * MINUTE),
            *lived(0, before=NOON - 2 * MINUTE, state=State.CHARGING),
            *lived(0, 90, 60, before=NOON + MINUTE),
        ]
    )

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        assert [(at - NOON) // MINUTE for at in desk.epochs] == [-5, -4, -2, -1]
        await asyncio.sleep(60)
        await desk.sync(clock)

    desk = told(story, it)
    assert {(at - NOON) // MINUTE: epoch.steps for at, epoch in desk.epochs.items()} == {
        -5: 4,
        -4: 5,
        -2: 0,
        -1: 90,
        0: 60,
    }


@pytest.mark.parametrize("after", [0, 0.3, 4, 5, 59])
def test_the_minute_that_has_just_ended_is_fetched_too(after: float) -> None:
    """Else a reminder that is due when it ends would come at the next contact, ten minutes late."""
    life = lived(*[4] * 30)
    desk = Desk(band(life=life))
    run(desk.sync, NOON + timedelta(seconds=after))
    assert max(desk.epochs) == NOON - MINUTE


def test_a_week_is_fetched_day_by_day_and_stored_day_by_day() -> None:
    life = [*lived(1, before=NOON - 6 * DAY), *lived(2, before=NOON - 3 * DAY), *lived(3)]
    desk = told(synced, band(life=life))
    batches = [batch for batch in desk.store.batches if any(isinstance(each, Epoch) for each in batch)]
    assert [[each.steps for each in batch if isinstance(each, Epoch)] for batch in batches] == [[1], [2], [3]]


def test_later_syncs_ask_for_what_is_new_and_an_hour_before_it() -> None:
    it = band(life=lived(*[1] * 400, before=NOON + timedelta(hours=3)))

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        first = it.heard.count(minutes.MINUTES)
        await asyncio.sleep(3600)
        await desk.sync(clock)
        assert it.heard.count(minutes.MINUTES) - first <= 5
        assert len(desk.epochs) == 280
        assert {epoch.steps for epoch in desk.epochs.values()} == {1}

    told(story, it)


def test_a_minute_whose_steps_are_unknown_or_cut_off_is_left_out() -> None:
    it = band(life=lived(1, 2, 3, 4))
    stamp = int(NOON.timestamp()) // 60
    it.memory.minutes[stamp - 3] = Stored(extra=bytes.fromhex("02ffff"))
    it.memory.minutes[stamp - 2] = Stored(extra=bytes.fromhex("0e00"))
    assert [epoch.steps for epoch in told(synced, it).epochs.values()] == [1, 4]


def test_a_clock_that_was_wrong_is_set_and_nothing_comes_from_the_future() -> None:
    it = band(life=lived(*[9] * 30, before=NOON + 20 * MINUTE), clock_error=timedelta(minutes=7))

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        assert max(epoch.end for epoch in desk.epochs.values()) <= NOON
        await asyncio.sleep(15 * 60)
        await desk.sync(clock)

    desk = told(story, it)
    assert {desk.epochs[NOON + at * MINUTE].steps for at in range(8, 14)} == {9}


# ------------------------------------------------------------------ faults


def test_a_count_that_is_too_high_ends_where_the_band_says_so() -> None:
    it = band(life=lived(*[6] * 50))
    it.faults.miscount = 3
    desk = told(synced, it)
    assert len(desk.epochs) == 50


OUTSIDE, NONSENSE = tlv.encode((packets.RESULT, packets.OUTSIDE.to_bytes(4, "big"))), tlv.encode((0x81, b""))
UNREADABLE = pytest.mark.parametrize("instead", [OUTSIDE, NONSENSE, None], ids=["outside", "nonsense", "silent"])


@UNREADABLE
def test_nothing_behind_a_record_of_the_last_day_is_stored_before_it_came(instead: bytes | None) -> None:
    life = lived(*[6] * 400, before=NOON + 60 * MINUTE)
    it = band(life=life)
    ride = Workout(WorkoutKind.CYCLING, NOON - 90 * MINUTE, NOON - 50 * MINUTE)
    it.add_workout(3, ride.start, ride.end)

    async def story(desk: Desk, clock: FastClock) -> None:
        it.faults.instead = {(minutes.MINUTES, NOON - 100 * MINUTE): instead}
        for _ in range(2):
            with pytest.raises(DeviceError):
                await desk.sync(clock)
        assert NOON - 3 * HOUR < max(desk.epochs) < NOON - 100 * MINUTE, "else nobody would ask for it again"
        assert list(desk.epochs.values()) == [epoch for epoch in life if epoch.start <= max(desk.epochs)]
        assert desk.store.of(Workout) == [ride]
        it.faults.instead.clear()
        await asyncio.sleep(30 * 60)
        await desk.sync(clock)

    desk = told(story, it)
    assert list(desk.epochs.values()) == life[: len(desk.epochs)]
    assert max(desk.epochs) >= NOON + 29 * MINUTE


@UNREADABLE
@pytest.mark.parametrize("hours", [25, 60])
def test_a_record_that_never_comes_is_waited_for_no_longer_than_a_day(instead: bytes | None, hours: int) -> None:
    life = lived(*[6] * (hours + 2) * 60)
    it = band(life=life)
    it.faults.instead = {(minutes.MINUTES, NOON - hours * HOUR): instead}
    stored = told(synced, it).epochs
    missing = [epoch.start for epoch in life if epoch.start not in stored]
    assert (len(missing), missing[-1] - missing[0]) == (34, 33 * MINUTE), "one record, and nothing behind it"
    assert missing[0] <= NOON - hours * HOUR <= missing[-1]


@UNREADABLE
def test_a_record_that_never_comes_blocks_no_band_for_ever(instead: bytes | None) -> None:
    life = lived(*[6] * 40 * 60, before=NOON + 30 * HOUR)
    it = band(life=life)
    it.faults.instead = {(minutes.MINUTES, NOON - HOUR): instead}

    async def story(desk: Desk, clock: FastClock) -> None:
        for _ in range(9):
            with contextlib.suppress(DeviceError):
                await desk.sync(clock)
            await asyncio.sleep(3 * 3600)
        await desk.sync(clock)

    stored = told(story, it).epochs
    assert len([epoch for epoch in life if epoch.end <= NOON + 27 * HOUR and epoch.start not in stored]) == 34


def test_a_night_that_never_comes_costs_no_other_night() -> None:
    it = band(life=lived(*[0] * 600))
    for at in (500, 400, 300):
        it.memory.spans.append(Span(int((NOON - at * MINUTE).timestamp()), 60, 7))
    it.faults.instead = {(minutes.SLEEP, NOON - 400 * MINUTE): OUTSIDE}
    asleep = [at for at, epoch in told(synced, it).epochs.items() if epoch.state is State.ASLEEP]
    assert asleep == [NOON - at * MINUTE for first in (500, 300) for at in range(first, first - 60, -1)]


def test_a_record_with_another_index_is_refused() -> None:
    it = band(life=lived(*[6] * 50))
    it.faults.other_index = 1
    with pytest.raises(UnexpectedReply, match="another record"):
        told(synced, it)


def test_a_busy_band_is_asked_again() -> None:
    it = band(life=lived(6, 6))
    it.faults.busy = {minutes.COUNT_MINUTES, minutes.MINUTES}
    assert len(told(synced, it).epochs) == 2


def test_a_frame_that_is_damaged_on_the_way_is_asked_for_again() -> None:
    it = band(life=lived(6, 6), chatty=False)
    told(synced, it)
    for number in range(12, it.messages):  # those after the login
        spoilt = band(life=lived(6, 6), chatty=False)
        spoilt.faults.wrong_checksum = {number}
        assert len(told(synced, spoilt).epochs) == 2, f"message {number}"


def test_a_band_that_answers_nothing_more_ends_in_no_reply() -> None:
    it = band(life=lived(6, 6))
    it.faults.deaf = {minutes.MINUTES}
    with pytest.raises(NoReply, match="07/0B"):
        told(synced, it)


def test_nothing_unasked_is_answered_that_must_not_be() -> None:
    it = band(life=lived(*[1] * 600))
    desk = told(synced, it)
    assert len(desk.epochs) == 600
    assert it.answered_moves == 0
    assert packets.MOVED not in it.heard
    assert set(it.heard) <= {
        packets.PRODUCT, packets.TIME, packets.COMMANDS, packets.BATTERY, minutes.COUNT_MINUTES, minutes.MINUTES,
        minutes.COUNT_SLEEP, minutes.SLEEP, (0x17, 0x07),
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_messages_break_nothing_and_reach_the_innermost_decoders(kind: str) -> None:
    """Every fourth is damaged before its seal or its checksum, so that more than a third get that far."""
    tally = Tally()
    decoded(FUZZ, recorded(DRIVER, KINDS[kind]), 4000, tally, random.Random(kind))
    assert tally.inputs == 4000
    assert tally.reached > 1200
    assert tally.decoded > 300
    talked(DRIVER, KINDS[kind], FUZZ, 60, tally, random.Random(kind))
    assert tally.talked >= 60


# ------------------------------------------------------------------ nights


def test_a_night_is_asleep_without_its_steps() -> None:
    night = lived(*[0] * 200, 0, 25, *[0] * 60, before=NOON - 4 * MINUTE, state=State.ASLEEP)
    desk = told(synced, band(life=[*night, *lived(30, 0, 0, 30)]))
    asleep = [epoch for epoch in desk.epochs.values() if epoch.state is State.ASLEEP]
    assert len(asleep) == 261
    assert {epoch.steps for epoch in asleep} == {0}
    assert [epoch.state for epoch in list(desk.epochs.values())[-4:]] == [None] * 4
    assert desk.epochs[NOON - 65 * MINUTE].state is None, "a minute with steps is not asleep"


def test_a_night_that_is_listed_after_its_minutes_were_stored_is_told_again_as_asleep() -> None:
    night = lived(*[0] * 300, before=NOON + 60 * MINUTE, state=State.ASLEEP)
    it = band(life=[*night, *lived(*[40] * 420, before=NOON + 480 * MINUTE)])

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        assert {epoch.state for epoch in desk.epochs.values()} == {None}
        await asyncio.sleep(65 * 60)
        await desk.sync(clock)
        assert [epoch.state for epoch in desk.epochs.values()].count(State.ASLEEP) == 300
        for hours in (3, 2):
            await asyncio.sleep(hours * 3600)
            asked = it.heard.count(minutes.MINUTES)
            await desk.sync(clock)
        assert it.heard.count(minutes.MINUTES) - asked <= 7, "the night is not fetched for ever"
        assert [epoch.state for epoch in desk.epochs.values()].count(State.ASLEEP) == 300

    told(story, it)


def test_bouts_of_activity_are_no_sleep() -> None:
    it = band(life=lived(0, 0, 0))
    it.memory.spans.append(Span(int(NOON.timestamp()) - 180, 3, 1))
    assert {epoch.state for epoch in told(synced, it).epochs.values()} == {None}


# ------------------------------------------------------------------ rides


def test_rides_rows_and_runs_are_told_once_each_the_oldest_first() -> None:
    it = band(life=lived(1))
    it.add_workout(1, NOON - 20 * MINUTE, NOON - 5 * MINUTE)
    it.add_workout(3, NOON - 3 * DAY, NOON - 3 * DAY + 40 * MINUTE)
    it.add_workout(135, NOON - DAY, NOON - DAY + 30 * MINUTE)
    it.add_workout(77, NOON - 2 * DAY, NOON - 2 * DAY)  # without a length: left out

    async def story(desk: Desk, clock: FastClock) -> None:
        await desk.sync(clock)
        await desk.sync(clock)

    assert told(story, it).store.of(Workout) == [
        Workout(WorkoutKind.CYCLING, NOON - 3 * DAY, NOON - 3 * DAY + 40 * MINUTE),
        Workout(WorkoutKind.ROWING_MACHINE, NOON - DAY, NOON - DAY + 30 * MINUTE),
        Workout(WorkoutKind.RUNNING, NOON - 20 * MINUTE, NOON - 5 * MINUTE),
    ]


@pytest.mark.parametrize(("hours", "first"), [(10, []), (30, [2, 3])])
def test_nothing_behind_a_workout_of_the_last_day_is_told_before_it_came(hours: int, first: list[int]) -> None:
    """As for the minutes: the next contact asks for what began later than the last one stored."""
    it = band(life=lived(1))
    rides = [
        Workout(WorkoutKind.CYCLING, at, at + HOUR) for at in (NOON - (hours + 2 - 2 * n) * HOUR for n in range(3))
    ]
    for ride in rides:
        it.add_workout(3, ride.start, ride.end)

    async def story(desk: Desk, clock: FastClock) -> None:
        it.faults.silent_workouts = {1}
        await desk.sync(clock)
        assert desk.store.of(Workout) == [rides[number - 1] for number in first]
        it.faults.silent_workouts.clear()
        await desk.sync(clock)

    assert told(story, it).store.of(Workout) == (rides[1:] if first else rides)


def test_a_band_that_refuses_its_list_of_workouts_loses_no_minute() -> None:
    it = band(life=lived(1, 2))
    it.faults.deaf = {(0x17, 0x07)}
    assert len(told(synced, it).epochs) == 2


# ------------------------------------------------------------------ live, reminders


def test_totals_are_polled_and_a_charge_that_is_pushed_is_told() -> None:
    it = band(life=lived(60, 60, 60, before=NOON + 3 * MINUTE))

    async def story(desk: Desk, clock: FastClock) -> None:
        async with desk.connected(clock) as opened:
            watching = asyncio.ensure_future(opened.watch(desk.store.commit))
            await asyncio.sleep(61)
            it.push(packets.BATTERY_PUSHED, bytes.fromhex("01010b"), clock.now())
            await asyncio.sleep(100)
            watching.cancel()
            await asyncio.wait({watching})

    desk = told(story, it)
    counts = [counter.steps for counter in desk.store.of(Counter)]
    assert counts[0] in range(9, 13)
    assert counts[1] in range(69, 74)
    assert counts[2] in range(129, 135)
    assert [charge.percent for charge in desk.store.of(Charge)] == [72, 11]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reminder_is_shown_and_a_strong_one_twice(kind: str) -> None:
    it = band(kind)

    async def story(desk: Desk, clock: FastClock) -> None:
        async with desk.connected(clock) as opened:
            assert await opened.nudge(Message("Time to move", "Ten hip circles")) is None
            assert await opened.nudge(Message("Time to move", "\u00e4" * 300, strong=True)) is None

    told(story, it)
    assert [shown.text for shown in it.shown] == [
        "Time to move\nTen hip circles", *["Time to move\n" + "\u00e4" * 100] * 2,
    ]  # fmt: skip


def test_a_reminder_that_is_refused_is_told() -> None:
    it = band()

    async def story(desk: Desk, clock: FastClock) -> None:
        async with desk.connected(clock) as opened:
            it.faults.busy = {packets.NOTIFY}
            await opened.nudge(Message("Time to move", "Ten hip circles"))

    with pytest.raises(UnexpectedReply, match="100004"):
        told(story, it)


@pytest.mark.parametrize("what", ["sync", "watch"])
@pytest.mark.parametrize("kind", KINDS)
def test_reminders_come_between_the_questions_of_a_sync_or_a_watch(kind: str, what: str) -> None:
    """The simulated band joins what it hears to frames: one within another would be lost, and minutes with it."""
    life = lived(*[11] * 300)
    it = band(kind, life)

    async def story(desk: Desk, clock: FastClock) -> None:
        async with desk.connected(clock) as opened:
            work = opened.fetch(desk.store.commit) if what == "sync" else opened.watch(desk.store.commit)
            other = asyncio.ensure_future(work)
            for _ in range(5):
                await opened.nudge(Message("Time to move", "Ten hip circles " * 12))
                await asyncio.sleep(0.1)
            if what == "watch":
                await asyncio.sleep(150)
                other.cancel()
            await asyncio.wait({other})
        if what == "sync":
            await other
            assert list(desk.epochs.values()) == life
        else:
            assert len(desk.store.of(Counter)) == 3

    told(story, it)
    assert len(it.shown) == 5
    assert it.answered_moves == 0


def test_what_the_band_asks_is_answered_while_nobody_waits() -> None:
    it = band()

    async def story(desk: Desk, clock: FastClock) -> None:
        async with desk.connected(clock):
            before = len(it.heard)
            it.push(packets.PHONE_INFO, bytes.fromhex("02001100"), clock.now())
            await asyncio.sleep(11)
            assert it.heard[before:] == [packets.PHONE_INFO]

    told(story, it)
