"""Colmi conversations written down by hand: the driver without the simulated ring."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, collect, meet, nudge, watch
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Counter, Epoch, Info, Reading
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.colmi import DRIVER, packets

NOW = datetime(2025, 12, 15, 10, 16, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
# a sniffed session of the maker's app with an R11C (SneakyZippy/Colmi_Rxx_flutter_companion at 0e4249b6), its wall
# clock taken for the wearer's
SET_TIME = "012512151016310100000000000000a5"
SET = ["2ff40000000000000000000000000023", "01000000020000000001002001003055"]
BATTERY, CHARGED = "03000000000000000000000000000003", "03600000000000000000000000000063"
TODAY, YESTERDAY = "43000f005f01000000000000000000b2", "43010f005f01000000000000000000b3"
HOURS = [
    "43f00401000000000000000000000038", "43251215180004630025001400000047", "432512151c0104b30173005a00000031",
    "43251215200204e2019200640000008e", "432512152403040b0c44037f02000099",
]  # fmt: skip
NOTHING = "43ff0000000000000000000000000042"
TOTALS, TOTAL = "48000000000000000000000000000048", "4800046e00000000a021000351001bea"
SINCE: Mapping[type[Reading], datetime] = {Epoch: NOW.replace(hour=5, minute=0, second=0), Counter: NOW - 3 * HOUR}
TALK: dict[str, Sequence[Sequence[str]]] = {
    SET_TIME: [SET], BATTERY: [[CHARGED]], TODAY: [HOURS], YESTERDAY: [[NOTHING]], TOTALS: [[TOTAL]],
}  # fmt: skip
FOUR = {6: 37, 7: 115, 8: 146, 9: 836}


class Script:
    """A `session.Connection` to a ring that says this after that was written, the last answer for ever."""

    write_size = 20

    def __init__(self, said: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.lost = asyncio.Event()
        self.written: list[str] = []
        self._said = {written: list(answers) for written, answers in said.items()}
        self.callback: Callable[[bytes], None] = lambda _: None

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {packets.NOTIFY, packets.WRITE, packets.FIRMWARE}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return b"RT11CR_1.00.08_250514"

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.written.append(data.hex())
        answers = self._said.get(data.hex(), [[]])
        for each in answers.pop(0) if len(answers) > 1 else answers[0]:
            self.callback(bytes.fromhex(each))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self.callback = callback

    async def stop_notify(self, characteristic: str) -> None:
        return

    async def bond(self) -> None:
        return


def talked(
    change: Mapping[str, Sequence[Sequence[str]]] = {},
    since: Mapping[type[Reading], datetime] = SINCE,
    watched: Sequence[str] = (),
) -> tuple[Script, MemoryStore]:
    """A conversation in which these answers are others; then it is watched and says so much."""
    kept, script = MemoryStore(), Script({**TALK, **change})

    async def story(clock: FastClock) -> None:
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        session = Session(name="R11C_0001", since=since)
        await meet(DRIVER, talk, session, kept.commit)
        await collect(DRIVER, talk, session, kept.commit)
        if watched:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(60):
                    task = asyncio.ensure_future(watch(DRIVER, talk, session, kept.commit))
                    await asyncio.sleep(5)
                    for each in watched:
                        script.callback(bytes.fromhex(each))
                    await task

    run(story, NOW)
    return script, kept


def stored(kept: MemoryStore) -> dict[int, int]:
    return {epoch.start.hour: epoch.steps for epoch in kept.of(Epoch) if not epoch.inferred}


def test_a_session_as_with_a_real_ring() -> None:
    script, kept = talked()
    assert script.written == [SET_TIME, BATTERY, BATTERY, YESTERDAY, TODAY, TOTALS]
    assert kept.of(Info) == [Info(NOW, firmware="RT11CR_1.00.08_250514")]
    assert [(c.percent, c.charging) for c in kept.of(Charge)] == [(96, False)]
    assert stored(kept) == FOUR
    assert [(e.start.hour, e.steps) for e in kept.of(Epoch) if e.inferred] == [(5, 0)]
    assert {epoch.length for epoch in kept.of(Epoch)} == {HOUR}
    assert [counter.steps for counter in kept.of(Counter)] == [1134]


def test_a_ring_that_was_never_met_is_asked_for_eight_days_oldest_first() -> None:
    asked = {packets.steps_request(n).encode().hex(): [[NOTHING]] for n in range(2, 8)}
    script, kept = talked(asked, since={})
    days = [int(each[2:4], 16) for each in script.written if each.startswith("43")]
    assert days == [7, 6, 5, 4, 3, 2, 1, 0]
    assert stored(kept) == FOUR
    assert not [epoch for epoch in kept.of(Epoch) if epoch.start.hour < 6]  # nobody vouches for what came before


def test_words_that_nobody_asked_for_and_damaged_ones_are_passed_over() -> None:
    noise = ["731200003a000d240000300000000020", SET[0], HOURS[2][:-2] + "00", "ffff"]
    mixed = [HOURS[0], noise[0], HOURS[1], noise[1], noise[2], *HOURS[2:4], noise[3], HOURS[4]]
    _, kept = talked({TODAY: [mixed]})
    assert stored(kept) == FOUR


def test_an_answer_with_a_hole_is_thrown_away_and_asked_for_again() -> None:
    torn = [HOURS[0], HOURS[1], HOURS[3], HOURS[4]]
    script, kept = talked({TODAY: [torn, HOURS]})
    assert script.written.count(TODAY) == 2
    assert stored(kept) == FOUR
    with pytest.raises(NoReply):
        talked({TODAY: [torn]})


def test_a_part_said_twice_counts_once() -> None:
    _, kept = talked({TODAY: [[HOURS[0], HOURS[1], HOURS[1], *HOURS[2:]]]})
    assert stored(kept) == FOUR


def test_nothing_is_inferred_on_the_charger_nor_where_hours_and_total_disagree() -> None:
    for change in (
        {BATTERY: [["03600100000000000000000000000064"]]},
        {TOTALS: [[framed("480004" + "00" * 12)]]},
    ):
        _, kept = talked(change)
        assert stored(kept) == FOUR
        assert not [epoch for epoch in kept.of(Epoch) if epoch.inferred]


def test_a_ring_on_another_clock_is_not_believed_until_it_was_set() -> None:
    """Its hours are an afternoon's to come: another client wrote UTC+8, and the wearer is not there."""
    ahead = ["43f00101000000000000000000000035", framed("432512154400017900150010000000")]
    asked = {packets.steps_request(n).encode().hex(): [[NOTHING]] for n in range(2, 8)}
    _, kept = talked({**asked, TODAY: [ahead]}, since={})
    assert kept.of(Epoch) == []
    assert len(kept.of(Counter)) == 1


