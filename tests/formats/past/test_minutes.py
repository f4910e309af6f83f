"""Minutes from what exports say: each rule by hand, and laws that hold for whatever is said."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import InputError
from hipsync.formats.past.minutes import KNOWN_FINER, MOST_SOURCES, NO_WORD, MinutesOfThePast, spread
from hipsync.formats.past.reading import NO_LENGTH, TOO_LONG, TOO_MANY_STEPS
from hipsync.formats.past.said import Beat, Moved, Said, Slept, Trained, Walked
from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
AT_S = int(NINE.timestamp())


def passed_over(_why: str, _rows: int) -> None:
    """For tests that do not look at what is left out."""


def made(*said: Said) -> tuple[list[Epoch], Counter[str]]:
    """The epochs of the source "watch", and what was left out."""
    left_out = Counter[str]()
    with MinutesOfThePast(lambda why, rows: left_out.update({why: rows})) as minutes:
        minutes.add(said)
        epochs = [epoch for source in minutes.sources() for epoch in minutes.epochs(source)]
    return sorted(epochs, key=lambda epoch: (epoch.length, epoch.start)), left_out


def walked(start: int, end: int, steps: int) -> Walked:
    """Steps between two seconds after nine."""
    return Walked("watch", AT_S + start, AT_S + end, steps)


def minute(number: int, steps: int, **more: Any) -> Epoch:
    return Epoch(NINE + number * MINUTE, MINUTE, steps, **more)


def test_a_minute_is_a_minute_and_one_of_which_nothing_is_said_is_unknown() -> None:
    assert made(walked(0, 60, 90), walked(120, 180, 0)) == ([minute(0, 90), minute(2, 0)], Counter())


def test_the_same_row_twice_counts_once_and_the_larger_of_two_counts() -> None:
    assert made(walked(0, 60, 90), walked(0, 60, 90), walked(0, 60, 80))[0] == [minute(0, 90)]


def test_rows_within_a_minute_are_added() -> None:
    assert made(walked(0, 20, 30), walked(20, 60, 7))[0] == [minute(0, 37)]


def test_steps_are_spread_by_time_and_their_sum_stays() -> None:
    """17 s after nine up to 7 min 41 s: 444 s with 400 steps, of which 43 s lie in the first minute, 41 in the last."""
    epochs, _ = made(walked(17, 7 * 60 + 41, 400))
    assert [epoch.steps for epoch in epochs] == [39, 54, 54, 54, 54, 54, 54, 37]
    assert sum(epoch.steps for epoch in epochs) == 400


def test_a_slot_stays_a_slot_and_a_long_span_becomes_one_of_whole_minutes() -> None:
    assert made(walked(0, 900, 250))[0] == [Epoch(NINE, 15 * MINUTE, 250)]
    assert made(walked(40, 3590, 250))[0] == [Epoch(NINE + MINUTE, 59 * MINUTE, 250)]


def test_what_is_known_finer_counts_and_the_coarser_is_left_out_and_counted() -> None:
    epochs, left_out = made(walked(0, 86400, 9000), walked(0, 900, 250), walked(3600, 3660, 12))
    assert epochs == [minute(60, 12), Epoch(NINE, 15 * MINUTE, 250)]
    assert left_out == {KNOWN_FINER: 1}


def test_heart_rates_are_averaged_and_a_minute_with_one_has_no_steps_if_none_are_told() -> None:
    beats = [Beat("watch", AT_S + at, rate) for at, rate in ((5, 80), (50, 90), (70, 60))]
    epochs, _ = made(walked(0, 60, 90), *beats, walked(120, 180, 3))
    assert epochs == [minute(0, 90, heart_rate=85), minute(1, 0, heart_rate=60, inferred=True), minute(2, 3)]


@pytest.mark.parametrize(("apart", "known"), [(10, 12), (11, 3)])
def test_a_source_with_heart_rates_was_worn_between_two_signs_ten_minutes_apart(apart: int, known: int) -> None:
    epochs, _ = made(
        walked(0, 60, 5), Beat("watch", AT_S + apart * 60, 60), walked(apart * 60 + 60, apart * 60 + 120, 5)
    )
    assert len(epochs) == known
    assert [epoch.steps for epoch in epochs] == [5, *[0] * (known - 2), 5]
    assert all(epoch.inferred for epoch in epochs[1:-1])


@pytest.mark.parametrize(("minutes", "left_out"), [(1440, 0), (1441, 2)])
def test_heart_rates_say_nothing_of_steps_where_no_steps_are_told_for_a_day(minutes: int, left_out: int) -> None:
    """As in a folder that has the heart rates of a year and the steps of a month: unknown is never sitting."""
    beats = [Beat("watch", AT_S + at * 60, 60) for at in (20, 21)]
    epochs, why = made(walked(0, 60, 5), *beats, walked(minutes * 60, minutes * 60 + 60, 5))
    assert len(epochs) == 4 - left_out
    assert why == ({NO_WORD: left_out} if left_out else {})
    assert made(*beats) == ([], {NO_WORD: 2})


def test_an_intensity_alone_says_nothing_of_steps() -> None:
    assert made(Moved("watch", AT_S, 3)) == ([], {})


def test_a_source_without_heart_rates_may_lie_on_a_desk() -> None:
    assert len(made(walked(0, 60, 9), walked(300, 360, 9))[0]) == 2


def test_a_minute_that_a_sleep_covers_is_asleep_unless_somebody_walks() -> None:
    slept = Slept("watch", AT_S + 30, AT_S + 200)
    epochs, _ = made(slept, slept, Slept("watch", AT_S + 60, AT_S + 150), walked(120, 180, 4), walked(0, 60, 0))
    asleep = {"state": State.ASLEEP, "inferred": True}
    assert epochs == [minute(0, 0), minute(1, 0, **asleep), minute(2, 4), minute(3, 0, **asleep)]


def test_intensity_is_of_its_minute() -> None:
    assert made(walked(0, 60, 9), Moved("watch", AT_S + 59, 3))[0] == [minute(0, 9, intensity=3)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (walked(60, 60, 0), NO_LENGTH),
        (walked(60, 0, 5), NO_LENGTH),
        (walked(0, 60, 301), TOO_MANY_STEPS),
        (walked(0, 30, 301), TOO_MANY_STEPS),
        (walked(0, 25 * 3600 + 1, 5), TOO_LONG),
        (Slept("watch", AT_S, AT_S + 86400), TOO_LONG),
        (Trained("watch", AT_S, AT_S, WorkoutKind.ROWING), NO_LENGTH),
    ],
)
def test_what_cannot_be_right_is_left_out_and_counted(wrong: Said, why: str) -> None:
    assert made(wrong) == ([], Counter([why]))


def test_sources_are_apart_and_workouts_are_theirs() -> None:
    with MinutesOfThePast(passed_over) as minutes:
        minutes.add([walked(0, 60, 5), Walked("phone", AT_S, AT_S + 60, 7)])
        minutes.add([Trained("phone", AT_S, AT_S + 600, WorkoutKind.CYCLING), Slept("nobody", AT_S, AT_S)])
        assert minutes.sources() == ["watch", "phone"]
        assert [list(minutes.epochs(source)) for source in minutes.sources()] == [[minute(0, 5)], [minute(0, 7)]]
        assert list(minutes.workouts("phone")) == [Workout(WorkoutKind.CYCLING, NINE, NINE + timedelta(minutes=10))]
        assert minutes.bounds("phone") == (AT_S, AT_S + 600)
        assert (minutes.has_heart_rates("phone"), minutes.has_sleep("phone")) == (False, False)


def test_a_file_that_names_sources_without_end_is_refused() -> None:
    with MinutesOfThePast(passed_over) as minutes, pytest.raises(InputError, match="more than 1,000 sources"):
        minutes.add(Beat(str(number), AT_S, 60) for number in range(MOST_SOURCES + 1))


SPANS = st.tuples(st.integers(0, 3000), st.integers(1, 900), st.integers(0, 40)).map(
    lambda span: walked(span[0], span[0] + span[1], span[2])
)


@given(
    st.lists(SPANS | st.builds(Beat, st.just("watch"), st.integers(AT_S, AT_S + 3000), st.integers(40, 200))),
    st.randoms(),
)
def test_neither_order_nor_repetition_matters(said: list[Said], chance: random.Random) -> None:
    again = [*said, *said]
    chance.shuffle(again)
    assert made(*said) == made(*again)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900), st.integers(0, 20))))
def test_spreading_loses_no_step_and_names_each_minute_once(records: Iterable[tuple[int, int, int]]) -> None:
    spans = sorted((start, start + length, steps) for start, length, steps in records)
    found = list(spread(spans))
    minutes = [each for each, _ in found]
    assert minutes == sorted(set(minutes))
    assert sum(steps for _, steps in found) == sum(steps for *_, steps in spans) or max(s for _, s in found) == 300
