"""Bangle.js's driver: meeting it and fetching its blocks, in conversations written by hand."""

from __future__ import annotations

import asyncio
import logging
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, meet
from hipsync.driver import Advertisement, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, UnexpectedReply
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Epoch, Info
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.banglejs import DRIVER, packets
from hipsync_devices.banglejs.console import LONGEST, Lines
from hipsync_devices.banglejs.packets import decode
from hipsync_devices.banglejs.protocol import SpoiltFetch
from support.banglejs_hand import (
    ASK,
    BLOCKS,
    END,
    FETCH,
    GREETING,
    HELLO,
    MINUTE,
    NINE,
    SECOND,
    START,
    TEN,
    TWO,
    Hand,
    Told,
    met,
    synced,
)

# ------------------------------------------------------------------ meeting


def test_it_tells_firmware_hardware_and_battery_and_leaves_a_right_clock_alone() -> None:
    watch = Hand((ASK, HELLO), (ASK, HELLO), (FETCH, START + BLOCKS + END))
    told = met(watch)
    assert told.error is None
    assert told.kept.batches[0] == [Info(NINE, firmware="2v29", hardware="2"), Charge(NINE, 85, charging=False)]
    assert [line[:20] for line in watch.told] == [ASK + b"J", ASK + b"J", FETCH[:20]]
    assert watch.told[2] == FETCH
    assert {response for _, response in watch.pieces} == {True}
    assert max(len(piece) for piece, _ in watch.pieces) == 20


def test_a_wrong_clock_and_another_zone_are_set_in_one_line() -> None:
    # 09:30 in London in summer: one hour east of UTC. The watch is 3 s slow and knows no summer.
    start = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
    slow = HELLO.replace(b"1772442000000", b"1782894597000")
    watch = Hand((ASK, slow), (ASK, slow), (b"\x10GB", START + END.replace(b"2", b"0")))
    assert met(watch, start=start, zone="Europe/London").error is None
    (line,) = [line for line in watch.told if line.startswith(b"\x10set")]
    assert line.startswith(b"\x10setTime(1782894600);{")
    assert b"E.setTimeZone(1.0);" in line
    assert b"j.timezone=1.0;" in line
    assert line.count(b"{") == line.count(b"}"), "an open bracket swallows what comes after"
    assert line.count(b"(") == line.count(b")")


@pytest.mark.parametrize("ahead_ms", [-1900, 1900])
def test_a_clock_that_is_off_by_less_than_two_seconds_is_not_set(ahead_ms: int) -> None:
    watch = Hand((ASK, HELLO.replace(b"1772442000000", str(1772442000000 + ahead_ms).encode())))
    met(watch)
    assert all(line.startswith((ASK, b"\x10GB(")) for line in watch.told)


def test_a_watch_that_is_not_programmable_is_told_calls_alone_and_tells_its_blocks() -> None:
    watch = Hand((b"\x10GB", START + BLOCKS + END))
    told = met(watch)
    assert told.error is None
    assert told.kept.of(Epoch) == TWO
    assert [line for line in watch.told if not line.startswith((ASK, b"\x10GB("))] == []


def test_a_greeting_that_was_missed_is_made_up_for_by_the_answer_of_a_programmable_watch() -> None:
    told = synced((b"\x10GB", START + BLOCKS + END), greeting=b"")
    four = NINE + 4 * SECOND
    assert told.kept.batches[0] == [Info(four, firmware="2v29"), Charge(four, 85, charging=False)]
    assert told.kept.of(Epoch) == TWO


def test_only_watches_by_their_name_are_ours() -> None:
    uart = frozenset({"6e400001-b5a3-f393-e0a9-e50e24dcca9e"})
    names = ["Bangle.js a1b2", "Bangle.js", "Puck.js a1b2", "Espruino NRF52832DK", "ZSWatch", None]
    assert [DRIVER.matches(Advertisement(name, uart)) for name in names] == [True, True, False, False, False, False]


# ------------------------------------------------------------------ history


def test_blocks_are_stored_as_they_are_told() -> None:
    assert synced((FETCH, START + BLOCKS + END)).kept.of(Epoch) == TWO


@pytest.mark.parametrize(
    "text",
    [
        START + BLOCKS.replace(b'"stp":12', b'"st\x13\x11p":1\x13\x112') + END,
        START.replace(b"start", b"s\x11tart") + BLOCKS + END,
        START + BLOCKS.replace(b"\r\n\r\n", b"\r\n>Uncaught Error: of some app\r\n\r\n=undefined\r\n>\r\n") + END,
        BLOCKS + START + BLOCKS + b'{"t":"act","stp":3,"hrm":0,"rt":1}\r\n{"t":"status","bat":84}\r\n' + END,
        START + BLOCKS + b'{"t":"act","stp":900,"hrm":0,"mov":800}\r\n{"t":"act","stp\r\n' + END,
        START + BLOCKS + b'\r\n{"t":"new thing","of":{"a":[1,2]}}\r\n' + END,
        START + BLOCKS + b"x" * 5000 + b"\r\n" + END,
        START + b"\r\n".join(reversed(BLOCKS.split(b"\r\n"))) + END,
        (START + BLOCKS + END).replace(b"\r\n", b"\n"),
    ],
    ids=["flow control in the middle of a line", "go on in the middle of a word", "noise of the console",
         "what was said before and live reports", "a block that just ended and a torn line", "an unknown object",
         "an endless line", "another order", "line ends without CR"],
)  # fmt: skip
def test_what_stands_between_the_blocks_does_not_disturb(text: bytes) -> None:
    told = synced((FETCH, text))
    assert told.error is None
    assert told.kept.of(Epoch) == TWO


