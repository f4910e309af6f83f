"""A month of ordinary life: every prompt is owed by the independent formula, none is late, missed or twice said.

What is owed is worked out by `independent.py` from the minutes that the bands were given, from the totals that the live
band's driver told and from what the test's own radio did; none of them reads the database. Two things that fall on the
same instant, such as a notification and the deadline of a wait, may happen in either order, and what a band with a
counter can be known to have counted depends on it. So what is owed follows the driver, and the driver is held against
the radio (`untold`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain

import pytest

from hipsync.model import State
from support import independent
from support.a_month import DAY, MINUTE, Counted, Month, Script, Shown, Window, live, script

HOUR = 60 * MINUTE
BURST = timedelta(seconds=10)
"""Totals that come within this time of each other are told together, as the last of them."""
IN_REACH = 2 * MINUTE
"""The stated bound for a band in reach."""
BACK = HOUR + 2 * MINUTE
"""And for one that comes back: the longest delay between two calls, and the bound."""
ASLEEP_OR_OFF = {State.ASLEEP, State.NOT_WORN}
MERGED = "merged"
GRAIN = {MERGED: MINUTE, "huami": MINUTE, "infinitime": MINUTE, "fitpro": 15 * MINUTE}
"""What a band tells of at once: that somebody got up is known when it is complete."""
KNOWN = {State.ASLEEP: "asleep", State.NOT_WORN: "not_worn", State.CHARGING: "charging"}


def in_hours(told: Script, instant: datetime) -> bool:
    local = told.local(instant)
    return time(8 if local.weekday() < 5 else 9) <= local.time() < time(22)


def at_lunch(told: Script, instant: datetime) -> bool:
    return time(12, 30) <= told.local(instant).time() < time(13, 30)


def owed(told: Script, counted: Sequence[Counted], kind: str, known: datetime | None = None) -> list[independent.Call]:
    """By one band alone, or by all of them; `known`: by the minutes that they could tell at that instant."""
    known = known or told.end
    life = [epoch for epoch in told.life if epoch.end <= known]
    totals = [(each.at, each.steps) for each in counted]
    if kind == "infinitime":
        rows = independent.counter_rows(totals)
    elif kind == MERGED:  # the most steps of equals; a band that is not worn is not heard
        rows = independent.counter_rows(totals)
        for epoch in life:
            state = KNOWN.get(epoch.state) if epoch.state else None
            steps, _ = rows.get(epoch.start, (0, None))
            if state != "not_worn" or epoch.start not in rows:
                rows[epoch.start] = max(steps, epoch.steps), state
    else:
        rows = {e.start: (e.steps, KNOWN.get(e.state) if e.state and kind == "huami" else None) for e in life}

    def hours(at: datetime) -> bool:
        return in_hours(told, at)

    def lunch(at: datetime) -> bool:
        return at_lunch(told, at)

    if kind == "fitpro":
        quarters = [told.start + i * 15 * MINUTE for i in range((told.end - told.start) // (15 * MINUTE))]
        slots = [(at, sum(rows.get(at + i * MINUTE, (0, None))[0] for i in range(15))) for at in quarters]
        return independent.slot_calls(slots, 15, hours, lunch)
    wakeful = {e.start for e in life if e.state not in ASLEEP_OR_OFF} if kind != "infinitime" else set[datetime]()
    line = independent.Line(rows, told.end, independent.Rule(), vouches=kind != "infinitime")

    def alive(i: int) -> bool:
        return line.steps[i] > 0 or (line.conditions[i] == "counted" and line.origin + i * MINUTE in wakeful)

    return independent.calls(line, alive, hours, lunch)


@dataclass(slots=True)
class Judgement:
    wrong: list[str] = field(default_factory=list[str])
    late: list[tuple[Shown, timedelta, str]] = field(default_factory=list[tuple[Shown, timedelta, str]])
    excused: Counter[str] = field(default_factory=Counter[str])
    """Owed, and rightly never shown."""


def released(told: Script, call: independent.Call, hindrances: dict[str, Sequence[Window]]) -> tuple[datetime, str]:
    """When nothing stood in its way any more, and what did last."""
    at, why = call.owed, ""
    while True:
        for name, windows in hindrances.items():
            if (window := next((w for w in windows if at in w), None)) is not None:
                at, why = window.end, name
                break
        else:
            if why and at_lunch(told, at):
                at, why = at + MINUTE, "lunch"
                continue
            return at, why


def judged(told: Script, month: Month, kinds: Sequence[str]) -> Judgement:
    """What the service did against what the band owed its wearer.

    Of several bands together: by their minutes together, and while the one with a memory is away by the live one's.
    """
    judge = Judge(told, month, kinds)
    for shown in month.shown:
        judge.judge_shown(shown)
    first = {shown.due: shown for shown in month.shown if not shown.again}
    if len(first) != sum(not shown.again for shown in month.shown):
        judge.found.wrong.append("a prompt was said twice of one stretch")
    for call in judge.must_be_shown():
        judge.judge_owed(call, first.pop(call.due, None))
    return judge.found


class Judge:
    """Holds one prompt after another against the calls that are owed."""

    def __init__(self, told: Script, month: Month, kinds: Sequence[str]) -> None:
        self.told, self.month, self.found = told, month, Judgement()
        self.best = MERGED if len(kinds) > 1 else kinds[0]
        self.spare = "infinitime" if len(kinds) > 1 else None
        self.calls = {
            kind: {call.due: call for call in owed(told, month.counted, kind)} for kind in {self.best, *kinds}
        }
        self.away: dict[str, Sequence[Window]] = {
            "out of reach": told.dead if self.best != "infinitime" else [],
            "wrong key": told.wrong if "huami" in kinds else [],
        }
        self.stopped: dict[str, Sequence[Window]] = {
            "suspend": told.asleep,
            "pause": [Window(*pause) for pause in told.pauses],
        }

    def judge_shown(self, shown: Shown) -> None:
        """A prompt that was shown must be due, in its hours, and of a stretch that goes on."""
        where = f"{self.told.local(shown.at):%d %b %H:%M:%S}"
        in_quiet_time = at_lunch(self.told, shown.at) or any(shown.at in w for w in chain(*self.stopped.values()))
        if in_quiet_time or not in_hours(self.told, shown.at):
            self.found.wrong.append(f"{where}: in quiet time")
        due = self._due(shown)
        if not due:
            self.found.wrong.append(f"{where}: was not due (it says at {self.told.local(shown.due):%H:%M})")
        elif all(call.over is not None and shown.at > call.over + GRAIN[kind] for kind, call in due):
            self.found.wrong.append(f"{where}: the stretch was over")

    def _due(self, shown: Shown) -> list[tuple[str, independent.Call]]:
        due = [(kind, calls[shown.due]) for kind, calls in self.calls.items() if shown.due in calls]
        if due or not self.month.counted:
            return due
        # a later total lays steps into an earlier minute, too; one of that very instant may have come after
        whole = shown.at.replace(second=0, microsecond=0)
        earlier = [each for each in self.month.counted if each.told < shown.at]
        until_then = [each for each in self.month.counted if each.told <= shown.at]
        calls = [call for counted in (earlier, until_then) for call in owed(self.told, counted, self.best, whole)]
        return [(self.best, call) for call in calls if call.due == shown.due]

    def must_be_shown(self) -> Sequence[independent.Call]:
        must = list(self.calls[self.best].values())
        if self.spare is None:
            return must
        away = list(chain(*self.away.values()))
        must = [call for call in must if not any(call.owed in window for window in away)]
        return must + [call for call in self.calls[self.spare].values() if any(call.owed in window for window in away)]

    def judge_owed(self, call: independent.Call, said: Shown | None) -> None:
        """What is owed must be shown soon after nothing stands in its way any more, or have an excuse."""
        at, why = released(self.told, call, self.stopped | ({} if self.spare else self.away))
        bound = BACK if why in self.away else IN_REACH
        name = f"{self.told.local(call.due):%d %b %H:%M}"
        if said is not None:
            self.found.late.append((said, said.at - at, why))
            if not timedelta() <= said.at - at <= bound:
                self.found.wrong.append(f"{name}: {said.at - at} late ({why})")
        elif (excuse := self._excuse(call, at, why, bound)) is not None:
            self.found.excused[excuse] += 1
        else:
            self.found.wrong.append(f"{name}: missed ({why})")

    def _excuse(self, call: independent.Call, at: datetime, why: str, bound: timedelta) -> str | None:
        """Why a call that nothing hindered from `at` on was rightly not shown; None if it was not."""
        if why and call.over is not None and call.over < at + bound:
            return f"over when the {why} was"
        if not in_hours(self.told, at + MINUTE):
            return "the hours ended in that minute"
        if self.best != "huami" and call.over is not None and call.over <= at + GRAIN[self.best]:
            return "up in that minute"
        if self.best == "fitpro" and any(at - DAY < since <= at for since in self.told.zones_west):
            return "a wall clock was put back that day"
        return None


def repeats(told: Script, month: Month) -> tuple[int, list[str]]:
    """How many showings were second ones, and which came without a sign of life or before its snooze was over."""
    alive = [epoch.start for epoch in told.life if epoch.steps or epoch.state is not State.ASLEEP]
    wrong: list[str] = []
    before: dict[datetime, datetime] = {}
    again = 0
    snoozed = {prompt.due: prompt.snoozed_until for prompt in month.prompts}
    for shown in month.shown:
        if shown.again:
            again += 1
            least = snoozed.get(shown.due) or before[shown.due] + 10 * MINUTE
            if shown.at < least or not any(before[shown.due] <= at + MINUTE and at <= shown.at for at in alive):
                wrong.append(f"{told.local(shown.at):%d %b %H:%M:%S}: repeated too early or without a sign of life")
        before[shown.due] = shown.at
    return again, wrong


def untold(told: Script, month: Month) -> list[str]:
    """What the live band's driver told that was not heard, and what was heard and not told, even by a later total."""
    heard = set(month.heard)
    wrong = [f"made up: {each}" for each in month.counted if (each.at, each.steps) not in heard]
    told_at = sorted({each.at for each in month.counted})
    over = told.end - BURST  # a burst that ends later is never told
    for at, steps in (each for each in month.heard if each[0] < over):
        place = bisect_left(told_at, at)
        if place == len(told_at) or told_at[place] > at + BURST:
            wrong.append(f"{at}: {steps} steps were not told")
    return wrong


