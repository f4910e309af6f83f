"""The morning prompt and the one after a ride: when they are due, how long they are held, and what drops them.

`owed` works out from the README's words alone, on the minutes themselves, when the first walk of a day was.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.occasions import occasions
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, outcome, verdict
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, RIDES, Answer, Epoch, Occasion, Pause, Prompt, State, Workout, WorkoutKind
from support.builders import MONDAY, day, slots

HOUR = 60 * MINUTE
HOURS = Policy(hours=dict.fromkeys(range(7), ((time(8), time(22)),)), lunch=((time(12, 30), time(13, 30)),))
LONDON = "Europe/London"
MORNING, RIDE = Occasion.MORNING, Occasion.AFTER_RIDE


def at(hour: float) -> datetime:
    return MONDAY + hour * HOUR


def judged(
    epochs: Sequence[Epoch],
    now: datetime | None = None,
    *,
    prompts: Sequence[Prompt] = (),
    policy: Policy = HOURS,
    pause: Pause | None = None,
    zone: str = "UTC",
    occasion: Occasion = MORNING,
    more: Sequence[Sequence[Epoch]] = (),
    workouts: Sequence[Workout] = (),
) -> Due | Quiet | None:
    """At `now`, by default when the data end."""
    now = now or epochs[-1].end
    known = [[epoch for epoch in band if epoch.end <= now] for band in (epochs, *more)]
    first = minute_of(now - 32 * HOUR)
    over = [each for each in workouts if each.end <= now]
    bands = [Source([], workouts=over), *(Source(band, reports_wear=True) for band in known)]
    line = timeline(bands, first, minute_of(now), ZoneInfo("UTC"))
    return occasions(line, Rule(), prompts, policy, Zones([], zone), now, pause).get(occasion)


def prompt(when: datetime, answer: Answer | None = None, occasion: Occasion = MORNING, **more: object) -> Prompt:
    made = Prompt(when, when, "hip-extension", sure=True, answer=answer, occasion=occasion)
    return made._replace(**more)  # type: ignore[arg-type]  # a test's shorthand


def due(when: datetime, occasion: Occasion = MORNING) -> Due:
    return Due(when, sure=True, occasion=occasion)


NIGHT = "8h 10m sleep, 20m sit"
"""Up at 08:30."""


def test_it_is_due_at_the_end_of_the_minute_that_makes_twenty_steps() -> None:
    assert judged(day(f"{NIGHT}, 1m walk 8, 1m walk 12")) == due(at(8) + 32 * MINUTE)
    assert judged(day(f"{NIGHT}, 1m walk 8, 1m walk 11")) == Quiet(Reason.NOT_UP)
    assert judged(day(f"{NIGHT}, 1m walk 8, 4m sit, 1m walk 19")) == Quiet(Reason.NOT_UP)
    assert judged(day("8h 10m sleep")) == Quiet(Reason.NOT_UP)


def test_three_hours_of_sleep_are_a_night_and_unknown_is_not_sleep() -> None:
    assert judged(day("3h sleep, 2m walk", at(6))) == due(at(9) + MINUTE)
    assert judged(day("2h 59m sleep, 2m walk", at(6))) == Quiet(Reason.NO_SLEEP)
    for unknown in ("8h sit", "8h off", "8h gap"):
        assert judged(day(f"{unknown}, 1m sit, 2m walk")) == Quiet(Reason.NO_SLEEP)


def test_a_walk_to_the_bathroom_ends_no_night_once_sleep_goes_on() -> None:
    night = day("5h 30m sleep, 4m walk, 3h 56m sleep, 2m walk")
    always = replace(HOURS, hours=Policy().hours)
    assert judged(night, at(5.5) + 4 * MINUTE, policy=always) == due(at(5.5) + MINUTE)
    assert judged(night, at(5.5) + 4 * MINUTE) == Quiet(Reason.OUTSIDE_HOURS)
    assert judged(night, at(8)) == Quiet(Reason.NOT_UP)
    assert judged(night) == due(at(9.5) + MINUTE)


@pytest.mark.parametrize(("awake", "one"), [(120, True), (121, False)])
def test_sleeps_no_more_than_two_hours_apart_are_one_night(awake: int, one: bool) -> None:
    """Two hours of sleep on either side: together they are a night."""
    expected = due(at(6) + (awake + 1) * MINUTE) if one else Quiet(Reason.NO_SLEEP)
    assert judged(day(f"2h sleep, {awake}m sit, 2h sleep, 2m walk", at(2))) == expected


def test_before_four_it_is_no_morning() -> None:
    always = replace(HOURS, hours=Policy().hours)
    assert judged(day("3h 59m sleep, 2m walk", MONDAY), policy=always) == Quiet(Reason.TOO_EARLY)
    assert judged(day("4h sleep, 2m walk", MONDAY), policy=always) == due(at(4) + MINUTE)


def test_a_walk_within_the_hour_before_the_prompt_hours_is_held_until_they_begin_and_an_earlier_one_dropped() -> None:
    early = day("7h 5m sleep, 5m walk, 60m sit")
    assert judged(early, at(7.25)) == Quiet(Reason.OUTSIDE_HOURS, at(8))
    assert judged(early, at(8)) == due(at(7.1))
    assert judged(day("6h 50m sleep, 5m walk"), at(7)) == Quiet(Reason.OUTSIDE_HOURS)


def test_it_is_said_until_an_hour_after_the_walk_and_not_later() -> None:
    night = day("8h 30m sleep, 1m walk, 90m sit")
    walked = at(8.5) + MINUTE
    assert judged(night, walked + HOUR) == due(walked)
    assert judged(night, walked + HOUR + MINUTE) == Quiet(Reason.TOO_LATE)
    assert judged(night[:-60], at(20)) == Quiet(Reason.TOO_LATE)


def test_a_pause_and_lunch_delay_it_but_not_beyond_that_hour() -> None:
    night = day("8h 30m sleep, 2m walk, 3h sit")
    walked = at(8.5) + MINUTE
    assert judged(night, at(8.75), pause=Pause(at(8.6), at(9.25))) == Quiet(Reason.PAUSED, at(9.25))
    assert judged(night, at(9.25), pause=Pause(at(8.6), at(9.25))) == due(walked)
    assert judged(night, at(8.75), pause=Pause(at(8.6), at(10))) == Quiet(Reason.PAUSED)
    noon = day("12h 40m sleep, 2m walk, 1h sit")
    assert judged(noon, at(13)) == Quiet(Reason.LUNCH, at(13.5))
    assert judged(noon, at(13.5)) == due(at(12) + 41 * MINUTE)


def test_once_a_day_whatever_came_of_it() -> None:
    night = day("8h 30m sleep, 2m walk, 2m sit")
    for answer in (None, Answer.DONE, Answer.IGNORED, Answer.SKIPPED, Answer.HURT):
        assert judged(night, prompts=[prompt(at(8.5) + MINUTE, answer)]) == Quiet(Reason.SHOWN)
    yesterday = [prompt(at(8.5) - 24 * HOUR, Answer.DONE), prompt(at(8.5), Answer.DONE, Occasion.SITTING)]
    assert judged(night, prompts=yesterday) == due(at(8.5) + MINUTE)


def test_a_snoozed_one_comes_back_within_an_hour_of_its_end() -> None:
    night = day("8h 30m sleep, 2m walk, 4h sit")
    snoozed = prompt(at(8.5) + MINUTE, Answer.SNOOZED, snoozed_until=at(9.75))
    assert judged(night, at(9), prompts=[snoozed]) == Quiet(Reason.SNOOZED, at(9.75))
    assert judged(night, at(9.75), prompts=[snoozed]) == due(at(8.5) + MINUTE)._replace(again=snoozed)
    assert judged(night, at(10.75) + MINUTE, prompts=[snoozed]) == Quiet(Reason.TOO_LATE)


def test_a_prompt_that_waits_for_its_answer_goes_first() -> None:
    night = day("8h 30m sleep, 2m walk, 2m sit")
    asked = prompt(at(8.5), None, Occasion.SITTING)
    assert judged(night, prompts=[asked]) == Quiet(Reason.ASKED, at(8.5) + 10 * MINUTE)


def test_a_nap_in_the_afternoon_makes_no_second_morning() -> None:
    life = day("8h sleep, 1m walk, 6h sit, 2h 30m sleep, 5m walk")
    assert judged(life) == Quiet(Reason.TOO_LATE)


def test_a_band_that_was_off_or_put_on_late_saw_nobody_get_up() -> None:
    for hidden in ("11m off", "11m gap", "3h gap", "3h off", "6m off, 6m gap"):
        assert judged(day(f"8h sleep, {hidden}, 5m walk")) == Quiet(Reason.UNSEEN), hidden
    assert judged(day("8h sleep, 10m off, 2m walk")) == due(at(8) + 11 * MINUTE)
    assert judged(day("2h sleep, 6h 30m off, 5m walk")) == Quiet(Reason.NO_SLEEP)


def test_of_another_day_s_night_nothing_is_said() -> None:
    life = day("8h sleep, 2m walk, 14h sit, 8h off, 1h sit, 2m walk")
    assert judged(life) == Quiet(Reason.NO_SLEEP)


def test_one_band_knows_the_night_and_the_other_the_walk() -> None:
    night, live = day("8h sleep"), day("8h sit, 5m sit, 2m walk")
    assert judged(night, live[-1].end, more=[live]) == due(at(8) + 6 * MINUTE)
    assert judged(live, more=[night]) == due(at(8) + 6 * MINUTE)


def test_a_slot_that_moved_is_a_walk_when_it_is_complete() -> None:
    asleep = [epoch._replace(state=State.ASLEEP) for epoch in slots([0] * 49, 10)]
    assert judged([*asleep, *slots([30, 0], 10, at(8) + 10 * MINUTE)]) == due(at(8) + 20 * MINUTE)
    assert judged([*asleep, *slots([19], 10, at(8) + 10 * MINUTE)]) == Quiet(Reason.NOT_UP)


class TestRides:
    """After a ride or a row: ten minutes at least, recorded as a whole or known to be over for two."""

    @staticmethod
    def ride(drawing: str, start: float = 17, **options: object) -> Due | Quiet | None:
        epochs = TestRides.on_bicycle(day(drawing, at(start)))
        return judged(epochs, occasion=RIDE, **options)  # type: ignore[arg-type]  # a test's shorthand

    @staticmethod
    def on_bicycle(epochs: Sequence[Epoch]) -> list[Epoch]:
        """In the drawing a minute on a bicycle is one that stands."""
        return [each._replace(state=State.CYCLING) if each.state is State.STANDING else each for each in epochs]

    def test_it_is_due_two_minutes_after_its_end(self) -> None:
        assert self.ride("10m stand, 2m sit") == due(at(17.2), RIDE)
        assert self.ride("10m stand, 1m sit") == Quiet(Reason.RIDING, at(17) + 40 * MINUTE)
        assert self.ride("10m stand, 1m sit, 5m gap, 1m walk") == due(at(17) + 17 * MINUTE, RIDE)
        assert self.ride("9m stand, 2m sit") is None
        assert self.ride("9m sit") is None

    def test_a_red_light_does_not_end_it_and_steps_of_another_band_do_not_hide_it(self) -> None:
        assert self.ride("5m stand, 1m sit, 5m stand, 2m sit") == due(at(17) + 13 * MINUTE, RIDE)
        walker = day("20m walk 30", at(17))
        assert self.ride("10m stand, 2m sit", more=[walker], now=at(17.2)) == due(at(17.2), RIDE)

    def test_an_hour_after_its_end_it_is_forgotten(self) -> None:
        ride = "30m stand, 70m sit"
        assert self.ride(ride, now=at(18.5)) == due(at(17) + 32 * MINUTE, RIDE)
        assert self.ride(ride, now=at(18.5) + MINUTE) == Quiet(Reason.TOO_LATE)
        assert self.ride("30m stand, 5m sit", start=21.5) == Quiet(Reason.OUTSIDE_HOURS)

    def test_once_a_ride_and_once_for_rides_that_follow_each_other(self) -> None:
        prompts = [prompt(at(17.2), Answer.DONE, RIDE)]
        assert self.ride("10m stand, 4m sit", prompts=prompts) == Quiet(Reason.SHOWN)
        assert self.ride("10m stand, 20m sit, 20m stand, 2m sit", prompts=prompts) == Quiet(Reason.SHOWN)
        assert self.ride("10m stand, 80m sit, 20m stand, 2m sit", prompts=prompts) == due(at(17) + 112 * MINUTE, RIDE)
        assert self.ride("10m stand, 4m sit", prompts=[prompt(at(17), Answer.DONE)]) == due(at(17.2), RIDE)

    @pytest.mark.parametrize("kind", WorkoutKind)
    def test_a_workout_is_over_at_its_end_and_only_a_ride_or_a_row_counts(self, kind: WorkoutKind) -> None:
        told = Workout(kind, at(17), at(17.5))
        for drawing in ("2h sit", "1m sit, 119m gap"):
            for minutes, expected in (
                (29, None), (30, due(at(17.5), RIDE)), (90, due(at(17.5), RIDE)), (91, Quiet(Reason.TOO_LATE)),
            ):  # fmt: skip
                found = self.ride(drawing, now=at(17) + minutes * MINUTE, workouts=[told])
                assert found == (expected if kind in RIDES else None), (drawing, minutes)

    def test_it_has_ten_minutes_at_least(self) -> None:
        for seconds, long in ((569, False), (570, False), (571, True)):
            told = Workout(WorkoutKind.ROWING, at(17), at(17) + timedelta(seconds=seconds))
            assert (self.ride("1h sit", workouts=[told]) is not None) is long

    def test_it_is_not_over_while_another_band_says_that_somebody_rides(self) -> None:
        told = Workout(WorkoutKind.CYCLING, at(17), at(17.25))
        for drawing, rode in (("16m stand", 16), ("20m stand, 1m sit", 20), ("15m sit, 10m stand", 25)):
            assert self.ride(drawing, workouts=[told]) == Quiet(Reason.RIDING, at(17.5) + rode * MINUTE), drawing
        assert self.ride("20m stand, 2m sit", workouts=[told]) == due(at(17) + 22 * MINUTE, RIDE)
        assert self.ride("20m sit, 5m stand, 1m sit", workouts=[told]) == Quiet(Reason.RIDING, at(17) + 55 * MINUTE)
        assert self.ride("20m sit, 5m stand, 2m sit", workouts=[told]) == due(at(17.25), RIDE)

    def test_two_bands_that_recorded_one_ride_raise_one_prompt(self) -> None:
        told = [Workout(WorkoutKind.CYCLING, at(17), at(17.5)), Workout(WorkoutKind.ROWING, at(17.1), at(17.6))]
        assert self.ride("1h sit", workouts=told) == due(at(17.6), RIDE)
        prompts = [prompt(at(17.5), Answer.DONE, RIDE)]
        assert self.ride("1h sit", workouts=told, prompts=prompts) == Quiet(Reason.SHOWN)

    def test_a_prompt_that_waits_for_its_answer_goes_first(self) -> None:
        told, asked = Workout(WorkoutKind.ROWING, at(17), at(17.5)), prompt(at(17.5), None, Occasion.SITTING)
        assert self.ride("40m sit", workouts=[told], prompts=[asked], now=at(17.5) + 9 * MINUTE) == Quiet(
            Reason.ASKED, at(17.5) + 10 * MINUTE
        )
        assert self.ride("40m sit", workouts=[told], prompts=[asked]) == due(at(17.5), RIDE)


def test_nobody_is_prompted_for_the_morning_on_a_bicycle() -> None:
    """A minute on it holds the prompt, until two are over or nothing is known of more than ten."""
    up, walked = "8h 10m sleep, 2m walk", due(at(8) + 11 * MINUTE)
    for rest, rode in (("1m stand", 1), ("1m stand, 1m sit", 1), ("40m stand", 40)):
        held = Quiet(Reason.RIDING, at(8) + (12 + rode + 30) * MINUTE)
        assert judged(TestRides.on_bicycle(day(f"{up}, {rest}"))) == held, rest
    assert judged(TestRides.on_bicycle(day(f"{up}, 1m stand, 2m sit"))) == walked
    assert judged(TestRides.on_bicycle(day(f"{up}, 70m stand"))) == Quiet(Reason.TOO_LATE)
    ridden = TestRides.on_bicycle(day(f"{up}, 3m stand"))
    assert judged(ridden, ridden[-1].end + 10 * MINUTE) == Quiet(Reason.RIDING, at(8) + 45 * MINUTE)
    assert judged(ridden, ridden[-1].end + 11 * MINUTE) == walked


def test_who_is_up_already_has_not_moved_because_of_it_and_after_ten_minutes_has_ignored_it() -> None:
    epochs = day("8h 10m sleep, 10m sit, 2m walk, 5m sit, 5m walk")
    line = timeline([Source(epochs)], minute_of(MONDAY), minute_of(epochs[-1].end), ZoneInfo("UTC"))
    found, asked = bouts(line, Rule()), prompt(at(8) + 21 * MINUTE)
    assert outcome(asked, found, epochs[-1].end, asked.at + 9 * MINUTE) is None
    ignored = asked.at + 10 * MINUTE
    assert outcome(asked, found, epochs[-1].end, ignored) == (Answer.IGNORED, ignored)


def test_a_prompt_for_the_morning_does_not_stand_for_the_one_for_sitting() -> None:
    """It was due within the stretch that now is an hour old."""
    epochs = [epoch._replace(heart_rate=70) for epoch in day("1m walk, 60m sit", at(9))]
    now = epochs[-1].end
    line = timeline([Source(epochs, reports_wear=True)], minute_of(at(8)), minute_of(now), ZoneInfo("UTC"))
    for answer in (None, Answer.DONE, Answer.SNOOZED):
        prompts = [prompt(at(9) + 2 * MINUTE, answer)]
        assert isinstance(verdict(line, bouts(line, Rule()), prompts, HOURS, Zones([], "UTC"), now), Due)


# ------------------------------------------------------------------ a second calculation

LOOKS = 5 * MINUTE


def owed(epochs: Sequence[Epoch], zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """(first look at which it is said, when it was due) of each morning, from the README's words; plain and slow."""
    rows = {epoch.start: epoch for epoch in epochs}
    every = [min(rows) + i * MINUTE for i in range((max(rows) - min(rows)) // MINUTE + 1)]
    asleep = {t for t in every if t in rows and rows[t].state is State.ASLEEP and rows[t].steps < 20}
    awake = {t for t in every if t in rows and t not in asleep and rows[t].state is not State.NOT_WORN}
    runs: list[tuple[datetime, datetime]] = []  # [start, end) of sleep without a break
    for t in sorted(asleep):
        runs = [*runs[:-1], (runs[-1][0], t + MINUTE)] if runs and runs[-1][1] == t else [*runs, (t, t + MINUTE)]
    slept = 0
    found: dict[date, tuple[datetime, datetime]] = {}
    for n, (start, end) in enumerate(runs):
        slept = (slept if n and start - runs[n - 1][1] <= 2 * HOUR else 0) + (end - start) // MINUTE
        sleeps_on = _next_night(runs[n:]) or max(every) + MINUTE
        walk = _first_walk(rows, end, sleeps_on, awake, asleep) if slept >= 180 else None
        if walk is None or walk.astimezone(zone).time() < time(4):
            continue
        due_at = walk + MINUTE
        looks = (t for t in every if due_at <= t <= min(due_at + HOUR, sleeps_on) and t.minute % 5 == 0)
        look = next((t for t in looks if _open(t.astimezone(zone))), None)
        if look is not None:
            found.setdefault(due_at.astimezone(zone).date(), (look, due_at))
    return sorted(found.values())


def _next_night(runs: Sequence[tuple[datetime, datetime]]) -> datetime | None:
    """When the night that the first run ends goes on, or the minute by which a later sleep is a night itself."""
    slept = 0
    for n, (start, end) in enumerate(runs[1:], 1):
        gap = start - runs[n - 1][1]
        if n == 1 and gap <= 2 * HOUR:
            return start
        slept = slept if n > 1 and gap <= 2 * HOUR else 0
        if slept + (end - start) // MINUTE >= 180:
            return start + (179 - slept) * MINUTE
        slept += (end - start) // MINUTE
    return None


def _first_walk(
    rows: Mapping[datetime, Epoch], since: datetime, before: datetime, awake: set[datetime], asleep: set[datetime]
) -> datetime | None:
    """The minute that makes twenty steps in five; None if more than ten minutes before it were seen by nobody."""
    unseen = 0
    for t in (since + i * MINUTE for i in range((before - since) // MINUTE)):
        unseen = 0 if t in awake or t in asleep else unseen + 1
        if unseen > 10:
            return None
        window: list[int] = []
        while len(window) < 5 and t - len(window) * MINUTE in awake:
            window.append(rows[t - len(window) * MINUTE].steps)
        if window and window[0] and sum(window) >= 20:
            return t
    return None


def _open(local: datetime) -> bool:
    return time(8) <= local.time() < time(22) and not time(12, 30) <= local.time() < time(13, 30)


def restless(start: datetime, seed: int) -> list[Epoch]:
    """Two days of somebody who sleeps badly, with a band that is off now and then."""
    noise = random.Random(seed)
    parts: list[str] = []
    for _ in range(80):
        word = noise.choice(["sleep", "sleep", "sleep", "sit", "sit", "walk", "walk 3", "walk 7", "off", "gap"])
        lengths = [1, 9, 30, 60, 80, 119, 121, 200] if word in {"sleep", "sit"} else [1, 2, 4, 6, 10, 11]
        what, _, steps = word.partition(" ")
        parts.append(f"{noise.choice(lengths)}m {what} {steps}".strip())
    return [epoch for epoch in day(", ".join(parts), start) if epoch.start < start + 48 * HOUR]


def said_to(epochs: Sequence[Epoch], zone: str) -> list[tuple[datetime, datetime]]:
    """The same by hipsync, looking at what is known every five minutes inside the prompt hours."""
    start, end = epochs[0].start - epochs[0].start.minute % 5 * MINUTE, epochs[-1].end
    whole = timeline([Source(epochs, reports_wear=True)], minute_of(start), minute_of(end), ZoneInfo("UTC"))
    zones, shown = Zones([], zone), list[Prompt]()
    for now in (start + i * LOOKS for i in range((end - start) // LOOKS + 1)):
        if _open(zones.local(now)):
            found = occasions(whole.until(minute_of(now)), Rule(), shown, HOURS, zones, now)[MORNING]
            if isinstance(found, Due):
                shown.append(prompt(now, Answer.DONE, due=found.due))
    return [(each.at, each.due) for each in shown]


def compared(people: range) -> int:
    """How many mornings were compared."""
    count = 0
    for first, zone in (
        (date(2026, 3, 28), LONDON),
        (date(2026, 10, 24), LONDON),
        (date(2026, 6, 1), "Asia/Kathmandu"),
    ):
        for seed in people:
            epochs = restless(datetime.combine(first, time(0), ZoneInfo(zone)).astimezone(UTC), seed)
            expected = owed(epochs, ZoneInfo(zone))
            assert said_to(epochs, zone) == expected, (first, seed)
            count += len(expected)
    return count


def test_every_morning_of_restless_people_is_spoken_of_when_a_second_calculation_says_so() -> None:
    """Over both changes of clocks, too."""
    assert compared(range(3)) >= 4


@pytest.mark.long
def test_so_are_those_of_many_people() -> None:
    assert compared(range(3, 80)) >= 90