def framed(body: str) -> str:
    """Fifteen bytes with their sum."""
    return body + f"{sum(bytes.fromhex(body)) & 0xFF:02x}"


def test_a_refusal_and_a_date_that_is_none_end_as_device_errors() -> None:
    with pytest.raises(UnexpectedReply):
        talked({TODAY: [["c3ee00000000000000000000000000b1"]]})
    with pytest.raises(MalformedPacket):
        talked({TODAY: [[HOURS[0], framed("43251315180004630025001400ffff")]]})  # of the thirteenth month


def test_what_it_tells_while_it_is_watched() -> None:
    walk = ["7312000039000cea00002f00000000e3", "731200003f000e46000034000000004c", "731200003f000e46000034000000004c"]
    _, kept = talked(watched=[*walk, "730c1500000000000000000000000094"])
    assert [counter.steps for counter in kept.of(Counter)] == [1134, 1134, 63]
    assert kept.of(Charge)[-1] == Charge(NOW + timedelta(seconds=5), 21, charging=False)


def test_a_total_before_a_reset_is_kept() -> None:
    walk = ["7312000bef0222090007cf0000000082", "7312000039000cea00002f00000000e3"]
    _, kept = talked(watched=walk)
    assert [counter.steps for counter in kept.of(Counter)][-2:] == [3055, 57]


def test_a_ring_does_not_buzz_and_hipsync_says_so() -> None:
    async def story(clock: FastClock) -> None:
        talk = Conversation(Script(TALK), zone=ZoneInfo("UTC"), now=clock.now)
        await nudge(DRIVER, talk, Session(), Message("Time to move", ""))

    with pytest.raises(DeviceError, match="cannot buzz"):
        run(story, NOW)
