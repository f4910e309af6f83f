"""One local day as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.summary import DaySummary, day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Answer, EndedBy, Epoch, Kind, Prompt, Span, State
from support.builders import MONDAY, day, slots


def at(hour: float) -> datetime:
    return MONDAY + timedelta(hours=hour)


def summed(
    epochs: Sequence[Epoch],
    *,
    now: datetime = MONDAY + timedelta(days=3),
    when: date = date(2026, 3, 2),
    zone: str = "UTC",
    prompts: Sequence[Prompt] = (),
    vouches: bool = False,
) -> DaySummary:
    zones = Zones([], zone)
    span = zones.day(when)
    first, last = minute_of(span.start) - 1440, min(minute_of(span.end) + 1440, minute_of(now))
    line = timeline([Source(epochs, vouches=vouches)], first, last, ZoneInfo(zone))
    return day_summary(line, bouts(line, Rule()), span, now, limit_minutes=60, prompts=prompts)


def kinds(summary: DaySummary) -> dict[str, int]:
    return {kind.value: minutes for kind, minutes in summary.minutes.items() if minutes}


def test_every_minute_is_exactly_one_of_six_kinds() -> None:
    summary = summed(
        day("7h sleep, 10m walk, 8m sit, 1m walk 5, 7m sit, 20m off, 5m stand, 3m charge, 100m gap, 30m sit")
    )
    assert kinds(summary) == {
        "asleep": 420,
        "up": 10 + 1 + 7,
        "sitting": 8 + 30,
        "not_worn": 23,
        "standing": 5,
        "unknown": 1440 - 504,
    }
    assert sum(summary.minutes.values()) == 1440


def test_the_day_is_runs_of_one_kind_without_gaps() -> None:
    summary = summed(day("7h sleep, 10m walk, 8m sit, 1m walk"))
    assert list(summary.spans()) == [
        Span(MONDAY, at(7), Kind.ASLEEP),
        Span(at(7), at(7) + 10 * MINUTE, Kind.UP),
        Span(at(7) + 10 * MINUTE, at(7) + 18 * MINUTE, Kind.SITTING),
        Span(at(7) + 18 * MINUTE, at(7) + 19 * MINUTE, Kind.UP),
        Span(at(7) + 19 * MINUTE, at(24), Kind.UNKNOWN),
    ]


def test_a_doubtful_run_is_unknown() -> None:
    summary = summed(day("1m walk, 200m sit, 1m walk"))
    assert kinds(summary) == {"up": 2, "unknown": 1438}
    (piece,) = summary.stretches
    assert (piece.doubtful, piece.minutes, summary.longest_minutes, summary.over_limit) == (True, 200, 0, 0)
    assert kinds(summed(day("1m walk, 200m sit, 1m walk"), vouches=True))["sitting"] == 200


def test_still_slots_are_sitting_and_others_up() -> None:
    assert kinds(summed(slots([5, 40, 0], 15))) == {"sitting": 30, "up": 15, "unknown": 1395}


def test_a_stretch_over_midnight_is_cut_and_counted_where_it_ends() -> None:
    epochs = day("1m walk, 90m sit, 1m walk", at(23) - MINUTE)
    first, second = summed(epochs, vouches=True), summed(epochs, when=date(2026, 3, 3), vouches=True)
    (cut,) = first.stretches
    assert (cut.start, cut.end, cut.minutes, cut.ended_by, cut.due) == (at(23), at(24), 60, None, at(24))
    assert cut.whole is not None
    assert (cut.whole.start, cut.whole.end, cut.whole.minutes) == (at(23), at(24.5), 90)
    assert (first.longest_minutes, first.over_30, first.over_limit, first.usual_stretch_minutes) == (0, 0, 0, None)
    (rest,) = second.stretches
    assert (rest.minutes, rest.ended_by, rest.due) == (30, EndedBy.MOVING, None)
    assert (second.longest_minutes, second.over_30, second.over_limit, second.usual_stretch_minutes) == (90, 1, 1, 90)


def test_holes_inside_a_stretch_are_not_counted() -> None:
    (piece,) = summed(day("1m walk, 20m sit, 5m gap, 20m sit, 1m walk")).stretches
    assert (piece.minutes, piece.end - piece.start) == (40, timedelta(minutes=45))


def test_today_is_counted_up_to_now() -> None:
    summary = summed(day("9h sleep, 20m sit"), now=at(9.5) + timedelta(seconds=59))
    assert sum(summary.minutes.values()) == 570
    assert (summary.end, summary.until) == (at(24), at(9.5))
    assert summary.complete_until == at(9) + timedelta(minutes=20)
    assert [sum(hour.minutes.values()) for hour in summary.hours()] == [60] * 9 + [30]


def test_a_running_stretch_belongs_to_today() -> None:
    summary = summed(day("9h sleep, 70m sit"), now=at(9) + timedelta(minutes=70))
    (piece,) = summary.stretches
    assert (piece.ended_by, piece.whole, summary.over_limit) == (None, None, 1)


def test_the_day_of_the_autumn_change_has_25_hours() -> None:
    summary = summed([], when=date(2026, 10, 25), zone="Europe/London", now=datetime(2026, 12, 1, tzinfo=MONDAY.tzinfo))
    assert (sum(summary.minutes.values()), len([*summary.hours()])) == (1500, 25)
    assert summary.complete_until is None


def test_steps_of_minutes_not_worn_do_not_count_and_steps_asleep_do() -> None:
    epochs = [
        Epoch(at(1), MINUTE, 19, state=State.NOT_WORN),
        Epoch(at(2), MINUTE, 7, state=State.ASLEEP),
        Epoch(at(3), MINUTE, 11),
    ]
    assert summed(epochs).steps == 18


def test_breaks_count_where_they_begin() -> None:
    epochs = day("20m sit, 2m walk, 20m sit, 2m walk", at(23.5))
    assert summed(epochs).breaks == 1
    assert summed(epochs, when=date(2026, 3, 3)).breaks == 1


def test_a_prompt_marks_its_stretch_and_the_move_after_it() -> None:
    prompt = Prompt(at(10), at(10), "hip-extension", sure=True, answer=Answer.DONE)
    summary = summed(day("1m walk, 63m sit, 2m walk, 20m sit", at(9) - MINUTE), prompts=[prompt])
    assert [piece.prompted for piece in summary.stretches] == [True, False]
    assert [outcome.moved_within_minutes for outcome in summary.prompts] == [3]


def test_hours_add_up_to_the_day() -> None:
    summary = summed(day("8h sleep, 3h sit, 2m walk, 4h gap, 1h stand"), vouches=True)
    for kind in Kind:
        assert sum(hour.minutes[kind] for hour in summary.hours()) == summary.minutes[kind]
