"""Each distinct cell is checked once: so a row means in a long file what it means alone, and is refused as it is alone.

A file of one row has no cell that was known before, so the same reader, row by row, is the slow and sure one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import export_csv, read_csv
from hipsync.formats.json_archive import read_json
from hipsync.formats.known_cells import LONGEST, MOST, KnownCells
from hipsync.formats.meaning import starts, wrong_start
from hipsync.formats.parquet_minutes import read_parquet
from hipsync.model import MINUTE, Epoch, Posture, State
from hipsync.store import Store
from hipsync.store.rows import TIMES
from support.builders import MONDAY
from support.stored import HOUR, NOW

Read = list[tuple[str, Epoch]] | str
"""The epochs of a file with the names of their bands, in order of time; or why it is refused."""

A_QUARTER = settings.default.max_examples // 4 if settings.default else 5
"""How many examples each wrong cell gets: there are fifty of them, and each example reads a dozen files."""

# ------------------------------------------------------------------ CSV

RIGHT: Mapping[str, Sequence[str]] = {
    "steps": ("0", "7", " 7", "300"),
    "length": ("", "60", "900"),
    "intensity": ("", "0", "1", "33"),
    "heart_rate": ("", "1", "60", "71"),
    "state": ("", "asleep", " asleep", "standing"),
    "posture": ("", "standing", "upright"),
    "kind": ("", "1", "80"),
    "inferred": ("", "0", "1"),
    "band": ("", "left", "right", "'=x", "=x"),
}
WRONG: Mapping[str, Sequence[str]] = {
    "steps": ("", "-1", "301", "4500", "7.0"),
    "length": ("0", "90", "120s"),
    "intensity": ("-3", "asleep"),
    "heart_rate": ("0", "301"),
    "state": ("upright", "dozing"),
    "posture": ("asleep", "1"),
    "kind": ("x",),
    "inferred": ("2", "True"),
    "band": ("\x1b[2J",),
}
LINES = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in RIGHT.items()}), min_size=1, max_size=5
)


def each(wrong: Mapping[str, Sequence[object]]) -> list[tuple[str, Any]]:
    return [(name, cell) for name, cells in wrong.items() for cell in cells]


def read_lines(lines: Sequence[Mapping[str, str]], first: int) -> Read:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("timestamp", *RIGHT))
    for at, line in enumerate(lines, first):
        table.writerow([(MONDAY + at * MINUTE).isoformat(), *(line.get(name, "") for name in RIGHT)])
    try:
        with read_csv(io.BytesIO(text.getvalue().encode()), band=None, zone=None, now=NOW) as read:
            found = [(name, epoch) for name in read.abilities() for epoch in read.epochs.epochs(name)]
    except InputError as error:
        return str(error)
    return sorted(found, key=lambda each: each[1].start)


def one_by_one(alone: Sequence[Read], first_line: int) -> Read:
    """What a file says of which the rows alone say this, if the first row stands in this line."""
    found: list[tuple[str, Epoch]] = []
    for number, read in enumerate(alone, first_line):
        if isinstance(read, str):
            return read.replace(f"line {first_line}:", f"line {number}:")
        found += read
    return found


@pytest.mark.parametrize(("name", "cell"), each(WRONG))
@settings(deadline=None, max_examples=A_QUARTER)
@given(lines=LINES)
def test_a_csv_line_means_what_it_means_alone(lines: list[dict[str, str]], name: str, cell: str) -> None:
    lines = [*lines, *lines, *({**line, name: cell} for line in lines)]  # each other cell was known before
    alone = [read_lines([line], at) for at, line in enumerate(lines)]
    assert read_lines(lines, 0) == one_by_one(alone, 2)


@pytest.mark.parametrize(("steps", "length"), [("301", "60"), ("601", "120")])
def test_steps_that_a_longer_time_allows_are_too_many_in_a_shorter_one(steps: str, length: str) -> None:
    lines = [{"steps": count, "length": long} for count, long in ((steps, "900"), ("7", length), (steps, length))]
    most = 300 * int(length) // 60
    assert read_lines(lines, 0) == f"line 4: steps '{steps}' is not a whole number from 0 to {most}"


# ------------------------------------------------------------------ JSON

RIGHT_CELLS: Mapping[str, Sequence[object]] = {
    "steps": (0, 1, 7, 300),
    "length": (..., 60, 900),
    "intensity": (..., 0, 1),
    "heart_rate": (..., 1, 60),
    "state": (..., "asleep", "standing"),
    "posture": (..., "standing", "upright"),
    "kind": (..., 0, 1, 80),
    "inferred": (..., 0, 1),
    "band": ("left", "right"),
}
WRONG_CELLS: Mapping[str, Sequence[object]] = {
    "steps": (..., True, 1.0, 7.0, "7", 301, 4500, 10**14, 10**25, None),
    "length": (60.0, 90, "60", [60]),
    "intensity": (True, False, None, -1),
    "heart_rate": (True, 60.0, 0),
    "state": ("upright", "", 1),
    "posture": ("asleep", "", None),
    "kind": (True, False, {}),
    "inferred": (True, False, 2),
    "band": ("other", ..., 1),
    "mood": (1, "asleep", None),
    "timestamp": ("", "yesterday", 5, None),
}
"""Some are equal in Python to right ones, though they are not the same JSON: 1, 1.0 and true. `...` is no cell."""
ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in RIGHT_CELLS.items()}), min_size=1, max_size=5
)


def read_rows(rows: Sequence[Mapping[str, object]], first: int) -> Read:
    band = {"driver": "sig", "address": None, "advertised_name": "", "simulated": False, "vouches": False,
            "reports_wear": False, "added": MONDAY.isoformat()}  # fmt: skip
    bands = [{"name": name, **band} for name in ("left", "right")]
    whole = {"version": 1, "bands": bands, **{table: list[object]() for table in TIMES}}
    stamped: list[dict[str, object]] = []
    for at, row in enumerate(rows, first):
        cells = {"timestamp": (MONDAY + at * MINUTE).isoformat(), **row}
        stamped.append({name: cell for name, cell in cells.items() if cell is not ...})
    text = json.dumps(whole)[:-1] + ', "epochs": [\n' + ",\n".join(map(json.dumps, stamped)) + "\n]}\n"
    try:
        with read_json(io.StringIO(text), NOW) as read:
            found = [(name, epoch) for name in read.rows.bands() for epoch in read.rows.epochs(name)]
    except InputError as error:
        return str(error)
    return sorted(found, key=lambda each: each[1].start)


@pytest.mark.parametrize(("name", "cell"), each(WRONG_CELLS))
@settings(deadline=None, max_examples=A_QUARTER)
@given(rows=ROWS)
def test_a_row_of_an_archive_means_what_it_means_alone(rows: list[dict[str, Any]], name: str, cell: object) -> None:
    rows = [*rows, *rows, *({**row, name: cell} for row in rows)]
    alone = [read_rows([row], at) for at, row in enumerate(rows)]
    assert read_rows(rows, 0) == one_by_one(alone, 2)


@pytest.mark.parametrize(
    ("column", "right", "wrong"),
    [("steps", 1, True), ("steps", 1, 1.0), ("inferred", 1, True), ("heart_rate", 60, 60.0), ("kind", 0, False)],
)
def test_what_python_takes_for_a_number_is_none(column: str, right: object, wrong: object) -> None:
    row: dict[str, object] = {"steps": 1, "band": "left"}
    assert read_rows([{**row, column: right}, {**row, column: wrong}], 0) == (
        f"line 3: {column} is {wrong!r}, which does not belong there"
    )


# ------------------------------------------------------------------ Parquet


@pytest.mark.parametrize(
    ("column", "wrong", "why"),
    [
        ("steps", 301, "steps '301' is not a whole number from 0 to 300"),
        ("heart_rate", 0, "heart_rate '0' is not a whole number from 1 to 300"),
        ("state", "dozing", "there is no state 'dozing': known are "),
        ("band", None, "no band is named"),
        ("timestamp", None, "there is no timestamp with a zone"),
        ("timestamp", MONDAY + timedelta(seconds=1), "'2026-03-02T00:00:01+00:00' does not lie on a whole minute"),
    ],
)
def test_a_wrong_cell_of_parquet_is_found_behind_known_ones(column: str, wrong: object, why: str) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    right: dict[str, object] = {"steps": 300, "heart_rate": 60, "state": "asleep", "band": "left"}
    rows: list[dict[str, object]] = [{"timestamp": MONDAY + at * MINUTE, **right} for at in range(3)]
    rows[2][column] = wrong
    for count in (2, 3):
        file = io.BytesIO()
        parquet.write_table(arrow.Table.from_pylist(rows[:count]), file)
        if count == 2:
            with read_parquet(file, NOW) as read:
                assert list(read.epochs.epochs("left")) == [
                    Epoch(MONDAY + at * MINUTE, MINUTE, 300, heart_rate=60, state=State.ASLEEP) for at in range(2)
                ]
        else:
            with pytest.raises(InputError) as caught:
                read_parquet(file, NOW)
            assert str(caught.value).startswith(f"row 3: {why}")


# ------------------------------------------------------------------ out

STORED = st.builds(
    Epoch,
    st.just(MONDAY),
    st.sampled_from([MINUTE, 15 * MINUTE]),
    st.sampled_from([0, 7, 300, 301, 4500, 4501]),
    st.sampled_from([None, 0, 33, -1, 2**31 + 1]),
    st.sampled_from([None, 60, 0, 301]),
    st.sampled_from([None, State.ASLEEP]),
    st.sampled_from([None, 80, -1]),
    st.booleans(),
    st.sampled_from([None, Posture.LYING]),
)
"""Epochs that a store takes, some of them such that no import does."""


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.booleans(), STORED), max_size=12), st.integers(0, 12))
def test_an_export_writes_each_row_as_it_is_written_alone(rows: list[tuple[bool, Epoch]], known_hours: int) -> None:
    """What lies after `known_hours` is of the future, and is left out."""
    now = MONDAY + known_hours * HOUR
    with Store.in_memory() as store:
        bands = [store.add_band(name=name, driver="csv", now=MONDAY, reports_wear=True).id for name in ("=1", "b,c")]
        for at, (which, epoch) in enumerate(rows):
            store.append(bands[which], [epoch._replace(start=MONDAY + at * HOUR)])
        head, whole, left_out = exported(store, None, None, now)
        alone = [exported(store, MONDAY + at * HOUR, MONDAY + (at + 1) * HOUR, now) for at in range(len(rows))]
        assert whole == [line for _, lines, _ in alone for line in lines]
        assert left_out == sum(out for _, _, out in alone)
        assert {head} == {head, *(head for head, _, _ in alone)}


def exported(store: Store, since: datetime | None, until: datetime | None, now: datetime) -> tuple[str, list[str], int]:
    """The first line, the others, and how many rows were left out."""
    text = io.StringIO()
    done = export_csv(store, text, since, until, now)
    head, *lines = text.getvalue().splitlines()
    assert done.epochs == len(lines)
    return head, lines, done.left_out


# ------------------------------------------------------------------ what it rests upon


@given(st.integers(-(10**9), 2**32), st.sampled_from([0, 0, 1, 999_999]))
def test_the_seconds_at_which_an_epoch_may_begin_are_those_of_the_rule(at_s: int, microseconds: int) -> None:
    start = datetime.fromtimestamp(at_s, UTC) + timedelta(microseconds=microseconds)
    for now in (None, NOW, NOW + timedelta(seconds=59, microseconds=1), start, start - timedelta(minutes=5)):
        for at in (start, start.replace(microsecond=0), start.replace(second=0, microsecond=0)):
            allowed = at.timestamp().is_integer() and int(at.timestamp()) in starts(now)
            assert allowed is (wrong_start(at, now) is None)


def test_no_more_rows_are_remembered_than_fit() -> None:
    known = KnownCells[int]()
    for number in range(MOST + 1):
        known.learn((0, 60, number, 0, "band"), (0, 1, number, 0, 5))
    assert known.values((0, 60, MOST - 1, 0, "band")) == (0, 1, MOST - 1, 0, 5)
    assert known.values((0, 60, MOST, 0, "band")) is None


def test_no_long_row_is_remembered() -> None:
    """A quoted cell may hold many lines of blanks around a number."""
    known = KnownCells[int]()
    known.learn(("60" + " " * LONGEST, "60", "", ""), (60, 60, 0, 0))
    assert known.values(("60" + " " * LONGEST, "60", "", "")) is None


@pytest.mark.parametrize("name", ["length", "inferred"])
def test_a_column_of_parquet_whose_cells_are_lists_in_disguise_is_refused(name: str) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pairs = arrow.array([[1, 2]], arrow.list_(arrow.int32(), 2))
    tensors = arrow.ExtensionArray.from_storage(arrow.fixed_shape_tensor(arrow.int32(), (2,)), pairs)
    table = arrow.Table.from_pylist([{"timestamp": MONDAY, "steps": 1, "band": "left"}])
    file = io.BytesIO()
    parquet.write_table(table.append_column(name, tensors), file)
    with pytest.raises(InputError, match=rf"the column '{name}' holds .*, which does not belong there"):
        read_parquet(file, NOW)