def an_hour(told: Script, month: Month) -> dict[str, float]:
    """Calls of the radio in one hour inside prompt hours with the host awake, the failed ones and lunch included."""
    minutes = (told.end - told.start) // MINUTE
    waking = [at for at in (told.start + i * MINUTE for i in range(minutes)) if in_hours(told, at)]
    hours = sum(not any(at in w for w in told.asleep) for at in waking) / 60
    return {kind: sum(in_hours(told, at) for at in calls) / hours for kind, calls in month.calls.items()}


def table(told: Script, month: Month, found: Judgement, kinds: Sequence[str]) -> str:
    lines = ["", f"{', '.join(kinds)}: {round((told.end - told.start) / DAY)} days"]
    if len(kinds) > 1:
        for shown, late, why in found.late:
            lines.append(f"  due {told.local(shown.due):%a %d %b %H:%M}  {late.total_seconds():6.0f} s late  {why}")
    lates = sorted(late for _, late, why in found.late if not why)
    after = [late for _, late, why in found.late if why]
    again, _ = repeats(told, month)
    answers = Counter("open" if prompt.answer is None else prompt.answer.value for prompt in month.prompts)
    lines += [
        f"  {len(month.prompts)} prompts, {again} shown again; by answer: {dict(answers.most_common())}",
        f"  late, in reach: median {lates[len(lates) // 2]}, at most {lates[-1]}",
        f"  {len(after)} after something had stood in the way: at most {max(after, default=timedelta())} after it",
        f"  rightly not shown: {dict(found.excused)}",
    ]
    for kind, each in an_hour(told, month).items():
        lines.append(f"  {kind}: {len(month.calls[kind])} calls, {each:.2f} an hour inside prompt hours")
    return "\n".join(lines)


