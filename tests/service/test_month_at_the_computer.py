"""A month at the computer: each reminder is shown at the minute and in the place that a second calculation predicts.

`speaking_twin.py` predicts from docs/rule.md alone, by the script and by what the radio of the test brought. The four
laws of a good moment are held against the script once more, without it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest

from hipsync.model import Occasion, Prompt, State
from hipsync.service.state import Settings, settings_of
from hipsync.settings.config import Config
from support import independent
from support.a_month_at_the_computer import ANSWERS, LONDON, MINUTE, SECOND, Lived, Script, live, script
from support.speaking_twin import DeskLine, Place, Said, Seen, Showing, Told, Twin

HOUR = 60 * MINUTE
EARLY = 10 * MINUTE
IN_REACH = 2 * MINUTE
BACK = 8 * MINUTE
"""The bound for a band that was out of reach: it is listened for every five minutes at least."""
CALLED, WATCHED = "huami", "infinitime"
SETTINGS = settings_of(Config(morning=False), LONDON.key)
PLACES = {(True, True): Place.BOTH, (True, False): Place.NOTICE, (False, True): Place.BAND}


def in_hours(at: datetime) -> bool:
    local = at.astimezone(LONDON)
    return time(8 if local.weekday() < 5 else 9) <= local.time() < time(22)


def at_lunch(at: datetime) -> bool:
    return time(12, 30) <= at.astimezone(LONDON).time() < time(13, 30)


def minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def answer(number: int) -> Said | None:
    planned = ANSWERS[number % len(ANSWERS)]
    return None if planned is None else Said(planned[0].value, planned[1])


class Run(NamedTuple):
    """One life with the service, and what it was to be."""

    kind: str
    settings: Settings
    told: Script
    lived: Lived
    twin: Twin
    line: DeskLine

    def local(self, at: datetime) -> str:
        return f"{at.astimezone(LONDON):%a %d %H:%M:%S}"


def run(first: date, days: int, kind: str, settings: Settings) -> Run:
    script_ = script(first, days)
    lived = live(script_, kind, settings)
    told = told_of(script_, lived, kind, settings)
    twin = Twin(told)
    twin.run()
    return Run(kind, settings, script_, lived, twin, told.line)


def told_of(told: Script, lived: Lived, kind: str, settings: Settings) -> Told:
    """What the twin is given: the script, and what the radio of the test brought, and when."""
    if kind == WATCHED:
        counters = [each for _, each in lived.counters]
        rows = independent.counter_rows([(each.at, each.steps) for each in counters])
        news = [
            (stored, minute(each.at) + (MINUTE if each.at.second >= 30 else timedelta()))
            for stored, each in lived.counters
        ]
    else:
        rows = {each.start: (each.steps, "asleep" if each.state is State.ASLEEP else None) for each in told.life}
        news = lived.told_until
    line = DeskLine(rows, told.end, independent.Rule(), vouches=kind != WATCHED, used=told.typed)
    awake = {each.start for each in told.life if each.state is not State.ASLEEP and kind != WATCHED}
    instants = [at for at, _ in news]

    def known(at: datetime) -> datetime:
        before = bisect_left(instants, at)
        return news[before - 1][1] if before else told.start

    def so_far(at: datetime, of: datetime) -> int | None:
        before = bisect_left(instants, at) if kind == WATCHED else 0
        if not before:
            return None
        lately = [(each.at, each.steps) for _, each in lived.counters[max(0, before - 10) : before]]
        return independent.counter_rows(lately).get(of, (0, None))[0]

    def seen(at: datetime) -> Seen:
        """What was seen at the last look at the computer, of which there is one a minute at most."""
        looked = bisect_right(lived.looks, at) if kind == WATCHED else 0
        desk = told.desk(lived.looks[looked - 1] if looked and at - lived.looks[looked - 1] < MINUTE else at)
        return Seen(desk.idle, desk.busy is not None, desk.locked)

    return Told(
        line, lambda i: line.steps[i] > 0 or line.origin + i * MINUTE in awake, known, seen, in_hours, at_lunch,
        [(each.at, each.until) for each in told.pauses], answer, told.end, settings.band, stays=kind == WATCHED,
        looks=lived.wakes, so_far=so_far, early=settings.policy.early_minutes,
    )  # fmt: skip


def differences(life: Run) -> list[str]:
    """Where the service did anything else than the twin says, of whatever was shown."""
    given, predicted = list(life.lived.given), list(life.twin.found)
    prompts = {prompt.at: prompt for prompt in life.lived.prompts}
    wrong = [
        f"{life.local(a.at)} {PLACES[a.notice, a.band]}, to be {life.local(b.minute)} {b.place} ({b.number}, {b.owed})"
        for a, b in zip(given, predicted, strict=False)
        if PLACES[a.notice, a.band] != b.place or not timedelta() <= a.at - b.minute < MINUTE
    ]
    wrong += [f"{life.local(each.at)}: was not to be shown" for each in given[len(predicted) :]]
    wrong += [f"{life.local(each.minute)}: was to be shown" for each in predicted[len(given) :]]
    firsts = [each for each in predicted if each.number == 1 and not each.owed]
    for showing, prompt in zip(firsts, prompts.values(), strict=False):
        wrong += stored_wrong(life, showing, prompt)
    return wrong


def stored_wrong(life: Run, showing: Showing, prompt: Prompt) -> list[str]:
    """What is stored of a prompt and not as the twin says."""
    due = minute(prompt.due) if showing.early and life.kind == CALLED else prompt.due
    is_right = (due, prompt.sitting_minutes) == (showing.due, showing.sitting)
    return [] if is_right else [f"{life.local(prompt.at)}: {prompt.due}, {prompt.sitting_minutes}; to be {showing}"]


def in_a_call(life: Run) -> list[str]:
    """Notices that were shown in a call, under a full screen or with do-not-disturb on."""
    return [life.local(each.at) for each in life.lived.given if each.notice and life.told.desk(each.at).busy]


def on_a_locked_screen(life: Run) -> list[str]:
    """Notices that were shown while the screen was locked."""
    return [life.local(each.at) for each in life.lived.given if each.notice and life.told.desk(each.at).locked]


def hindered(life: Run, at: datetime) -> bool:
    """Whether nothing may be shown, or where no band vibrates nothing that anybody would see."""
    desk = life.told.desk(at)
    held = not life.settings.band and (desk.busy is not None or desk.locked)
    return held or at_lunch(at) or any(each.at <= at < each.until for each in life.told.pauses)


def late(life: Run) -> list[str]:
    """Stretches of which nothing was shown two minutes after the limit, or after nothing stood in its way any more."""
    wrong: list[str] = []
    alive = life.twin.told.alive
    for call in independent.calls(life.line, alive, in_hours, at_lunch):
        free = call.owed
        while hindered(life, free):
            free += MINUTE
        away = next((each for each in life.told.away if each.start <= free < each.end + IN_REACH), None)
        until = (away.end + BACK if away is not None and life.kind == CALLED else free + IN_REACH) + 30 * SECOND
        is_shown = any(call.due - EARLY <= each.due <= call.due and each.at <= until for each in life.lived.prompts)
        is_over = call.over is not None and call.over <= until
        if not is_shown and not is_over and in_hours(until):
            wrong.append(f"due {life.local(call.due)}, free {life.local(free)}")
    return wrong


def most_in_an_hour(instants: Sequence[datetime]) -> int:
    return max(bisect_left(instants, at + HOUR) - n for n, at in enumerate(instants))


def not_called(life: Run) -> list[str]:
    """Natural pauses at which the band had to be called so that a reminder might come early, and was not."""
    calls = {minute(at) for at in life.lived.calls}
    return [life.local(at) for at in life.twin.calls if at not in calls]


def check(life: Run) -> None:
    assert differences(life) == []
    assert in_a_call(life) == []
    assert on_a_locked_screen(life) == []
    assert late(life) == []
    assert not_called(life) == []
    assert most_in_an_hour(life.lived.wakes) <= 75
    assert all(later - sooner >= 50 * SECOND for sooner, later in pairwise(life.lived.looks))
    dues = [prompt.due for prompt in life.lived.prompts]
    assert len(dues) == len(set(dues))
    assert {prompt.occasion for prompt in life.lived.prompts} == {Occasion.SITTING}


def an_hour(life: Run) -> float:
    """Calls of the radio in one hour inside the prompt hours."""
    minutes = (life.told.end - life.told.start) // MINUTE
    hours = sum(in_hours(life.told.start + n * MINUTE) for n in range(minutes)) / 60
    return sum(in_hours(at) for at in life.lived.calls) / hours


def middle_and_most(minutes: Sequence[int]) -> str:
    ordered = sorted(minutes)
    return f"{len(ordered)}, by {ordered[len(ordered) // 2]} minutes in the median, {ordered[-1]} at most"


def table(life: Run) -> str:
    found, days = life.twin.found, (life.told.end - life.told.start) // (24 * HOUR)
    early = [60 - each.sitting for each in found if each.early]
    band = {each.due: each.minute for each in reversed(found) if each.place is Place.BAND}
    held = [(each.minute - band[each.due]) // MINUTE for each in found if each.owed]
    lines = [
        f"{life.kind}, the band {'vibrates' if life.settings.band else 'does not vibrate'}: {days} days",
        f"{len(life.lived.prompts)} reminders; shown: {dict(Counter(str(each.place) for each in found))}",
        f"early: {middle_and_most(early)}" if early else "none early",
        f"notices after a band: {middle_and_most(held)}" if held else "none held with a band",
        f"minutes for which one was held without a band: {life.twin.waits}",
        f"wakes: {most_in_an_hour(life.lived.wakes)} an hour at most; {len(life.lived.looks) / days:.0f} looks a day",
        f"calls of the radio: {len(life.lived.calls)}, {an_hour(life):.2f} an hour inside the prompt hours",
        f"calls for an early reminder: {len(life.twin.calls)}",
    ]
    return "\n  ".join(["", *lines])


def test_three_days_over_the_change_to_summer_time() -> None:
    life = run(date(2026, 3, 28), 3, CALLED, SETTINGS)
    check(life)
    assert len(life.twin.found) > len(life.lived.prompts) >= 9


@pytest.mark.ring
@pytest.mark.parametrize(
    ("kind", "band"),
    [(CALLED, True), pytest.param(WATCHED, True, marks=pytest.mark.long), (CALLED, False)],
    ids=["called", "watched", "band off"],
)
def test_a_month_at_the_computer(kind: str, band: bool, capsys: pytest.CaptureFixture[str]) -> None:
    life = run(date(2026, 3, 2), 30, kind, replace(SETTINGS, band=band))
    check(life)
    with capsys.disabled():
        print(table(life))


@pytest.mark.ring
def test_a_month_without_early_reminders(capsys: pytest.CaptureFixture[str]) -> None:
    late_only = replace(SETTINGS, policy=replace(SETTINGS.policy, early_minutes=0))
    life = run(date(2026, 3, 2), 30, CALLED, late_only)
    check(life)
    assert life.twin.calls == []
    with capsys.disabled():
        print(table(life))
