"""A wearer whose every step is known, a watch that is reset, and contacts at random: nothing counts twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.days import Zones
from hipsync.core.timeline import AWAKE, MISSING, STILL, Source, Timeline, minute_of, timeline
from hipsync.model import MINUTE, Counter, ZoneChange
from support.builders import MONDAY

DAYS_MINUTES = 2 * 1440
LONDON, TOKYO, KATHMANDU, NEW_YORK, LORD_HOWE = (
    "Europe/London",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
)


class Story(NamedTuple):
    """What a wearer walked in each minute from `MONDAY` on, and what the host read of the watch."""

    walked: Sequence[int]
    counters: Sequence[Counter]
    zones: Zones

    def line(self) -> Timeline:
        first = minute_of(MONDAY)
        return timeline([Source([], self.counters)], first, first + DAYS_MINUTES, self.zones)


def lived(
    paces: Sequence[int], gaps: Sequence[int], restarts: Sequence[int], zones: Zones, begins: int, clears: bool
) -> Story:
    """Let a wearer walk each of `paces` for ten minutes, and a host read the watch after each of `gaps`, over again.

    The watch is worn from minute `begins` on. It is cleared at its midnight, unless it never `clears` a count of over
    300, and by the restarts that can be seen: those after which the next count read is lower. Each contact sets its
    clock to the host's zone.
    """
    walked = [paces[minute // 10 % len(paces)] if minute >= begins else 0 for minute in range(DAYS_MINUTES)]
    contacts, minute = set[int](), begins
    for gap in cycle(gaps):
        minute += gap
        if minute > DAYS_MINUTES:
            break
        contacts.add(minute)
    clock, count, counters = zones.at(MONDAY + begins * MINUTE), 0, list[Counter]()
    for minute, steps in enumerate([*walked, 0]):
        here = MONDAY + minute * MINUTE
        if minute in restarts and counters and sum(walked[minute : minute + 180]) < counters[-1].steps:
            count = 0
        midnight = here.astimezone(clock).date() != (here - MINUTE).astimezone(clock).date()
        if midnight and (clears or count <= 300):
            count = 0
        if minute in contacts:
            clock = zones.at(here)
            counters.append(Counter(here, count))
        count += steps
    return Story(walked, counters, zones)


def journey(first: str, second: str, hour: int) -> Zones:
    """A wearer who is in one zone, and in another from that hour of Monday on."""
    changes = [ZoneChange(MONDAY - timedelta(days=2), first), ZoneChange(MONDAY + timedelta(hours=hour), second)]
    return Zones(changes, first)


STORIES = st.builds(
    lived,
    st.lists(st.sampled_from([*[0] * 12, 5, 60, 110]), min_size=6, max_size=40),
    st.lists(st.sampled_from([1, 1, 1, 4, 12, 90, 170]), min_size=1, max_size=120),
    st.lists(st.integers(0, DAYS_MINUTES), max_size=40),
    st.builds(
        journey,
        st.sampled_from([LONDON, TOKYO, KATHMANDU, NEW_YORK]),
        st.sampled_from([LONDON, TOKYO, KATHMANDU, NEW_YORK, LORD_HOWE]),
        st.integers(1, 40),
    ),
    st.integers(0, 900),
    st.booleans(),
)


@given(STORIES)
def test_no_step_counts_twice(story: Story) -> None:
    line = story.line()
    assert sum(line.steps) + sum(steps for _, steps in line.unplaced) <= sum(story.walked)


@given(STORIES)
def test_no_minute_in_which_somebody_walked_is_still(story: Story) -> None:
    line = story.line()
    assert [at for at, code in enumerate(line.code) if code == STILL and story.walked[at] >= 60] == []
    read = {minute_of(each.at) - line.first for each in story.counters}
    each_minute = [at for at, code in enumerate(line.code) if code == AWAKE and {at, at + 1} <= read]
    wrong = [(at, line.steps[at], story.walked[at]) for at in each_minute if line.steps[at] != story.walked[at]]
    assert wrong == []


def test_a_count_that_falls_in_the_minute_before_midnight_says_nothing_of_the_time_before() -> None:
    """The watch restarts at 23:50 after a walk up to then, and is read at 23:47 and 23:59."""
    story = lived([0] * 7 + [60] + [0] * 7, [1, 1, 1, 1, 4, 12], [1430], journey(LONDON, LONDON, 1), 259, clears=False)
    counts = {minute_of(each.at) - minute_of(MONDAY): each.steps for each in story.counters}
    assert {at: counts[at] for at in range(1424, 1440) if at in counts} == {1427: 4620, 1439: 0}
    assert set(story.line().code[1427:1439]) == {MISSING}


@given(STORIES)
def test_time_without_contact_for_over_fifteen_minutes_is_unknown(story: Story) -> None:
    line = story.line()
    read = sorted(minute_of(each.at) - line.first for each in story.counters)
    for before, after in pairwise(read):
        if after - before > 15:
            assert set(line.code[before:after]) <= {MISSING}