def check(first: date, days: int, kinds: Sequence[str], reached_after: timedelta = timedelta(seconds=2)) -> str:
    told = script(first, days)
    month = live(told, kinds, reached_after)
    found = judged(told, month, kinds)
    again, hasty = repeats(told, month)
    assert not [*found.wrong, *hasty, *untold(told, month)]
    assert len(found.late) >= 2 * days
    assert again >= days / 2
    for window in told.wrong:
        refused = sum(at in window for at in month.calls.get("huami", []))
        assert refused <= (window.end - window.start) / HOUR, "a band that refuses the key is hammered"
    each = an_hour(told, month)
    assert all(each[kind] <= 1.5 for kind in kinds if kind != "infinitime"), each
    return table(told, month, found, kinds)


ALL = ("huami", "fitpro", "infinitime")


def test_two_days_over_the_change_to_summer_time() -> None:
    check(date(2026, 3, 28), 2, ALL)


@pytest.mark.ring
@pytest.mark.parametrize("seconds", [17, 29, 31])
def test_four_days_of_a_live_band_at_whatever_second_it_is_reached(seconds: int) -> None:
    """Its count is read once a minute from then on, so from this it depends which minute gets the first steps."""
    check(date(2026, 3, 2), 4, ["infinitime"], timedelta(seconds=seconds))


@pytest.mark.ring
@pytest.mark.parametrize(
    "kinds", [ALL, ("huami",), ("fitpro",), pytest.param(("infinitime",), marks=pytest.mark.long)], ids="+".join
)
def test_a_month(kinds: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = check(date(2026, 3, 2), 30, kinds)
    with capsys.disabled():
        print(shown)
