"""A band that tells a live counter and keeps hours: each step is in the total of the day once, however both meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.timeline import Source, Timeline
from hipsync.model import MINUTE, Counter, Epoch
from support.builders import MONDAY, line

HOUR = timedelta(hours=1)
DAY = 24


def total(joined: Timeline) -> int:
    return sum(joined.steps) + sum(steps for _, steps in joined.unplaced)


def hours(minutes: Sequence[int]) -> list[Epoch]:
    return [Epoch(MONDAY + i * HOUR, HOUR, sum(minutes[i * 60 : i * 60 + 60])) for i in range(len(minutes) // 60)]


def counters(minutes: Sequence[int], *, gaps: Sequence[tuple[int, int]] = ()) -> list[Counter]:
    """One each minute but in the gaps `(a, b)`, whose ends are told."""
    return [
        Counter(MONDAY + i * MINUTE, sum(minutes[:i]))
        for i in range(len(minutes) + 1)
        if not any(a < i < b for a, b in gaps)
    ]


WALKED = [i * 7 % 11 for i in range(6 * 60)]


@pytest.mark.parametrize("gap", [(60, 120), (90, 200), (80, 100), (20, 340), (130, 170)])
def test_hours_inside_across_and_around_a_gap_of_the_counter_add_nothing(gap: tuple[int, int]) -> None:
    joined = line(Source(hours(WALKED), counters(WALKED, gaps=[gap])), size=360)
    assert total(joined) == sum(WALKED)


def test_hours_add_what_the_counter_lost_before_it_was_first_read() -> None:
    late = [each for each in counters(WALKED) if each.at >= MONDAY + 150 * MINUTE]
    assert total(line(Source(hours(WALKED), late), size=360)) == sum(WALKED)


def test_steps_spread_over_the_edge_of_an_hour_that_was_watched_are_not_counted_again() -> None:
    # ten steps just before one o'clock, told with a difference that reaches over it
    read = [Counter(MONDAY, 0), *(Counter(MONDAY + i * MINUTE - timedelta(seconds=30), 0) for i in range(1, 61))]
    read += [Counter(MONDAY + i * MINUTE + timedelta(seconds=30), 10) for i in range(60, 121)]
    joined = line(Source([Epoch(MONDAY, HOUR, 10), Epoch(MONDAY + HOUR, HOUR, 0)], read), size=180)
    assert total(joined) == 10


def test_an_hour_of_a_counter_that_was_reset_in_it_is_believed() -> None:
    read = [Counter(MONDAY, 100), Counter(MONDAY + 10 * MINUTE, 150), Counter(MONDAY + 30 * MINUTE, 5)]
    assert total(line(Source([Epoch(MONDAY, HOUR, 90)], read), size=60)) == 90


@given(st.lists(st.integers(0, 110), min_size=240, max_size=240), st.integers(0, 240), st.integers(0, 240))
def test_each_step_counts_once_with_any_one_gap(minutes: list[int], one: int, other: int) -> None:
    gap = (min(one, other), max(one, other))
    joined = line(Source(hours(minutes), counters(minutes, gaps=[gap])), size=240 + 2)
    assert total(joined) == sum(minutes)
