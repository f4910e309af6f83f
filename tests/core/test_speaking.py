"""A reminder at a good moment: what is a pause, what must wait, and who comes early; by docs/rule.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Busy, Policy
from hipsync.core.prompting import Due, Quiet, Reason, verdict
from hipsync.core.speaking import Here, sooner, unless_held
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Answer, Prompt, State
from support.builders import MONDAY, day

EIGHT = MONDAY + timedelta(hours=8)
UTC_ZONE = ZoneInfo("UTC")
PAUSE = Here(idle_s=90)


@pytest.mark.parametrize(
    ("here", "pause", "away", "obstacle"),
    [
        (Here(), False, False, None),
        (Here(idle_s=0), False, False, None),
        (Here(idle_s=59), False, False, None),
        (Here(idle_s=60), True, False, None),
        (Here(idle_s=599), True, False, None),
        (Here(idle_s=600), False, True, None),
        (Here(locked=True, idle_s=90), False, True, Reason.LOCKED),
        (Here(locked=True), False, True, Reason.LOCKED),
        (Here(busy=Busy.CALL, idle_s=90), False, False, Reason.CALL),
        (Here(busy=Busy.FULL_SCREEN, locked=True), False, True, Reason.FULL_SCREEN),
        (Here(busy=Busy.DO_NOT_DISTURB, idle_s=900), False, True, Reason.DO_NOT_DISTURB),
    ],
)
def test_one_look(here: Here, pause: bool, away: bool, obstacle: Reason | None) -> None:
    assert (here.is_pause, here.is_away, here.obstacle) == (pause, away, obstacle)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (Here(), False),
        (Here(idle_s=0), True),
        (Here(busy=Busy.CALL, idle_s=299), True),
        (Here(idle_s=300), False),
        (Here(locked=True, idle_s=1), False),
    ],
)
def test_somebody_is_there_for_sure_within_five_minutes_of_input(here: Here, there: bool) -> None:
    assert here.is_there is there


@pytest.mark.parametrize("before", [Here(busy=Busy.CALL, idle_s=0), Here(locked=True)])
def test_the_end_of_a_call_or_of_a_lock_is_a_pause_at_the_first_look_after_it(before: Here) -> None:
    typing = Here(idle_s=1)
    assert typing.after(before).is_pause
    assert not typing.after(typing.after(before)).is_pause
    assert not typing.after(None).is_pause
    assert not before.after(before).is_pause


def judged(
    drawing: str, now: datetime, here: Here | None, policy: Policy, prompts: tuple[Prompt, ...] = ()
) -> Due | Quiet:
    epochs = [e._replace(state=e.state or State.SITTING) for e in day(drawing, EIGHT)]
    source = Source([each for each in epochs if each.end <= now], vouches=True)
    line = timeline([source], minute_of(EIGHT), minute_of(now), UTC_ZONE)
    found, zones = bouts(line, Rule()), Zones((), "UTC")
    late = verdict(line, found, prompts, policy, zones, now)
    return sooner(late, line, found, prompts, policy, zones, now, here)


EARLY = Policy(early_minutes=10)


@pytest.mark.parametrize(
    ("minutes", "here", "early"),
    [
        (49, PAUSE, False),
        (50, PAUSE, True),
        (59, PAUSE, True),
        (55, Here(idle_s=0), False),
        (55, Here(), False),
        (55, None, False),
        (55, Here(locked=True), False),
    ],
)
def test_the_first_reminder_of_a_stretch_comes_early_at_a_pause(minutes: int, here: Here | None, early: bool) -> None:
    now = EIGHT + (5 + minutes) * MINUTE
    found = judged("5m walk, 70m sit", now, here, EARLY)
    assert isinstance(found, Due) is early
    if isinstance(found, Due):
        assert (found.due, found.again) == (now, None)
    else:
        assert found.reason is Reason.SITTING


def test_at_the_limit_it_needs_no_pause() -> None:
    now = EIGHT + 65 * MINUTE
    found = judged("5m walk, 70m sit", now, Here(idle_s=0), EARLY)
    assert isinstance(found, Due)
    assert found.due == now


@pytest.mark.parametrize(("stale", "early"), [(2, True), (3, False), (9, False)])
def test_the_data_must_tell_what_its_wearer_does_now(stale: int, early: bool) -> None:
    found = judged("5m walk, 55m sit", EIGHT + (60 + stale) * MINUTE, PAUSE, EARLY)
    assert isinstance(found, Due) is early


def test_early_is_off_at_zero_and_reaches_no_further_than_half_the_limit() -> None:
    drawing, now = "5m walk, 70m sit", EIGHT + 60 * MINUTE
    assert isinstance(judged(drawing, now, PAUSE, Policy()), Quiet)
    short = Policy(limit_minutes=20, early_minutes=30)
    assert isinstance(judged(drawing, EIGHT + 14 * MINUTE, PAUSE, short), Quiet)
    assert isinstance(judged(drawing, EIGHT + 15 * MINUTE, PAUSE, short), Due)


def test_a_second_reminder_never_comes_early() -> None:
    at = EIGHT + 57 * MINUTE
    said = Prompt(at, at, "hip-extension", sure=True, answer=Answer.DONE, answered_at=at)
    repeats = replace(EARLY, repeat_minutes=30)
    found = judged("5m walk, 110m sit", EIGHT + 90 * MINUTE, PAUSE, repeats, (said,))
    assert isinstance(found, Quiet)
    assert found.reason is Reason.SHOWN


def test_hours_and_lunch_hold_for_an_early_one_too() -> None:
    from datetime import time

    lunch = replace(EARLY, lunch=((time(8, 50), time(9)),))
    assert isinstance(judged("5m walk, 70m sit", EIGHT + 58 * MINUTE, PAUSE, lunch), Quiet)


def test_what_is_due_waits_for_an_obstacle_and_nothing_else() -> None:
    due = Due(EIGHT, sure=True)
    assert unless_held(due, None) is due
    assert unless_held(due, Here(idle_s=900)) is due
    assert unless_held(due, Here(busy=Busy.CALL)) == Quiet(Reason.CALL)
    assert unless_held(due, Here(locked=True)) == Quiet(Reason.LOCKED)
    quiet = Quiet(Reason.MOVING)
    assert unless_held(quiet, Here(locked=True)) is quiet
