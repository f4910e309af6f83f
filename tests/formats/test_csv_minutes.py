"""Minutes as CSV: what is refused, with its line; what is taken; and that all of it comes back."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import Abilities, Exported, Imported, export_csv, import_table, read_csv
from hipsync.model import MINUTE, Epoch, Posture, State
from hipsync.store import Store
from support.builders import MONDAY
from support.stored import NOW, band, minute

LONDON = ZoneInfo("Europe/London")
HEAD = "timestamp,steps\n"
ROW = "2026-03-02T00:00:00+00:00"


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as store:
        yield store


LATER = datetime(2099, 12, 31, 23, 59, tzinfo=UTC)
"""A time at which nothing in these files lies in the future."""


def by_band(
    text: str | bytes, *, band: str | None = None, zone: ZoneInfo | None = None, now: datetime = LATER
) -> dict[str, list[Epoch]]:
    """The epochs of a file, in order of time, by band."""
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    with read_csv(file, band=band, zone=zone, now=now) as table:
        found = {name: list(table.epochs.epochs(name)) for name in table.abilities()}
        assert table.lines() == sum(map(len, found.values()))
        return found


def abilities(text: str) -> dict[str, Abilities]:
    with read_csv(io.BytesIO(text.encode()), band=None, zone=None, now=LATER) as table:
        return table.abilities()


def imported(store: Store, text: str, band: str | None = None) -> Imported:
    with read_csv(io.BytesIO(text.encode()), band=band, zone=None, now=LATER) as table:
        return import_table(store, table, NOW)


def epochs(text: str | bytes, zone: ZoneInfo | None = None) -> list[Epoch]:
    """Of a file of one band."""
    (found,) = by_band(text, zone=zone).values()
    return found


def refusal(text: str | bytes, zone: ZoneInfo | None = None, band: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        by_band(text, zone=zone, band=band)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------ the first line


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "the file is empty: its first line must name columns, at least timestamp,steps"),
        ("timestamp\n", "the column 'steps' is missing: the first line must name it"),
        ("when,steps\n", "unknown column 'when': known are timestamp, steps, length, intensity, heart_rate, "),
        ("timestamp,steps,,mood\n", "unknown column '', 'mood': known are "),
        ("Timestamps,steps\n", "unknown column 'Timestamps': known are "),
        ("timestamp,date,steps\n", "unknown column 'date': known are "),
        ("date,steps\n", "unknown column 'date': known are "),
        ("time,timestamp,steps\n", "a column is named twice in the first line"),
        ("date,date,time,steps\n", "unknown column 'date': known are "),
        ("hr;Steps;Heart Rate;time\n", "a column is named twice in the first line"),
        ("timestamp steps\n", "unknown column 'timestamp steps': known are "),
        ("timestamp,steps,steps\n", "a column is named twice in the first line"),
        ("2026-03-02T00:00:00Z,4\n", "unknown column '2026-03-02T00:00:00Z', '4': known are "),
    ],
)
def test_a_wrong_first_line_is_named(head: str, message: str) -> None:
    assert refusal(head).startswith(message)


# ------------------------------------------------------------------ lines


@pytest.mark.parametrize(
    ("columns", "line", "message"),
    [
        ("", "yesterday,0", "'yesterday' is not a timestamp: write it like 2026-11-20T09:00:00+00:00"),
        ("", ",0", "'' is not a timestamp"),
        ("", "2026-02-30T00:00:00Z,0", "'2026-02-30T00:00:00Z' is not a timestamp"),
        ("", "2026-03-02T00:00:00,0", "'2026-03-02T00:00:00' has no offset from UTC: add one, or say --zone "),
        ("", "2026-03-02T00:00:01Z,0", "'2026-03-02T00:00:01Z' does not lie on a whole minute"),
        ("", "2026-03-02T00:00:00.5Z,0", "'2026-03-02T00:00:00.5Z' does not lie on a whole minute"),
        ("", "0001-01-01T00:00:00+14:00,0", "'0001-01-01T00:00:00+14:00' is not in the years 1970 to 2099 of UTC"),
        ("", "9999-12-31T23:59:00-14:00,0", "'9999-12-31T23:59:00-14:00' is not in the years 1970 to 2099 of UTC"),
        ("", "1970-01-01T00:00:00+14:00,0", "'1970-01-01T00:00:00+14:00' is not in the years 1970 to 2099 of UTC"),
        ("", "2099-12-31T23:00:00-01:00,0", "'2099-12-31T23:00:00-01:00' is not in the years 1970 to 2099 of UTC"),
        ("", f"{ROW},", "steps are missing: leave out lines of which nothing is known"),
        ("", f"{ROW},-1", "steps '-1' is not a whole number from 0 to 300"),
        ("", f"{ROW},301", "steps '301' is not a whole number from 0 to 300"),
        ("", f"{ROW},3.5", "steps '3.5' is not a whole number from 0 to 300"),
        ("", f'{ROW},"3,5"', "steps '3,5' is not a whole number from 0 to 300"),
        ("", f'{ROW},"1,000"', "steps '1,000' is not a whole number from 0 to 300"),
        ("", f"{ROW},1.000", "steps '1.000' is not a whole number from 0 to 300"),
        ("", f"{ROW},.0", "steps '.0' is not a whole number from 0 to 300"),
        ("", f"{ROW},1e2", "steps '1e2' is not a whole number from 0 to 300"),
        ("", f"{ROW},\u0664", "steps '\u0664' is not a whole number from 0 to 300"),
        ("", f"{ROW},{'9' * 30}", f"steps '{'9' * 30}' is not a whole number from 0 to 300"),
        (",length", f"{ROW},4501,900", "steps '4501' is not a whole number from 0 to 4500"),
        (",length", f"{ROW},0,90", "length 90 is not a whole number of minutes, in seconds"),
        (",length", f"{ROW},0,0", "length '0' is not a whole number from 60 to 86400"),
        (",length", f"{ROW},0,86460", "length '86460' is not a whole number from 60 to 86400"),
        (",heart_rate", f"{ROW},0,0", "heart_rate '0' is not a whole number from 1 to 300"),
        (",intensity", f"{ROW},0,-3", "intensity '-3' is not a whole number from 0 to "),
        (",state", f"{ROW},0,dozing", "there is no state 'dozing': known are asleep, not_worn, "),
        (
            ",posture",
            f"{ROW},0,kneeling",
            "there is no posture 'kneeling': known are sitting, standing, upright, ",
        ),
        (",inferred", f"{ROW},0,yes", "inferred 'yes' is not a whole number from 0 to 1"),
        (",band", f"{ROW},0,\x1b[31mred", "band '\\x1b[31mred' is too long, or holds characters that cannot be seen"),
        (",band", f"{ROW},0,{'n' * 65}", f"band '{'n' * 65}' is too long, or holds characters that cannot be seen"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(columns: str, line: str, message: str) -> None:
    good = "2026-03-01T00:00:00Z,0" + "," * columns.count(",")
    assert refusal(f"timestamp,steps{columns}\n{good}\n{line}\n").startswith(f"line 3: {message}")


def test_a_line_with_too_few_or_too_many_columns_is_named() -> None:
    assert refusal(f"{HEAD}{ROW},0\n{ROW}\n") == "line 3 has 1 columns and the header 2"
    assert refusal(f"{HEAD}{ROW},0,0\n") == "line 2 has 3 columns and the header 2"


def test_the_most_steps_of_a_line_grow_with_its_length() -> None:
    rows = f"timestamp,steps,length\n{ROW},300,\n2026-03-02T01:00Z,4500,900\n2026-03-02T02:00Z,432000,86400\n"
    assert [(epoch.steps, epoch.length) for epoch in epochs(rows)] == [
        (300, MINUTE), (4500, 15 * MINUTE), (432000, timedelta(days=1))
    ]  # fmt: skip


def test_all_columns_in_any_order_are_understood() -> None:
    text = (
        "band,state,heart_rate,steps,posture,timestamp,length,intensity,kind,inferred\n"
        "left, walking ,90,34, upright,2026-03-02T02:30:00+02:30,120,7,129,\n"
        "left,,,0,,2026-03-02T00:02:00Z,,,,1\n"
    )
    assert by_band(text) == {
        "left": [
            Epoch(MONDAY, 2 * MINUTE, 34, 7, 90, State.WALKING, 129, False, Posture.UPRIGHT),
            minute(2, inferred=True),
        ]
    }
    assert abilities(text) == {"left": Abilities(vouches=True, reports_wear=True)}


# ------------------------------------------------------------------ the file as bytes


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}{ROW},7\n".encode(),
        f"{HEAD}{ROW},7\n".encode("utf-8-sig"),
        f"{HEAD}{ROW},7\n".replace("\n", "\r\n").encode(),
        f"{HEAD}{ROW},7\n".replace("\n", "\r").encode(),
        f'\n"timestamp", steps\n\n"{ROW}","7"\n\n'.encode().lstrip(),
    ],
    ids=["plain", "a byte order mark", "CRLF", "CR", "quotes and empty lines"],
)
def test_files_as_other_programs_write_them_are_understood(text: bytes) -> None:
    assert epochs(text) == [minute(0, 7)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}{ROW}".encode(), "line 2 does not end, and has 1 of 2 columns: the file was cut off while written"),
        (b"timestamp,ste", "line 1 does not end: the file was cut off while written"),
        (f"{HEAD}{ROW},7\n\0\0\0\n".encode(), "line 3 holds a zero byte: the file is damaged, or is no text"),
        (f"{HEAD}{ROW},7\n".encode("utf-16-le"), "line 1 holds a zero byte: the file is damaged, or is no text"),
        (f"{HEAD}{ROW},7\n".encode("utf-16")[:-1], "the file is not text in UTF-16: export it as UTF-8"),
        ("timestamp,steps,band\n2026-03-02T00:00Z,7,B\xe4nd\n".encode("latin-1"), "the file is not text in UTF-8"),
        (f'{HEAD}"{ROW},7\n'.encode(), "line 2: this is not CSV: unexpected end of data"),
        (f'{HEAD}"{ROW}"x,7\n'.encode(), "line 2: this is not CSV: ',' expected after '\"'"),
    ],
)
def test_a_damaged_file_is_refused(text: bytes, message: str) -> None:
    assert refusal(text).startswith(message)


class Endless(io.RawIOBase):
    """A file that never ends a line. It counts what was asked of it."""

    given = 0

    def __init__(self, start: bytes, then: bytes) -> None:
        self._start, self._then = start, then

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = (self._start or self._then * len(buffer))[: len(buffer)]
        self._start = self._start[len(chunk) :]
        buffer[: len(chunk)] = chunk
        self.given += len(chunk)
        assert self.given < 10**7, "a line without end is read without end"
        return len(chunk)


@pytest.mark.parametrize(
    ("start", "then", "message"),
    [
        (b"", b"x", "line 1 is too long"),
        (HEAD.encode(), b"x", "line 2 is too long"),
        (HEAD.encode() + b'"', b"\n", "line "),
    ],
    ids=["the first line", "another", "a quote that is never closed"],
)
def test_a_line_without_end_is_not_read_to_its_end(start: bytes, then: bytes, message: str) -> None:
    file = Endless(start, then)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=message):
            read_csv(io.BufferedReader(file), band=None, zone=None, now=LATER)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------------ local times


def test_a_local_time_is_that_of_the_zone() -> None:
    assert [epoch.start for epoch in epochs(f"{HEAD}2026-07-01T09:00,1\n2026-12-01T09:00,1\n", LONDON)] == [
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 12, 1, 9, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("0001-01-01T00:00", "Pacific/Kiritimati"),
        ("9999-12-31T23:59", "Pacific/Pago_Pago"),
        ("1970-01-01T00:00", "Europe/Rome"),
        ("2099-12-31T23:59", "America/New_York"),
    ],
)
def test_a_local_time_whose_year_in_utc_is_another_is_judged_by_that(local: str, zone: str) -> None:
    message = refusal(f"{HEAD}{local},0\n", ZoneInfo(zone))
    assert message == f"line 2: {local!r} is not in the years 1970 to 2099 of UTC"


def test_the_first_and_the_last_minute_of_the_years_are_taken_and_come_back(store: Store) -> None:
    imported(store, f"{HEAD}1969-12-31T14:00-10:00,1\n2100-01-01T13:59+14:00,2\n")
    out = io.StringIO()
    export_csv(store, out, None, None, LATER)
    assert [epoch.start for epoch in epochs(out.getvalue())] == [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2099, 12, 31, 23, 59, tzinfo=UTC),
    ]


def test_an_offset_is_worth_more_than_the_zone() -> None:
    assert epochs(f"{HEAD}2026-03-02T05:45+05:45,1\n", LONDON) == [minute(0, 1)]


def test_the_hour_that_comes_twice_is_read_in_the_order_of_the_file() -> None:
    # London, 25 October 2026: 02:00 BST becomes 01:00 GMT, at 01:00 UTC.
    local = [f"2026-10-25T01:{at:02}" for at in (0, 30, 59)]
    text = HEAD + "".join(f"{time},{steps}\n" for steps, time in enumerate([*local, *local, "2026-10-25T02:00"]))
    assert [(f"{epoch.start:%H:%M}", epoch.steps) for epoch in epochs(text, LONDON)] == [
        ("00:00", 0), ("00:30", 1), ("00:59", 2), ("01:00", 3), ("01:30", 4), ("01:59", 5), ("02:00", 6)
    ]  # fmt: skip


def test_a_time_that_the_clock_skipped_is_refused() -> None:
    # London, 29 March 2026: 01:00 GMT becomes 02:00 BST.
    assert epochs(f"{HEAD}2026-03-29T00:59,1\n2026-03-29T02:00,2\n", LONDON)[1].start == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )
    message = refusal(f"{HEAD}2026-03-29T00:59,1\n2026-03-29T01:30,2\n", LONDON)
    assert message == "line 3: 2026-03-29T01:30:00 does not exist in Europe/London: the clock skipped it"


# ------------------------------------------------------------------ the same line twice


def test_the_same_line_twice_counts_once() -> None:
    assert epochs(f"{HEAD}{ROW},7\n{ROW},7\n2026-03-02T01:00+01:00,7\n") == [minute(0, 7)]


@pytest.mark.parametrize("second", ["2026-03-02T00:00:00+00:00,8", "2026-03-02T01:00:00+01:00,6"])
def test_two_lines_that_contradict_each_other_are_both_named(second: str) -> None:
    message = refusal(f"{HEAD}{ROW},7\n2026-03-02T00:01Z,7\n{second}\n")
    assert message == "line 4 contradicts line 2, which is about the same time: remove one of them"


TWO = "timestamp,steps,band\n2026-03-02T00:00Z,1,left\n2026-03-02T00:00Z,2,right\n2026-03-02T00:01Z,3,\n"


def test_bands_are_kept_apart() -> None:
    assert by_band(TWO) == {"left": [minute(0, 1)], "right": [minute(0, 2)], "csv": [minute(1, 3)]}


def test_bands_that_are_made_one_may_not_contradict_each_other() -> None:
    assert refusal(TWO, band="both") == "line 3 contradicts line 2, which is about the same time: remove one of them"
    assert by_band(TWO.replace(",2,right", ",1,right"), band="both") == {"both": [minute(0, 1), minute(1, 3)]}


# ------------------------------------------------------------------ into the store


def test_a_second_import_adds_nothing(store: Store) -> None:
    assert imported(store, TWO) == Imported(lines=3, new=3, same=0)
    assert imported(store, TWO) == Imported(lines=3, new=0, same=3)
    assert [desk.name for desk in store.bands()] == ["left", "right", "csv"]
    assert len(list(store.all_epochs(None, None))) == 3


def test_a_file_that_says_states_vouches_for_its_wearer_and_one_that_does_not_does_not(store: Store) -> None:
    imported(store, f"{HEAD}{ROW},7\n", "bare")
    imported(store, f"timestamp,steps,heart_rate\n{ROW},7,60\n", "heart")
    imported(store, f"timestamp,steps,state\n{ROW},7,\n", "states")
    found = {desk.name: (desk.vouches, desk.reports_wear) for desk in store.bands()}
    assert found == {"bare": (False, False), "heart": (True, False), "states": (True, True)}
    imported(store, f"timestamp,steps,state\n{ROW},7,\n", "bare")
    assert store.bands()[0][5:8] == (False, True, True)


def test_an_import_that_is_refused_at_its_second_band_keeps_nothing_of_its_first(store: Store) -> None:
    band(store, "right")
    with pytest.raises(InputError, match="the band 'right' is not one of an import: give another name with --band"):
        imported(store, TWO)
    assert [desk.name for desk in store.bands()] == ["right"]
    assert list(store.all_epochs(None, None)) == []


EPOCHS = st.dictionaries(
    st.tuples(st.integers(0, 20_000), st.sampled_from([1, 10, 15, 60, 1440]), st.sampled_from(["a", 'b "2", x'])),
    st.tuples(
        st.integers(0, 300),
        st.none() | st.integers(0, 255),
        st.none() | st.integers(1, 300),
        st.none() | st.sampled_from(State),
        st.none() | st.integers(0, 2**32),
        st.booleans(),
        st.none() | st.sampled_from(Posture),
    ),
    max_size=20,
)


@given(EPOCHS)
def test_what_is_exported_is_imported_again_without_loss(
    drawn: dict[
        tuple[int, int, str], tuple[int, int | None, int | None, State | None, int | None, bool, Posture | None]
    ],
) -> None:
    with Store.in_memory() as first, Store.in_memory() as second:
        bands = {name: first.add_band(name=name, driver="huami", now=NOW).id for name in ("a", 'b "2", x')}
        for (at, length, name), rest in drawn.items():
            first.append(bands[name], [Epoch(MONDAY + at * MINUTE, length * MINUTE, *rest)])
        out = io.StringIO()
        assert export_csv(first, out, None, None, LATER) == Exported(len(drawn), 0)
        imported(second, out.getvalue())
        assert sorted(second.all_epochs(None, None), key=key) == sorted(first.all_epochs(None, None), key=key)
        again = io.StringIO()
        export_csv(second, again, None, None, LATER)
        assert sorted(again.getvalue().splitlines()) == sorted(out.getvalue().splitlines())


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'=1+1", "''=1+1"),
        ("''-", "'''-"),
        ("=" * 64, "'" + "=" * 64),
        ("'s-Gravenhage", "'s-Gravenhage"),
        ("desk-band", "desk-band"),
    ],
)
def test_a_name_that_begins_like_a_formula_is_quoted_and_comes_back(store: Store, name: str, cell: str) -> None:
    store.append(store.add_band(name=name, driver="csv", now=NOW).id, [minute(0, 1)])
    out = io.StringIO()
    export_csv(store, out, None, None, LATER)
    assert out.getvalue().splitlines()[1].endswith(f",{cell}")
    assert list(by_band(out.getvalue())) == [name]


def key(row: tuple[str, Epoch]) -> tuple[str, datetime, timedelta]:
    return row[0], row[1].start, row[1].length


def test_an_export_holds_what_starts_in_the_span(store: Store) -> None:
    desk = band(store, "desk, left")
    store.append(desk, [minute(0, 1), minute(1, 30, heart_rate=90), minute(2, 3)])
    out = io.StringIO()
    assert export_csv(store, out, MONDAY + MINUTE, MONDAY + 2 * MINUTE, LATER) == Exported(1, 0)
    assert out.getvalue() == (
        "timestamp,steps,length,intensity,heart_rate,kind,inferred,band\n"
        '2026-03-02T00:01:00+00:00,30,60,,90,,,"desk, left"\n'
    )


def test_postures_are_exported_if_there_is_one_and_vouch_for_nobody(store: Store) -> None:
    text = f"timestamp,steps,length,intensity,heart_rate,posture,kind,inferred,band\n{ROW},7,60,,,lying,,,thigh\n"
    imported(store, text)
    out = io.StringIO()
    export_csv(store, out, None, None, LATER)
    assert out.getvalue() == text
    assert [(desk.vouches, desk.reports_wear) for desk in store.bands()] == [(False, False)]


def test_two_lines_that_differ_in_their_posture_contradict_each_other() -> None:
    message = refusal(f"timestamp,steps,posture\n{ROW},7,lying\n{ROW},7,sitting\n")
    assert message == "line 3 contradicts line 2, which is about the same time: remove one of them"


def test_states_are_exported_although_the_band_does_not_report_wear(store: Store) -> None:
    store.append(band(store), [minute(0, state=State.ASLEEP)])
    out = io.StringIO()
    export_csv(store, out, None, None, LATER)
    (row,) = csv.DictReader(io.StringIO(out.getvalue()))
    assert row["state"] == "asleep"
