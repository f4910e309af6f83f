"""When hipsync speaks, and why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import ALL_DAY, Policy
from hipsync.core.prompting import Due, Quiet, Reason, next_hours, outcome, verdict
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import Answer, Epoch, Pause, Prompt, State
from support.builders import MONDAY, day

OFFICE = Policy(hours=dict.fromkeys(range(7), ((time(8), time(22)),)), lunch=((time(12, 30), time(13, 30)),))
FREE = Policy()
UTC_ONLY = Zones([], "UTC")


def at(hour: float) -> datetime:
    return MONDAY + timedelta(hours=hour)


def awake(epoch: Epoch) -> Epoch:
    return epoch._replace(state=epoch.state or State.SITTING)


def judged(
    drawing: str,
    *,
    start: datetime = MONDAY,
    prompts: Sequence[Prompt] = (),
    policy: Policy = FREE,
    now: datetime | None = None,
    alive: bool = True,
    pause: Pause | None = None,
) -> Due | Quiet:
    """The verdict at the end of a drawing.

    With `alive` the band says of each minute that its wearer sits, and so is awake; else it has a heart rate alone.
    """
    epochs = day(drawing, start)
    if alive:
        epochs = [awake(epoch) for epoch in epochs]
    epochs = [epoch._replace(heart_rate=70) for epoch in epochs]
    now = now or epochs[-1].end
    line = timeline([Source(epochs, reports_wear=True)], minute_of(start) - 10, minute_of(now), ZoneInfo("UTC"))
    return verdict(line, bouts(line, Rule()), prompts, policy, UTC_ONLY, now, pause)


def shown(when: datetime, answer: Answer | None = None, **more: object) -> Prompt:
    return Prompt(when, when, "hip-extension", sure=True, answer=answer)._replace(**more)  # type: ignore[arg-type]  # a test's shorthand


def test_it_is_due_when_sixty_minutes_are_complete() -> None:
    assert judged("1m walk, 60m sit", start=at(9)) == Due(at(9) + timedelta(minutes=61), sure=True)
    assert judged("1m walk, 59m sit", start=at(9)) == Quiet(Reason.SITTING, at(9) + timedelta(minutes=61))


def test_late_data_never_raise_a_prompt_for_a_stretch_that_is_over() -> None:
    verdicts = judged("90m sit, 2m walk, 5m sit", start=at(9))
    assert isinstance(verdicts, Quiet)
    assert verdicts.reason is Reason.SITTING


def test_moving_sleeping_and_a_band_in_the_drawer_are_reasons() -> None:
    assert judged("5m sit, 5m walk", start=at(9)) == Quiet(Reason.MOVING, at(9) + timedelta(minutes=70))
    assert judged("90m sleep", start=at(9)) == Quiet(Reason.ASLEEP, at(11.5))
    assert judged("90m off", start=at(9)) == Quiet(Reason.NOT_WORN, at(11.5))


def test_nobody_knows_anything() -> None:
    line = timeline([], 0, 60, ZoneInfo("UTC"))
    assert verdict(line, bouts(line, Rule()), [], FREE, UTC_ONLY, at(0)) == Quiet(Reason.NO_DATA)


def test_a_stretch_last_seen_eleven_minutes_ago_is_not_known_to_run() -> None:
    assert isinstance(judged("1m walk, 65m sit", start=at(9), now=at(9) + timedelta(minutes=76)), Due)
    stale = judged("1m walk, 65m sit", start=at(9), now=at(9) + timedelta(minutes=77))
    assert stale == Quiet(Reason.NO_DATA, at(9) + timedelta(minutes=126))


def test_one_prompt_a_stretch() -> None:
    prompts = [shown(at(10), Answer.DONE)]
    assert judged("180m sit", start=at(9), prompts=prompts) == Quiet(Reason.SHOWN)


def test_a_prompt_of_an_earlier_stretch_does_not_count() -> None:
    prompts = [shown(at(8), Answer.DONE)]
    assert isinstance(judged("1m walk, 61m sit", start=at(9), prompts=prompts), Due)


def test_a_prompt_that_fell_due_before_the_clock_was_put_back_is_still_that_of_its_stretch() -> None:
    asked = shown(at(10) + timedelta(minutes=5))
    verdicts = judged("1m walk, 60m sit", start=at(9), prompts=[asked])
    assert verdicts == Quiet(Reason.ASKED, at(10) + timedelta(minutes=15))
    assert isinstance(judged("1m walk, 60m sit", start=at(9), prompts=[shown(at(11))]), Due)


def test_a_repeat_comes_every_hour_of_the_stretch_with_a_sign_of_life() -> None:
    policy = replace(FREE, repeat_minutes=60)
    prompts = [shown(at(10), Answer.SKIPPED)]
    assert judged("119m sit", start=at(9), prompts=prompts, policy=policy) == Quiet(Reason.SHOWN, at(11))
    assert judged("120m sit", start=at(9), prompts=prompts, policy=policy) == Due(at(11), sure=True)
    lifeless = judged("120m sit", start=at(9), prompts=prompts, policy=policy, alive=False)
    assert lifeless == Quiet(Reason.SHOWN)


def test_no_sign_of_life_in_three_hours_no_prompt() -> None:
    silent = Policy(hours={0: ALL_DAY})
    assert judged("1m walk, 60m sit", start=at(9), policy=silent, alive=False) == Due(
        at(9) + timedelta(minutes=61), sure=True
    )
    assert judged("1m walk, 180m sit", start=at(9), policy=silent, alive=False) == Quiet(Reason.NO_LIFE)


class TestHours:
    """Outside the prompt hours and at lunch a prompt is dropped."""

    def test_a_night_counts_from_its_first_sign_of_life_inside_the_hours(self) -> None:
        night = [*day("8h sit", at(1)), *[awake(epoch) for epoch in day("61m sit", at(9))]]
        assert self.verdict_of(night[:-2]).reason is Reason.SITTING  # type: ignore[union-attr]  # Due has none, and fails
        assert self.verdict_of(night[:-1]) == Due(at(10), sure=True)

    @pytest.mark.parametrize("heart_rate", [None, 52])
    def test_a_night_without_one_waits_for_it(self, heart_rate: int | None) -> None:
        """Sleepers have a heart rate: one alone is no sign of life."""
        night = [epoch._replace(heart_rate=heart_rate) for epoch in day("10h sit", at(1))]
        assert self.verdict_of(night[: 6 * 60]) == Quiet(Reason.OUTSIDE_HOURS, at(8))
        assert self.verdict_of(night[: 9 * 60]) == Quiet(Reason.NO_LIFE)

    def test_a_night_with_a_heart_rate_counts_from_the_first_step(self) -> None:
        night = [epoch._replace(heart_rate=52) for epoch in day("8h sit, 1m walk 1, 60m sit", at(1))]
        assert self.verdict_of(night[:-2]).reason is Reason.SITTING  # type: ignore[union-attr]  # Due has none, and fails
        assert self.verdict_of(night[:-1]) == Due(at(10), sure=True)

    @staticmethod
    def verdict_of(epochs: list[Epoch]) -> Due | Quiet:
        now = epochs[-1].end
        line = timeline([Source(epochs, reports_wear=True)], minute_of(MONDAY), minute_of(now), ZoneInfo("UTC"))
        return verdict(line, bouts(line, Rule()), [], OFFICE, UTC_ONLY, now)

    def test_what_falls_due_at_lunch_is_dropped(self) -> None:
        assert judged("1m walk, 90m sit", start=at(11.75), policy=OFFICE) == Quiet(Reason.LUNCH)

    def test_what_was_due_before_but_is_seen_at_lunch_waits_until_its_end(self) -> None:
        assert judged("1m walk, 95m sit", start=at(11), policy=OFFICE) == Quiet(Reason.LUNCH, at(13.5))

    def test_what_falls_due_in_the_evening_is_dropped(self) -> None:
        assert judged("1m walk, 90m sit", start=at(21.5), policy=OFFICE) == Quiet(Reason.OUTSIDE_HOURS, at(32))

    def test_what_nobody_said_in_the_evening_is_not_said_of_the_night_at_eight_sharp(self) -> None:
        """Fell due at 21:31 while the band was out of reach; its wearer sat on, and slept unnoticed."""
        assert judged("1m walk, 690m sit", start=at(20.5), policy=OFFICE) == Quiet(Reason.SITTING, at(33))
        assert judged("1m walk, 750m sit", start=at(20.5), policy=OFFICE) == Due(at(33), sure=True)

    def test_hours_that_last_all_day_do_not_end_at_midnight(self) -> None:
        assert judged("1m walk, 90m sit", start=at(23.5)) == Due(at(24.5) + timedelta(minutes=1), sure=True)

    def test_the_next_hours_are_found_over_a_free_weekend(self) -> None:
        weekdays = Policy(hours=dict.fromkeys(range(5), ((time(8), time(18)),)))
        friday_evening = at(4 * 24 + 19)
        assert next_hours(weekdays, UTC_ONLY, friday_evening) == at(7 * 24 + 8)
        assert next_hours(Policy(hours={}), UTC_ONLY, MONDAY) is None


class TestAfterwards:
    """Snoozed, ignored, moved."""

    def test_it_waits_for_an_answer(self) -> None:
        prompts = [shown(at(10))]
        assert judged("65m sit", start=at(9), prompts=prompts) == Quiet(Reason.ASKED, at(10) + timedelta(minutes=10))

    def test_a_snoozed_prompt_comes_back_if_the_stretch_still_runs(self) -> None:
        snoozed = shown(at(10), Answer.SNOOZED, snoozed_until=at(10.25))
        assert judged("70m sit", start=at(9), prompts=[snoozed]) == Quiet(Reason.SNOOZED, at(10.25))
        assert judged("75m sit", start=at(9), prompts=[snoozed]) == Due(at(10), sure=True, again=snoozed)

    def test_an_ignored_prompt_is_shown_once_more_stronger(self) -> None:
        ignored = shown(at(10), Answer.IGNORED)
        assert judged("71m sit", start=at(9), prompts=[ignored]) == Due(at(10), sure=True, again=ignored, strong=True)
        assert judged("71m sit", start=at(9), prompts=[ignored], alive=False) == Quiet(Reason.NO_LIFE)
        assert judged("71m sit", start=at(9), prompts=[ignored._replace(shown=2)]) == Quiet(Reason.SHOWN)
        gentle = replace(FREE, stronger=False)
        assert judged("71m sit", start=at(9), prompts=[ignored], policy=gentle) == Quiet(Reason.SHOWN)

    def test_moved_means_a_break_within_ten_minutes(self) -> None:
        prompt = shown(at(10))
        assert self.outcome_of("60m sit, 10m sit, 1m walk", prompt) == (Answer.MOVED, at(10) + timedelta(minutes=10))
        assert self.outcome_of("60m sit, 11m sit, 1m walk", prompt) == (Answer.IGNORED, at(10) + timedelta(minutes=10))

    def test_while_data_are_missing_nobody_is_said_to_have_ignored_anything(self) -> None:
        prompt = shown(at(10))
        assert self.outcome_of("65m sit", prompt, now=at(10) + timedelta(minutes=19)) is None
        assert self.outcome_of("65m sit", prompt, now=at(10) + timedelta(minutes=20)) is not None

    @staticmethod
    def outcome_of(drawing: str, prompt: Prompt, now: datetime | None = None) -> tuple[Answer, datetime] | None:
        epochs = day(drawing, at(9))
        until = epochs[-1].end
        line = timeline([Source(epochs)], minute_of(at(9)), minute_of(until), ZoneInfo("UTC"))
        return outcome(prompt, bouts(line, Rule()), until, now or until)


def test_a_pause_holds_what_is_due_until_it_ends_if_the_stretch_still_runs() -> None:
    pause = Pause(at(9.5), at(11))
    assert judged("1m walk, 60m sit", start=at(9), pause=pause) == Quiet(Reason.PAUSED, at(11))
    found = judged("1m walk, 119m sit", start=at(9), now=at(11), pause=pause)
    assert found == Due(at(9) + timedelta(minutes=61), sure=True)
    over = judged("1m walk, 70m sit, 3m walk, 46m sit", start=at(9), now=at(11), pause=pause)
    assert over == Quiet(Reason.SITTING, at(9) + timedelta(minutes=134))


def test_a_pause_that_ends_outside_the_prompt_hours_drops_what_it_held() -> None:
    pause = Pause(at(20.5), at(22.5))
    assert judged("1m walk, 149m sit", start=at(20), now=at(22.5), policy=OFFICE, pause=pause) == Quiet(
        Reason.OUTSIDE_HOURS, at(32)
    )
