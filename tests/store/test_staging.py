"""Rows of a file that tell of the same time are joined to one, whatever their order and however often they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hipsync.model import MINUTE, STATES, Epoch, Posture, State
from hipsync.store.staging import Staging
from support.builders import MONDAY

MINUTES = st.sampled_from([0, 1])
LENGTHS = st.sampled_from([1, 15])
SAID = st.tuples(
    st.integers(0, 300),
    st.none() | st.integers(0, 255),
    st.none() | st.integers(1, 250),
    st.none() | st.sampled_from(State),
    st.none() | st.integers(0, 2**32),
    st.booleans(),
    st.none() | st.sampled_from(Posture),
)


def epoch(
    at: int, length: int, said: tuple[int, int | None, int | None, State | None, int | None, bool, Posture | None]
) -> Epoch:
    return Epoch(MONDAY + at * MINUTE, length * MINUTE, *said)


EPOCHS = st.lists(st.builds(epoch, MINUTES, LENGTHS, SAID), max_size=6)


def joined(*parts: Iterable[Epoch]) -> list[Epoch]:
    with Staging() as staging:
        for part in parts:
            for each in part:
                staging.add_joined("band", each)
        return list(staging.epochs("band"))


def larger(values: Iterable[int | None]) -> int | None:
    """The largest of some values of one column, of which None is less than any number."""
    return max((value for value in values if value is not None), default=None)


def expected(epochs: Sequence[Epoch]) -> dict[tuple[timedelta, timedelta], tuple[object, ...]]:
    """By start and length, what each column must be."""
    keys = {(each.start - MONDAY, each.length) for each in epochs}
    found: dict[tuple[timedelta, timedelta], tuple[object, ...]] = {}
    for start, length in keys:
        same = [each for each in epochs if (each.start - MONDAY, each.length) == (start, length)]
        found[start, length] = (
            larger(each.steps for each in same),
            larger(each.intensity for each in same),
            larger(each.heart_rate for each in same),
            STATES[max(STATES.index(each.state) for each in same)],
            larger(each.kind for each in same),
            all(each.inferred for each in same),
            max((str(each.posture) for each in same if each.posture is not None), default=None),
        )
    return found


@given(EPOCHS.flatmap(lambda epochs: st.tuples(st.just(epochs), st.permutations(epochs))))
def test_the_order_of_rows_makes_no_difference(orders: tuple[list[Epoch], list[Epoch]]) -> None:
    one, other = orders
    assert joined(one) == joined(other)


@given(EPOCHS, EPOCHS, EPOCHS)
def test_joining_parts_is_joining_the_whole_and_once_more_changes_nothing(
    first: list[Epoch], second: list[Epoch], third: list[Epoch]
) -> None:
    whole = joined(first, second, third)
    assert joined(joined(first, second), third) == joined(first, joined(second, third)) == whole
    assert joined(whole, whole) == joined(whole, second) == whole


@given(EPOCHS)
def test_of_each_column_the_larger_value_counts_and_holes_are_filled(epochs: list[Epoch]) -> None:
    assert {
        (start - MONDAY, length): (
            steps,
            intensity,
            beats,
            state,
            kind,
            inferred,
            None if posture is None else str(posture),
        )
        for start, length, steps, intensity, beats, state, kind, inferred, posture in joined(epochs)
    } == expected(epochs)
