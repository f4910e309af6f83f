"""Bangle.js's driver: live steps, blocks as they end, messages and their answers, in conversations written by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hipsync.driver import Message
from hipsync.errors import NoReply, UnexpectedReply
from hipsync.model import Answer, Charge, Counter, Epoch, State
from support.banglejs_hand import MINUTE, NINE, SECOND, TEN, Hand, nudged, watched

LIVE = b'\x10GB({"t":"act","hrm":false,"stp":true,"int":30})\n'


def report(steps: int) -> bytes:
    return b'\r\n{"t":"act","stp":%d,"hrm":0,"rt":1}\r\n' % steps


def test_live_reports_are_added_up_and_renewed_when_they_fall_silent() -> None:
    # the last one came after 60 s; 75 s later the driver asks anew, and counts from 0
    says = [(30.0, report(5)), (60.0, report(7)), (165.0, report(2))]
    watch = Hand(greeting=b"")
    counters = watched(watch, says, 170 * SECOND).kept.of(Counter)
    assert [((c.at - NINE).total_seconds(), c.steps) for c in counters] == [
        (0, 0),
        (30, 5),
        (60, 12),
        (135, 0),
        (165, 2),
    ]
    assert watch.told == [LIVE, LIVE]


def test_a_watch_that_reports_no_more_ends_in_no_reply() -> None:
    watch = Hand(greeting=b"")
    told = watched(watch, [], timedelta(hours=1))
    assert type(told.error) is NoReply
    assert watch.told == [LIVE] * 3


ENDED = b'\r\n{"t":"act","stp":230,"hrm":0,"mov":1200,"act":"WALKING"}\r\n\r\n{"t":"status","bat":84,"chg":1}\r\n'


ALIVE = [(60.0 * minute, report(0)) for minute in range(1, 26)]


def test_a_block_is_reported_as_it_ends_with_the_battery() -> None:
    told = watched(Hand(greeting=b""), [*ALIVE, (301.5, ENDED)], 310 * SECOND, NINE + 5 * MINUTE)
    assert told.kept.of(Epoch) == [Epoch(NINE, TEN, 230, 1200, None, State.WALKING, 2)]
    assert told.kept.of(Charge) == [Charge(NINE + 10 * MINUTE + 1.5 * SECOND, 84, charging=True)]


def test_a_watch_that_is_watched_from_a_border_on_reports_the_block_that_begins_there() -> None:
    told = watched(Hand(greeting=b""), [*ALIVE, (601.5, ENDED)], 610 * SECOND, NINE)
    assert [epoch.start for epoch in told.kept.of(Epoch)] == [NINE]


@pytest.mark.parametrize("after_s", [299.0, 365.0, 600.0])
def test_a_block_report_at_a_time_that_does_not_say_which_block_is_left_to_the_next_sync(after_s: float) -> None:
    told = watched(Hand(greeting=b""), [*ALIVE, (after_s, ENDED)], 700 * SECOND, NINE + 5 * MINUTE)
    assert told.kept.of(Epoch) == []
    assert len(told.kept.of(Charge)) == 1


def test_after_a_block_that_was_missed_none_is_reported() -> None:
    told = watched(Hand(greeting=b""), [*ALIVE, (901.0, ENDED), (1501.0, ENDED)], 1510 * SECOND, NINE + 5 * MINUTE)
    assert told.kept.of(Epoch) == []
    assert len(told.kept.of(Charge)) == 2


# ------------------------------------------------------------------ messages


# the number is "hip" in ASCII, 0x686970
@pytest.mark.parametrize(
    ("button", "answer"),
    [(b"OPEN", Answer.DONE), (b"DISMISS", Answer.SNOOZED), (b"MUTE", Answer.SKIPPED), (b"REPLY", None)],
)
def test_what_the_wearer_presses_is_the_answer(button: bytes, answer: Answer | None) -> None:
    says = [
        (1.0, b'{"t":"notify","id":7,"n":"OPEN"}\r\n'),
        (2.0, b'{"t":"notify","id":6842736,"n":"' + button + b'"}\r\n'),
    ]
    assert nudged(Hand(greeting=b""), Message("Time to move", "Hip extension"), says) == (answer, NINE + 2 * SECOND)


def test_a_message_that_asks_nothing_holds_the_watch_for_moments() -> None:
    watch = Hand(greeting=b"")
    assert nudged(watch, Message("hipsync", "Here I am", asks=False), []) == (None, NINE + 6 * SECOND)
    assert b"Here I am" in watch.told[0]


def test_a_message_is_plain_json_in_ascii_and_nobody_s_answer_is_waited_for_a_minute() -> None:
    watch = Hand(greeting=b"")
    assert nudged(watch, Message("Zeit", "H\u00fcfte \u2026"), []) == (None, NINE + MINUTE)
    assert watch.told == [
        (
            b'\x10GB({"t":"notify","id":6842736,"src":"hipsync","title":"Zeit","body":"H\\u00fcfte \\u2026",'
            b'"subject":"","sender":""})\n'
        )
    ]


def test_a_strong_message_buzzes_too() -> None:
    watch = Hand(greeting=b"")
    nudged(watch, Message("Time to move", "Hip extension", strong=True), [])
    assert watch.told[0] == b"\x10Bangle.buzz(2000,1)\n"
    assert len(watch.told) == 2


def test_a_message_to_a_watch_without_the_app_is_an_error() -> None:
    missing = (b"\x10GB", b'>Uncaught ReferenceError: "GB" is not defined\r\n')
    answer, at = nudged(Hand(missing, greeting=b""), Message("Time to move", ""), [])
    assert (type(answer), at) == (UnexpectedReply, NINE)
