"""Rows and cells of a CSV that another program exported."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from datetime import UTC, datetime

import pytest

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import (
    DAY_S,
    LONGEST_CELL,
    MOST_LINES,
    TOO_LONG,
    WITHOUT_LENGTH,
    CsvRows,
    beats,
    count,
    is_span,
)
from hipsync.formats.past.reading import FUTURE, Reading, lines_of


def test_lines_that_were_given_up_can_be_collected_after_their_file() -> None:
    file = io.BytesIO(b"date,time\n1,2\n")
    lines = lines_of(file)
    assert next(lines) == "date,time\n"
    file.close()
    assert isinstance(lines, Generator)
    lines.close()


def test_a_row_ends_even_if_its_quotation_mark_does_not() -> None:
    rows = CsvRows(io.BytesIO(b'a\n"' + b"x\n" * 10 * MOST_LINES))
    assert rows.header() == ["a"]
    with pytest.raises(InputError, match="a quotation mark is missing"):
        next(rows)


def test_empty_lines_and_a_comma_behind_the_names_say_nothing() -> None:
    rows = CsvRows(io.BytesIO(b"\r\n a , b,\r\n\r\n1,2,\r\n"))
    assert rows.header() == ["a", "b"]
    assert list(rows) == [["1", "2", ""]]


@pytest.mark.parametrize(
    ("cell", "means"), [("0", 0), (" 34 ", 34), ("77.0", 77), ("", None), ("null", None), ("9999999", 9_999_999)]
)
def test_a_whole_number_may_have_a_point_with_zeros(cell: str, means: int | None) -> None:
    assert count(cell) == means


@pytest.mark.parametrize(
    ("cell", "means"), [("60", 60), ("61.5", 62), ("61.4", 61), ("0.0", None), ("-1", None), ("301", None), ("", None)]
)
def test_a_heart_rate_is_rounded_and_one_that_nobody_has_says_nothing(cell: str, means: int | None) -> None:
    assert beats(cell) == means


@pytest.mark.parametrize("meaning", [count, beats])
@pytest.mark.parametrize("cell", ["nan", "1e3", "\u0663", "7.5.1", "9" * 5000, " " * LONGEST_CELL + "1", "0x10"])
def test_what_is_no_number_is_refused(meaning: Callable[[str], int | None], cell: str) -> None:
    with pytest.raises(InputError):
        meaning(cell)


def test_a_span_has_a_length_of_a_day_at_most_and_has_been() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    now_s, reading = int(now.timestamp()), Reading(None, now)
    assert is_span(now_s - DAY_S, now_s, reading)
    assert not is_span(now_s, now_s, reading)
    assert not is_span(now_s - DAY_S - 1, now_s, reading)
    assert not is_span(now_s, now_s + 1000, reading)
    assert reading.left_out == {WITHOUT_LENGTH: 1, TOO_LONG: 1, FUTURE: 1}
    with pytest.raises(InputError, match="not in the years"):
        is_span(-5, 5, reading)
