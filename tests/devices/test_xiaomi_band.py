"""Our end and the simulated bands against each other, and each against a stranger: what is said, when, how often."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, Info, Reading, State, Wear, Workout, WorkoutKind
from hipsync.simulated import Notification, Service
from hipsync.testing import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.xiaomi import DRIVER, v1, v2
from hipsync_devices.xiaomi.sim import SmartBand8, SmartBand9Active, XiaomiBand
from hipsync_devices.xiaomi.sim_frames import FramesV2
from hipsync_devices.xiaomi.sim_messages import deep, said
from hipsync_devices.xiaomi.v1 import WireV1
from hipsync_devices.xiaomi.v2 import Frame, WireV2
from hipsync_devices.xiaomi.wire import Kind, Packet

KEY = bytes.fromhex("202122232425262728292a2b2c2d2e2f")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOTH = pytest.mark.parametrize("made", [SmartBand9Active, SmartBand8])


def life(first: datetime, last: datetime, steps: Callable[[int], int] = lambda number: 0, **more: State) -> list[Epoch]:
    """Minutes in `[first, last)`, with a heart rate, and steps by their number."""
    count = (last - first) // MINUTE
    return [
        Epoch(first + number * MINUTE, MINUTE, steps(number), heart_rate=60 + number % 9, state=more.get("state"))
        for number in range(count)
    ]


def walks(number: int) -> int:
    return 90 if number % 25 < 3 else 0


@dataclass
class Wrist:
    """A band on a wrist, and what is stored of it over any number of connections."""

    band: XiaomiBand
    clock: FastClock
    store: MemoryStore = field(default_factory=MemoryStore)
    erase: bool = False
    key: bytes | None = KEY
    mtu: int = 247
    connection: DirectConnection | None = None
    tap: Callable[[], None] | None = None
    """What is called when the band wants a tap, while pairing; None if it is not being paired."""

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncGenerator[OpenDialogue, None]:
        self.connection = DirectConnection(self.band, self.clock.now, mtu=self.mtu)
        since: dict[type[Reading], datetime] = {}
        for each in self.store.readings:
            at = each.end if isinstance(each, Epoch | Workout) else each.at
            since[type(each)] = max(at, since.get(type(each), at))
        session = Session(name=self.band.name, secret=self.key, since=since, erase=self.erase)
        if self.tap is not None:
            session = replace(session, pairing=True, tap=self.tap)
        link = conversation(self.connection, self.clock, "Europe/Berlin")
        try:
            async with dialogue(DRIVER, link, session, self.store.commit) as talk:
                yield talk
        finally:
            self.connection.drop()

    async def sync(self) -> None:
        async with self.opened() as talk:
            await talk.fetch(self.store.commit)

    def written(self) -> list[bytes]:
        return [] if self.connection is None else [data for _, data in self.connection.written]

    def minutes(self) -> dict[datetime, Epoch]:
        return {each.start: each for each in self.store.of(Epoch)}


Story = Callable[[Wrist], Awaitable[None]]


def lived(
    made: type[XiaomiBand],
    days: Sequence[Epoch],
    story: Story,
    now: datetime = NOON,
    workouts: Sequence[Workout] = (),
) -> Wrist:
    wrist: list[Wrist] = []

    async def whole(clock: FastClock) -> None:
        band = made(days, now=now, zone=ZoneInfo("Europe/Berlin"), secret=KEY, workouts=workouts)
        wrist.append(Wrist(band, clock))
        await story(wrist[0])

    run(whole, now)
    return wrist[0]


# ------------------------------------------------------------------ opening


@BOTH
def test_the_band_says_what_it_is_and_its_clock_is_set(made: type[XiaomiBand]) -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened() as talk:
            assert (talk.held, talk.can_nudge) == (False, True)

    wrist = lived(made, life(NOON - HOUR, NOON), story)
    (info,), (charge,) = wrist.store.of(Info), wrist.store.of(Charge)
    assert (info.firmware, info.serial) == (made.firmware, made.serial)
    assert (charge.percent, charge.charging) == (83, False)
    assert wrist.band.wall_clock(NOON) == datetime(2026, 3, 2, 13)  # noqa: DTZ001  Berlin is an hour ahead
    assert wrist.band.strange == [], "hipsync asks for nothing that such a band does not know"


@BOTH
def test_a_wrong_key_stops_at_the_bands_proof(made: type[XiaomiBand]) -> None:
    """Nothing is written but the nonce: message 1/27 with our proof never comes."""

    async def story(wrist: Wrist) -> None:
        wrist.key = bytes(16)
        with pytest.raises(NotAuthorised, match="wrong key"):
            await wrist.sync()

    wrist = lived(made, life(NOON - HOUR, NOON), story)
    whole = b"".join(wrist.written())
    assert whole.count(bytes.fromhex("0801101a")) == 1
    assert bytes.fromhex("0801101b") not in whole


@BOTH
def test_without_a_key_nothing_is_said(made: type[XiaomiBand]) -> None:
    async def story(wrist: Wrist) -> None:
        wrist.key = None
        with pytest.raises(NotAuthorised, match="hipsync bands key"):
            await wrist.sync()
        assert wrist.written() == []

    lived(made, life(NOON - HOUR, NOON), story)


@BOTH
def test_a_band_without_an_owner_says_so(made: type[XiaomiBand]) -> None:
    async def whole(clock: FastClock) -> None:
        band = made(life(NOON - HOUR, NOON), now=NOON, zone=ZoneInfo("UTC"))
        with pytest.raises(NotAuthorised, match="no owner"):
            await Wrist(band, clock).sync()

    run(whole, NOON)


def test_a_band_that_answers_nobody_names_the_phone() -> None:
    class Deaf(SmartBand9Active):
        def _written(self, uuid: str, data: bytes) -> None:
            """Nothing: it belongs to a phone that is near."""

    async def story(wrist: Wrist) -> None:
        with pytest.raises(NoReply, match="Bluetooth of the phone"):
            await wrist.sync()

    lived(Deaf, life(NOON - HOUR, NOON), story)


@pytest.mark.parametrize("tapped_after", [5, 20])
def test_a_band_that_wants_a_tap_is_waited_for(tapped_after: int) -> None:
    """Longer than any other answer may take; the person is told, but only while pairing."""
    told: list[datetime] = []

    async def story(wrist: Wrist) -> None:
        wrist.band.tap_after = timedelta(seconds=tapped_after)
        await wrist.sync()
        assert told == []
        wrist.tap = lambda: told.append(wrist.clock.now())
        await wrist.sync()

    assert lived(SmartBand9Active, life(NOON - HOUR, NOON), story).minutes()
    assert told == [NOON + timedelta(seconds=tapped_after)], "at once in the second connection"


def test_without_a_tap_the_band_is_left() -> None:
    async def story(wrist: Wrist) -> None:
        wrist.band.tap_after = timedelta(seconds=40)
        with pytest.raises(NoReply):
            await wrist.sync()

    lived(SmartBand9Active, life(NOON - HOUR, NOON), story)


def test_a_band_of_neither_generation_is_named_with_what_helps() -> None:
    class Classic(SmartBand9Active):
        def services(self) -> Sequence[Service]:
            return [service for service in super().services() if "fe95" not in service.uuid]

    async def story(wrist: Wrist) -> None:
        with pytest.raises(DeviceError, match="classic Bluetooth"):
            await wrist.sync()

    lived(Classic, life(NOON - HOUR, NOON), story)


# ------------------------------------------------------------------ minutes


@BOTH
@pytest.mark.parametrize("mtu", [23, 64, 247, 517])
def test_a_day_arrives_minute_by_minute(made: type[XiaomiBand], mtu: int) -> None:
    days = life(NOON - 30 * HOUR, NOON, walks)

    async def story(wrist: Wrist) -> None:
        wrist.mtu = mtu
        await wrist.sync()

    wrist = lived(made, days, story)
    assert {at: (each.steps, each.heart_rate) for at, each in wrist.minutes().items()} == {
        each.start: (each.steps, each.heart_rate) for each in days
    }


@BOTH
def test_today_grows_and_files_of_before_are_not_asked_for_again(made: type[XiaomiBand]) -> None:
    days = life(NOON - 60 * HOUR, NOON + 3 * HOUR, walks)

    async def story(wrist: Wrist) -> None:
        await wrist.sync()
        first = len(wrist.band.fetches)
        await asyncio.sleep(2 * 3600)
        await wrist.sync()
        assert len(wrist.band.fetches[first:]) <= 2, "today's file, and the one that the set clock began"

    wrist = lived(made, days, story)
    assert {at: each.steps for at, each in wrist.minutes().items()} == {
        each.start: each.steps for each in days if each.start < NOON + 2 * HOUR
    }


@BOTH
def test_files_are_confirmed_only_to_erase_and_never_the_one_that_grows(made: type[XiaomiBand]) -> None:
    days = life(NOON - 60 * HOUR, NOON + HOUR, walks)

    async def story(wrist: Wrist) -> None:
        await wrist.sync()
        assert wrist.band.confirmed == []
        wrist.store.batches.clear()
        wrist.erase = True
        await wrist.sync()

    wrist = lived(made, days, story)
    began = [datetime.fromtimestamp(int.from_bytes(each[:4], "little"), UTC) for each in wrist.band.confirmed]
    assert began
    assert max(began) < datetime(2026, 3, 1, 23, tzinfo=UTC), "midnight in Berlin"
    assert len(wrist.minutes()) == 60 * 60


@BOTH
def test_a_night_marks_its_minutes_asleep_with_their_heart_rate(made: type[XiaomiBand]) -> None:
    bed, up = datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)
    days = [
        *life(bed - 4 * HOUR, bed, walks), *life(bed, up, state=State.ASLEEP), *life(up, NOON + HOUR, walks),
    ]  # fmt: skip

    async def story(wrist: Wrist) -> None:
        await wrist.sync()

    wrist = lived(made, days, story, now=up + 2 * HOUR)
    asleep = [at for at, each in wrist.minutes().items() if each.state is State.ASLEEP]
    assert (min(asleep), max(asleep), len(asleep)) == (bed, up - MINUTE, 8 * 60)
    assert all(each.heart_rate for each in wrist.minutes().values())
    assert not any(each.inferred for each in wrist.minutes().values())


def test_a_night_whose_minutes_were_stored_while_it_went_on_is_marked_later() -> None:
    bed, up = datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)
    days = [*life(bed - HOUR, bed, walks), *life(bed, up, state=State.ASLEEP), *life(up, NOON, walks)]

    async def story(wrist: Wrist) -> None:
        await wrist.sync()
        assert not any(each.state is State.ASLEEP for each in wrist.minutes().values())
        await asyncio.sleep(6 * 3600)
        await wrist.sync()

    wrist = lived(SmartBand9Active, days, story, now=bed + 4 * HOUR)
    assert sum(each.state is State.ASLEEP for each in wrist.minutes().values()) == 8 * 60


@BOTH
def test_a_listed_file_that_never_comes_costs_no_other_minute(made: type[XiaomiBand]) -> None:
    days = life(NOON - 60 * HOUR, NOON, walks)

    async def story(wrist: Wrist) -> None:
        wrist.band.never_sends = {next(iter(wrist.band.files))}
        await wrist.sync()

    wrist = lived(made, days, story)
    midnight = datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert {at: each.steps for at, each in wrist.minutes().items()} == {
        each.start: each.steps for each in days if each.start >= midnight
    }


@BOTH
def test_nothing_after_a_file_of_the_last_day_is_stored_before_it_came(made: type[XiaomiBand]) -> None:
    days = life(NOON - 60 * HOUR, NOON + 2 * HOUR, walks)
    midnight = datetime(2026, 3, 1, 23, tzinfo=UTC)

    async def story(wrist: Wrist) -> None:
        wrist.band.never_sends = {list(wrist.band.files)[-1]}
        with pytest.raises(NoReply):
            await wrist.sync()
        assert max(wrist.minutes()) < midnight - 24 * HOUR, "else the next contact would not ask for it"
        wrist.band.never_sends.clear()
        await asyncio.sleep(3600)
        await wrist.sync()

    wrist = lived(made, days, story)
    assert {at: each.steps for at, each in wrist.minutes().items()} == {
        each.start: each.steps for each in days if each.start < NOON + HOUR
    }


@BOTH
def test_workouts_of_each_kind_arrive_once(made: type[XiaomiBand]) -> None:
    done = [
        Workout(kind, NOON - (9 - number) * HOUR, NOON - (9 - number) * HOUR + 30 * MINUTE)
        for number, kind in enumerate(WorkoutKind)
    ]

    async def story(wrist: Wrist) -> None:
        await wrist.sync()
        await wrist.sync()

    wrist = lived(made, life(NOON - 12 * HOUR, NOON), story, workouts=done)
    assert sorted(wrist.store.of(Workout), key=lambda each: each.start) == done


# ------------------------------------------------------------------ live, texts


@BOTH
def test_the_total_is_followed_and_a_text_shown_at_the_same_time(made: type[XiaomiBand]) -> None:
    """The band takes each text once and whole, while it sends its counts."""

    async def story(wrist: Wrist) -> None:
        async with wrist.opened() as talk:
            watching = asyncio.ensure_future(talk.watch(wrist.store.commit))
            await asyncio.sleep(60)
            await asyncio.gather(*(talk.nudge(Message("Time to move", f"Walk {n}")) for n in range(5)))
            await asyncio.sleep(9 * 60)
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    wrist = lived(made, life(NOON - HOUR, NOON + HOUR, lambda number: 60), story)
    counts = wrist.store.of(Counter)
    assert len(counts) > 50
    assert all(abs(each.steps - 60 * 60 - (each.at - NOON).total_seconds()) <= 2 for each in counts)
    assert [each.text for each in wrist.band.shown] == [f"Time to move Walk {number}" for number in range(5)]


@BOTH
def test_a_workout_that_ends_while_the_band_is_watched_is_fetched_at_once(made: type[XiaomiBand]) -> None:
    ride = Workout(WorkoutKind.CYCLING, NOON - 20 * MINUTE, NOON + 3 * MINUTE)

    async def story(wrist: Wrist) -> None:
        async with wrist.opened() as talk:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(4 * 60):
                    await talk.watch(wrist.store.commit)

    wrist = lived(made, life(NOON - HOUR, NOON + HOUR, walks), story, workouts=[ride])
    assert set(wrist.store.of(Workout)) == {ride}


@BOTH
def test_what_a_band_says_of_wear_at_each_connection_and_while_it_is_watched_is_stored(made: type[XiaomiBand]) -> None:
    """Its minutes do not say it. The simulated band notices a change when the minute is over in which it happened."""

    async def story(wrist: Wrist) -> None:
        await wrist.sync()
        async with wrist.opened() as talk:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20 * 60):
                    await talk.watch(wrist.store.commit)
        await wrist.sync()

    worn = life(NOON - HOUR, NOON + 5 * MINUTE)
    off = life(NOON + 5 * MINUTE, NOON + 10 * MINUTE, state=State.NOT_WORN)
    off += life(NOON + 10 * MINUTE, NOON + 15 * MINUTE, state=State.CHARGING)
    wrist = lived(made, [*worn, *off, *life(NOON + 15 * MINUTE, NOON + HOUR)], story)
    told = [(each.at.replace(second=0, microsecond=0), each.worn) for each in wrist.store.of(Wear)]
    assert told == [
        (NOON, True), (NOON, True), (NOON + 6 * MINUTE, False), (NOON + 16 * MINUTE, True), (NOON + 20 * MINUTE, True)
    ]  # fmt: skip


@BOTH
def test_a_band_that_lies_on_a_table_says_so_when_it_is_asked(made: type[XiaomiBand]) -> None:
    wrist = lived(made, life(NOON - HOUR, NOON, state=State.NOT_WORN), Wrist.sync)
    assert [each.worn for each in wrist.store.of(Wear)] == [False]


@BOTH
def test_a_strong_message_buzzes_twice(made: type[XiaomiBand]) -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened() as talk:
            await talk.nudge(Message("Time to move", "Zwölf Minuten sitzen", strong=True))

    wrist = lived(made, life(NOON - HOUR, NOON), story)
    assert [each.text for each in wrist.band.shown] == ["Time to move Zwölf Minuten sitzen"] * 2


@BOTH
def test_what_a_band_asks_while_nobody_waits_is_acknowledged_at_once(made: type[XiaomiBand]) -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened():
            for number in range(20):
                wrist.band.say(18, number)
                await asyncio.sleep(61)
            assert not wrist.band.frames.coming(), "nothing waits to be sent again"
            if isinstance(wrist.band.frames, FramesV2):
                assert wrist.band.frames.restarts == 0

    lived(made, life(NOON - HOUR, NOON + HOUR), story)


def test_a_band_that_begins_anew_ends_the_connection() -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened() as talk:
            assert isinstance(wrist.band.frames, FramesV2)
            wrist.band.frames.begin(answer=False)
            with pytest.raises(DeviceError, match="anew"):
                await talk.nudge(Message("Time to move", ""))

    lived(SmartBand9Active, life(NOON - HOUR, NOON), story)


# ------------------------------------------------------------------ the simulated bands and strangers


@BOTH
def test_what_other_clients_send_breaks_no_band(made: type[XiaomiBand]) -> None:
    """Before a login nothing is answered but the login; nonsense is passed over."""
    band = made(life(NOON - HOUR, NOON), now=NOON, zone=ZoneInfo("UTC"), secret=KEY)
    band.mtu = 247
    band.connected(NOON)
    uuids = (v2.TO_PHONE, v2.TO_BAND) if made is SmartBand9Active else (v1.TO_PHONE, v1.TO_BAND)
    for uuid in uuids:
        band.on_subscribe(uuid, True, NOON)
    for text in ("", "00", "0000", "000000", "0000020208021001", "0000000001", "a5a5", "a5a50300ffff0000", "ff" * 60):
        band.write(uuids[1], "", bytes.fromhex(text), NOON)
    said_back = {each.data[:4] if isinstance(each, Notification) else b"" for each in band.advance(NOON)}
    assert said_back <= {b"\0\0\3\0", b"\0\0\1\1"}, "receipts, and nothing else"


@BOTH
def test_a_request_that_the_band_does_not_know_is_refused(made: type[XiaomiBand]) -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened():
            wrist.band.hear(said((1, 17), (2, 0)), True)
            wrist.band.hear(bytes.fromhex("0802105c2205da03020801"), True)
            wrist.band.hear(bytes.fromhex("0802101222022800"), True)

    band = lived(made, life(NOON - HOUR, NOON), story).band
    assert band.strange == ["17/0", "2/92"]
    assert [each.text for each in band.shown] == [""], "2/18, which another client may send, makes it buzz"


def test_a_text_of_an_app_without_a_name_is_not_shown() -> None:
    async def story(wrist: Wrist) -> None:
        async with wrist.opened():
            for name in ("", "hipsync"):
                wrist.band.hear(said((1, 7), (2, 0), deep("9.3.1", said((2, name), (3, "Up"), (5, "now")))), True)

    assert [each.text for each in lived(SmartBand9Active, life(NOON - HOUR, NOON), story).band.shown] == ["Up now"]


def test_a_band_without_receipts_repeats_and_then_begins_anew() -> None:
    """After 6 s, three times; it never sends more than three frames unacknowledged."""
    band = SmartBand9Active(life(NOON - HOUR, NOON + HOUR), now=NOON, zone=ZoneInfo("UTC"), secret=KEY)
    band.mtu = 247
    band.connected(NOON)
    band.on_subscribe(v2.TO_PHONE, True, NOON)
    wire = WireV2(244)
    wire.begin(NOON)
    band.write(v2.TO_BAND, "", wire.out.pop().data, NOON)
    band.advance(NOON)
    for number in range(5):
        band.frames.say(said((1, 2), (2, number)), sealed=False)
    assert len(band.advance(NOON)) == 3
    for seconds, count in ((5, 0), (6, 3), (12, 3), (18, 3), (24, 1)):
        assert len(band.advance(NOON + timedelta(seconds=seconds))) == count, seconds


# ------------------------------------------------------------------ our frames and a bad line


def test_a_frame_that_was_not_acknowledged_is_sent_again_and_given_up_in_the_end() -> None:
    wire = WireV2(20)
    wire.begin(NOON)
    hello = Packet(v2.TO_PHONE, bytes.fromhex("a5a50200160084330201030003020f020200008003020003000402007017"))
    assert [each.kind for each in wire.hear(hello, NOON)] == [Kind.BEGUN]
    wire.out.clear()
    wire.say(b"\x08\x02", NOON, sealed=False)
    first, wire.out = wire.out, []
    now = NOON
    for _ in range(3):
        now += timedelta(seconds=10)
        wire.late(now)
        assert wire.out == first
        wire.out.clear()
    with pytest.raises(NoReply):
        wire.late(now + timedelta(seconds=10))


def test_frames_ahead_are_wanted_again_and_frames_of_before_are_delivered_once() -> None:
    wire = WireV2(244)
    wire.begun = True

    def hears(number: int) -> tuple[list[bytes], list[str]]:
        packet = Packet(v2.TO_PHONE, Frame(v2.DATA, number, bytes([1, 1, number])).encode())
        heard, out = [each.payload for each in wire.hear(packet, NOON)], [each.data.hex() for each in wire.out]
        wire.out.clear()
        return heard, out

    assert hears(0) == ([b"\0"], ["a5a5010000000000"])
    assert hears(2) == ([], ["a5a5000100000000"]), "number 1 is wanted"
    assert hears(3) == ([], [])
    assert hears(1) == ([b"\1"], ["a5a5010100000000"])
    assert hears(2) == ([b"\2"], ["a5a5010200000000"])
    assert hears(2) == ([], ["a5a5010200000000"]), "acknowledged again, and not delivered"
    assert hears(5) == ([], ["a5a5000300000000"])
    assert hears(5) == ([b"\5"], ["a5a5010500000000"]), "the band has given up what was before"


def test_parts_that_are_missing_are_asked_for_three_times() -> None:
    wire = WireV1(64)
    wire.hear(Packet(v1.TO_PHONE, bytes.fromhex("000000000300")), NOON)
    assert [each.data.hex() for each in wire.out] == ["00000101"]
    wire.out.clear()
    for part in ("0100aa", "0300cc"):
        assert list(wire.hear(Packet(v1.TO_PHONE, bytes.fromhex(part)), NOON)) == []
    now = NOON
    for _ in range(3):
        now += timedelta(seconds=5)
        wire.late(now)
        assert [each.data.hex() for each in wire.out] == ["000001050200"]
        wire.out.clear()
    (heard,) = wire.hear(Packet(v1.TO_PHONE, bytes.fromhex("0200bb")), now)
    assert heard.payload.hex() == "aabbcc"
    assert [each.data.hex() for each in wire.out] == ["00000100"]
    wire.hear(Packet(v1.TO_PHONE, bytes.fromhex("000000000200")), now)
    for _ in range(3):
        now += timedelta(seconds=5)
        wire.late(now)
    with pytest.raises(NoReply):
        wire.late(now + timedelta(seconds=5))
