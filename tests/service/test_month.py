"""A month of ordinary life: every prompt is owed by the independent formula, none is late, missed or twice said.

What is owed is worked out by `independent.py` from the minutes that the bands were given and from what the test's own
radio did; neither reads the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain

import pytest

from hipsync.model import State
from support import independent
from support.a_month import DAY, MINUTE, Month, Script, Shown, Window, live, script

HOUR = 60 * MINUTE
IN_REACH = 2 * MINUTE
"""The stated bound for a band in reach."""
BACK = HOUR + 2 * MINUTE
"""And for one that comes back: the longest delay between two calls, and the bound."""
ASLEEP_OR_OFF = {State.ASLEEP, State.NOT_WORN}
MERGED = "merged"
GRAIN = {MERGED: MINUTE, "huami": MINUTE, "infinitime": MINUTE, "fitpro": 15 * MINUTE}
"""What a band tells of at once: that somebody got up is known when it is complete."""
KNOWN = {State.ASLEEP: "asleep", State.NOT_WORN: "not_worn", State.CHARGING: "charging"}


def in_hours(story: Script, instant: datetime) -> bool:
    local = story.local(instant)
    return time(8 if local.weekday() < 5 else 9) <= local.time() < time(22)


def at_lunch(story: Script, instant: datetime) -> bool:
    return time(12, 30) <= story.local(instant).time() < time(13, 30)


def owed(story: Script, month: Month, kind: str, known: datetime | None = None) -> list[independent.Call]:
    """By one band alone, or by all of them; `known`: by what they could tell at that instant."""
    known = known or story.end
    life = [epoch for epoch in story.life if epoch.end <= known]
    counted = [reading for reading in month.counted if reading[0] <= known]
    if kind == "infinitime":
        rows = independent.counter_rows(counted)
    elif kind == MERGED:  # the most steps of equals; a band that is not worn is not heard
        rows = independent.counter_rows(counted)
        for epoch in life:
            state = KNOWN.get(epoch.state) if epoch.state else None
            steps, _ = rows.get(epoch.start, (0, None))
            if state != "not_worn" or epoch.start not in rows:
                rows[epoch.start] = max(steps, epoch.steps), state
    else:
        rows = {e.start: (e.steps, KNOWN.get(e.state) if e.state and kind == "huami" else None) for e in life}

    def hours(at: datetime) -> bool:
        return in_hours(story, at)

    def lunch(at: datetime) -> bool:
        return at_lunch(story, at)

    if kind == "fitpro":
        quarters = [story.start + i * 15 * MINUTE for i in range((story.end - story.start) // (15 * MINUTE))]
        slots = [(at, sum(rows.get(at + i * MINUTE, (0, None))[0] for i in range(15))) for at in quarters]
        return independent.slot_calls(slots, 15, hours, lunch)
    wakeful = {e.start for e in life if e.state not in ASLEEP_OR_OFF} if kind != "infinitime" else set[datetime]()
    line = independent.Line(rows, story.end, independent.Rule(), vouches=kind != "infinitime")

    def alive(i: int) -> bool:
        return line.steps[i] > 0 or (line.conditions[i] == "counted" and line.origin + i * MINUTE in wakeful)

    return independent.calls(line, alive, hours, lunch)


@dataclass(slots=True)
class Judgement:
    wrong: list[str] = field(default_factory=list[str])
    late: list[tuple[Shown, timedelta, str]] = field(default_factory=list[tuple[Shown, timedelta, str]])
    excused: Counter[str] = field(default_factory=Counter[str])
    """Owed, and rightly never shown."""


def released(story: Script, call: independent.Call, hindrances: dict[str, Sequence[Window]]) -> tuple[datetime, str]:
    """When nothing stood in its way any more, and what did last."""
    at, why = call.owed, ""
    while True:
        for name, windows in hindrances.items():
            if (window := next((w for w in windows if at in w), None)) is not None:
                at, why = window.end, name
                break
        else:
            if why and at_lunch(story, at):
                at, why = at + MINUTE, "lunch"
                continue
            return at, why


def judged(story: Script, month: Month, kinds: Sequence[str]) -> Judgement:
    """What the service did against what the band owed its wearer.

    Of several bands together: by their minutes together, and while the one with a memory is away by the live one's.
    """
    found = Judgement()
    best, spare = (MERGED, "infinitime") if len(kinds) > 1 else (kinds[0], None)
    calls = {kind: {call.due: call for call in owed(story, month, kind)} for kind in {best, *kinds}}
    away: dict[str, Sequence[Window]] = {
        "out of reach": story.dead if best != "infinitime" else [],
        "wrong key": story.wrong if "huami" in kinds else [],
    }
    stopped: dict[str, Sequence[Window]] = {
        "suspend": story.asleep,
        "pause": [Window(*pause) for pause in story.pauses],
    }
    for shown in month.shown:
        where = f"{story.local(shown.at):%d %b %H:%M:%S}"
        if (
            not in_hours(story, shown.at)
            or at_lunch(story, shown.at)
            or any(shown.at in w for w in chain(*stopped.values()))
        ):
            found.wrong.append(f"{where}: in quiet time")
        due = [(kind, calls[kind][shown.due]) for kind in calls if shown.due in calls[kind]]
        if not due and spare is not None:  # a later reading of a counter lays steps into an earlier minute, too
            whole = shown.at.replace(second=0, microsecond=0)
            due = [(best, call) for call in owed(story, month, best, whole) if call.due == shown.due]
        if not due:
            found.wrong.append(f"{where}: was not due (it says at {story.local(shown.due):%H:%M})")
        elif all(call.over is not None and shown.at > call.over + GRAIN[kind] for kind, call in due):
            found.wrong.append(f"{where}: the stretch was over")
    first = {shown.due: shown for shown in month.shown if not shown.again}
    if len(first) != sum(not shown.again for shown in month.shown):
        found.wrong.append("a prompt was said twice of one stretch")
    must = list(calls[best].values())
    if spare is not None:
        must = [call for call in must if not any(call.owed in w for w in chain(*away.values()))]
        must += [call for call in calls[spare].values() if any(call.owed in w for w in chain(*away.values()))]
    for call in must:
        at, why = released(story, call, stopped | ({} if spare else away))
        bound = BACK if why in away else IN_REACH
        said = first.pop(call.due, None)
        name = f"{story.local(call.due):%d %b %H:%M}"
        if said is not None:
            found.late.append((said, said.at - at, why))
            if not timedelta() <= said.at - at <= bound:
                found.wrong.append(f"{name}: {said.at - at} late ({why})")
        elif why and call.over is not None and call.over < at + bound:
            found.excused[f"over when the {why} was"] += 1
        elif not in_hours(story, at + MINUTE):
            found.excused["the hours ended in that minute"] += 1
        elif best != "huami" and call.over is not None and call.over <= at + GRAIN[best]:
            found.excused["up in that minute"] += 1
        elif best == "fitpro" and any(at - DAY < since <= at for since in story.zones_west):
            found.excused["a wall clock was put back that day"] += 1
        else:
            found.wrong.append(f"{name}: missed ({why})")
    if spare is None and first:
        found.wrong.append(f"not owed: {sorted(first)}")
    return found


def repeats(story: Script, month: Month) -> tuple[int, list[str]]:
    """How many showings were second ones, and which came without a sign of life or before its snooze was over."""
    alive = [epoch.start for epoch in story.life if epoch.steps or epoch.state is not State.ASLEEP]
    wrong: list[str] = []
    before: dict[datetime, datetime] = {}
    again = 0
    snoozed = {prompt.due: prompt.snoozed_until for prompt in month.prompts}
    for shown in month.shown:
        if shown.again:
            again += 1
            least = snoozed.get(shown.due) or before[shown.due] + 10 * MINUTE
            if shown.at < least or not any(before[shown.due] <= at + MINUTE and at <= shown.at for at in alive):
                wrong.append(f"{story.local(shown.at):%d %b %H:%M:%S}: repeated too early or without a sign of life")
        before[shown.due] = shown.at
    return again, wrong


def an_hour(story: Script, month: Month) -> dict[str, float]:
    """Calls of the radio in one hour inside prompt hours with the host awake, the failed ones and lunch included."""
    minutes = (story.end - story.start) // MINUTE
    waking = [at for at in (story.start + i * MINUTE for i in range(minutes)) if in_hours(story, at)]
    hours = sum(not any(at in w for w in story.asleep) for at in waking) / 60
    return {kind: sum(in_hours(story, at) for at in calls) / hours for kind, calls in month.calls.items()}


def table(story: Script, month: Month, found: Judgement, kinds: Sequence[str]) -> str:
    lines = ["", f"{', '.join(kinds)}: {round((story.end - story.start) / DAY)} days"]
    if len(kinds) > 1:
        for shown, late, why in found.late:
            lines.append(f"  due {story.local(shown.due):%a %d %b %H:%M}  {late.total_seconds():6.0f} s late  {why}")
    lates = sorted(late for _, late, why in found.late if not why)
    after = [late for _, late, why in found.late if why]
    again, _ = repeats(story, month)
    answers = Counter("open" if prompt.answer is None else prompt.answer.value for prompt in month.prompts)
    lines += [
        f"  {len(month.prompts)} prompts, {again} shown again; by answer: {dict(answers.most_common())}",
        f"  late, in reach: median {lates[len(lates) // 2]}, at most {lates[-1]}",
        f"  {len(after)} after something had stood in the way: at most {max(after, default=timedelta())} after it",
        f"  rightly not shown: {dict(found.excused)}",
    ]
    for kind, each in an_hour(story, month).items():
        lines.append(f"  {kind}: {len(month.calls[kind])} calls, {each:.2f} an hour inside prompt hours")
    return "\n".join(lines)


def check(first: date, days: int, kinds: Sequence[str]) -> str:
    story = script(first, days)
    month = live(story, kinds)
    found = judged(story, month, kinds)
    again, hasty = repeats(story, month)
    assert not [*found.wrong, *hasty]
    assert len(found.late) >= 2 * days
    assert again >= days / 2
    for window in story.wrong:
        refused = sum(at in window for at in month.calls.get("huami", []))
        assert refused <= (window.end - window.start) / HOUR, "a band that refuses the key is hammered"
    each = an_hour(story, month)
    assert all(each[kind] <= 1.5 for kind in kinds if kind != "infinitime"), each
    return table(story, month, found, kinds)


ALL = ("huami", "fitpro", "infinitime")


def test_three_days_over_the_change_to_summer_time() -> None:
    check(date(2026, 3, 28), 3, ALL)


@pytest.mark.ring
@pytest.mark.parametrize("kinds", [ALL, ("huami",), ("fitpro",), ("infinitime",)], ids="+".join)
def test_a_month(kinds: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = check(date(2026, 3, 2), 30, kinds)
    with capsys.disabled():
        print(shown)
