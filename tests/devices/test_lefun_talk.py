"""Lefun conversations written down by hand: the driver without the simulated band, and both once over real GATT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, collect, meet, nudge, watch
from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Charge, Counter, Epoch, Info
from hipsync.radio.connect import connect
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.gatt import uuid16
from hipsync_devices.lefun import DRIVER, protocol
from hipsync_devices.lefun.sim import LefunBand
from support.builders import day

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NOTIFY, WRITE = uuid16(0x2D00), uuid16(0x2D01)
AFTERNOON = datetime(2026, 7, 16, 15, 48, tzinfo=UTC)
INFO = "5a1400ff2714f15031390201023219544a445016"  # lef-rep-00, a capture
BATTERY = "5a05032362"  # lef-rep-03, a capture
FOUND = "5a0509011a"  # lef-rep-09, a capture
SET_TIME = "ab0b04011a07100f3000a8"  # the sheet's example: 2026-07-16 15:48:00


def check(data: bytes) -> int:
    """CRC-8/MAXIM as its definition has it: bits mirrored, polynomial 0x31 from the highest bit on, mirrored again."""
    value = 0
    for byte in data:
        value ^= int(f"{byte:08b}"[::-1], 2)
        for _ in range(8):
            value = (value << 1 ^ (0x31 if value & 0x80 else 0)) & 0xFF
    return int(f"{value:08b}"[::-1], 2)


def frame(mark: int, command: str, params: str) -> str:
    tail = bytes.fromhex(command + params)
    body = bytes([mark, len(tail) + 3]) + tail
    return (body + bytes([check(body)])).hex()


def ask(command: str, params: str = "") -> str:
    return frame(0xAB, command, params)


def say(command: str, params: str = "") -> str:
    return frame(0x5A, command, params)


def total(steps: int, ago: int = 0, date: str = "1a0710") -> str:
    return say("12", f"{ago:02x}{date}{steps:08x}{0:08x}{0:08x}")


def record(ago: int, count: int, number: int, start: str, steps: int) -> str:
    return say("13", f"{ago:02x}{count:02x}{number:02x}{start}{steps:04x}{0:04x}{0:04x}")


NONE = {ask("13", f"{ago:02x}"): [say("13", f"{ago:02x}" + "00" * 13)] for ago in range(7)}
NO_TOTALS = {ask("12", f"{ago:02x}"): [say("12", f"{ago:02x}ffffff" + "00" * 12)] for ago in range(1, 7)}
QUIET = {
    ask("03"): [BATTERY],
    ask("00"): [INFO],
    SET_TIME: [say("04", "0101")],
    ask("09"): [FOUND],
    ask("12", "00"): [total(0)],
    **NONE,
    **NO_TOTALS,
}
"""A band without a memory."""
WALKED = {
    **QUIET,
    ask("12", "00"): [total(480)],
    ask("12", "01"): [total(310, 1, "1a070f")],
    ask("13", "01"): [record(1, 1, 1, "1a070f" + "161e", 310)],  # 22:30
    ask("13", "00"): [
        record(0, 4, 1, "1a0710" + "0800", 100),
        record(0, 4, 2, "1a0710" + "081e", 50),
        record(0, 4, 3, "1a0710" + "0b00", 200),
        record(0, 4, 4, "1a0710" + "0f1e", 130),  # 15:30 runs
    ],
}


def july(day: int, hour: int) -> datetime:
    return datetime(2026, 7, day, hour, tzinfo=UTC)


STORED = {july(15, 22): 310, july(16, 8): 150, july(16, 11): 200}


class Script:
    """A `session.Connection` to a band that says this after that was written."""

    write_size = 20

    def __init__(self, said: Mapping[str, Sequence[str]]) -> None:
        self.lost = asyncio.Event()
        self.written: list[str] = []
        self._said = said
        self.callback: Callable[[bytes], None] = lambda _: None

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {NOTIFY, WRITE}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        raise DeviceError("nothing can be read")

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        assert (characteristic, response) == (WRITE, True)
        self.written.append(data.hex())
        for each in self._said.get(SET_TIME if data[2] == 0x04 else data.hex(), []):  # whatever the time is by now
            self.callback(bytes.fromhex(each))

    def hear(self, said: str) -> None:
        self.callback(bytes.fromhex(said))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        assert characteristic == NOTIFY
        self.callback = callback

    async def stop_notify(self, characteristic: str) -> None:
        return

    async def bond(self) -> None:
        return


def played(
    said: Mapping[str, Sequence[str]], *, session: Session | None = None
) -> tuple[Script, MemoryStore, DeviceError | None]:
    async def story(clock: FastClock) -> tuple[Script, MemoryStore, DeviceError | None]:
        script, kept = Script(said), MemoryStore()
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        try:
            await meet(DRIVER, talk, session or Session(), kept.commit)
            await collect(DRIVER, talk, session or Session(), kept.commit)
        except DeviceError as error:
            return script, kept, error
        return script, kept, None

    return run(story, AFTERNOON)


def steps(kept: MemoryStore) -> dict[datetime, int]:
    """Hours that the band told, without those that are inferred."""
    return {epoch.start: epoch.steps for epoch in kept.of(Epoch) if not epoch.inferred}


def test_the_check_byte_of_this_file_is_that_of_the_captures() -> None:
    assert (ask("09"), ask("03"), ask("00")) == ("ab040990", "ab0403ee", "ab04000c")
    assert (say("09", "01"), say("03", "23")) == (FOUND, BATTERY)


def test_a_band_is_met_word_for_word() -> None:
    script, kept, error = played(WALKED)
    assert error is None
    days = [each for ago in range(6, -1, -1) for each in (ask("13", f"{ago:02x}"), ask("12", f"{ago:02x}"))]
    assert script.written == [ask("03"), ask("12", "00"), *days, ask("00"), SET_TIME, ask("12", "00")]
    assert steps(kept) == STORED
    assert kept.of(Charge) == [Charge(AFTERNOON, 35)]
    assert kept.of(Counter) == [Counter(AFTERNOON, 480)]
    # since when stamps are on one clock: all of the running hour is taken on trust
    assert kept.of(Info) == [Info(july(16, 15), "3219", "0102")]


def test_hours_without_a_record_are_inferred_on_days_with_one() -> None:
    _, kept, _ = played(WALKED)
    still = {epoch.start: epoch.steps for epoch in kept.of(Epoch) if epoch.inferred}
    hours = [july(15, 23), *(july(16, hour) for hour in range(15) if hour not in {8, 11})]
    assert still == dict.fromkeys(hours, 0)


def test_what_is_stored_is_not_asked_for_again() -> None:
    # met yesterday at noon, and the hours until 8 are stored
    session = Session(since={Epoch: july(16, 8), Info: july(15, 12)})
    script, kept, error = played(WALKED, session=session)
    assert error is None
    assert script.written == [
        ask("03"), ask("12", "00"), ask("13", "00"), ask("12", "00"), SET_TIME, ask("12", "00"),
    ]  # fmt: skip
    assert steps(kept) == {july(16, 8): 150, july(16, 11): 200}
    assert kept.of(Info) == []


def test_padding_odd_frames_and_totals_unasked_are_passed_over() -> None:
    noise = ["5b0509011a", "5a00", "", "ff" * 20, "5a0503230000", total(480)]
    said = {key: [*noise, *(each.ljust(40, "0") for each in answer)] for key, answer in WALKED.items()}
    _, kept, error = played(said)
    assert error is None
    assert steps(kept) == STORED


def test_a_band_whose_date_is_wrong_is_set_first_and_nothing_is_inferred() -> None:
    session = Session(since={Epoch: july(16, 8), Info: july(15, 12)})
    script, kept, error = played({**WALKED, ask("12", "00"): [total(480, date="000101")]}, session=session)
    assert error is None
    assert script.written[1:4] == [ask("12", "00"), ask("00"), SET_TIME]
    assert [info.at for info in kept.of(Info)] == [AFTERNOON]
    assert kept.of(Epoch) == []  # this band tells a wrong date even then
    assert kept.of(Counter) == []


RECORDS = WALKED[ask("13", "00")]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        RECORDS[:3],
        RECORDS[1:],
        [RECORDS[0], RECORDS[2], RECORDS[1], RECORDS[3]],
        [RECORDS[0], record(0, 5, 2, "1a0710081e", 50), *RECORDS[2:]],
        [record(0, 2, 1, "1a07100800", 100), record(0, 2, 2, "1a07100800", 50)],
        [record(0, 2, 1, "1a07100a00", 100), record(0, 2, 2, "1a07100800", 50)],
        [record(0, 1, 1, "1a070e0800", 100)],
        [record(0, 1, 1, "1a07100800", 481)],
        [record(0, 1, 1, "1a0710081e", 20000)],
        [say("13", "000101")],
        [say("13", "0000001a07100800" + "00" * 6)],
    ],
    ids=["silence", "an end missing", "a beginning missing", "out of order", "another count", "a slot twice",
         "back in time", "another day", "more than the day", "more than anybody", "short", "none, and something"],
)  # fmt: skip
def test_a_day_that_is_not_as_it_should_be_is_not_told_but_the_total_is(answer: Sequence[str]) -> None:
    script, kept, error = played({**WALKED, ask("13", "00"): answer})
    assert error is None
    assert steps(kept) == {july(15, 22): 310}
    assert max(epoch.end for epoch in kept.of(Epoch)) == july(16, 0)  # so that today is asked for again
    assert kept.of(Counter) != []
    assert script.written.count(ask("13", "00")) <= 2


def test_a_record_that_comes_twice_is_one() -> None:
    _, kept, error = played({**WALKED, ask("13", "00"): [each for one in RECORDS for each in (one, one)]})
    assert error is None
    assert steps(kept) == STORED


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({ask("12", "00"): []}, NoReply),
        ({ask("12", "00"): [say("12", "00")]}, MalformedPacket),
    ],
    ids=["no total", "a short total"],
)
def test_a_band_that_does_not_keep_to_the_protocol_is_given_up(
    said: Mapping[str, Sequence[str]], error: type[DeviceError]
) -> None:
    _, _, raised = played({**QUIET, **said})
    assert type(raised) is error


def test_of_a_new_band_nothing_is_inferred_though_nothing_was_walked_today() -> None:
    _, kept, error = played(QUIET)
    assert error is None
    assert kept.of(Epoch) == []
    assert [counter.steps for counter in kept.of(Counter)] == [0]


@pytest.mark.parametrize(
    "silent",
    [{ask("03"): []}, {ask("03"): [say("03", "65")]}, {ask("00"): []}, {SET_TIME: []}, {SET_TIME: [say("04", "0100")]}],
    ids=["no battery", "a battery of 101", "no versions", "no clock", "clock refused"],
)
def test_a_band_that_withholds_a_courtesy_tells_its_steps(silent: Mapping[str, Sequence[str]]) -> None:
    _, plain, _ = played(WALKED)
    _, kept, error = played({**WALKED, **silent})
    assert error is None
    assert steps(kept) == steps(plain) == STORED
    assert [counter.steps for counter in kept.of(Counter)] == [counter.steps for counter in plain.of(Counter)] != []


def test_versions_of_another_maker_are_not_told() -> None:
    _, kept, error = played({**QUIET, ask("00"): [say("00", "00" * 16)]})
    assert error is None
    assert kept.of(Info) == [Info(july(16, 15))]


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ({}, True),
        ({ask("13", "00"): [record(0, 1, 1, "1a07100800", 100)]}, False),
        ({ask("13", "00"): []}, False),
        ({ask("12", "00"): [total(0, date="1a070f")]}, False),
        ({ask("12", "00"): [total(0, date="ffffff")]}, False),
    ],
    ids=["the records agree", "the records know better", "no word", "of yesterday", "no data"],
)
def test_a_total_of_zero_is_believed_if_the_records_agree(said: Mapping[str, Sequence[str]], believed: bool) -> None:
    _, kept, error = played({**QUIET, **said})
    assert error is None
    assert bool(kept.of(Counter)) == believed


# ------------------------------------------------------------------ live


def test_totals_are_told_as_they_come_and_asked_for_every_minute() -> None:
    async def story(clock: FastClock) -> tuple[Script, MemoryStore]:
        script, kept = Script({**QUIET, ask("12", "00"): [total(480)]}), MemoryStore()
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        for after, said in (
            (70, total(490)),
            (72, total(495)),
            (75, total(300)),  # less on the same day
            (76, total(900, date="1a070f")),  # of yesterday
            (77, total(901, 1)),
        ):
            asyncio.get_running_loop().call_later(after, script.hear, said)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(200):
                await watch(DRIVER, talk, Session(), kept.commit)
        return script, kept

    script, kept = run(story, AFTERNOON)
    # at once, after a minute, what came in the ten seconds from 70 s on; then the band asked says less: not believed
    assert kept.of(Counter) == [
        Counter(AFTERNOON, 480), Counter(AFTERNOON + 60 * SECOND, 480), Counter(AFTERNOON + 72 * SECOND, 495),
    ]  # fmt: skip
    assert script.written == [ask("12", "00")] * 4


def test_a_held_band_that_says_nothing_any_more_is_let_go() -> None:
    async def story(clock: FastClock) -> datetime:
        talk = Conversation(Script({}), zone=ZoneInfo("UTC"), now=clock.now)
        with pytest.raises(NoReply):
            await watch(DRIVER, talk, Session(), MemoryStore().commit)
        return clock.now()

    assert run(story, AFTERNOON) <= AFTERNOON + MINUTE


# ------------------------------------------------------------------ buzz


@pytest.mark.parametrize("strong", [False, True])
def test_a_nudge_is_written_word_for_word(strong: bool) -> None:
    async def story(clock: FastClock) -> list[str]:
        script = Script(QUIET)
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        await nudge(DRIVER, talk, Session(), Message("Time to move", "Hip \u00e9tirement", strong=strong))
        return script.written

    texts = [b"Time to move:", b" Hip \xc3\xa9tireme", b"nt"]
    written = [ask("17", f"0203{number:02x}" + text.hex()) for number, text in enumerate(texts, 1)]
    assert run(story, AFTERNOON) == written + [ask("09")] * (2 if strong else 1)


def test_a_band_that_does_not_buzz_is_an_error() -> None:
    async def story(clock: FastClock) -> None:
        talk = Conversation(Script({ask("09"): [say("09", "00")]}), zone=ZoneInfo("UTC"), now=clock.now)
        with pytest.raises(UnexpectedReply):
            await nudge(DRIVER, talk, Session(), Message("Move", "Hip"))

    run(story, AFTERNOON)


# ------------------------------------------------------------------ over GATT


def test_over_gatt_it_is_found_held_and_buzzed() -> None:
    band = LefunBand(
        [*day("1m walk 70", AFTERNOON - 2 * HOUR), *day("3m walk 60, 3m sit", AFTERNOON)],
        now=AFTERNOON,
        zone=ZoneInfo("UTC"),
    )
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now) as air:
            (seen,) = [seen for seen in await scan(air.adapter, 2) if DRIVER.matches(seen.advertisement)]
            async with connect(air.adapter, seen, 10 * SECOND) as connection:
                talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
                await meet(DRIVER, talk, Session(), kept.commit)
                await collect(DRIVER, talk, Session(), kept.commit)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(270):
                        await watch(DRIVER, talk, Session(), kept.commit)
                await nudge(DRIVER, talk, Session(), Message("Time to move", "Hip extension"))

    run(story, AFTERNOON)
    assert kept.of(Info)[0].firmware == "3219"
    assert steps(kept) == {july(16, 13): 70}
    assert kept.of(Counter)[-1].steps == 70 + 180
    assert [shown.text for shown in band.shown] == ["Time to move: Hip extension", ""]


class Now:
    """As much of a link as the time needs: a clock that a pause moves on."""

    def __init__(self, now: datetime, zone: str) -> None:
        self._now, self.zone = now, ZoneInfo(zone)

    def now(self) -> datetime:
        return self._now

    async def pause(self, length: timedelta) -> None:
        self._now += length


@pytest.mark.parametrize(
    ("zone", "minute", "waits"),
    [("Asia/Kolkata", 30, True), ("Asia/Kolkata", 0, False), ("Asia/Kathmandu", 15, True), ("Europe/Paris", 0, True)],
)
async def test_the_first_second_of_an_hour_is_that_of_the_wearer_s_clock(zone: str, minute: int, waits: bool) -> None:
    now = datetime(2026, 7, 16, 4, minute, 0, 400_000, tzinfo=UTC)
    link: Link = Now(now, zone)  # type: ignore[assignment]  # the rest of a link is not touched
    assert (await protocol._within_an_hour(link) > now) == waits  # pyright: ignore[reportPrivateUsage]
