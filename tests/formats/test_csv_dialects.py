"""CSV as spreadsheets and other programs write it: taken as it is meant, asked about, or refused in one line."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import MinuteTable, read_csv
from hipsync.formats.replayed import IN_MEMORY, Replayed
from hipsync.formats.written_dates import DateOrder, Doubt, unasked

LATER = datetime(2027, 1, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
Minute = tuple[str, int, int | None]
"""Start in UTC, steps, heart rate."""


def never(doubt: Doubt) -> DateOrder:
    raise AssertionError(doubt)


def table_of(
    content: str | bytes,
    *,
    zone: ZoneInfo | None = LONDON,
    dates: DateOrder | None = None,
    ask: Callable[[Doubt], DateOrder] = never,
) -> MinuteTable:
    file = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    return read_csv(file, band=None, zone=zone, now=LATER, dates=dates, ask=ask)


def minutes_of(table: MinuteTable) -> list[Minute]:
    with table:
        return [
            (f"{epoch.start:%Y-%m-%d %H:%M}", epoch.steps, epoch.heart_rate)
            for band in table.abilities()
            for epoch in table.epochs.epochs(band)
        ]


def minutes(
    content: str | bytes, dates: DateOrder | None = None, ask: Callable[[Doubt], DateOrder] = never
) -> list[Minute]:
    return minutes_of(table_of(content, dates=dates, ask=ask))


def refusal(
    content: str | bytes,
    dates: DateOrder | None = None,
    ask: Callable[[Doubt], DateOrder] = unasked,
    zone: ZoneInfo | None = LONDON,
) -> str:
    with pytest.raises(InputError) as caught:
        table_of(content, zone=zone, dates=dates, ask=ask)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------ cells and columns

TWO: list[Minute] = [("2026-11-20 09:00", 5, 71), ("2026-11-20 09:01", 0, None)]


@pytest.mark.parametrize(
    "content",
    [
        "timestamp;steps;heart_rate\n2026-11-20T09:00Z;5;71\n2026-11-20T09:01Z;0;\n",
        "timestamp\tsteps\theart_rate\n2026-11-20T09:00Z\t5\t71\n2026-11-20T09:01Z\t0\t\n",
        '"timestamp";"steps";"heart_rate"\n"2026-11-20T09:00Z";"5";"71"\n"2026-11-20T09:01Z";"0";""\n',
        "Timestamp, STEPS ,Heart Rate\n2026-11-20T09:00Z,5,71\n2026-11-20T09:01Z,0,\n",
        "HR;time;Steps\n71,0;2026-11-20T09:00Z;5,00\n;2026-11-20T09:01Z;0,0\n",
        'datetime,steps,heartrate\n2026-11-20T09:00Z,5.0,"71,0"\n2026-11-20T09:01Z,0.0,\n',
        "Date;Time;Steps;HR\n20.11.2026;09:00;5;71\n20.11.2026;09:01:00;0;\n",
        "steps,time,hr,date\n5,9:00 AM,71,2026-11-20\n0,9:01 am,,2026-11-20\n",
        "timestamp;steps;hr\r\n2026-11-20T09:00Z;5;71\r\n2026-11-20T09:01Z;0;\r\n;;\r\n;;\r\n",
        "timestamp;steps;hr\r2026-11-20T09:00Z;5;71\r2026-11-20T09:01Z;0;\r",
        "timestamp,steps,hr\n2026-11-20T09:00Z,5,71\n2026-11-20T09:01Z,0,",
    ],
    ids=[
        "semicolons", "tabs", "quotes", "capitals", "synonyms and decimal commas", "decimal points", "two columns",
        "two columns with AM", "CRLF and empty rows", "CR", "no line end at the end",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_other_programs_write_is_taken(content: str, encoding: str) -> None:
    assert minutes(content.encode(encoding)) == TWO


def test_utf_16_may_have_its_bytes_in_either_order() -> None:
    text = "\ufefftimestamp\tsteps\r\n2026-11-20T09:00Z\t5\r\n"
    assert minutes(text.encode("utf-16-be")) == minutes(text.encode("utf-16-le")) == [("2026-11-20 09:00", 5, None)]


def test_a_row_of_empty_cells_is_none_and_one_with_a_cell_is_refused() -> None:
    assert refusal("timestamp;steps\n2026-11-20T09:00Z;5\n;3\n").startswith("line 3: '' is not a timestamp")


@pytest.mark.parametrize(
    "content",
    [b"timestamp;steps\n2026-11-20T09:00:00+00:00;0\n", b"timestamp,steps\n2026-11-20T09:00:00+00:00,0"],
    ids=["32-semicolon.csv", "33-no-final-newline.csv"],
)
def test_the_shared_cases_are_taken(content: bytes) -> None:
    assert minutes(content) == [("2026-11-20 09:00", 0, None)]


# ------------------------------------------------------------------ the end of a file


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\r"])
def test_a_file_that_ends_in_a_row_says_so(ending: str) -> None:
    with table_of(f"timestamp,steps\n2026-11-20T09:00Z,5{ending}") as table:
        assert table.unended is (ending == "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("timestamp,steps\n2026-11-20T09:00Z", "line 2 does not end, and has 1 of 2 columns: the file was cut off"),
        ("timestamp,steps,band\n2026-11-20T09:00Z,5,left\n2026-11-20T09:01Z,5,le", "line 3 does not end, nor does its"),
        ("timestamp,steps,band\n2026-11-20T09:00Z,5,left\n2026-11-20T09:01Z,5,lef", "line 3 does not end, nor does it"),
        (
            "steps,timestamp\n5,2026-11-20T09:00+01:00\n5,2026-11-20T09:01",
            "line 3 does not end, nor does its last cell",
        ),
        ("steps,timestamp\n5,20.11.2026 09:00\n5,20.11.2026", "line 3 does not end, nor does its last cell: the file"),
        ('timestamp,steps\n2026-11-20T09:00Z,5\n2026-11-20T09:01Z,"5', "line 3: this is not CSV: unexpected end of da"),
        ("timestamp,steps", "line 1 does not end: the file was cut off while written"),
    ],
)
def test_a_file_that_was_cut_off_is_refused(content: str, message: str) -> None:
    assert refusal(content).startswith(message)


@pytest.mark.parametrize(
    "content",
    [
        "timestamp,steps,band\n2026-11-20T09:00Z,5,left\n2026-11-20T09:01Z,0,left",
        "timestamp,steps,band\n2026-11-20T09:00Z,5,left\n2026-11-20T09:01Z,0,left 2",
        "timestamp,steps,band\n2026-11-20T09:00Z,5,left\n2026-11-20T09:01Z,0,right",
        "timestamp,steps,band\n2026-11-20T09:00Z,5,\n2026-11-20T09:01Z,0,",
        "timestamp,band,steps\n2026-11-20T09:00Z,left,5\n2026-11-20T09:01Z,le,0",
        "steps,timestamp\n5,2026-11-20T09:00+00:00\n0,2026-11-20T08:01-01:00",
        "steps,timestamp\n5,20.11.2026 9:00\n0,20.11.2026 09:01",
    ],
)
def test_a_last_cell_without_an_end_that_looks_whole_is_taken(content: str) -> None:
    assert sorted(steps for _, steps, _ in minutes(content)) == [0, 5]


# ------------------------------------------------------------------ dates

HEAD = "timestamp;steps\n"
NOON = [("2026-11-20 12:30", 5, None)]


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-20 12:30", "2026/11/20 12:30", "2026-11-20 12:30:00.000", "20.11.2026 12:30", "20.11.2026 12:30:00",
        "20/11/2026 12:30", "20-11-2026 12:30", "11/20/2026 12:30", "11/20/2026 12:30 PM", "11/20/2026 12:30:00 pm",
        "11/20/2026, 12:30:00\u202fPM", "20/11/2026 12:30 p.m.", "2026/11/20 12:30 PM", "20.11.2026  12:30",
    ],
)  # fmt: skip
def test_a_date_of_a_spreadsheet_is_read(stamp: str) -> None:
    assert minutes(f"{HEAD}{stamp};5\n") == NOON


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("20.11.2026 12:05 AM", "2026-11-20 00:05"),
        ("20.11.2026 1:05 AM", "2026-11-20 01:05"),
        ("20.11.2026 11:05 PM", "2026-11-20 23:05"),
        ("4.12.2026 0:00", "2026-12-04 00:00"),
        ("04.04.2026 12:00", "2026-04-04 11:00"),
        ("4/4/2026 12:00", "2026-04-04 11:00"),
        ("13/5/2026", "2026-05-12 23:00"),
    ],
)
def test_the_hours_and_days_of_a_spreadsheet_are_read(stamp: str, at: str) -> None:
    assert minutes(f"{HEAD}{stamp};5\n") == [(at, 5, None)]


@pytest.mark.parametrize(
    ("stamp", "message"),
    [
        ("20.11.26 9:00", "'20.11.26' has a year of 2 digits: write years with four"),
        ("20/11/26 9:00", "'20/11/26' has a year of 2 digits: write years with four"),
        ("16/04/12 9:00", "'16/04/12' has a year of 2 digits: write years with four"),
        ("31.11.2026 9:00", "'31.11.2026 9:00' is not a timestamp: write it like "),
        ("20.11.2026 24:00", "'20.11.2026 24:00' is not a timestamp"),
        ("20.11.2026 13:00 PM", "'20.11.2026 13:00 PM' is not a timestamp"),
        ("20.11.2026 0:00 AM", "'20.11.2026 0:00 AM' is not a timestamp"),
        ("20.11.2026 9:00 XM", "'20.11.2026 9:00 XM' is not a timestamp"),
        ("20.11.2026 9", "'20.11.2026 9' is not a timestamp"),
        ("20.11/2026 9:00", "'20.11/2026 9:00' is not a timestamp"),
        ("20.11.2026 9:00:30", "'20.11.2026 9:00:30' does not lie on a whole minute"),
        ("20.11.2126 9:00", "'20.11.2126 9:00' is not in the years 1970 to 2099 of UTC"),
        ("20.11.0000 9:00", "'20.11.0000 9:00' is not a timestamp"),
        ("\u0662\u0660.11.2026 9:00", "'\u0662\u0660.11.2026 9:00' is not a timestamp"),
        ("29.03.2026 1:30", "2026-03-29T01:30:00 does not exist in Europe/London: the clock skipped it"),
        ("45981.375", "'45981.375' is not a timestamp"),
    ],
)
def test_a_date_that_is_none_is_refused_with_its_line(stamp: str, message: str) -> None:
    assert refusal(f"{HEAD}19.11.2026 9:00;1\n{stamp};5\n").startswith(f"line 3: {message}")


def test_a_local_date_needs_a_zone_before_anything_is_asked() -> None:
    assert refusal(f"{HEAD}4/12/2026 9:00;5\n", ask=never, zone=None) == (
        "line 2: '4/12/2026 9:00' has no offset from UTC: add one, or say --zone Europe/London"
    )


def days(*stamps: str) -> str:
    return HEAD + "".join(f"{stamp} 12:00;5\n" for stamp in stamps)


@pytest.mark.parametrize(
    ("stamps", "starts"),
    [
        (["4/2/2026", "13/2/2026"], ["2026-02-04", "2026-02-13"]),
        (["4/2/2026", "4/13/2026"], ["2026-04-02", "2026-04-13"]),
        (["04-02-2026", "13-02-2026"], ["2026-02-04", "2026-02-13"]),
        (["3/3/2026", "2/1/2026", "1/31/2026"], ["2026-01-31", "2026-02-01", "2026-03-03"]),
    ],
)
def test_a_number_over_12_anywhere_tells_the_order_of_the_whole_file(stamps: list[str], starts: list[str]) -> None:
    assert [start[:10] for start, _, _ in minutes(days(*stamps))] == starts


def test_the_proof_may_stand_behind_more_than_is_kept_in_memory() -> None:
    wide = "5" + " " * 900
    many = "".join(f"{day}/2/2026 {clock // 60}:{clock % 60:02};{wide}\n" for day in (1, 2) for clock in range(600))
    assert len(many) > IN_MEMORY
    found = minutes(f"{HEAD}{many}13/2/2026 12:00;7\n")
    assert (len(found), found[600], found[-1]) == (1201, ("2026-02-02 00:00", 5, None), ("2026-02-13 12:00", 7, None))


def test_where_nothing_tells_the_order_it_is_asked_once() -> None:
    asked = list[Doubt]()

    def answer(order: DateOrder) -> Callable[[Doubt], DateOrder]:
        def said(doubt: Doubt) -> DateOrder:
            asked.append(doubt)
            return order

        return said

    text = days("4/4/2016", "4/12/2016", "5/11/2016")
    assert [start[:10] for start, _, _ in minutes(text, ask=answer(DateOrder.MDY))] == [
        "2016-04-04", "2016-04-12", "2016-05-11"
    ]  # fmt: skip
    assert [start[:10] for start, _, _ in minutes(text, ask=answer(DateOrder.DMY))] == [
        "2016-04-04", "2016-11-05", "2016-12-04"
    ]  # fmt: skip
    assert asked == [Doubt("4/12/2016", "12th of April", "4th of December")] * 2


@pytest.mark.parametrize(
    ("date", "month_first", "day_first"),
    [
        ("1/2/2026", "2nd of January", "1st of February"),
        ("03/11/2026", "11th of March", "3rd of November"),
        ("12/10/2026", "10th of December", "12th of October"),
    ],
)
def test_where_nobody_can_be_asked_the_option_is_named(date: str, month_first: str, day_first: str) -> None:
    assert refusal(days(date)) == (
        f"{date} may be the {month_first} (then add --dates mdy) or the {day_first} (--dates dmy)"
    )


def test_nothing_is_asked_where_the_order_makes_no_difference_or_was_said() -> None:
    assert minutes(days("4/4/2016", "5/5/2016"))[0][0] == "2016-04-04 11:00"
    assert minutes(days("4/12/2016"), DateOrder.DMY)[0][0] == "2016-12-04 12:00"
    assert minutes(days("4/12/2016"), DateOrder.MDY)[0][0] == "2016-04-12 11:00"
    assert minutes(days("4.12.2016"), DateOrder.MDY)[0][0] == "2016-04-12 11:00"


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (
            ["4/12/2016", "13/4/2016", "4/13/2016"],
            "line 4: '4/13/2016 12:00' is not a timestamp: write it like 2026-11",
        ),
        (["13/13/2016"], "line 2: '13/13/2016 12:00' is not a timestamp"),
        (["2026-11-20", "4/12/2016"], "line 3: '4/12/2016' does not tell day and month: say it with --dates"),
    ],
)
def test_dates_of_two_orders_are_refused(stamps: list[str], message: str) -> None:
    assert refusal(days(*stamps)).startswith(message)


def test_the_order_of_the_file_is_named_where_a_date_contradicts_it() -> None:
    assert refusal(days("13/4/2016", "4/13/2016")).endswith("; in this file the day comes first")
    assert refusal(days("4/13/2016"), DateOrder.DMY).endswith("; in this file the day comes first")
    assert refusal(days("4/13/2016", "13/4/2016")).endswith("; in this file the month comes first")


def test_the_hour_that_comes_twice_is_read_in_the_order_of_the_file() -> None:
    text = HEAD + "".join(
        f"25/10/2026 {clock};{steps}\n" for steps, clock in enumerate(["1:00", "1:30", "1:00", "1:30"])
    )
    assert [(start[-5:], steps) for start, steps, _ in minutes(text)] == [
        ("00:00", 0), ("00:30", 1), ("01:00", 2), ("01:30", 3)
    ]  # fmt: skip


# ------------------------------------------------------------------ a stream that is read twice


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time and cannot be read again."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._rest.read(min(len(buffer), 3))
        buffer[: len(part)] = part
        return len(part)


def test_a_pipe_is_read_as_a_file_is() -> None:
    content = days("4/2/2026", "13/2/2026").encode("utf-16")
    pipe = Trickle(content)
    found = read_csv(io.BufferedReader(pipe), band=None, zone=LONDON, now=LATER, ask=never)
    assert minutes_of(found) == minutes(content)


def test_a_stream_begins_anew_until_it_is_settled() -> None:
    with Replayed(io.BytesIO(b"0123456789")) as replayed:
        assert (replayed.start(4), replayed.read(6), replayed.read(1)) == (b"0123", b"0123", b"4")
        replayed.again()
        assert replayed.read(3) == b"012"
        replayed.settle()
        assert replayed.readall() == b"0123456789"
        replayed.again()
        assert replayed.readall() == b"01234"


# ------------------------------------------------------------------ damages

RNG_ROWS = [(f"2026-11-{13 + at // 30} 09:{at % 30:02}", at * 7 % 101, 60 + at % 7 or None) for at in range(60)]


def written(form: str) -> tuple[list[str], list[list[str]], str, str]:
    """Header, rows, separator and encoding of a good file."""
    stamps = [datetime.fromisoformat(stamp) for stamp, _, _ in RNG_ROWS]
    steps, beats = [str(row[1]) for row in RNG_ROWS], [str(row[2]) for row in RNG_ROWS]
    match form:
        case "plain":
            return (
                ["timestamp", "steps", "heart_rate"],
                rows([f"{at:%Y-%m-%dT%H:%M:%S}+00:00" for at in stamps], steps, beats),
                ",",
                "utf-8",
            )
        case "excel in german":
            return (
                ["Timestamp", "Steps", "Heart Rate"],
                rows([f"{at:%d.%m.%Y %H:%M}" for at in stamps], steps, [f"{beat},0" for beat in beats]),
                ";",
                "utf-8-sig",
            )
        case "unicode text":
            return (
                ["timestamp", "steps", "hr"],
                rows([f"{at:%d/%m/%Y %H:%M}" for at in stamps], steps, beats),
                "\t",
                "utf-16",
            )
        case "american":
            return (
                ["steps", "hr", "time"],
                rows(steps, beats, [f"{at.month}/{at.day}/{at.year} {at.hour}:{at:%M} AM" for at in stamps]),
                ",",
                "utf-8",
            )
        case _:
            return (
                ["date", "time", "hr", "steps", "band"],
                rows(
                    [f"{at:%Y-%m-%d}" for at in stamps],
                    [f"{at:%H:%M}" for at in stamps],
                    beats,
                    steps,
                    ["my band"] * len(steps),
                ),
                ";",
                "utf-8",
            )


def rows(*columns: Sequence[str]) -> list[list[str]]:
    return [list(row) for row in zip(*columns, strict=True)]


def joined(header: Sequence[str], body: Sequence[Sequence[str]], separator: str) -> str:
    return "".join(separator.join(row) + "\r\n" for row in [header, *body])


def damaged(rng: random.Random, form: str) -> tuple[str, bytes]:
    """A kind of damage, and a file with it."""
    header, body, separator, encoding = written(form)
    match kind := rng.choice(["cut", "doubled", "columns", "encoding", "cell", "zeros"]):
        case "cut":
            whole = joined(header, body, separator).encode(encoding)
            return kind, whole[: rng.randrange(len(whole))]
        case "doubled":
            body = sorted(body + rng.choices(body, k=9), key=body.index) if rng.random() < 0.5 else body + body[:7]
        case "columns":
            order = rng.sample(range(len(header)), len(header))
            header, body = [header[at] for at in order], [[row[at] for at in order] for row in body]
        case "encoding":
            return kind, joined(header, body, separator).encode(
                rng.choice(["utf-16-le", "utf-16-be", "utf-32", "cp037"])
            )
        case "cell":
            rng.choice(body)[rng.randrange(len(header))] = rng.choice(
                ["x", "1e9", "-1", "nan", "9" * 400, '"', "\0", "13/13/13", "4/12/2216 9:00", "\u0663", "1.000", "2.5"]
            )
        case _:
            torn = bytearray(joined(header, body, separator).encode(encoding))
            at = rng.randrange(len(torn))
            torn[at : at + 512] = bytes(len(torn[at : at + 512]))
            return kind, bytes(torn)
    return kind, joined(header, body, separator).encode(encoding)


FORMS = ["plain", "excel in german", "unicode text", "american", "two columns"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rounds", [40, pytest.param(200, marks=pytest.mark.ring)])
def test_a_damaged_file_is_one_line_or_its_rows_and_never_half_of_one(form: str, rounds: int) -> None:
    rng, good = random.Random(f"17 {form}"), set(RNG_ROWS)
    taken = refused = 0
    for _ in range(rounds):
        kind, content = damaged(rng, form)
        found = rows_or_refusal(content)
        if isinstance(found, str):
            refused += 1
            assert "\n" not in found
            assert len(found) <= 300
            assert kind not in {"doubled", "columns"}, found
            continue
        taken += 1
        assert set(found) <= good
        if kind in {"doubled", "columns"}:
            assert found == RNG_ROWS
    assert taken > rounds // 5
    assert refused > rounds // 5


def rows_or_refusal(content: bytes) -> list[Minute] | str:
    """The rows of a file, without a last one of which the command says that it may be half of one; or the refusal."""
    try:
        table = table_of(content, ask=unasked)
    except InputError as error:
        return str(error)
    return minutes_of(table)[: -1 if table.unended else None]


def test_the_good_files_are_all_the_same_rows() -> None:
    for form in FORMS:
        header, body, separator, encoding = written(form)
        assert minutes(joined(header, body, separator).encode(encoding)) == RNG_ROWS
    assert timedelta(0) < LATER - datetime.fromisoformat(f"{RNG_ROWS[-1][0]}+00:00")