SECOND_LINE = BLOCKS[BLOCKS.index(b"\r\n\r\n") :]
SPOILT = {
    "a line lost": (START + SECOND_LINE + END, TWO[1:]),
    "a line torn": (START + BLOCKS.replace(b'"stp":12', b'"stp') + END, TWO[1:]),
    "a line torn that makes sense": (START + BLOCKS.replace(b"1772439000000", b"177243") + END, TWO[1:]),
    "halves that fit": (START + BLOCKS.replace(b'12,"hrm":0,"mov":304', b"304") + END, TWO[1:]),
    "the begin lost": (BLOCKS + END, TWO),
    "a line twice": (START + BLOCKS + SECOND_LINE + END, TWO),
    "the end lost": (START + BLOCKS, TWO),
}
"""An answer that is not whole, and what is whole in it."""


@pytest.mark.parametrize(("spoilt", "whole"), SPOILT.values(), ids=list(SPOILT))
def test_of_an_answer_that_is_not_whole_the_rest_is_asked_for_again(spoilt: bytes, whole: Sequence[Epoch]) -> None:
    told = synced((FETCH, spoilt), (b"\x10GB", START + BLOCKS + END))
    assert told.error is None
    assert told.kept.of(Epoch) == TWO
    told = synced(*[(b"\x10GB", spoilt)] * 3, (b"\x10GB", START + BLOCKS + END))
    assert told.kept.of(Epoch) == whole


def line(minutes: int) -> bytes:
    """The line of the block that ended so many minutes after 08:00, with that many steps."""
    return b'{"t":"act","ts":%d,"stp":%d,"hrm":0,"mov":8}\r\n' % (1772438400000 + minutes * 60_000, minutes)


def minutes_of(told: Told) -> list[int]:
    return [epoch.steps for epoch in told.kept.of(Epoch)]


def test_lines_that_come_whole_in_different_tries_add_up() -> None:
    end = END.replace(b"2", b"5")
    tries = [[10, 30], [10, 20], [10, 40, 50]]
    told = synced(*[(b"\x10GB", START + b"".join(map(line, each)) + end) for each in tries])
    assert (told.error, minutes_of(told)) == (None, [10, 20, 30, 40, 50])


def test_what_lies_behind_a_hole_is_left_to_the_next_sync() -> None:
    end = END.replace(b"2", b"6")
    tries = [[10, 30], [10, 20], [10, 50]]
    told = synced(*[(b"\x10GB", START + b"".join(map(line, each)) + end) for each in tries])
    assert type(told.error) is SpoiltFetch
    assert minutes_of(told) == [10, 20, 30]


@pytest.mark.parametrize(("came", "kept"), [([10, 20, 30], [10, 20, 30]), ([20, 40], [20]), ([30, 40], []), ([], [])])
def test_what_came_before_the_link_was_lost_is_kept_up_to_the_first_hole(came: list[int], kept: list[int]) -> None:
    """Epochs are stored up to 08:10, so the block that ended at 08:20 is the next one."""

    class Breaking(Hand):
        async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
            await super().write(characteristic, data, response, service)
            if self.told and self.told[-1].startswith(b"\x10GB"):
                self.lost.set()

    told = met(Breaking((ASK, HELLO), (ASK, HELLO), (b"\x10GB", START + b"".join(map(line, came)))))
    assert type(told.error) is LinkLost
    assert minutes_of(told) == kept


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"", NoReply, "Android Integration"),
        (b'>Uncaught ReferenceError: "GB" is not defined\r\n', UnexpectedReply, "install the app Android Integration"),
        (b'GB Unknown { "t": "actfetch" }\r\n', UnexpectedReply, "update the app Android Integration"),
        (START + b"Uncaught Error: Module health not found\r\n", UnexpectedReply, "Health Tracking"),
    ],
)
def test_a_watch_without_its_apps_ends_within_half_a_minute_and_says_which(
    answer: bytes, error: type[DeviceError], words: str
) -> None:
    told = synced((FETCH, answer))
    assert type(told.error) is error
    assert words in str(told.error)
    assert told.ended - NINE <= 31 * SECOND


def test_a_block_that_has_not_ended_or_is_older_than_asked_is_left_out() -> None:
    # they end at 09:10, 07:10 and 07:20; wanted are 07:10 to 09:00
    ends = (b"1772442600000", b"1772435400000", b"1772436000000")
    text = b"".join(b'{"t":"act","ts":' + ms + b',"stp":1,"hrm":0,"mov":8}\r\n' for ms in ends)
    told = synced((FETCH, START + text + END.replace(b"2", b"3")))
    assert told.kept.of(Epoch) == [Epoch(NINE - 110 * MINUTE, TEN, 1, 8)]


