"""Which reminders are withheld, and who broke off: made-up draws and minutes, with what is expected by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.prompting import Due, Quiet, Reason
from hipsync.core.shares import Share, difference
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.core.trial import broke_off, compared, next_draw, unless_withheld, withholds
from hipsync.model import MINUTE, Draw, Prompt, Trial
from support.builders import MONDAY, day

NINE = MONDAY + timedelta(hours=9)
TRIAL = Trial(MONDAY, "a seed")


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def withheld_start(*, withheld: bool, share: float = 0.1) -> int:
    """Return the first minute after nine that begins a stretch whose reminder is withheld, or is not."""
    return next(n for n in range(1000) if withholds(TRIAL.seed, at(n), share) is withheld)


def test_one_in_ten_is_withheld_by_any_seed() -> None:
    starts = [at(n * 90) for n in range(10_000)]
    for seed in ("a", "b", "0f" * 16):
        # 1,000 of 10,000, and 30 is one standard deviation
        assert 900 <= sum(withholds(seed, start, 0.1) for start in starts) <= 1100
    # two seeds, and two stretches that follow each other, have nothing to do with each other
    both = sum(withholds("a", start, 0.1) and withholds("b", start, 0.1) for start in starts)
    pairs = sum(withholds("a", start, 0.1) and withholds("a", start + 90 * MINUTE, 0.1) for start in starts)
    assert 60 <= both <= 140
    assert 60 <= pairs <= 140


def test_a_draw_is_known_from_the_seed_and_the_start_alone() -> None:
    # printf "a seed 29540700" | sha256sum begins with 2a9a24ad, which is 0.1664 of 2^32; ...701 with 5eeb3301: 0.3708
    assert minute_of(NINE) == 29540700
    assert [withholds("a seed", NINE, share) for share in (0.0, 0.166, 0.167, 1.0)] == [False, False, True, True]
    assert [withholds("a seed", at(1), share) for share in (0.37, 0.371)] == [False, True]
    drawn = [withholds("a seed", at(n), 0.1) for n in range(1000)]
    assert drawn == [withholds("a seed", at(n) + timedelta(seconds=40), 0.1) for n in range(1000)]
    assert all(withholds("a seed", at(n), 0.5) for n, withheld in enumerate(drawn) if withheld)


def drawn(
    drawing: str, now: datetime, *, prompts: tuple[Prompt, ...] = (), draws: tuple[Draw, ...] = (), share: float = 0.1
) -> tuple[Draw | None, Due | Quiet]:
    """Return what is drawn at `now` for a reminder that is due then, and the verdict that is left with that."""
    line = timeline([Source(day(drawing, NINE))], minute_of(NINE) - 10, minute_of(now), ZoneInfo("UTC"))
    found, due = bouts(line, Rule()), Due(now, sure=True)
    draw = next_draw(due, found, prompts, draws, TRIAL, share, now)
    return draw, unless_withheld(due, found, [*draws, *([] if draw is None else [draw])], now)


def test_a_due_reminder_is_drawn_once() -> None:
    first, other = withheld_start(withheld=True), withheld_start(withheld=False)
    for start, is_withheld in ((first, True), (other, False)):
        now = at(start + 61)
        sat = f"{start}m walk, 61m sit"
        draw, judged = drawn(sat, now)
        assert draw is not None
        assert draw == Draw(at(start), now, now, withheld=is_withheld)
        assert judged == (Quiet(Reason.WITHHELD) if is_withheld else Due(now, sure=True))
        later = now + 30 * MINUTE
        again, judged = drawn(f"{sat}, 30m sit", later, draws=(draw,))
        assert again is None
        assert isinstance(judged, Quiet) is is_withheld


def test_nothing_is_drawn_without_a_trial_or_after_a_prompt_of_the_same_stretch() -> None:
    start = withheld_start(withheld=True)
    now, sat = at(start + 61), f"{start}m walk, 61m sit"
    assert drawn(sat, now, share=0)[0] is None
    shown = Prompt(now - MINUTE, now - MINUTE, "hip-extension", sure=True)
    assert drawn(sat, now, prompts=(shown,)) == (None, Due(now, sure=True))
    before = Prompt(NINE - MINUTE, NINE - MINUTE, "hip-extension", sure=True)
    assert drawn(sat, now, prompts=(before,))[0] is not None
    line = timeline([Source(day(sat, NINE))], minute_of(NINE) - 10, minute_of(now), ZoneInfo("UTC"))
    found = bouts(line, Rule())
    assert next_draw(Due(now, sure=True, again=shown), found, [], [], TRIAL, 0.1, now) is None
    assert next_draw(Quiet(Reason.LUNCH), found, [], [], TRIAL, 0.1, now) is None
    assert next_draw(Due(now, sure=True), found, [], [], None, 0.1, now) is None


def test_of_two_stretches_that_late_data_join_the_later_draw_counts() -> None:
    sat, now = "1m walk, 200m sit", at(201)
    shown, withheld = Draw(at(1), at(61), at(61), withheld=False), Draw(at(90), at(150), at(150), withheld=True)
    assert drawn(sat, now, draws=(shown, withheld)) == (None, Quiet(Reason.WITHHELD))
    assert drawn(sat, now, draws=(shown._replace(withheld=True), withheld._replace(withheld=False))) == (
        None,
        Due(now, sure=True),
    )


def outcome(drawing: str, *, drawn_at: float = 61.5, due: float = 61, size: int = 200) -> bool | None:
    line = timeline(
        [Source(day(drawing, NINE), reports_wear=True)], minute_of(NINE), minute_of(at(size)), ZoneInfo("UTC")
    )
    draw = Draw(NINE, at(drawn_at), at(due), withheld=False)
    return broke_off(draw, line, (each.start for each in bouts(line, Rule()).breaks))


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("1m walk, 65m sit, 3m walk, 60m sit", True),
        ("1m walk, 60m sit, 3m walk, 60m sit", True),  # in the minute of the reminder
        ("1m walk, 74m sit, 3m walk, 60m sit", True),  # the last minute of the fifteen
        ("1m walk, 75m sit, 3m walk, 60m sit", False),
        ("1m walk, 150m sit", False),
        ("1m walk, 59m sit, 3m walk, 9m sit, 3m walk, 60m sit", None),  # before it was due: of another stretch
        ("1m walk, 70m sit", None),  # nothing is known of the last minutes
        ("1m walk, 65m sit, 2m gap, 60m sit", None),
        ("1m walk, 65m sit, 2m gap, 2m walk, 60m sit", None),
        ("1m walk, 65m sit, 2m walk, 30m gap", True),
        ("1m walk, 65m sit, 30m off", None),
        ("1m walk, 65m sit, 30m sleep", None),
        ("1m walk, 65m sit, 1m walk 10, 60m sit", False),  # one small movement is no break
    ],
)
def test_who_broke_off(drawing: str, expected: bool | None) -> None:
    assert outcome(drawing, due=60 if "59m" in drawing else 61) is expected


def test_who_was_up_before_the_reminder_came_says_nothing() -> None:
    """The data came late: the stretch was over when it was drawn."""
    assert outcome("1m walk, 64m sit, 3m walk, 60m sit", drawn_at=70) is None
    assert outcome("1m walk, 75m sit, 3m walk, 60m sit", drawn_at=70) is True


def test_a_timeline_that_does_not_reach_says_nothing() -> None:
    sat = "1m walk, 150m sit"
    assert outcome(sat, size=76) is False
    assert outcome(sat, size=75) is None


def test_draws_are_counted_on_their_side() -> None:
    draws = [Draw(at(n), at(n), at(n), withheld=n % 3 == 0) for n in range(9)]
    outcomes = [True, True, False, False, True, None, None, False, True]
    found = compared(draws, outcomes)
    # withheld: 0 True, 3 False, 6 None; shown: 1 True, 2 False, 4 True, 5 None, 7 False, 8 True
    assert found == (Share(3, 5), Share(1, 2), 2)


def covered(seed: int, most: int, p: float, q: float) -> bool:
    """Whether the interval that a made-up person is shown covers the known effect, after `most` were withheld."""
    chance, draws, outcomes = Random(seed), list[Draw](), list[bool | None]()
    start, withheld = MONDAY, 0
    while withheld < most:
        start += chance.randrange(70, 200) * MINUTE
        draw = Draw(start, start + 60 * MINUTE, start + 60 * MINUTE, withholds(f"{seed}", start, 0.1))
        withheld += draw.withheld
        draws.append(draw)
        outcomes.append(chance.random() < (q if draw.withheld else p))
    reminded, without, left_out = compared(draws, outcomes)
    assert (without.of, left_out) == (most, 0)
    found = difference(reminded, without)
    return found is not None and found.low <= p - q <= found.high


@pytest.mark.parametrize("most", [20, pytest.param(100, marks=pytest.mark.ring)])
def test_the_interval_covers_the_effect_on_made_up_people(most: int) -> None:
    assert 930 <= sum(covered(seed, most, 0.6, 0.4) for seed in range(1000)) <= 975
