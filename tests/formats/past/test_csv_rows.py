"""Rows and cells of a CSV that another program exported."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hipsync.errors import InputError
from hipsync.formats.past.csv_rows import LONGEST_CELL, LONGEST_ROW, count, csv_rows, heart_rate
from hipsync.formats.past.reading import DAY_S, FUTURE, NO_LENGTH, TOO_LONG, Reading


def further_rows(data: bytes) -> list[list[str]]:
    """The rows under the header of a file."""
    with csv_rows(io.BytesIO(data)) as rows:
        return list(rows.whole(len(rows.header())))


def test_lines_that_were_given_up_can_be_collected_after_their_file() -> None:
    file = io.BytesIO(b"date,time\n1,2\n")
    with csv_rows(file) as rows:
        assert rows.header() == ["date", "time"]
        file.close()


def test_a_file_that_was_read_is_left_open() -> None:
    file = io.BytesIO(b"date,time\n1,2\n")
    with csv_rows(file) as rows:
        assert rows.header() == ["date", "time"]
    assert not file.closed


def test_a_row_ends_even_if_its_quotation_mark_does_not() -> None:
    with pytest.raises(InputError, match="a quotation mark is missing"):
        further_rows(b'a\n"' + b"x\n" * LONGEST_ROW)


def test_long_rows_may_follow_each_other() -> None:
    half = "x" * (LONGEST_ROW // 3)
    cell = f"{half}\n{half}"
    assert further_rows(f'a\n"{cell}"\n"{cell}"\n'.encode()) == [[cell], [cell]]


def test_an_error_gets_the_line_of_its_row_in_front() -> None:
    with pytest.raises(InputError, match="line 3: it has 1 columns and the header 2"):
        further_rows(b"a,b\n1,2\n3\n4,5\n")


def test_empty_lines_and_a_comma_behind_the_names_say_nothing() -> None:
    assert further_rows(b"\r\n a , b,\r\n\r\n1,2,\r\n") == [["1", "2", ""]]


@pytest.mark.parametrize(
    ("cell", "means"), [("0", 0), (" 34 ", 34), ("77.0", 77), ("", None), ("null", None), ("9999999", 9_999_999)]
)
def test_a_whole_number_may_have_a_point_with_zeros(cell: str, means: int | None) -> None:
    assert count(cell) == means


@pytest.mark.parametrize(
    ("cell", "means"),
    [
        ("60", 60),
        ("61.5", 62),
        ("61.4", 61),
        ("0.0", None),
        ("-1", None),
        ("250.4", 250),
        ("20", 20),
        ("251", None),
        ("19", None),
        ("", None),
    ],
)
def test_a_heart_rate_is_rounded_and_one_that_nobody_has_says_nothing(cell: str, means: int | None) -> None:
    assert heart_rate(cell) == means


@pytest.mark.parametrize("meaning", [count, heart_rate])
@pytest.mark.parametrize("cell", ["nan", "1e3", "\u0663", "7.5.1", "9" * 5000, " " * LONGEST_CELL + "1", "0x10"])
def test_what_is_no_number_is_refused(meaning: Callable[[str], int | None], cell: str) -> None:
    with pytest.raises(InputError):
        meaning(cell)


def test_a_span_has_a_length_of_a_day_at_most_and_has_been() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    now_s, reading = int(now.timestamp()), Reading(None, now)
    assert reading.is_span(now_s - DAY_S, now_s)
    assert not reading.is_span(now_s, now_s)
    assert not reading.is_span(now_s - DAY_S - 1, now_s)
    assert not reading.is_span(now_s, now_s + 1000)
    assert reading.left_out == {NO_LENGTH: 1, TOO_LONG: 1, FUTURE: 1}
    with pytest.raises(InputError, match="not in the years"):
        reading.is_span(-5, 5)
