"""The FitPro driver and the simulated band: a made-up day arrives slot by slot, whatever happens on the way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import collect, meet, nudge
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Epoch, Info, Reading
from hipsync.office_day import office_days
from hipsync.simulated import Notification, Shown
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.fitpro import DRIVER, packets
from hipsync_devices.fitpro.sim import FitProBand

SLOT = timedelta(minutes=15)
FRIDAY = date(2026, 11, 20)
LONDON = ZoneInfo("Europe/London")


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def slots(life: Sequence[Epoch], until: datetime) -> dict[datetime, int]:
    """What a band with slots of 15 minutes can say of a life: the steps of each slot that has ended."""
    sums: dict[datetime, int] = {}
    for epoch in life:
        start = epoch.start.replace(minute=epoch.start.minute // 15 * 15)
        if start + SLOT <= until:
            sums[start] = sums.get(start, 0) + epoch.steps
    return sums


def known(kept: MemoryStore) -> dict[datetime, int]:
    """As the store keeps them: of two for the same slot the one with more steps."""
    held: dict[datetime, int] = {}
    for epoch in kept.of(Epoch):
        assert epoch.length == SLOT
        held[epoch.start] = max(epoch.steps, held.get(epoch.start, 0))
    return held


def session(kept: MemoryStore) -> Session:
    since: dict[type[Reading], datetime] = {}
    for reading in kept.readings:
        when = reading.end if isinstance(reading, Epoch) else reading.at
        since[type(reading)] = max(when, since.get(type(reading), when))
    return Session(name="LH716", since=since)


async def sync(band: FitProBand, clock: FastClock, kept: MemoryStore, zone: str = "UTC", cut: int | None = None) -> int:
    """Meet and collect; how many notifications came. A link cut before one of them is the only error let go."""
    connection = DirectConnection(band, clock.now)
    if cut is not None:
        connection.cut_after(cut)
    talk, before = conversation(connection, clock, zone), session(kept)
    try:
        await meet(DRIVER, talk, before, kept.commit)
        await collect(DRIVER, talk, before, kept.commit)
    except LinkLost:
        assert cut is not None
    finally:
        connection.drop()
    return connection.delivered


def told(band: FitProBand, *times: datetime, kept: MemoryStore | None = None, zone: str = "UTC") -> MemoryStore:
    """What is kept after a sync at each of the times."""
    kept = MemoryStore() if kept is None else kept

    async def story(clock: FastClock) -> None:
        for time in times:
            await clock.sleep_until(time)
            await sync(band, clock, kept, zone)

    run(story, times[0])
    return kept


def worn(
    now: datetime,
    life: Sequence[Epoch] | None = None,
    *,
    keeps_until_acknowledged: bool = True,
    waits_for_each: bool = False,
    newest_first: bool = False,
) -> FitProBand:
    """On the wrist of somebody with an office day on Thursday and on Friday."""
    lived = office_days(FRIDAY - timedelta(days=1), 3, ZoneInfo("UTC"), seed=4) if life is None else life
    return FitProBand(
        lived,
        now=now,
        zone=ZoneInfo("UTC"),
        keeps_until_acknowledged=keeps_until_acknowledged,
        waits_for_each=waits_for_each,
        newest_first=newest_first,
    )


LIFE = office_days(FRIDAY - timedelta(days=1), 3, ZoneInfo("UTC"), seed=4)
FIRST = min(start for start, steps in slots(LIFE, at(23)).items() if steps)
"""Where the first steps are: before them nobody has stored anything, so nothing is inferred."""


def expected(until: datetime) -> dict[datetime, int]:
    return {start: steps for start, steps in slots(LIFE, until).items() if start >= FIRST}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("waits_for_each", [False, True])
@pytest.mark.parametrize("keeps", [False, True])
def test_two_days_arrive_slot_by_slot_in_one_sync(keeps: bool, waits_for_each: bool, newest_first: bool) -> None:
    now = at(20) + timedelta(seconds=20)
    band = worn(now, keeps_until_acknowledged=keeps, waits_for_each=waits_for_each, newest_first=newest_first)
    kept = told(band, now)
    if newest_first:  # what lies before the first slot of the first packet is only inferred after it
        first = min(start for start in slots(LIFE, now) if start >= at(0) and slots(LIFE, now)[start])
        assert {start: n for start, n in known(kept).items() if start >= first or n} == {
            start: n for start, n in expected(now).items() if start >= first or n
        }
    else:
        assert known(kept) == expected(now)


def test_slots_that_were_not_sent_are_marked_as_inferred_and_no_others() -> None:
    now = at(20) + timedelta(seconds=20)
    for epoch in told(worn(now), now).of(Epoch):
        assert epoch.inferred == (epoch.steps == 0)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.ring)])
def test_a_link_cut_at_any_packet_costs_no_slot_after_the_next_sync(every: int) -> None:
    now = at(13, 0) + timedelta(seconds=20)

    async def story(clock: FastClock) -> None:
        whole = await sync(worn(clock.now()), clock, MemoryStore())
        for number in range(0, whole, every):
            kept, band = MemoryStore(), worn(clock.now())
            await sync(band, clock, kept, cut=number)
            await sync(band, clock, kept)
            assert known(kept) == expected(clock.now()), f"cut before notification {number}"

    run(story, now)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.ring)])
def test_nothing_is_forgotten_that_was_not_stored(every: int) -> None:
    async def story(clock: FastClock) -> None:
        for number in range(0, 200, every):
            kept, band = MemoryStore(), worn(clock.now())
            delivered = await sync(band, clock, kept, cut=number)
            stored = known(kept)
            for key, steps in band.forgotten.items():
                assert key.day is not None
                start = datetime(key.day.year, key.day.month, key.day.day, tzinfo=UTC) + key.number * SLOT
                assert stored[start] == steps
            if delivered < number:
                return
        pytest.fail("the answer never ends")

    run(story, at(13, 7))


@pytest.mark.parametrize("seed", range(5))
def test_three_syncs_at_any_instants_tell_what_one_tells(seed: int) -> None:
    noise = random.Random(seed)
    times = sorted(at(7) + timedelta(seconds=noise.randrange(16 * 3600)) for _ in range(3))
    assert known(told(worn(times[0]), *times)) == expected(times[-1])


def test_the_last_slots_of_yesterday_come_after_midnight() -> None:
    late, early = at(23, 20), at(0, 40, FRIDAY + timedelta(days=1))
    life = [*LIFE, Epoch(at(23, 50), MINUTE, 77)]
    kept = told(worn(late, life), late, early)
    assert known(kept)[at(23, 45)] == 77
    assert known(kept)[at(0, 15, FRIDAY + timedelta(days=1))] == 0


def test_the_total_of_today_has_nothing_of_yesterday() -> None:
    now = at(9, 30)
    said: list[bytes] = []

    def heard(data: bytes) -> Sequence[bytes]:
        said.append(data)
        return [data]

    async def story(clock: FastClock) -> None:
        band = worn(now, [Epoch(at(23, 30, FRIDAY - timedelta(days=1)), MINUTE, 900), Epoch(at(9), MINUTE, 50)])
        connection = DirectConnection(band, clock.now)
        connection.spoil = heard
        await meet(DRIVER, conversation(connection, clock), Session(), MemoryStore().commit)
        await collect(DRIVER, conversation(connection, clock), Session(), MemoryStore().commit)
        connection.drop()

    run(story, now)
    head = bytes([packets.DATA, 0, 17, packets.HISTORY, 1, packets.TOTALS])
    totals = [packets.Total.decode(data[8:]) for data in said if data.startswith(head)]
    assert [(total.day, total.steps) for total in totals] == [(FRIDAY, 50)]


# ------------------------------------------------------------------ the slot that runs


def test_the_slot_that_runs_is_not_told_and_its_day_is_not_acknowledged() -> None:
    life = [Epoch(at(9, 0), MINUTE, 50), Epoch(at(9, 16), MINUTE, 20), Epoch(at(9, 25), MINUTE, 30)]
    band = worn(at(9, 20), life)
    kept = told(band, at(9, 20))
    assert known(kept) == {at(9): 50}
    assert band.forgotten == {}
    assert known(told(band, at(9, 40), kept=kept)) == {at(9): 50, at(9, 15): 50}
    assert sorted(band.forgotten.values()) == [50, 50]


# ------------------------------------------------------------------ clocks


def test_a_reboot_costs_what_was_walked_before_the_clock_was_set_and_infers_nothing_of_it() -> None:
    life = [Epoch(at(9), MINUTE, 50), Epoch(at(10, 20), MINUTE, 60), Epoch(at(11, 20), MINUTE, 70)]
    band = worn(at(9, 40), life)
    kept = told(band, at(9, 40))
    band.reboot(at(10))
    told(band, at(10, 50), kept=kept)
    assert known(kept) == {at(9): 50, at(9, 15): 0}
    told(band, at(11, 50), kept=kept)
    assert known(kept)[at(11, 15)] == 70
    assert band.steps == {}


@pytest.mark.parametrize("minutes", [7, -7])
def test_a_clock_some_minutes_off_shifts_what_it_stamped_and_nothing_later(minutes: int) -> None:
    off = timedelta(minutes=minutes)
    start, now = at(11, 10), at(15, 5)
    band = FitProBand(LIFE, now=start, zone=ZoneInfo("UTC"), clock_error=off)
    kept = told(band, start, now)
    right = expected(now)
    # before it was set, the band put its steps `off` later; the slot of the meeting holds some of both
    shifted = slots([epoch._replace(start=epoch.start + off) for epoch in LIFE if epoch.end <= start], now)
    for when, steps in known(kept).items():
        if when + SLOT <= start - timedelta(minutes=15):
            assert steps == shifted.get(when, 0)
        elif when >= start + timedelta(minutes=15):
            assert steps == right[when]
    assert {when for when in right if when >= at(11, 30)} <= set(known(kept))


@pytest.mark.parametrize(
    ("change", "zone", "running"),
    [
        (datetime(2026, 3, 29, 1, tzinfo=UTC), LONDON, 34),
        # set back, the band counts on in the slot that it filled an hour before: 30 steps, and 34
        (datetime(2026, 10, 25, 1, tzinfo=UTC), LONDON, 64),
    ],
    ids=["spring", "autumn"],
)
def test_a_change_of_daylight_saving_moves_no_slot_but_what_runs_when_the_clock_is_set(
    change: datetime, zone: ZoneInfo, running: int
) -> None:
    # the band stays on the old time until the next meeting, at 07:00 UTC
    life = [Epoch(change + i * SLOT, MINUTE, 10 + i) for i in range(-8, 36)]
    before, after, later = change - timedelta(minutes=50), change + timedelta(hours=6), change + timedelta(hours=9)
    band = FitProBand(life, now=before, zone=zone)
    kept = told(band, before + timedelta(seconds=1), after, later, zone=zone.key)
    assert known(kept) == {change + i * SLOT: 10 + i for i in range(-8, 36)} | {after: running}


def test_a_day_that_cannot_be_is_not_stored() -> None:
    now = at(12)
    band = FitProBand(LIFE, now=now, zone=ZoneInfo("UTC"), clock_error=timedelta(days=3650))
    kept = told(band, now)
    assert kept.of(Epoch) == []


# ------------------------------------------------------------------ stillness


def test_nothing_is_inferred_for_a_day_without_a_word() -> None:
    # worn on Monday morning and on Thursday; in a drawer between
    life = [Epoch(at(9, 0, date(2026, 11, 16)), MINUTE, 50), Epoch(at(9), MINUTE, 60)]
    kept = told(worn(at(10), life), at(10))
    days = {start.date() for start in known(kept)}
    assert days == {date(2026, 11, 16), FRIDAY}


def test_an_hour_of_sitting_is_known_when_it_has_passed() -> None:
    kept = told(worn(at(9, 40), [Epoch(at(9), MINUTE, 50)]), at(9, 40), at(10, 15))
    assert known(kept) == {at(9): 50, at(9, 15): 0, at(9, 30): 0, at(9, 45): 0, at(10): 0}


def test_nothing_is_inferred_up_to_now_from_an_answer_that_was_cut() -> None:
    band = worn(at(10, 15), [Epoch(at(9), MINUTE, 50)])
    band.faults.hang_up_at = 4  # after three marks and the day: in place of the total
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        await sync(band, clock, kept, cut=10**6)
        assert known(kept) == {at(9): 50}
        await sync(band, clock, kept)

    run(story, at(10, 15))
    assert known(kept) == {at(9): 50, at(9, 15): 0, at(9, 30): 0, at(9, 45): 0, at(10): 0}


# ------------------------------------------------------------------ odd firmware


def failing(band: FitProBand) -> type[DeviceError] | None:
    kept = MemoryStore()

    async def story(clock: FastClock) -> type[DeviceError] | None:
        try:
            await sync(band, clock, kept)
        except DeviceError as error:
            return type(error)
        return None

    return run(story, at(12))


def test_a_band_that_forgets_to_begin_is_greeted_and_asked_again() -> None:
    band = worn(at(12))
    band.faults.late_start = 1
    assert known(told(band, at(12))) == expected(at(12))


def test_a_band_that_never_begins_is_given_up() -> None:
    band = worn(at(12))
    band.faults.late_start = 2
    assert failing(band) is NoReply


@pytest.mark.parametrize("command", [(0x1A, 0x0A), (0x1A, 0x10), (0x20, 0x02), (0x12, 0x15)])
@pytest.mark.parametrize("how", ["deaf", "refuse"])
def test_a_question_that_a_band_does_not_know_costs_nothing(command: tuple[int, int], how: str) -> None:
    band = worn(at(12))
    getattr(band.faults, how).add(command)
    assert known(told(band, at(12))) == expected(at(12))


def test_a_band_that_does_not_take_its_clock_or_refuses_it_tells_its_steps() -> None:
    deaf, refusing = worn(at(12)), worn(at(12))
    deaf.faults.deaf.add((0x12, 0x01))
    refusing.faults.refuse.add((0x12, 0x01))
    assert known(told(deaf, at(12))) == expected(at(12))
    assert known(told(refusing, at(12))) == expected(at(12))


@pytest.mark.parametrize("number", range(6))
def test_a_frame_that_comes_twice_changes_nothing(number: int) -> None:
    band = worn(at(12))
    band.faults.double = {number}
    assert known(told(band, at(12))) == expected(at(12))


@pytest.mark.parametrize(
    ("items", "night", "total"),
    [
        # a frame of 12 bytes and 4 an item; the total of a day has 20
        (3, "dc00051501001801", True),
        (2, "dc00051501001401", False),
    ],
    ids=["of its own length", "as long as the total of a day"],
)
def test_a_night_of_sleep_is_never_acknowledged(items: int, night: str, total: bool) -> None:
    band = worn(at(12))
    band.nights = [packets.Sleep(FRIDAY, ((15, 3), (30, 2), (45, 1))[:items])]
    written: list[bytes] = []

    async def story(clock: FastClock) -> None:
        connection, kept = DirectConnection(band, clock.now), MemoryStore()
        talk = conversation(connection, clock)
        await meet(DRIVER, talk, Session(), kept.commit)
        await collect(DRIVER, talk, Session(), kept.commit)
        connection.drop()
        written.extend(data for _, data in connection.written)
        assert known(kept) == expected(at(12))

    run(story, at(12))
    assert bytes.fromhex(night) not in written
    assert (bytes.fromhex("dc00051501001401") in written) == total  # fit-ack-host


# ------------------------------------------------------------------ what the band says of itself, and the buzz


def test_a_band_says_who_it_is_and_its_battery() -> None:
    kept = told(worn(at(12)), at(12))
    assert [(info.firmware, info.hardware) for info in kept.of(Info)] == [("1.0.7", "716")]
    assert [charge.percent for charge in kept.of(Charge)] == [87]


@pytest.mark.parametrize(("strong", "buzzes"), [(False, 1), (True, 2)])
def test_a_nudge_is_shown_felt_and_ended(strong: bool, buzzes: int) -> None:
    band = worn(at(12))
    band.may_vibrate = band.shows_notifications = False
    written: list[bytes] = []

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        await nudge(DRIVER, conversation(connection, clock), Session(), Message("Move", "Hip", strong=strong))
        written.extend(data for _, data in connection.written)
        connection.drop()

    run(story, at(12))
    assert [shown.text for shown in band.shown] == ["Move: Hip"] + [""] * buzzes
    assert written[-1] == bytes.fromhex("cd000612010b000100")
    assert written.count(bytes.fromhex("cd000612010b000101")) == buzzes  # fit-find-on


def test_the_band_answers_a_client_that_is_not_ours() -> None:
    band = FitProBand([], now=at(12), zone=ZoneInfo("UTC"))
    band.mtu = 200
    band.connected(at(12))
    band.on_subscribe(packets.NOTIFY, subscribed=True, now=at(12))

    def said(data: str) -> list[str]:
        band.write(packets.WRITE, packets.SERVICE, bytes.fromhex(data), at(12))
        return [each.data.hex() for each in band.advance(at(12)) if isinstance(each, Notification)]

    # the find and the notification of the recordings, and their answers
    assert said("cd000612010b000101") == ["dc0005120b000901"]
    text = "cd0023120112001e0100004d657368436f72653a544553542046524f4d2045535033322d5333"
    assert said(text) == ["dc00051212002601"]
    assert band.shown == [Shown(at(12), ""), Shown(at(12), "MeshCore:TEST FROM ESP32-S3")]
    assert said("cd0005770177 0000".replace(" ", "")) == ["dc00057777000801"]  # unknown: acknowledged
    assert said("cd000615010600") == []  # half a frame
    assert said("0101") == ["dc00051506000901"]  # the rest; not greeted, so nothing is sent
