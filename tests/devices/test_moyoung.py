"""MoYoung's driver: conversations by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.conversation.session import Conversation, collect, meet, nudge, watch
from hipsync.driver import Advertisement, Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Info
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices import gatt
from hipsync_devices.gatt import uuid16
from hipsync_devices.moyoung import DRIVER
from hipsync_devices.moyoung.packets import Buckets
from hipsync_devices.moyoung.protocol import proven

FEE1, FEE2, FEE3, BATTERY, MAKER = (uuid16(number) for number in (0xFEE1, 0xFEE2, 0xFEE3, 0x2A19, 0x2A29))
SECOND, MINUTE, HALF_HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=30)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
ELEVEN_10 = datetime(2026, 3, 2, 11, 10, tzinfo=UTC)
STEPS_290 = "220100f00000100000"  # moy-fee1-290: 290 steps
STEPS_342 = "5601001b0100130000"  # moy-fee1-342
ASKED = {0: "feea20065900", 1: "feea20065901"}
"""A query of half a day, in the large form."""


class ByHand:
    """A watch that is what the test says: what it answers to reads and to commands, and what it says when."""

    def __init__(
        self,
        *,
        write_size: int = 180,
        replies: Mapping[str, Sequence[str]] | None = None,
        maker: str = b"MOYOUNG-V2".hex(),
        firmware: str = b"MOY-EES3-2.0.4".hex(),
        battery: str = "57",
    ) -> None:
        self.lost = asyncio.Event()
        self.write_size = write_size
        self.answers = {
            MAKER: maker,
            gatt.SOFTWARE_REVISION: firmware,
            BATTERY: battery,
            FEE1: STEPS_290,
        }
        self.replies = replies or {}
        self.mute = frozenset[str]()
        """Characteristics that cannot notify."""
        self.written: list[str] = []
        self.callbacks: dict[str, Callable[[bytes], None]] = {}

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {*self.answers, FEE2, FEE3}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return bytes.fromhex(self.answers[characteristic])

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        assert (characteristic, response) == (FEE2, False)
        assert len(data) <= self.write_size
        self.written.append(data.hex())
        for reply in self.replies.get(data.hex(), ()):
            self.callbacks[FEE3](bytes.fromhex(reply))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        if characteristic in self.mute:
            raise DeviceError("it has no notifications")
        self.callbacks[characteristic] = callback

    def say(self, characteristic: str, data: str) -> None:
        self.callbacks[characteristic](bytes.fromhex(data))

    async def stop_notify(self, characteristic: str) -> None:
        del self.callbacks[characteristic]

    async def bond(self) -> None:
        raise AssertionError("a MoYoung watch needs no pairing")


def met(watch: ByHand, start: datetime = NINE, zone: str = "UTC", since: datetime | None = None) -> MemoryStore:
    """What is stored of a meeting and a sync, the last reading being of `since`."""
    kept, session = MemoryStore(), Session(since={} if since is None else {Counter: since})

    async def story(clock: FastClock) -> None:
        talk = Conversation(watch, zone=ZoneInfo(zone), now=clock.now)
        await meet(DRIVER, talk, session, kept.commit)
        await collect(DRIVER, talk, session, kept.commit)

    run(story, start)
    return kept


def watched(
    band: ByHand, says: Sequence[tuple[float, str, str]], length: timedelta, start: datetime = NINE, zone: str = "UTC"
) -> tuple[list[tuple[float, int]], MemoryStore, DeviceError | None]:
    """Counts as (seconds since the start, steps), all that was stored, and how it ended; `says`: (seconds, where,
    bytes)."""
    kept, errors = MemoryStore(), list[DeviceError]()

    async def story(clock: FastClock) -> None:
        for after_s, uuid, data in says:
            asyncio.get_running_loop().call_later(after_s, band.say, uuid, data)
        talk = Conversation(band, zone=ZoneInfo(zone), now=clock.now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(length.total_seconds()):
                try:
                    await watch(DRIVER, talk, Session(), kept.commit)
                except DeviceError as error:
                    errors.append(error)

    run(story, start)
    counts = [((counter.at - start).total_seconds(), counter.steps) for counter in kept.of(Counter)]
    return counts, kept, errors[0] if errors else None


class TestWhoIsTaken:
    def test_the_service_is_enough_and_so_is_its_data(self) -> None:
        feea = "0000feea-0000-1000-8000-00805f9b34fb"
        assert DRIVER.matches(Advertisement(name="C20", services=frozenset({feea})))
        # a FireBoltt, as it was seen on the air
        assert DRIVER.matches(Advertisement(service_data={feea: bytes.fromhex("45455303040010")}))

    @pytest.mark.parametrize("number", [0xFEE7, 0xFEE0, 0xFEE1, 0xAE00, 0x180D])
    def test_neither_a_name_nor_a_neighbour_s_service_is(self, number: int) -> None:
        assert not DRIVER.matches(Advertisement(name="MOYOUNG", services=frozenset({uuid16(number)})))


class TestMeeting:
    def test_it_tells_firmware_and_battery_and_sets_the_clock_for_gmt_plus_8(self) -> None:
        band = ByHand()
        at = datetime(2026, 7, 16, 14, 48, tzinfo=UTC)
        kept = met(band, at, "Europe/London")
        # 15:48 in London; the sheet's example
        assert band.written == ["feea200a316a588cb008"]
        assert kept.batches == [[Info(at, firmware="MOY-EES3-2.0.4"), Charge(at, 87)], [Counter(at, 290)]]

    def test_a_watch_with_packets_of_20_bytes_gets_the_small_form(self) -> None:
        band = ByHand(write_size=20)
        met(band, datetime(2026, 7, 16, 15, 48, tzinfo=UTC))
        assert band.written == ["feea100a316a588cb008"]

    @pytest.mark.parametrize("maker", ["", b"Realtek".hex(), b"Not MOYOUNG".hex(), "ff00ff"])
    def test_a_gadget_of_another_maker_is_not_written_to(self, maker: str) -> None:
        band = ByHand(maker=maker)
        with pytest.raises(DeviceError, match="no MoYoung watch"):
            met(band)
        assert band.written == []

    def test_a_watch_without_a_maker_or_without_steps_is_not_written_to(self) -> None:
        for missing in (MAKER, FEE1):
            band = ByHand()
            del band.answers[missing]
            with pytest.raises(DeviceError, match="no MoYoung watch"):
                met(band)
            assert band.written == []

    def test_a_watch_without_battery_or_version_is_taken(self) -> None:
        band = ByHand()
        del band.answers[BATTERY], band.answers[gatt.SOFTWARE_REVISION]
        assert met(band).readings == [Info(NINE), Counter(NINE, 290)]

    @settings(max_examples=60)
    @given(st.sampled_from([MAKER, gatt.SOFTWARE_REVISION, BATTERY, FEE1]), st.binary(max_size=40))
    def test_an_answer_of_any_length_is_taken_or_ends_as_a_device_error(self, what: str, data: bytes) -> None:
        band = ByHand()
        band.answers[what] = data.hex()
        with contextlib.suppress(DeviceError):
            assert met(band).of(Counter) != []


class TestWatching:
    def test_the_counter_is_read_at_once_and_every_minute_while_it_is_silent(self) -> None:
        counts, _, _ = watched(ByHand(), [], 2 * MINUTE + SECOND)
        assert counts == [(0, 290), (60, 290), (120, 290)]

    def test_what_is_told_within_ten_seconds_is_reported_together(self) -> None:
        says = [(5.0, FEE1, "230100f00000100000"), (7.0, FEE1, "240100f00000100000"), (20.0, FEE1, STEPS_342)]
        assert watched(ByHand(), says, 50 * SECOND)[0] == [(0, 290), (7, 292), (20, 342)]

    def test_the_count_before_a_reset_is_reported_too(self) -> None:
        says = [(5.0, FEE1, STEPS_342), (6.0, FEE1, "000000000000000000"), (8.0, FEE1, "020000010000000000")]
        assert watched(ByHand(), says, 30 * SECOND)[0] == [(0, 290), (5, 342), (8, 2)]

    def test_the_battery_is_reported_as_it_changes(self) -> None:
        _, kept, _ = watched(ByHand(), [(5.0, BATTERY, "56")], 30 * SECOND)
        assert kept.of(Charge) == [Charge(NINE + 5 * SECOND, 86)]

    def test_a_watch_that_cannot_notify_is_read(self) -> None:
        band = ByHand()
        band.mute = frozenset({FEE1, BATTERY})
        assert watched(band, [], MINUTE + SECOND)[0] == [(0, 290), (60, 290)]

    def test_the_clock_is_set_again_when_summer_time_begins(self) -> None:
        band = ByHand()
        begins = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
        watched(band, [], 2 * MINUTE + SECOND, begins - MINUTE - SECOND, "Europe/London")
        # found by the third read; 02:00:59 in GMT+8 is 18:00:59 UTC of the 28th, 9,467,221 s before the sheet's example
        assert band.written == ["feea200a3169c8175b08"]

    @settings(max_examples=60)
    @given(st.sampled_from([FEE1, BATTERY]), st.binary(max_size=40))
    def test_a_notification_of_any_length_is_reported_or_ends_as_a_device_error(self, uuid: str, data: bytes) -> None:
        _, _, error = watched(ByHand(), [(5.0, uuid, data.hex())], 30 * SECOND)
        well_formed = len(data) >= 9 or uuid == BATTERY
        assert error is None if well_formed else isinstance(error, MalformedPacket)

    def test_a_link_that_is_lost_ends_it_after_what_was_told_before(self) -> None:
        band = ByHand()
        kept = MemoryStore()

        async def story(clock: FastClock) -> None:
            asyncio.get_running_loop().call_later(5, band.say, FEE1, STEPS_342)
            asyncio.get_running_loop().call_later(6, band.lost.set)
            with pytest.raises(LinkLost):
                await watch(DRIVER, Conversation(band, zone=ZoneInfo("UTC"), now=clock.now), Session(), kept.commit)

        run(story, NINE)
        assert kept.readings[-1] == Counter(NINE + 5 * SECOND, 342)


class TestNudging:
    def nudged(self, band: ByHand, message: Message) -> list[str]:
        async def story(clock: FastClock) -> None:
            talk = Conversation(band, zone=ZoneInfo("UTC"), now=clock.now)
            assert await nudge(DRIVER, talk, Session(), message) is None

        run(story, NINE)
        return band.written

    def test_a_message_is_a_notification_of_no_app(self) -> None:
        # the sheet's example
        assert self.nudged(ByHand(), Message("hipsync", "Stand up")) == ["feea2016410b68697073796e633a5374616e64207570"]

    def test_a_strong_one_also_rings_as_when_a_watch_is_looked_for(self) -> None:
        assert self.nudged(ByHand(), Message("hipsync", "Stand up", strong=True))[1:] == ["feea200561"]

    def test_a_long_one_goes_in_pieces_without_headers(self) -> None:
        # 5 + 1 + 18 bytes in the small form, 20 and 4
        assert self.nudged(ByHand(write_size=20), Message("hipsync", "Stand up !")) == [
            "feea1018410b68697073796e633a5374616e6420",
            "75702021",
        ]


def halves(first: Sequence[int], second: Sequence[int]) -> list[Buckets]:
    return [Buckets(0, tuple(first)), Buckets(1, tuple(second))]


class TestProof:
    MORNING = (*[0] * 17, 100, 0, 150, 30, 0, 10, 0)
    """Steps from 8:30, 9:30, 10:00 and 11:00 on: 290."""

    def test_half_hours_that_add_up_to_the_counter_are_believed(self) -> None:
        assert proven(halves(self.MORNING, [0] * 24), 22, 290, 290) == list(self.MORNING[:22])

    def test_the_counter_may_go_on_while_it_is_asked(self) -> None:
        assert proven(halves(self.MORNING, [0] * 24), 22, 288, 295) == list(self.MORNING[:22])

    def test_the_half_hours_to_come_are_old_and_do_not_count(self) -> None:
        assert proven(halves(self.MORNING, [700] * 24), 22, 290, 290) == list(self.MORNING[:22])

    @pytest.mark.parametrize(
        ("told", "at_least", "at_most"),
        [
            pytest.param(halves(MORNING, [0] * 24), 291, 300, id="less than the counter"),
            pytest.param(halves(MORNING, [0] * 24), 200, 289, id="more than the counter"),
            pytest.param(halves(MORNING[:12], [290] * 12), 0, 290, id="hours"),
            pytest.param(halves(MORNING, [0] * 23), 290, 290, id="a half that is short"),
            pytest.param(halves((), ()), 0, 0, id="nothing"),
            pytest.param(halves([7501, *[0] * 23], [0] * 24), 7501, 7501, id="more than anybody runs"),
        ],
    )
    def test_all_else_proves_nothing(self, told: list[Buckets], at_least: int, at_most: int) -> None:
        assert proven(told, 22, at_least, at_most) == ()


class TestHalfHours:
    FIRST = "feea20365900" + "0000" * 17 + "6400" + "0000" + "9600" + "1e00" + "0000" + "0a00" + "0000"
    SECOND_HALF = "feea20365901" + "0000" * 24

    def replies(
        self, first: Sequence[str] = (FIRST,), second: Sequence[str] = (SECOND_HALF,)
    ) -> dict[str, Sequence[str]]:
        return {ASKED[0]: first, ASKED[1]: second}

    def test_those_with_steps_since_the_last_reading_are_stored_before_the_counter(self) -> None:
        kept = met(ByHand(replies=self.replies()), ELEVEN_10, since=NINE + MINUTE - HALF_HOUR)
        # 9:30 and 10:00 begin half an hour after 8:31; 8:30 does not, 11:00 runs, and zeros may be a watch that was off
        assert kept.batches[1:] == [
            [Epoch(NINE + HALF_HOUR, HALF_HOUR, 150), Epoch(NINE + 2 * HALF_HOUR, HALF_HOUR, 30)],
            [Counter(ELEVEN_10, 290)],
        ]

    def test_they_are_those_of_the_wearer_s_day(self) -> None:
        # half past nine in Kathmandu is 3:45 UTC
        at = datetime(2026, 3, 2, 5, 25, tzinfo=UTC)
        kept = met(ByHand(replies=self.replies()), at, "Asia/Kathmandu", at - 5 * HALF_HOUR)
        assert [(epoch.start, epoch.steps) for epoch in kept.of(Epoch)] == [
            (datetime(2026, 3, 2, 3, 45, tzinfo=UTC), 150),
            (datetime(2026, 3, 2, 4, 15, tzinfo=UTC), 30),
        ]

    def test_they_come_in_pieces(self) -> None:
        pieces = [self.FIRST[at : at + 40] for at in range(0, len(self.FIRST), 40)]
        assert len(met(ByHand(replies=self.replies(pieces)), ELEVEN_10, since=NINE - HALF_HOUR).of(Epoch)) == 2

    def test_what_else_the_watch_says_meanwhile_is_passed_over(self) -> None:
        first = ["feea20062e01", self.FIRST, self.FIRST]
        assert len(met(ByHand(replies=self.replies(first)), ELEVEN_10, since=NINE - HALF_HOUR).of(Epoch)) == 2

    @pytest.mark.parametrize(
        "first",
        [
            pytest.param([], id="silence"),
            pytest.param([FIRST[:40], FIRST[80:]], id="a lost piece"),
            pytest.param([FIRST[:40], FIRST[40:80], FIRST[40:80], FIRST[80:]], id="a piece twice"),
            pytest.param(["ffff"], id="noise"),
            pytest.param(["feea20065909"], id="no such part"),
            pytest.param(["feea20075900ff"], id="half a count"),
            pytest.param(["feea20065900"], id="empty"),
            pytest.param(["feea201e5900" + "0000" * 12], id="hours"),
            pytest.param([FIRST.replace("9600", "9601")], id="a bit changed"),
        ],
    )
    def test_without_certain_ones_the_counter_alone_is_stored(self, first: list[str]) -> None:
        kept = met(ByHand(replies=self.replies(first)), ELEVEN_10, since=NINE - HALF_HOUR)
        assert kept.of(Epoch) == []
        assert [counter.steps for counter in kept.of(Counter)] == [290]

    @pytest.mark.parametrize(
        ("since", "at", "zone"),
        [
            pytest.param(None, ELEVEN_10, "UTC", id="before the first reading the clock was not ours"),
            pytest.param(NINE + 2 * HALF_HOUR + SECOND, ELEVEN_10, "UTC", id="none lies wholly in between"),
            pytest.param(ELEVEN_10 + MINUTE, ELEVEN_10, "UTC", id="a reading from the future"),
            pytest.param(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), datetime(2026, 3, 29, 10, 10, tzinfo=UTC),
                         "Europe/London", id="summer time began"),
            pytest.param(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), datetime(2026, 10, 25, 11, 10, tzinfo=UTC),
                         "Europe/London", id="summer time ended"),
        ],
    )  # fmt: skip
    def test_the_watch_is_not_asked_for_what_would_not_be_certain(
        self, since: datetime | None, at: datetime, zone: str
    ) -> None:
        band = ByHand(replies=self.replies())
        assert met(band, at, zone, since).of(Epoch) == []
        assert [data for data in band.written if data in ASKED.values()] == []
