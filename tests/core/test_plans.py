"""When a planned walk begins, and whether the warm-up before it is to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.exercises import warm_up
from hipsync.core.occasions import occasions
from hipsync.core.plans import has_begun, next_date, starts
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Answer, Epoch, Occasion, Outing, Pause, Plan, Prompt, State, ZoneChange
from support.builders import MONDAY, day, line, slots

HOUR = 60 * MINUTE
SECOND = timedelta(seconds=1)
LONDON = "Europe/London"
HOURS = Policy(hours=dict.fromkeys(range(7), ((time(8), time(17)),)), lunch=((time(12, 30), time(13, 30)),))


def run(days: Sequence[int] = range(7), clock: str = "18:00", skipped: date | None = None) -> Plan:
    return Plan(1, Outing.RUN, tuple(days), time.fromisoformat(clock), skipped)


def at(hour: float) -> datetime:
    return MONDAY + hour * HOUR


def local(text: str, zone: str = LONDON) -> datetime:
    """Such as "2026-03-29 08:40", on the clock of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# ------------------------------------------------------------------ when


def test_each_of_its_days_at_the_local_time_and_later_than_now() -> None:
    plan, zones = run((1, 3)), Zones([], LONDON)
    expected = ["2026-03-24 18:00", "2026-03-26 18:00", "2026-03-31 18:00", "2026-04-02 18:00"]
    assert starts([plan], zones, local("2026-03-23 09:00"))[:4] == [local(each) for each in expected]
    assert starts([plan], zones, local("2026-03-24 18:00"))[0] == local("2026-03-26 18:00")
    assert starts([plan], zones, local("2026-03-24 18:00") - SECOND)[0] == local("2026-03-24 18:00")
    assert local("2026-03-31 18:00") - local("2026-03-26 18:00") == timedelta(days=5) - HOUR, "the clocks went forward"


@pytest.mark.parametrize(
    ("on", "clock", "utc"),
    [
        ("2026-03-29", "00:59", "2026-03-29 00:59"),
        ("2026-03-29", "01:30", "2026-03-29 01:30"),  # there is none: 02:30 on the new clock
        ("2026-03-29", "02:00", "2026-03-29 01:00"),
        ("2026-10-25", "01:30", "2026-10-25 00:30"),  # the first of two
        ("2026-10-25", "02:00", "2026-10-25 02:00"),
        ("2026-10-25", "00:05", "2026-10-24 23:05"),
    ],
)
def test_on_the_days_on_which_the_clocks_change_it_begins_once(on: str, clock: str, utc: str) -> None:
    noon_before = local(f"{on} 12:00") - timedelta(hours=24)
    begun = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    found = starts([run((6,), clock)], Zones([], LONDON), noon_before)
    assert found[0] == begun
    assert all(later - begun > timedelta(days=6) for later in found[1:])


def test_it_is_the_clock_of_the_place_where_the_person_is() -> None:
    zones = Zones([ZoneChange(at(0), LONDON), ZoneChange(at(12), "America/New_York")], LONDON)
    assert starts([run()], zones, at(11))[0] == at(18)
    assert starts([run()], zones, at(12))[0] == at(23)


def test_one_that_is_left_out_once_and_the_next_that_is_not() -> None:
    zones = Zones([], "UTC")
    assert starts([run((0,), skipped=date(2026, 3, 2))], zones, at(9))[0] == at(18) + timedelta(days=7)
    assert starts([run((0,), skipped=date(2026, 2, 23))], zones, at(9))[0] == at(18)
    assert next_date(run((0,)), zones, at(9)) == date(2026, 3, 2)
    assert next_date(run((0,)), zones, at(18)) == date(2026, 3, 9)
    assert next_date(run((0,), skipped=date(2026, 3, 9)), zones, at(18)) == date(2026, 3, 16)
    assert next_date(run(()), zones, at(9)) is None


def test_plans_at_one_time_begin_once() -> None:
    twice = starts([run((0,)), run((0, 2))], Zones([], "UTC"), at(9))
    assert twice[:2] == [at(18), at(18 + 48)]


# ------------------------------------------------------------------ whether the walk has begun


