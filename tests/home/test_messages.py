"""What the home is told is what `status` and `today` say, with every key always and null for what is not known."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hipsync.core.exercises import next_exercise
from hipsync.home.messages import (
    band_state,
    is_due,
    known_of,
    knows_more,
    next_prompt,
    pressing,
    prompt_message,
    state_message,
)
from hipsync.model import MINUTE, Answer, Charge, Occasion, Pause, Prompt
from hipsync.service.state import Contacts
from hipsync.service.status_text import sentences, short
from support.builders import day
from support.home import NOON, at_noon
from support.machine import Machine

KEYS = {
    "now", "line", "stretch", "limit", "sitting", "up", "steps", "breaks", "next_prompt", "known_until", "day_start",
    "due", "paused", "last_answer", "host",
}  # fmt: skip
SITS = "7h sleep, 4h walk 20, 10m walk, 50m sit"
OVER = "7h sleep, 3h walk 20, 15m walk, 105m sit"
DAYS = {
    "sits": SITS,
    "over the limit": OVER,
    "is up": "7h sleep, 5h walk 30",
    "asleep": "12h sleep",
    "not worn": "7h sleep, 3h walk, 2h off",
    "data ended": "7h sleep, 2h walk, 30m sit",
    "nothing": "",
}


@pytest.mark.parametrize("drawing", DAYS.values(), ids=DAYS)
def test_words_and_numbers_are_those_that_the_commands_print(drawing: str, tmp_path: Path) -> None:
    """`hipsync status` and `today` are another way to the same: they read the file, and no service runs."""
    machine = Machine(tmp_path)
    machine.band(day(drawing) if drawing else ())
    machine.now = NOON
    known = at_noon(drawing)
    told = state_message(known_of(known.state, known.now), known.today, "desk")
    status = json.loads(machine.told("status", "--json"))
    done = machine.type("today", "--json")
    assert done.exit_code in {0, 3}
    today = json.loads(done.stdout)
    assert told["now"] == status["state"]
    assert told["stretch"] == status["sitting_minutes"]
    assert told["limit"] == status["limit_minutes"]
    assert told["known_until"] == status["known_until"]
    assert told["day_start"] == today["from"]
    line = machine.told("status", "--line").strip()
    assert line.removesuffix(", off") == told["line"]
    is_known = today["complete_until"] is not None
    assert told["sitting"] == (today["minutes"]["sitting"] if is_known else None)
    assert told["up"] == (today["minutes"]["up"] if is_known else None)
    assert told["steps"] == (today["steps"] if is_known else None)
    assert told["breaks"] == (today["breaks"] if is_known else None)


@pytest.mark.parametrize("drawing", DAYS.values(), ids=DAYS)
def test_every_key_is_always_there_and_json_can_express_it(drawing: str) -> None:
    known = at_noon(drawing)
    told = state_message(known_of(known.state, known.now), known.today, "desk")
    assert told.keys() == KEYS
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_without_any_data_numbers_are_null_and_never_nought() -> None:
    known = at_noon("")
    told = state_message(known_of(known.state, known.now), known.today, "desk")
    assert {key for key, value in told.items() if value is None} == {
        "stretch", "sitting", "up", "steps", "breaks", "next_prompt", "known_until", "last_answer",
    }  # fmt: skip
    assert (told["now"], told["due"], told["paused"]) == ("no data", False, False)


def test_the_next_prompt_is_at_the_time_that_status_says() -> None:
    now = at_noon(SITS).now
    assert next_prompt(now) == NOON + 10 * MINUTE
    assert "Next reminder at 12:10." in " ".join(sentences(now))


@pytest.mark.parametrize("drawing", [OVER, "7h sleep, 5h walk 30", "12h sleep", "7h sleep, 2h walk, 30m sit", ""])
def test_where_status_names_no_time_there_is_none(drawing: str) -> None:
    now = at_noon(drawing).now
    assert next_prompt(now) is None
    assert "Next reminder" not in " ".join(sentences(now))


def prompt(answer: Answer | None = None, minutes_ago: int = 5, **more: Any) -> Prompt:
    at = NOON - minutes_ago * MINUTE
    answered = None if answer is None else at + MINUTE
    return Prompt(at, at, "hip-extension", sure=True, last_shown=at, answer=answer, answered_at=answered)._replace(
        **more
    )


def test_it_is_time_to_move_as_long_as_a_status_bar_says_so() -> None:
    for each, due in (
        (at_noon(SITS), False), (at_noon(OVER), True), (at_noon(OVER, prompt=prompt()), True),
        (at_noon(OVER, prompt=prompt(Answer.DONE)), False), (at_noon(OVER, prompt=prompt(Answer.SKIPPED)), False),
        (at_noon("7h sleep, 5h walk 30"), False),
    ):  # fmt: skip
        assert is_due(each.now) is due
        assert ("time to move" in short(each.now)) is due


def test_a_snooze_is_the_next_prompt_and_a_pause_is_told_as_one() -> None:
    snoozed = at_noon(OVER, prompt=prompt(Answer.SNOOZED, snoozed_until=NOON + 7 * MINUTE))
    assert next_prompt(snoozed.now) == NOON + 7 * MINUTE
    assert "Snoozed until 12:07." in " ".join(sentences(snoozed.now))
    paused = at_noon(OVER, pause=Pause(NOON - MINUTE, NOON + timedelta(hours=1)))
    told = state_message(known_of(paused.state, paused.now), paused.today, "desk")
    assert (told["paused"], told["due"], told["next_prompt"]) == (True, False, None)


def test_what_a_person_waits_for_differs_after_each_press() -> None:
    open_, done = at_noon(OVER, prompt=prompt()), at_noon(OVER, prompt=prompt(Answer.DONE))
    paused = at_noon(OVER, prompt=prompt(), pause=Pause(NOON - MINUTE, NOON + MINUTE))
    assert len({pressing(known_of(each.state, each.now)) for each in (open_, done, paused)}) == 3
    assert known_of(done.state, done.now).last_answer is Answer.DONE
    later = at_noon("7h sleep, 4h walk 20, 10m walk, 51m sit", at=NOON + MINUTE)
    earlier = at_noon(SITS)
    assert pressing(known_of(later.state, later.now)) == pressing(known_of(earlier.state, earlier.now))


def test_instants_are_local_with_their_offset() -> None:
    """Home Assistant takes a timestamp only with a zone."""
    there = at_noon(SITS, zone="Asia/Kolkata")
    told = state_message(known_of(there.state, there.now), there.today, "desk")
    assert (told["day_start"], told["known_until"]) == ("2026-03-02T00:00:00+05:30", "2026-03-02T17:30:00+05:30")


def test_a_band_is_told_with_its_battery_and_what_is_wrong() -> None:
    known = at_noon()
    told = band_state(
        Contacts(known.band, NOON, NOON - MINUTE, 1, "out of reach\x1b[31m"), Charge(NOON, 71), known.now.zones
    )
    assert told == {"battery": 71, "last_contact": "2026-03-02T11:59:00+00:00", "trouble": "out of reach[31m"}
    nothing = band_state(Contacts(known.band, None, None, 0), None, known.now.zones)
    assert nothing == {"battery": None, "last_contact": None, "trouble": None}


def test_a_prompt_is_told_in_the_words_of_its_notice() -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    told = prompt_message(prompt(occasion=Occasion.MORNING), move, at_noon().now.zones, strong=True)
    assert told == {
        "event_type": "morning", "title": "Good morning. Two minutes for your hips?", "line": move.line,
        "exercise": "hip-extension", "due": "2026-03-02T11:55:00+00:00", "strong": True,
    }  # fmt: skip


def test_of_two_hosts_the_one_with_newer_data_tells_and_what_is_no_state_counts_for_nothing() -> None:
    ours = {"host": "desk", "known_until": "2026-03-02T12:00:00+00:00"}
    for theirs, other in (
        ('{"host":"laptop","known_until":"2026-03-02T12:01:00+00:00"}', "laptop"),
        ('{"host":"laptop","known_until":"2026-03-02T13:01:00+01:00"}', "laptop"),
        ('{"host":"laptop","known_until":"2026-03-02T11:59:00+00:00"}', None),
        ('{"host":"laptop","known_until":"2026-03-02T12:00:00+00:00"}', "laptop"),
        ('{"host":"laptop","known_until":"2026-03-02T12:07:00+00:00"}', None),
        ('{"host":"attic","known_until":"2026-03-02T12:00:00+00:00"}', None),
        ('{"host":"desk","known_until":"2026-03-02T12:01:00+00:00"}', None),
        ('{"host":"laptop","known_until":null}', None),
        ('{"host":"laptop","known_until":"2026-03-02T12:01:00"}', None),
        ('{"host":"laptop","known_until":"soon"}', None),
        ('{"host":1}', None), ("[]", None), ("", None), ("\xff", None),
    ):  # fmt: skip
        assert knows_more(theirs.encode("latin-1"), ours, NOON + MINUTE) == other, theirs
    nothing_known = {**ours, "known_until": None}
    assert knows_more(b'{"host":"a","known_until":"2026-03-02T12:00:00+00:00"}', nothing_known, NOON) == "a"