def test_a_block_is_the_ten_minutes_of_utc_of_which_a_zone_of_quarter_hours_has_the_label() -> None:
    # Kathmandu, 5:45 east: the block of 08:00 to 08:10 UTC ends at 13:55, is filed 590 s earlier, under 13:40, and so
    # told as ending at 13:50 there, which is 08:05 UTC
    text = b'{"t":"act","ts":1772438700000,"stp":7,"hrm":0,"mov":8}\r\n'
    told = synced((FETCH, START + text + END.replace(b"2", b"1")))
    assert told.kept.of(Epoch) == [Epoch(NINE - 60 * MINUTE, TEN, 7, 8)]


def test_a_block_with_more_steps_than_anybody_makes_is_not_stored() -> None:
    text = BLOCKS.replace(b'"stp":640', b'"stp":65535')
    assert text != BLOCKS
    told = synced((FETCH, START + text + END))
    assert told.error is None
    assert told.kept.of(Epoch) == TWO[:1]


@pytest.mark.parametrize("at", [b"1772437800000", b"1772437800767.6423", b"1.7724378006423e12"])
def test_blocks_from_before_a_change_of_zone_are_put_right_by_the_note(at: bytes) -> None:
    # at 07:50 UTC the zone was set from one hour east to UTC. The block of 07:20-07:30 was filed under 08:20 there,
    # and is now told as ending at 08:30; the one of 08:50-09:00 is what it says
    hello = HELLO.replace(b'"chg":false}', b'"chg":false,"z":{"at":%s,"from":60}}' % at)
    text = BLOCKS.replace(b"1772439000000", b"1772440200000").replace(b"1772439600000", b"1772442000000")
    watch = Hand((ASK, hello), (ASK, hello), (FETCH, START + text + END))
    assert [(epoch.start, epoch.steps) for epoch in met(watch).kept.of(Epoch)] == [
        (NINE - 100 * MINUTE, 12),
        (NINE - 10 * MINUTE, 640),
    ]


def test_the_place_of_the_block_that_was_open_at_a_change_of_zone_is_filled_after_it() -> None:
    # from one hour east to UTC at 07:55: the last block filed before that ended at 07:50, under 08:40. So what lies
    # under 08:50 is the block of 08:50 to 09:00 UTC
    hello = HELLO.replace(b'"chg":false}', b'"chg":false,"z":{"at":1772438100000,"from":60}}')
    text = b'{"t":"act","ts":1772442000000,"stp":7,"hrm":0,"mov":8}\r\n'
    watch = Hand((ASK, hello), (ASK, hello), (FETCH, START + text + END.replace(b"2", b"1")))
    assert met(watch).kept.of(Epoch) == [Epoch(NINE - 10 * MINUTE, TEN, 7, 8)]


def test_a_note_of_no_driver_is_logged_and_the_watch_is_read_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    hello = HELLO.replace(b'"chg":false}', b'"chg":false,"z":{"at":"noon","from":60}}')
    with caplog.at_level(logging.WARNING):
        message = decode(hello.strip())
    assert isinstance(message, packets.Hello)
    assert message.zone_set is None
    assert "note about its zone cannot be read" in caplog.text


def test_a_first_fetch_asks_for_a_month() -> None:
    # 31 days and one more before now, and five minutes
    watch = Hand((ASK, HELLO), (ASK, HELLO))
    met(watch, Session())
    assert watch.told[2] == b'\x10GB({"t":"actfetch","ts":1769677500000})\n'


# ------------------------------------------------------------------ flow control, bounds


def test_after_xoff_nothing_is_written_until_xon() -> None:
    watch = Hand(greeting=GREETING + b"\x13")

    async def story(clock: FastClock) -> list[int]:
        talk = Conversation(watch, zone=ZoneInfo("UTC"), now=clock.now)
        work = asyncio.ensure_future(meet(DRIVER, talk, Session(), MemoryStore().commit))
        await asyncio.sleep(9)
        before = len(watch.pieces)
        watch.say(b"\x11")
        await asyncio.sleep(0.1)
        after = len(watch.pieces)
        await work
        return [before, after]

    before, after = run(story, NINE)
    assert before == 0
    assert after > 0


def test_a_watch_that_says_stop_for_ever_ends_in_no_reply() -> None:
    told = met(Hand(greeting=GREETING + b"\x13"))
    assert type(told.error) is NoReply
    assert told.ended - NINE <= 11 * SECOND


def test_lines_are_bounded_and_the_one_after_a_long_one_is_whole() -> None:
    lines, piece = Lines(), b"x" * 1000
    tracemalloc.start()
    for _ in range(2000):
        assert lines.feed(piece) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000, "of two million bytes without an end"
    assert lines.feed(b"y\r\n{}\r\n") == [b"{}"]
    assert lines.feed(b"z" * LONGEST + b"\r\n") == [b"z" * LONGEST]
