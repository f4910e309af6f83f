"""Columns of bytes against the same, said minute by minute."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.columns import both, either, fill, runs, table

FLAGS = st.binary(max_size=80)
ONES = st.lists(st.sampled_from([0, 1]), max_size=80).map(bytes)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=80))
def test_bits_of_either_and_of_both_are_those_of_each_minute(minutes: list[tuple[int, int, int]]) -> None:
    one, two, three = (bytes(column) for column in zip(*minutes, strict=True))
    assert either(one, two, three) == bytes(a | b | c for a, b, c in minutes)
    assert both(one, two) == bytes(a & b for a, b, _ in minutes)


@given(ONES, st.integers(1, 5))
def test_runs_are_the_groups_of_ones_that_are_long_enough(column: bytes, at_least: int) -> None:
    expected, at = list[tuple[int, int]](), 0
    for value, group in groupby(column):
        size = len(list(group))
        if value and size >= at_least:
            expected.append((at, at + size))
        at += size
    assert list(runs(column, at_least)) == expected


@given(st.binary(max_size=40), st.integers(-50, 50), st.integers(-50, 50))
def test_filling_touches_the_places_of_the_column_alone(column: bytes, start: int, end: int) -> None:
    found = bytearray(column)
    fill(found, start, end, 7)
    assert found == bytes(7 if start <= at < end else value for at, value in enumerate(column))


@given(FLAGS)
def test_a_table_says_what_becomes_of_each_value(column: bytes) -> None:
    assert column.translate(table(lambda value: value ^ 5)) == bytes(value ^ 5 for value in column)
