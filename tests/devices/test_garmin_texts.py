"""Texts on a Garmin watch, at both ends: by the bytes of others (`vectors/garmin.json`), and by the sheet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.driver import Link, Message
from hipsync.errors import MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.testing.direct import DirectConnection, conversation, run
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind
from hipsync_devices.garmin.notifications import (
    Action,
    Announcement,
    Notice,
    Pressed,
    Wanted,
    decode_control,
    encode_actions,
    pieces,
)
from hipsync_devices.garmin.sim import GarminWatch
from hipsync_devices.garmin.sim_texts import SUBSCRIPTION, Press, Screen, choices
from hipsync_devices.garmin.texts import Texts
from support.garmin_rows import decoded, frame

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def link_to_a_watch(clock: FastClock) -> Link:
    watch = GarminWatch([], now=NOW, zone=ZoneInfo("UTC"))
    return conversation(DirectConnection(watch, clock.now), clock).view()


def test_a_subscription_to_texts_is_answered() -> None:
    async def story(clock: FastClock) -> None:
        made = Texts(
            conversation(DirectConnection(GarminWatch([], now=NOW, zone=ZoneInfo("UTC")), clock.now), clock).view()
        )
        (answer,) = made.hear(Frame.decode(frame("notify-subscribe")))
        assert answer.encode() == frame("notify-subscribe-answer")
        assert made.are_wanted

    run(story, NOW)
    assert Frame(Kind.NOTIFICATION_SUBSCRIPTION, SUBSCRIPTION).encode() == frame("notify-subscribe")


@pytest.mark.parametrize("name", ["notify-add-health", "notify-add-other"])
def test_texts_are_announced(name: str) -> None:
    told = decoded(name)
    made = Announcement(told["event"], told["id"], told["flags"], told["category"], told["count"], told["phone_flags"])
    assert Frame(Kind.NOTIFICATION_UPDATE, made.encode()).encode() == frame(name)


def test_a_question_for_parts_of_a_text_is_read() -> None:
    told = decoded("notify-ask-attributes")
    assert decode_control(Frame.decode(frame("notify-ask-attributes")).payload) == Wanted(
        told["id"], {part: limit or 0 for part, limit in told["wanted"]}
    )


def test_a_text_is_sent_as_another_program_sends_it() -> None:
    told = decoded("notify-data")
    wanted = decode_control(Frame.decode(frame("notify-ask-attributes")).payload)
    assert isinstance(wanted, Wanted)
    sent_at = datetime.strptime(told["attributes"]["5"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    notice = Notice(told["id"], told["attributes"]["1"], told["attributes"]["3"], sent_at, ())
    (piece,) = pieces(notice.content(wanted.parts), 300)
    assert (piece.total, piece.offset) == (told["total"], told["offset"])
    assert Frame(Kind.NOTIFICATION_DATA, piece.encode()).encode() == frame("notify-data")


def test_choices_are_written_as_another_program_writes_them() -> None:
    actions = [Action(*each) for each in decoded("notify-actions-attribute")["actions"]]
    assert encode_actions(actions) == frame("notify-actions-attribute")


@pytest.mark.parametrize("name", ["notify-action-done", "gfdi-notify-action-recorded"])
def test_what_the_wearer_presses_is_read(name: str) -> None:
    told = decoded(name)
    number = told.get("id", told.get("notification"))
    assert decode_control(Frame.decode(frame(name)).payload) == Pressed(number, told["action"])


def test_the_watch_asks_shows_and_presses_as_the_bytes_of_others_say() -> None:
    """The simulated watch meets the bytes of another program, and its own are those that others recorded."""
    asked: list[Frame] = []
    shown: list[str] = []
    screen = Screen(lambda: NOW, asked.append, asked.append, shown.append, 1, timedelta(seconds=5))
    screen.announced(Frame.decode(frame("notify-add-health")))
    wanted = decode_control(asked[-1].payload)
    assert isinstance(wanted, Wanted)
    told = decoded("notify-ask-attributes")["wanted"]
    assert (wanted.number, list(wanted.parts.items())[:3]) == (12345, [(part, limit or 0) for part, limit in told])
    screen.piece(Frame.decode(frame("notify-data")))
    assert shown == ["Time to move: You have been sitting for an hour"]
    screen.press = Press(NOW, 12345, 1)
    screen.pressed()
    assert asked[-1].encode() == frame("notify-action-done")
    screen.press = Press(NOW, 1736031652, 5)
    screen.pressed()
    assert asked[-1].encode() == frame("gfdi-notify-action-recorded")


def test_the_older_form_of_an_answer_knows_only_yes_and_no() -> None:
    """By the sheet, section 10: `02`, the number, and 0 or 1 for the positive and the negative action."""
    assert [decode_control(bytes([2, 7, 0, 0, 0, said])) for said in (0, 1)] == [Pressed(7, 1), Pressed(7, 98)]
    assert decode_control(bytes([3, 7, 0, 0, 0, 0])) is None


def test_what_is_asked_of_choices_has_three_bytes_and_other_parts_may_follow() -> None:
    """By the sheet: 127 is followed by the longest label, how many, and flags; 5 by nothing; 3 by a u16."""
    asked = bytes([0, 7, 0, 0, 0, 127, 20, 3, 0, 5, 3, 0x2C, 1])
    assert decode_control(asked) == Wanted(7, {127: 20, 5: 0, 3: 300})
    with pytest.raises(MalformedPacket):
        decode_control(asked[:-1])


def test_a_part_is_cut_to_what_was_asked_for_and_between_characters_and_the_size_comes_last() -> None:
    content = Notice(7, "H\u00fcfte", "\u00fc" * 9, NOW, ()).content({4: 0, 1: 2, 3: 5, 2: 9})
    assert content == bytes([0, 7, 0, 0, 0, 1, 1, 0]) + b"H" + bytes([3, 4, 0]) + "\u00fc\u00fc".encode() + bytes(
        [2, 0, 0, 4, 2, 0]
    ) + b"18"  # fmt: skip


def test_a_watch_that_unsubscribes_is_sent_no_texts_and_a_refused_piece_is_the_last() -> None:
    async def story(clock: FastClock) -> None:
        made = Texts(
            conversation(DirectConnection(GarminWatch([], now=NOW, zone=ZoneInfo("UTC")), clock.now), clock).view()
        )
        for wants in (True, False):
            made.hear(Frame(Kind.NOTIFICATION_SUBSCRIPTION, bytes([wants, 0])))
            assert made.are_wanted is wants
        number = made.put(Message("Time to move", "x" * 900)).payload[4:8]
        asked = Frame(Kind.NOTIFICATION_CONTROL, b"\0" + number + bytes([3, 0xFF, 0xFF]))
        assert [each.kind for each in made.hear(asked)] == [Kind.ANSWER, Kind.NOTIFICATION_DATA]
        assert len(made.answered(Answer(Kind.NOTIFICATION_DATA, rest=b"\0"))) == 1
        assert made.answered(Answer(Kind.NOTIFICATION_DATA, rest=b"\2")) == []
        assert made.answered(Answer(Kind.NOTIFICATION_DATA, rest=b"\0")) == []

    run(story, NOW)


@pytest.mark.parametrize(
    ("longest", "added", "size"), [(100, 0, 88), (100, 14, 74), (12, 0, 1), (20, 14, 1), (0, 0, 1)]
)
def test_a_piece_has_the_room_that_the_head_and_the_seal_leave_and_a_byte_where_they_leave_none(
    longest: int, added: int, size: int
) -> None:
    async def story(clock: FastClock) -> None:
        made = Texts(
            conversation(DirectConnection(GarminWatch([], now=NOW, zone=ZoneInfo("UTC")), clock.now), clock).view()
        )
        made.longest = longest
        number = made.put(Message("Time to move", "x" * 900)).payload[4:8]
        asked = Frame(Kind.NOTIFICATION_CONTROL, b"\0" + number + bytes([3, 0xFF, 0xFF]))
        _, piece = made.hear(asked, added)
        assert len(piece.payload) == 6 + size

    run(story, NOW)


def test_the_watch_shows_no_text_whose_checksum_is_wrong() -> None:
    told: list[Frame] = []
    shown: list[str] = []
    screen = Screen(lambda: NOW, told.append, told.append, shown.append, None, timedelta(seconds=5))
    screen.announced(Frame.decode(frame("notify-add-health")))
    data = Frame.decode(frame("notify-data"))
    screen.piece(data._replace(payload=data.payload[:2] + bytes([data.payload[2] ^ 1]) + data.payload[3:]))
    assert (shown, told[-1].payload[-1]) == ([], 2)


def test_the_choices_that_the_watch_shows_are_those_that_it_was_sent() -> None:
    told = decoded("notify-actions-attribute")["actions"]
    assert choices(frame("notify-actions-attribute")) == {number: label for number, _, label in told}