@pytest.mark.parametrize(
    ("drawing", "begun"),
    [
        ("50m sit, 5m walk 60", True),
        ("50m sit, 4m walk 60, 1m walk 59", False),
        ("50m sit, 4m walk 90", False),
        ("40m sit, 5m walk 60, 5m sit", False),  # it ended five minutes before
        ("41m sit, 5m walk 60, 4m sit", True),
        ("46m sit, 4m walk 90, 1m sit, 4m walk 90", False),
        ("46m sit, 4m walk 90, 1m gap, 4m walk 90", False),
        ("46m sit, 5m walk 90", True),
        ("50m sit, 9m walk 59", False),
        ("50m sit", False),
    ],
)
def test_five_minutes_in_a_row_are_a_walk(drawing: str, begun: bool) -> None:
    """The ten minutes begin after 50."""
    epochs = day(drawing)
    assert has_begun(line(Source(epochs), size=(epochs[-1].end - MONDAY) // MINUTE), MONDAY + 50 * MINUTE) is begun


def test_a_timeline_that_begins_late_and_slots_say_nothing() -> None:
    assert not has_begun(line(Source(day("2m walk")), size=2), MONDAY + MINUTE)
    assert has_begun(line(Source(day("5m walk")), size=5), MONDAY + MINUTE)
    assert not has_begun(line(Source(slots([900, 900], 15)), size=30), MONDAY + 15 * MINUTE)


# ------------------------------------------------------------------ whether it is shown


def judged(
    now: datetime,
    epochs: Sequence[Epoch] = (),
    *,
    plans: Sequence[Plan] = (run(),),
    prompts: Sequence[Prompt] = (),
    pause: Pause | None = None,
) -> Due | Quiet | None:
    known = [each for each in epochs if each.end <= now]
    time_line = timeline([Source(known)], minute_of(now - 26 * HOUR), minute_of(now), ZoneInfo("UTC"))
    found = occasions(time_line, Rule(), prompts, HOURS, Zones([], "UTC"), now, pause, plans=plans)
    return found.get(Occasion.WARM_UP)


OPENS = at(18) - 10 * MINUTE
TOMORROW = OPENS + timedelta(days=1)
DUE = Due(OPENS, sure=True, occasion=Occasion.WARM_UP)


def shown(when: datetime, answer: Answer | None = None, occasion: Occasion = Occasion.WARM_UP) -> Prompt:
    return Prompt(when, when, "hip-rotation", sure=True, answer=answer, occasion=occasion)


def test_it_is_shown_from_ten_minutes_before_until_it_begins_though_the_hours_are_over() -> None:
    assert judged(OPENS - SECOND) == Quiet(Reason.PLANNED, OPENS)
    assert judged(OPENS) == judged(at(18) - SECOND) == DUE
    assert judged(at(18)) == Quiet(Reason.PLANNED, TOMORROW)
    assert judged(at(12.75), plans=[run(clock="12:50")]) == Due(at(12) + 40 * MINUTE, True, occasion=Occasion.WARM_UP)
    assert judged(OPENS, plans=[]) is None


def test_it_is_shown_once_and_then_the_next_one_is_looked_out_for() -> None:
    for answer in (None, Answer.DONE, Answer.SKIPPED, Answer.IGNORED):
        assert judged(OPENS + MINUTE, prompts=[shown(OPENS, answer)]) == Quiet(Reason.SHOWN, TOMORROW)
    assert judged(OPENS, prompts=[shown(OPENS - timedelta(days=1), Answer.DONE)]) == DUE


def test_plans_whose_ten_minutes_overlap_have_one_and_others_have_their_own() -> None:
    near, far = [run(), run(clock="18:09")], [run(), run(clock="18:10")]
    prompts = [shown(OPENS, Answer.IGNORED)]
    assert judged(at(18) + MINUTE, plans=near, prompts=prompts) == Quiet(Reason.SHOWN, TOMORROW)
    assert judged(OPENS + MINUTE, plans=far, prompts=prompts) == Quiet(Reason.SHOWN, at(18))
    assert judged(at(18), plans=far, prompts=prompts) == Due(at(18), True, occasion=Occasion.WARM_UP)
    assert judged(at(18) + MINUTE, plans=near) == Due(at(18) - MINUTE, True, occasion=Occasion.WARM_UP)


def test_a_pause_silences_it_and_its_end_counts_only_within_the_ten_minutes() -> None:
    for ends, until in ((at(18) - MINUTE, at(18) - MINUTE), (at(18) + MINUTE, TOMORROW)):
        assert judged(OPENS, pause=Pause(at(17), ends)) == Quiet(Reason.PAUSED, until)
    assert judged(at(18) - MINUTE, pause=Pause(at(17), at(18) - MINUTE)) == DUE


def test_a_prompt_that_waits_for_its_answer_goes_first() -> None:
    asked = shown(OPENS - 4 * MINUTE, None, Occasion.SITTING)
    assert judged(OPENS, prompts=[asked]) == Quiet(Reason.ASKED, OPENS + 6 * MINUTE)
    assert judged(OPENS + 6 * MINUTE, prompts=[asked]) == DUE
    late = shown(OPENS + MINUTE, None, Occasion.SITTING)
    assert judged(OPENS + 2 * MINUTE, prompts=[late]) == Quiet(Reason.ASKED, TOMORROW)
    assert judged(OPENS, prompts=[asked._replace(answer=Answer.DONE)]) == DUE


def test_a_snooze_brings_it_back_but_does_not_lengthen_its_time() -> None:
    snoozed = shown(OPENS, Answer.SNOOZED)._replace(snoozed_until=OPENS + 5 * MINUTE)
    assert judged(OPENS + MINUTE, prompts=[snoozed]) == Quiet(Reason.SNOOZED, OPENS + 5 * MINUTE)
    assert judged(OPENS + 5 * MINUTE, prompts=[snoozed]) == Due(OPENS, True, again=snoozed, occasion=Occasion.WARM_UP)
    assert judged(at(18), prompts=[snoozed._replace(snoozed_until=at(18))]) == Quiet(Reason.PLANNED, TOMORROW)


def test_it_is_withdrawn_when_the_walk_has_begun_and_waits_while_somebody_rides() -> None:
    going = day("48m sit, 5m walk, 7m sit", at(17))
    assert judged(OPENS + 2 * MINUTE, going) == DUE
    assert judged(OPENS + 3 * MINUTE, going) == Quiet(Reason.BEGUN, TOMORROW)
    riding = [each._replace(state=State.CYCLING) for each in day("52m sit", at(17))]
    assert judged(OPENS + 2 * MINUTE, riding) == Quiet(Reason.RIDING, OPENS + 32 * MINUTE)


# ------------------------------------------------------------------ what is proposed


def test_a_rotation_then_an_extension_whatever_of_them_is_left() -> None:
    both = warm_up((), ())
    assert both is not None
    assert both.name == "hip-rotation"
    assert both.line == (
        "Standing hip circles, 1 minute, with a chair. Then standing hip extension, 2 minutes, with a chair."
    )
    for avoid, hurt, left in (
        (("rotation",), (), "hip-extension"), ((), ("hip-extension",), "hip-rotation"), (("standing",), (), None),
    ):  # fmt: skip
        move = warm_up(avoid, hurt)
        assert (None if move is None else move.name) == left
        assert move is None or "Then" not in move.line
